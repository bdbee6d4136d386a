"""How bytes travel: not faster than the line, not earlier than its latency, none lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.dock.line import AHEAD_S, PIECE_BYTES, Line


def test_a_line_without_limit_carries_at_once() -> None:
    line = Line()
    line.put(b"one", 5.0)
    line.put(b"two", 5.0)

    assert line.takes_more_at_s() < 5.0
    assert line.get(5.0) == b"onetwo"
    assert line.get(5.0) == b""


def test_latency_delays_and_changes_nothing_else() -> None:
    line = Line(latency_s=0.5)
    line.put(b"later", 1.0)

    assert line.next_at_s() == 1.5
    assert line.get(1.4) == b""
    assert line.get(1.5) == b"later"


@given(st.lists(st.tuples(st.floats(0, 0.1), st.binary(min_size=1, max_size=5_000)), max_size=12))
def test_a_limited_line_keeps_its_rate_and_loses_nothing(sends: list[tuple[float, bytes]]) -> None:
    rate, line = 10_000.0, Line(bytes_per_s=10_000.0)
    now_s = began_s = 100.0
    sent = b"".join(data for _, data in sends)

    for pause_s, data in sends:
        now_s += pause_s
        line.put(data, now_s)
    received = b""
    while (arrives_s := line.next_at_s()) < float("inf"):
        received += line.get(arrives_s)
        assert len(received) <= (arrives_s - began_s) * rate + PIECE_BYTES
        now_s = max(now_s, arrives_s)

    assert received == sent
    assert now_s - began_s >= len(sent) / rate - 1e-6 or not sends


def test_a_limited_line_takes_more_only_when_it_is_nearly_free() -> None:
    line = Line(bytes_per_s=1_000)
    line.put(bytes(500), 10.0)

    assert 10.4 < line.takes_more_at_s() < 10.5


@given(st.lists(st.floats(0, 0.9), min_size=1, max_size=40))
def test_a_client_late_by_less_than_the_line_takes_ahead_costs_no_rate(late: list[float]) -> None:
    rate, chunk, now_s = 1_500_000.0, bytes(4_096), 10.0
    line = Line(bytes_per_s=rate)
    line.put(chunk * 8, now_s)

    for share in late:
        now_s = line.takes_more_at_s() + share * AHEAD_S
        line.put(chunk, now_s)
    sent_bytes, ended_s = len(chunk) * (8 + len(late)), 10.0
    while (arrives_s := line.next_at_s()) < float("inf"):
        line.get(arrives_s)
        ended_s = arrives_s

    assert ended_s - 10.0 == pytest.approx(sent_bytes / rate)


def test_what_travels_when_the_cable_comes_out_is_lost() -> None:
    line = Line(bytes_per_s=1_000)
    line.put(bytes(500), 10.0)

    line.drop()

    assert line.get(99.0) == b""
    assert line.takes_more_at_s() < 10.0
