"""First boots of small applications through the real child: what comes of each, and its end."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from station.application.cancel import Cancel
from station.application.mounting import mounted
from station.bootstrap.rehearsal import child_command
from station.datastore.partitions import Datastore, PartitionName
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.errors import Interrupted, RehearsalImpossible
from station.domain.profile import UnknownImage
from station.domain.rehearsal import FindingKind, Rehearsal
from station.domain.scenario import (
    DEFAULT,
    Expectation,
    NetworkChange,
    Scenario,
    VisionMessage,
)
from station.domain.splash import TextBox
from station.rehearsal.rehearser import Rehearser
from tests.golden.rom_store.make import DOT
from tests.unit.datastore.test_partitions import Held
from tests.unit.rehearsal.stage import DOCK, datastore, liar, nothing_left_behind

SHOW = """\
from splashscreen import Splashscreen
screen = Splashscreen()
def show(text, x=None, y=None):
    screen.add_text_box(text, None if x is None else {"x": x, "y": y})
"""


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left_behind():
        yield


def rehearsed(
    code: str,
    *entries: Entry,
    scenario: Scenario = DEFAULT,
    processor_s: int = 20,
    cancel: Cancel | None = None,
    command: tuple[str, ...] | None = None,
    wall_s: float = 120,
) -> Rehearsal:
    """By default with more time than a busy machine needs."""
    rehearse = Rehearser(command or child_command(), processor_s=processor_s, wall_s=wall_s)
    return rehearse(
        datastore(code, *entries),
        scenario,
        dock_id=DOCK,
        unknown_image=UnknownImage.RAISE,
        cancel=cancel or Cancel(),
    )


def kinds(seen: Rehearsal) -> list[FindingKind]:
    return [one.kind for one in seen.findings]


# -- what an application shows -------------------------------------------------------------------


def test_a_first_boot_is_the_splash_it_leaves_and_the_calls_it_made() -> None:
    seen = rehearsed(
        SHOW
        + """\
from datastore import ImageStore, KvStore
from dock import DockInfo
show("<b>" + KvStore().get("greeting") + "</b> &amp; more", 960, 540)
show(DockInfo().dock_id()[:4])
screen.set_background(ImageStore().get_token("dot"))
""",
        Entry(Kind.KV, "greeting", b"Welcome"),
        Entry(Kind.IMG, "dot", DOT, PictureType.PNG),
    )

    assert seen.error == ""
    assert seen.splash.boxes == (TextBox("<b>Welcome</b> &amp; more", 960, 540), TextBox("0001"))
    assert seen.text == ("Welcome & more", "0001")
    assert seen.splash.background is not None
    assert bytes(seen.splash.background.content) == DOT
    assert kinds(seen) == [FindingKind.BACKGROUND]
    assert "datastore.KvStore.get" in [one.name for one in seen.calls]
    assert seen.ran_ms == DEFAULT.run_ms


def test_no_value_of_the_datastore_is_among_the_calls() -> None:
    seen = rehearsed(
        SHOW
        + """\
import time
from datastore import KvStore
from mqtt import MqttClient
token = KvStore().get("token")
show(token)
print(token)
""",
        Entry(Kind.KV, "token", b"c4n4ry-token"),
    )

    assert seen.text == ("c4n4ry-token",)
    assert "c4n4ry" not in repr(seen.calls)


def test_the_same_inputs_give_the_same_rehearsal() -> None:
    code = (
        SHOW
        + """\
import time
from wakeup import wakeup
words = {"red", "green", "blue", "yellow", "black", "white"}
def again():
    show(" ".join(words) + str(time.ticks_us()), 1, 1)
timer = wakeup(again, 100, 700)
again()
"""
    )
    first, *others = (rehearsed(code) for _ in range(3))

    assert first.error == ""
    assert len(first.calls) > 80
    assert others == [first, first]


def test_a_day_of_the_bench_takes_no_day() -> None:
    day_ms = 86_400_000 + 1000
    seen = rehearsed(
        SHOW
        + """\
from wakeup import wakeup
count = [0]
def hourly():
    count[0] += 1
    show(str(count[0]))
