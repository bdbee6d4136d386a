"""The first Ctrl-C asks for an orderly end; the second one ends at once."""

import signal

import pytest

from station.cli.stopping import stoppable


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_nothing_is_torn_down(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    with stoppable() as cancel:
        assert not cancel.asked
        signal.raise_signal(number)
        assert cancel.asked

    assert "Once more ends it at once" in capfd.readouterr().err


def test_the_second_signal_is_a_keyboard_interrupt(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), stoppable():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)


def test_handlers_are_as_before_when_the_work_has_ended() -> None:
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))

    with stoppable():
        assert signal.getsignal(signal.SIGINT) not in before

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
