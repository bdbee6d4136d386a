"""A scanner's rhythm is told from a person's, key by key."""

from dataclasses import dataclass, field

import pytest

from station.gui.wedge_buffer import GS, Kind, Stroke, WedgeBuffer, WedgeSettings

ENTER, TAB, SHIFT, LEFT = 1, 2, 3, 4
KINDS = {
    "\r": (Kind.TERMINATOR, ENTER),
    "\t": (Kind.TERMINATOR, TAB),
    "^": (Kind.MODIFIER, SHIFT),
    "<": (Kind.OTHER, LEFT),
    "\x02": (Kind.PREFIX, 5),
}


@dataclass
class Hands:
    """Types into a buffer; `got` is what the widgets behind it would see, in order."""

    buffer: WedgeBuffer[str] = field(default_factory=WedgeBuffer)
    now_ms: int = 1_000
    got: list[str] = field(default_factory=list)
    scans: list[str] = field(default_factory=list)

    def press(self, sign: str, *, after_ms: int = 5, repeat: bool = False) -> None:
        self._move(sign, down=True, after_ms=after_ms, repeat=repeat)

    def release(self, sign: str, *, repeat: bool = False) -> None:
        self._move(sign, down=False, after_ms=1, repeat=repeat)

    def tap(self, sign: str, *, after_ms: int = 5) -> None:
        """after_ms: since the press before, where that was a tap too."""
        self.press(sign, after_ms=max(0, after_ms - 1))
        self.release(sign)

    def type(self, text: str, *, after_ms: int = 5) -> None:
        for sign in text:
            self.tap(sign, after_ms=after_ms)

    def rest(self, for_ms: int) -> None:
        self.now_ms += for_ms
        self.got += self.buffer.expire(self.now_ms)

    def _move(self, sign: str, *, down: bool, after_ms: int, repeat: bool = False) -> None:
        self.now_ms += after_ms
        kind, key = KINDS.get(sign, (Kind.CHARACTER, ord(sign)))
        stroke = Stroke(kind, key, self.now_ms, text=sign, down=down, repeat=repeat)
        name = sign if down else f"{sign}-up"
        decision = self.buffer.feed(stroke, name)
        self.got += decision.replay
        if decision.passes:
            self.got.append(name)
        if decision.scan is not None:
            self.scans.append(decision.scan)


@pytest.mark.parametrize("end", ["\r", "\t"])
@pytest.mark.parametrize("gap_ms", [0, 2, 8, 20, 60])
def test_a_scan_is_swallowed_whole(gap_ms: int, end: str) -> None:
    hands = Hands()
    hands.type(f"DK7F 00{GS}317{end}", after_ms=gap_ms)

    assert hands.scans == [f"DK7F 00{GS}317"]
    assert hands.got == []


def test_releases_that_come_after_the_end_are_swallowed_too() -> None:
    hands = Hands()
    for sign in "1234\r":
        hands.press(sign)
    for sign in "1234\r":
        hands.release(sign)

    assert (hands.scans, hands.got) == (["1234"], [])


def test_shift_inside_a_scan_is_part_of_it() -> None:
    hands = Hands()
    hands.press("^")  # nothing is held yet: harmless, and on its way
    hands.tap("D")
    hands.release("^")
    hands.tap("k")
    hands.press("^")
    hands.tap("F")
    hands.release("^")
    hands.type("1\r")

    assert (hands.scans, hands.got) == (["DkF1"], ["^"])


def test_typing_at_a_persons_pace_is_replayed_in_order() -> None:
    hands = Hands()
    hands.type("ab \r", after_ms=90)
    hands.rest(61)

    assert hands.scans == []
    assert hands.got == ["a", "a-up", "b", "b-up", " ", " -up", "\r", "\r-up"]


def test_what_is_held_is_given_back_when_nothing_follows() -> None:
    hands = Hands()
    hands.tap("a")
    hands.rest(59)

    assert hands.got == []

    hands.rest(2)

    assert hands.got == ["a", "a-up"]
    assert not hands.buffer.holds


def test_a_release_after_the_replay_goes_its_way() -> None:
    hands = Hands()
    hands.press(" ")
    hands.rest(61)
    hands.release(" ")

    assert hands.got == [" ", " -up"]


