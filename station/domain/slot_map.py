"""Which port each numbered slot of a bench is wired to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlotPlace:
    """number: as on the sticker of the nest, from 1. port: a serial port, or ``usb:`` and a
    topology path. enabled: whether runs may start there."""

    number: int
    port: str
    enabled: bool = True
