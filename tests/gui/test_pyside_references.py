"""Keeps a binding that loses references to None and True away from the line.

PySide6 6.12.0 on Python before 3.12 drops one reference per void call and per signal, and aborts
the process within seconds once none is left. Later Pythons never count these two objects.
"""

import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QObject, Signal

CALLS = 20_000
NOISE = 1_000
"""References that other threads and caches may take or give meanwhile."""


class Speaker(QObject):
    said = Signal(bool)


def void_calls(speaker: Speaker) -> None:
    for _ in range(CALLS):
        speaker.setObjectName("dock")


def boolean_calls(speaker: Speaker) -> None:
    for _ in range(CALLS):
        speaker.blockSignals(False)


def emissions(speaker: Speaker) -> None:
    speaker.said.connect(lambda _: None)
    for _ in range(CALLS):
        speaker.said.emit(True)


@pytest.mark.parametrize("exercise", [void_calls, boolean_calls, emissions])
def test_twenty_thousand_qt_calls_lose_no_reference(exercise: Callable[[Speaker], None]) -> None:
    speaker = Speaker()
    before = [sys.getrefcount(thing) for thing in (None, True, False)]

    exercise(speaker)

    after = [sys.getrefcount(thing) for thing in (None, True, False)]
    changes = [then - now for then, now in zip(before, after, strict=True)]
    assert max(abs(change) for change in changes) < NOISE
