"""How much of the ROM store the entries take, item by item (dock-sdk.md, Q1 and Q2).

What counts is the greater of all raw bytes and the packed size, so that either reading of the
vendor's "13 MB" is kept. Warns nobody itself: `Use` says when a warning is due.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from station.domain.entries import Entry, Kind
from station.domain.errors import OverBudget
from station.domain.limits import BUDGET_WARNING_PERCENT, ROM_STORE_BYTES

_ITEMS_NAMED: Final = 3
"""How many of the largest items a refusal names."""


@dataclass(frozen=True, slots=True)
class Item:
    """size_bytes: octets of the content and of the name."""

    kind: Kind
    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Use:
    """items: largest first. packed_bytes: the volumes as written, fillers and tables included."""

    items: tuple[Item, ...]
    packed_bytes: int
    budget_bytes: int

    @property
    def raw_bytes(self) -> int:
        """Octets of all contents and names."""
        return sum(item.size_bytes for item in self.items)

    @property
    def used_bytes(self) -> int:
        """What is held against the budget."""
        return max(self.raw_bytes, self.packed_bytes)

    @property
    def percent(self) -> int:
        """Of the budget, rounded down."""
        return 100 * self.used_bytes // self.budget_bytes

    @property
    def tight(self) -> bool:
        """Whether a warning is due."""
        return 100 * self.used_bytes >= BUDGET_WARNING_PERCENT * self.budget_bytes


def weigh(
    entries: Iterable[Entry], *, packed_bytes: int, budget_bytes: int = ROM_STORE_BYTES
) -> Use:
    """What the entries take. Raises OverBudget, naming the largest items."""
    items = (
        Item(entry.kind, entry.name, len(entry.data) + len(entry.name.encode("utf-8")))
        for entry in entries
    )
    use = Use(
        tuple(sorted(items, key=lambda item: item.size_bytes, reverse=True)),
        packed_bytes,
        budget_bytes,
    )
    if use.used_bytes > budget_bytes:
        largest = ", ".join(
            f"{item.kind} {item.name} {item.size_bytes:,}" for item in use.items[:_ITEMS_NAMED]
        )
        raise OverBudget(
            f"{use.used_bytes:,} bytes; the ROM store takes {budget_bytes:,}; largest: {largest}"
        )
    return use
