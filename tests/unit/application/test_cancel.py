"""A stop is asked once, from any thread, and seen at the next look."""

from threading import Thread

import pytest

from station.application.cancel import Cancel
from station.domain.errors import Interrupted


def test_nobody_is_stopped_who_was_not_asked() -> None:
    cancel = Cancel()
    cancel.check()

    assert not cancel.asked


def test_a_stop_asked_by_another_thread_is_seen_at_every_later_look() -> None:
    cancel = Cancel()
    asking = Thread(target=cancel.ask)
    asking.start()
    asking.join()

    assert cancel.asked
    for _ in range(2):
        with pytest.raises(Interrupted):
            cancel.check()
