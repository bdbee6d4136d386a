"""What a bad cable makes of bytes: exactly what its faults say, wherever the bytes are cut."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.dock.line import Line
from station.dock.noise import (
    CableFault,
    Double,
    DoubleFrames,
    Drop,
    DropFrames,
    Drops,
    Flip,
    Flips,
    NoisyLine,
    Stall,
    UnplugAt,
    Way,
)

TEXT = bytes(range(1, 101))


def noisy(*faults: CableFault, way: Way = Way.IN, seed: int = 1) -> NoisyLine:
    return NoisyLine(Line(), way, faults, Random(seed))


def carried(line: NoisyLine, data: bytes, *, pieces: int = 100_000, now_s: float = 0.0) -> bytes:
    """What arrives of it, sent in pieces of so many bytes."""
    arrived = b""
    for start in range(0, len(data), pieces):
        line.put(data[start : start + pieces], now_s)
        arrived += line.get(now_s)
    return arrived


EXPECTED: dict[CableFault, bytes] = {
    Flip(0, 0, Way.IN): b"\0" + TEXT[1:],
    Flip(9, 7, Way.IN): TEXT[:9] + bytes([TEXT[9] ^ 0x80]) + TEXT[10:],
    Flip(100, 7, Way.IN): TEXT,
    Drop(0, 1, Way.IN): TEXT[1:],
    Drop(40, 30, Way.IN): TEXT[:40] + TEXT[70:],
    Drop(99, 500, Way.IN): TEXT[:99],
    Double(0, 1, Way.IN): TEXT[:1] + TEXT,
    Double(40, 30, Way.IN): TEXT[:70] + TEXT[40:],
    Double(99, 1, Way.IN): TEXT + TEXT[99:],
}


@pytest.mark.parametrize("pieces", [1, 7, 100])
@pytest.mark.parametrize(("fault", "expected"), list(EXPECTED.items()), ids=repr)
def test_a_fault_hits_its_bytes_and_no_others(
    fault: CableFault, expected: bytes, pieces: int
) -> None:
    line = noisy(fault)

    assert carried(line, TEXT, pieces=pieces) == expected
    assert line.pulled is None


@pytest.mark.parametrize("fault", [Flip(3, 1, Way.OUT), Drop(3, 9, Way.OUT), Stall(3, 1, Way.OUT)])
def test_a_fault_of_the_other_direction_does_nothing(fault: CableFault) -> None:
    assert carried(noisy(fault), TEXT) == TEXT


@given(st.integers(1, 60), st.integers(0, 1_000), st.integers(1, 500))
def test_as_many_bits_flip_as_were_ordered_and_all_among_the_first_bytes(
    count: int, seed: int, pieces: int
) -> None:
    sent = bytes(1_000)

    arrived = carried(noisy(Flips(count, 300, Way.IN), seed=seed), sent, pieces=pieces)

    assert sum(octet.bit_count() for octet in arrived[:300]) == count
    assert arrived[300:] == sent[300:]
    assert len(arrived) == len(sent)


def test_one_seed_gives_the_same_noise_however_the_bytes_are_cut() -> None:
    faults = (Flips(9, 90, Way.IN), Drops(5, 90, Way.IN))

    found = {carried(noisy(*faults, seed=4), TEXT, pieces=pieces) for pieces in (1, 13, 100)}

    assert len(found) == 1
    assert found != {carried(noisy(*faults, seed=5), TEXT)}


@given(st.integers(1, 40), st.integers(0, 1_000))
def test_lost_bytes_are_lost_and_the_others_keep_their_order(count: int, seed: int) -> None:
    arrived = carried(noisy(Drops(count, 100, Way.IN), seed=seed), TEXT)

    assert len(arrived) == len(TEXT) - count
    assert list(arrived) == sorted(set(arrived))


@given(st.data())
def test_what_is_lost_and_what_comes_twice_may_be_anywhere_and_cut_anywhere(
    data: st.DataObject,
) -> None:
    edges = sorted(data.draw(st.sets(st.integers(0, 100), min_size=2, max_size=8)))
    spans = [*zip(edges[::2], edges[1::2], strict=False)]
    twice = data.draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans)))
    faults = [
        (Double if double else Drop)(start, end - start, Way.IN)
        for (start, end), double in zip(spans, twice, strict=True)
    ]
    expected, at = b"", 0
    for (start, end), double in zip(spans, twice, strict=True):
        expected += TEXT[at:start] + 2 * double * TEXT[start:end]
        at = end

    arrived = carried(noisy(*faults), TEXT, pieces=data.draw(st.integers(1, 100)))

    assert arrived == expected + TEXT[at:]


def test_of_two_faults_for_one_byte_the_first_to_begin_goes_first() -> None:
    line = noisy(Drop(10, 10, Way.IN), Double(15, 10, Way.IN))

    assert carried(line, TEXT) == TEXT[:10] + TEXT[20:25] + TEXT[20:]


# -- frames -----------------------------------------------------------------------------------

FRAMES = b"\0one\0\0two\0three\0four"


@pytest.mark.parametrize("pieces", [1, 2, 5, 100])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (DropFrames(0, 1, Way.IN), b"\0\0two\0three\0four"),
        (DropFrames(1, 2, Way.IN), b"\0one\0\0four"),
        (DropFrames(3, 1, Way.IN), b"\0one\0\0two\0three\0"),
        (DoubleFrames(0, 1, Way.IN), b"\0one\0one\0\0two\0three\0four"),
        (DoubleFrames(1, 2, Way.IN), b"\0one\0\0two\0two\0three\0three\0four"),
    ],
)
def test_whole_frames_are_lost_or_come_twice(
    fault: CableFault, expected: bytes, pieces: int
) -> None:
    assert carried(noisy(fault), FRAMES, pieces=pieces) == expected


def test_a_frame_that_a_cable_cut_short_has_a_number_too() -> None:
    line = noisy(DropFrames(1, 1, Way.IN))
    carried(line, b"half of a fr")
    line.drop()

    assert carried(line, b"lost\0kept\0") == b"kept\0"


# -- rests and ends ---------------------------------------------------------------------------


def test_a_stalled_line_rests_before_its_byte_and_then_loses_nothing() -> None:
    line = noisy(Stall(40, 3.0, Way.IN))

    assert carried(line, TEXT, now_s=10.0) == TEXT[:40]
    assert line.get(12.9) == b""
    assert line.next_at_s() == line.takes_more_at_s() == 13.0
    assert line.get(13.0) == TEXT[40:]
    assert line.takes_more_at_s() <= 13.0


def test_a_line_may_rest_twice_before_one_byte() -> None:
    line = noisy(Stall(40, 3.0, Way.IN), Stall(40, 1.0, Way.IN))
    carried(line, TEXT, now_s=10.0)

    assert line.get(13.0) == b""
    assert line.get(14.0) == TEXT[40:]


def test_the_cable_comes_out_before_its_byte_and_the_rest_is_lost() -> None:
    fault = UnplugAt(40, 2.5, Way.IN)
    line = noisy(fault)

    assert carried(line, TEXT) == TEXT[:40]
    assert line.pulled == fault

    line.pulled = None
    line.drop()
    assert carried(line, TEXT) == TEXT
    assert line.pulled is None


def test_bytes_are_counted_through_reconnections() -> None:
    line = noisy(Flip(150, 0, Way.IN))
    carried(line, TEXT)
    line.drop()

    assert carried(line, TEXT) == TEXT[:50] + bytes([TEXT[50] ^ 1]) + TEXT[51:]


def test_a_rest_ends_with_the_connection() -> None:
    line = noisy(Stall(40, 3.0, Way.IN))
    carried(line, TEXT, now_s=10.0)
    line.drop()

    assert carried(line, b"new", now_s=10.5) == b"new"


def test_noise_keeps_rate_and_latency() -> None:
    line = NoisyLine(
        Line(bytes_per_s=100.0, latency_s=0.5), Way.IN, [Drop(0, 50, Way.IN)], Random()
    )
    line.put(TEXT, 1.0)

    assert line.get(2.4) == b""
    assert line.next_at_s() == 2.5
    assert line.get(2.5) == TEXT[50:]
