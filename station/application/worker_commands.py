"""What a worker can be told to do, and what is refused as no command.

A command is one JSON object a line; here it is plain data already. Source: docs/spec/worker.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from station.domain.errors import BadCommand

LINE_MAX_BYTES: Final = 65_536
"""Longest command, its line end included."""


class Do(StrEnum):
    """Every command."""

    SCAN = "scan"
    ORDER = "order"
    PROVISION = "provision"
    CHOOSE_SLOT = "choose-slot"
    START = "start"
    CANCEL = "cancel"
    PAUSE = "pause"
    UNDO = "undo"
    SNAPSHOT = "snapshot"
    QUIT = "quit"


WITH_SLOT: Final = frozenset({Do.CHOOSE_SLOT, Do.START, Do.CANCEL})
WITH_TEXT: Final = {Do.SCAN: "text", Do.ORDER: "name"}
"""Commands that say something, and under which key."""


@dataclass(frozen=True, slots=True)
class Command:
    """slot: of those that mean one, else 0. text: what was scanned, or the name of an order."""

    do: Do
    slot: int = 0
    text: str = ""

    @classmethod
    def read(cls, plain: Any) -> "Command":
        """Raises BadCommand, naming what is wrong and nothing that was said."""
        if not isinstance(plain, dict):
            raise BadCommand("a command is a JSON object")
        try:
            do = Do(plain.get("do", ""))
        except ValueError:
            raise BadCommand(f"do is one of: {', '.join(Do)}") from None
        wanted = {"do"}
        if do in WITH_SLOT:
            wanted.add("slot")
        if do in WITH_TEXT:
            wanted.add(WITH_TEXT[do])
        if set(plain) != wanted:
            raise BadCommand(f"{do} has these keys and no others: {', '.join(sorted(wanted))}")
        slot = plain.get("slot", 0)
        if type(slot) is not int:
            raise BadCommand("slot is the number of a slot")
        text = plain[WITH_TEXT[do]] if do in WITH_TEXT else ""
        if not isinstance(text, str):
            raise BadCommand(f"{WITH_TEXT[do]} is text")
        return cls(do, slot, text)


class Lines:
    """Cuts a stream into lines, however it arrives; holds at most one."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._too_long = False
        self._number = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes | None]]:
        """Number (from 1) and content of every line that is now whole; None for one too long."""
        *whole, rest = data.split(b"\n")
        for end in whole:
            self._append(end)
            self._number += 1
            yield self._number, None if self._too_long else bytes(self._begun)
            self._begun.clear()
            self._too_long = False
        self._append(rest)

    def _append(self, data: bytes) -> None:
        self._too_long = self._too_long or len(self._begun) + len(data) >= LINE_MAX_BYTES
        if self._too_long:
            self._begun.clear()
        else:
            self._begun += data
