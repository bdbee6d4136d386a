"""Waiting works whatever number a descriptor has."""

import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from station.dock.waiting import SELECT_MAX, readable


@contextmanager
def pipe(lowest: int) -> Iterator[tuple[int, int]]:
    """A pipe whose ends have numbers from `lowest` on."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, lowest) for end in ends]
    for end in ends:
        os.close(end)
    try:
        yield moved[0], moved[1]
    finally:
        for end in moved:
            os.close(end)


@pytest.fixture(params=[0, SELECT_MAX])
def lowest(request: pytest.FixtureRequest) -> Iterator[int]:
    """From where on descriptors are numbered."""
    least: int = request.param
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard > SELECT_MAX + 16
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, SELECT_MAX + 16), hard))
    yield least
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_can_be_read_is_found(lowest: int) -> None:
    with pipe(lowest) as (reader, writer), pipe(lowest) as (silent, _):
        os.write(writer, b"x")

        assert [*readable([silent, reader], None)] == [reader]


def test_a_wait_ends_without_anything(lowest: int) -> None:
    with pipe(lowest) as (reader, _):
        assert [*readable([reader], 0.001)] == []


def test_a_wait_ends_when_something_can_be_written(lowest: int) -> None:
    with pipe(lowest) as (reader, writer):
        assert [*readable([reader], None, writing=[writer])] == []


def test_a_peer_that_has_left_can_be_read(lowest: int) -> None:
    with pipe(lowest) as (reader, writer):
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, writer)
        os.close(nothing)

        assert [*readable([reader], None)] == [reader]


def test_low_numbers_are_waited_for_to_the_microsecond(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def select(*_: object, wait_s: float) -> tuple[list[int], list[int], list[int]]:
        waits.append(wait_s)
        return [], [], []

    monkeypatch.setattr("select.select", lambda *given: select(wait_s=given[3]))

    readable([0], 0.0003)

    assert waits == [0.0003]