def test_a_text_too_short_for_a_scan_is_replayed_before_its_end() -> None:
    hands = Hands()
    hands.type("123\r")

    assert hands.scans == []
    assert hands.got == ["1", "1-up", "2", "2-up", "3", "3-up", "\r", "\r-up"]


def test_an_end_alone_goes_its_way() -> None:
    hands = Hands()
    hands.tap("\r")

    assert hands.got == ["\r", "\r-up"]


def test_a_pause_inside_breaks_a_scan_in_two() -> None:
    hands = Hands()
    hands.type("DK7F")
    hands.type("0", after_ms=61)
    hands.type("0317\r")

    assert hands.scans == ["00317"]
    assert "".join(name for name in hands.got if len(name) == 1) == "DK7F"


def test_a_key_no_scanner_sends_gives_everything_back() -> None:
    hands = Hands()
    hands.type("12345")
    hands.tap("<")

    assert hands.got[-2:] == ["<", "<-up"]
    assert hands.got[0] == "1"


def test_a_key_held_down_is_a_persons() -> None:
    hands = Hands()
    hands.press("a")
    for _ in range(5):
        hands.press("a", after_ms=30, repeat=True)
    hands.release("a")
    hands.tap("\r")

    assert hands.got == ["a"] * 6 + ["a-up", "\r", "\r-up"]


def test_a_second_terminator_presses_nothing() -> None:
    hands = Hands()
    hands.type("DK7F-00317\r\t")

    assert (hands.scans, hands.got) == (["DK7F-00317"], [])

    hands.tap("\r", after_ms=300)

    assert hands.got == ["\r", "\r-up"]


def test_the_same_code_is_taken_once_within_two_seconds() -> None:
    hands = Hands()
    hands.type("DK7F-00317\r")
    hands.type("DK7F-00317\r", after_ms=60)
    hands.type("DK7F-00318\r")
    hands.type("DK7F-00317\r")
    hands.now_ms += 2_000
    hands.type("DK7F-00317\r")

    assert hands.scans == ["DK7F-00317", "DK7F-00318", "DK7F-00317", "DK7F-00317"]
    assert hands.got == []


def test_after_a_prefix_nothing_is_replayed_however_slow_or_short() -> None:
    hands = Hands()
    hands.type("\x0212", after_ms=200)
    hands.rest(400)
    hands.type("3\r", after_ms=200)

    assert (hands.scans, hands.got) == (["123"], [])


def test_a_prefix_gives_back_what_a_person_had_typed() -> None:
    hands = Hands()
    hands.type("a\x02DK7F\r")

    assert (hands.scans, hands.got) == (["DK7F"], ["a", "a-up"])


def test_a_prefixed_scan_that_never_ends_is_forgotten() -> None:
    hands = Hands()
    hands.type("\x02DK7F")
    hands.press("9")
    hands.rest(2_001)
    hands.release("9")
    hands.tap("\r", after_ms=100)

    assert (hands.scans, hands.got) == ([], ["\r", "\r-up"])


def test_a_prefix_alone_scans_nothing_and_presses_nothing() -> None:
    hands = Hands()
    hands.type("\x02\r")

    assert (hands.scans, hands.got) == ([], [])


def test_a_key_pressed_again_owes_no_release() -> None:
    hands = Hands()
    for sign in "1234\r":
        hands.press(sign)  # the releases are lost, as when the window loses the focus
    hands.press("1", after_ms=500)
    hands.rest(61)
    hands.release("1")

    assert hands.got == ["1", "1-up"]


def test_the_releases_of_an_end_held_down_are_all_swallowed() -> None:
    hands = Hands()
    hands.type("1234")
    hands.press("\r")
    hands.release("\r", repeat=True)
    hands.press("\r", repeat=True)
    hands.release("\r")

    assert (hands.scans, hands.got) == (["1234"], [])


def test_settings_move_the_borders() -> None:
    hands = Hands(WedgeBuffer(WedgeSettings(gap_ms=20, shortest=2)))
    hands.type("ab\r", after_ms=20)
    hands.type("cd\r", after_ms=21)

    assert hands.scans == ["ab"]