timer = wakeup(hourly, 3600000, 3600000)
""",
        scenario=replace(DEFAULT, run_ms=day_ms),
    )

    assert (seen.text, seen.ran_ms) == (("24",), day_ms)


def test_the_scenario_is_what_it_finds() -> None:
    scenario = Scenario(
        "test",
        network=(NetworkChange(5000, "192.0.2.40"),),
        messages=(VisionMessage(100, b"thello"),),
        expect=Expectation(("192.0.2.40", "thello"), ()),
    )
    seen = rehearsed(
        SHOW
        + """\
import time
from network import LAN
from vision_client import VisionClient
VisionClient().on_message(lambda message: show(bytes(message).decode(), 2, 2))
while not LAN().ifconfig()[0]:
    time.sleep(1)
show(LAN().ifconfig()[0], 1, 1)
""",
        scenario=scenario,
    )

    assert seen.text == ("192.0.2.40", "thello")
    assert (seen.error, seen.findings) == ("", ())


def test_what_was_expected_and_did_not_come_is_told() -> None:
    expect = Expectation(("Welcome", "Nobody says this"), ("default", "dot"))
    seen = rehearsed(
        SHOW + "from datastore import ImageStore\nshow('Welcome home')\n"
        "screen.set_background(ImageStore().get_token('dot'))",
        Entry(Kind.IMG, "dot", DOT, PictureType.PNG),
        Entry(Kind.IMG, "default", DOT, PictureType.PNG),
        scenario=replace(DEFAULT, expect=expect),
    )

    assert [one.detail for one in seen.findings if one.kind is FindingKind.EXPECTATION] == [
        "'Nobody says this' does not stand on the splash",
        "the image 'default' was not shown",
    ]


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        ("get_token('dot')", "the image 'dot' has 1x1 pixels; the screen has 1920x1080"),
        ("get_token('torn')", "the image 'torn' cannot be drawn: "),
        ("get('dot')[0], image.BMP", "a picture of the application's own is PNG, and was shown as"),
        ("get('torn')[0]", "a picture of the application's own cannot be drawn: "),
    ],
)
def test_a_background_that_is_none_is_told_of(shown: str, says: str) -> None:
    seen = rehearsed(
        SHOW
        + "import image\nfrom datastore import ImageStore\n"
        + f"screen.set_background(ImageStore().{shown})",
        Entry(Kind.IMG, "dot", DOT, PictureType.PNG),
        Entry(Kind.IMG, "torn", DOT[:-9], PictureType.PNG),
    )

    assert seen.error == ""
    (finding,) = seen.findings
    assert finding.kind is FindingKind.BACKGROUND
    assert finding.detail.startswith(says)


# -- what an application raises ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("1 / 0", "ZeroDivisionError: "),
        ("def f(:", "SyntaxError: "),
        ("nobody", "NameError: "),
        ("import socket", "ImportError: "),
        ("def f(): f()\nf()", "RuntimeError: maximum recursion depth exceeded"),
        ("from wakeup import wakeup\nt = wakeup(lambda: [][1], 2000)", "IndexError: "),
    ],
)
def test_what_nobody_catches_is_what_the_screen_shows(code: str, ends: str) -> None:
    seen = rehearsed(SHOW + "show('before')\n" + code)

    assert seen.error.splitlines()[-1].startswith(ends)
    assert seen.splash.trace == seen.error
    assert seen.text == (seen.error,)
    assert FindingKind.ENDED not in kinds(seen)
    assert len(seen.error.splitlines()) < 300


def test_the_moment_of_an_exception_is_known() -> None:
    seen = rehearsed("from wakeup import wakeup\nt = wakeup(lambda: 1 // 0, 2500)")

    assert seen.ran_ms == 2500


# -- what an application cannot do ---------------------------------------------------------------


def test_an_endless_loop_is_ended() -> None:
    seen = rehearsed(SHOW + "show('before')\nwhile True: pass", processor_s=1)

    assert seen.error == "ended: it kept the processor beyond the limit"
    assert kinds(seen) == [FindingKind.ENDLESS]
    assert seen.splash.trace == ""


@pytest.mark.parametrize(
    "code",
    ["held = bytearray(1000000000)", "held = []\nwhile True: held.append(bytearray(100000))"],
)
def test_a_gigabyte_is_not_to_be_had(code: str) -> None:
    seen = rehearsed(code)

    assert seen.error.splitlines()[-1].startswith("MemoryError")
    assert kinds(seen) == [FindingKind.MEMORY]


def test_memory_full_of_small_things_still_leaves_a_trace() -> None:
    seen = rehearsed("held = ()\nwhile True: held = (held,)")

    assert seen.error.splitlines()[-1].startswith("MemoryError")


def test_an_entry_there_is_no_room_for_is_not_to_be_had_and_nothing_is_mixed_up() -> None:
    code = (
        SHOW
        + """\
