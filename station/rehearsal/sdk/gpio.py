"""Module `gpio`: the pins a dock's factory configuration names.

The bench has the five inputs of the Redwood reference board and every pin a scenario speaks of;
all of them are inputs, active low as the DL-7450's I/O expanders are, and no output is known: so
`create` never gives a `DigitalOutput` here. An object made without `create` does nothing, as the
vendor says: an input reads -1, an output takes what it is given.
A callback is done once for each time its pin becomes active from then on.
Source: dock-sdk.md, 2.5; the vendor's pages on `DigitalInput` and `DigitalOutput`.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from station.domain.scenario import PinChange
from station.rehearsal.machine import Machine
from station.rehearsal.sdk import arguments
from station.rehearsal.sdk.arguments import Callback
from station.rehearsal.sdk.names import Names, bound

REDWOOD: Final = frozenset(
    {
        "JOYSTICK_CENTER",
        "JOYSTICK_LEFT",
        "JOYSTICK_RIGHT",
        "JOYSTICK_UP",
        "JOYSTICK_DOWN",
    }
)
"""Inputs of the reference board."""

_ACTIVE_LOW: Final = False


class DigitalInput:
    """`gpio.DigitalInput`: an input that is not configured, unless `create` made it."""

    _machine: ClassVar[Machine]

    def __init__(
        self, pin_name: str, active_high: object, callback: Callback | None = None
    ) -> None:
        """Raises TypeError."""
        self._pin_name = arguments.text(pin_name, "pin_name")
        self._active_high = bool(active_high)
        self._callback = None if callback is None else arguments.callback(callback, "callback")
        self._changes: tuple[PinChange, ...] | None = None

    def read(self) -> int:
        """1 or 0 for a high or low voltage, -1 for a pin that is not configured."""
        self._machine.called("gpio.DigitalInput.read", self._pin_name)
        if self._changes is None:
            return -1
        return int(self._is_active(self._machine.now_ms()) == self._active_high)

    def active_high(self) -> bool:
        """Whether a high voltage makes it active."""
        return self._active_high

    def _configure(self, changes: Iterable[PinChange]) -> None:
        """Be the pin that changes like this."""
        self._changes = tuple(sorted(changes, key=lambda change: change.at_ms))
        now_ms = self._machine.now_ms()
        active = self._is_active(now_ms)
        for change in self._changes:
            if change.at_ms > now_ms:
                if self._callback is not None and change.active and not active:
                    self._machine.call_at(change.at_ms, self._callback)
                active = change.active

    def _is_active(self, at_ms: float) -> bool:
        past = [change for change in self._changes or () if change.at_ms <= at_ms]
        return past[-1].active if past else False


class DigitalOutput:
    """`gpio.DigitalOutput`: an output that is not configured."""

    _machine: ClassVar[Machine]

    def __init__(self, pin_name: str, active_high: object) -> None:
        """Raises TypeError."""
        self._pin_name = arguments.text(pin_name, "pin_name")
        self._active_high = bool(active_high)

    def write(self, val: int) -> None:
        """1 makes it active, 0 does not. Raises ValueError for anything else."""
        if val not in (0, 1):
            raise ValueError("val: 0 or 1 is needed")
        self._machine.called("gpio.DigitalOutput.write", f"{self._pin_name}: {val}")

    def active_high(self) -> bool:
        """Whether a high voltage means active."""
        return self._active_high


def gpio_names(machine: Machine) -> Names:
    """Of module `gpio`."""
    digital_input = bound("DigitalInput", DigitalInput, _machine=machine)
    changes = machine.scenario.pins
    known = REDWOOD | {change.pin for change in changes}

    def create(pin_name: str, callback: Callback | None = None) -> DigitalInput:
        machine.called("gpio.create", arguments.text(pin_name, "pin_name"))
        if pin_name not in known:
            raise TypeError(f"no pin {pin_name!r} on this dock")
        pin = digital_input(pin_name, _ACTIVE_LOW, callback)
        pin._configure(change for change in changes if change.pin == pin_name)
        return pin

    return {
        "create": create,
        "DigitalInput": digital_input,
        "DigitalOutput": bound("DigitalOutput", DigitalOutput, _machine=machine),
    }