from datastore import ImageStore, KvStore
held = bytearray(100000000)
questions = (lambda: ImageStore().get("large"), lambda: KvStore().list())
for x in range(2):
    try:
        questions[x]()
    except MemoryError:
        show("no room", x, 0)
    held = None
"""
    )
    held = Held(
        PartitionName.ROM,
        (
            Entry(Kind.CODE, APPLICATION_NAME, code.encode()),
            Entry(Kind.IMG, "large", bytes(80_000_000), PictureType.PNG),
        ),
    )
    rehearse = Rehearser(child_command(), memory_bytes=256 << 20, processor_s=20, wall_s=120)
    seen = rehearse(
        Datastore((held,)),
        DEFAULT,
        dock_id=DOCK,
        unknown_image=UnknownImage.RAISE,
        cancel=Cancel(),
    )

    assert (seen.error, seen.text) == ("", ("no room", "no room"))


def test_an_application_may_catch_what_it_cannot_have() -> None:
    seen = rehearsed(
        SHOW + "try:\n    held = bytearray(1000000000)\nexcept MemoryError:\n    show('without')"
    )

    assert (seen.error, seen.text) == ("", ("without",))


# -- how it ends ---------------------------------------------------------------------------------


def test_a_finaliser_that_asks_mixes_no_answers_up() -> None:
    code = """
        from datastore import KvStore
        from splashscreen import Splashscreen
        store = KvStore()
        wrong = []
        class Node:
            def __init__(self):
                self.me = self
            def __del__(self):
                if store.get("a") != "b":
                    wrong.append("in the finaliser")
        for n in range(2000):
            Node()
            if store.get("a") != "b" or store.list() != ["a"]:
                wrong.append(n)
        Splashscreen().add_text_box(str(len(wrong)))
    """

    seen = rehearsed(code, Entry(Kind.KV, "a", b"b"))

    assert seen.error == ""
    assert seen.text == ("0",)


def test_a_child_that_neither_computes_nor_answers_is_given_up() -> None:
    seen = rehearsed("pass", command=liar("say('ready'); time.sleep(600)"), wall_s=0.2)

    assert seen.error == "ended: it came to no end within 0.2 s"
    assert kinds(seen) == [FindingKind.ENDLESS]


def test_a_child_that_talks_without_end_is_given_up() -> None:
    chatter = liar("say('ready')\nwhile True: say('found', 'markup', 'x')")
    seen = rehearsed("pass", command=chatter, wall_s=0.2)

    assert kinds(seen) == [FindingKind.MARKUP, FindingKind.ENDLESS]


def test_a_machine_that_cannot_confine_runs_nothing() -> None:
    with pytest.raises(RehearsalImpossible, match="no such library"):
        rehearsed("pass", command=liar("say('cannot', 'no such library')"))
    with pytest.raises(RehearsalImpossible, match="ended at its start"):
        rehearsed("pass", command=liar("os._exit(1)"))
    with pytest.raises(RehearsalImpossible, match="no process for the application"):
        rehearsed("pass", command=("/nonexistent",))


def test_without_an_application_there_is_nothing_to_rehearse() -> None:
    with pytest.raises(ValueError, match="no application"):
        Rehearser(child_command())(
            mounted((Entry(Kind.KV, "key", b"value"),)),
            DEFAULT,
            dock_id=DOCK,
            unknown_image=UnknownImage.RAISE,
            cancel=Cancel(),
        )


class AskedLater(Cancel):
    """A person who asks for a stop while it runs."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._looks = looks

    def check(self) -> None:
        self._looks -= 1
        if not self._looks:
            self.ask()
        super().check()


@pytest.mark.parametrize("looks", [1, 2, 3, 8])
def test_a_person_may_stop_it_at_any_time(looks: int) -> None:
    with pytest.raises(Interrupted):
        rehearsed("while True: pass", cancel=AskedLater(looks))
