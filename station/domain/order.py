"""Work orders: what is to be made, from which bundle and template, and how far it has come."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class OrderState(StrEnum):
    """Planned, then running, then complete, then closed; nothing goes back."""

    PLANNED = "PLANNED"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    CLOSED = "CLOSED"


NEXT: Final[dict[OrderState, frozenset[OrderState]]] = {
    OrderState.PLANNED: frozenset({OrderState.RUNNING, OrderState.CLOSED}),
    OrderState.RUNNING: frozenset({OrderState.COMPLETE, OrderState.CLOSED}),
    OrderState.COMPLETE: frozenset({OrderState.CLOSED}),
    OrderState.CLOSED: frozenset(),
}


class StartMode(StrEnum):
    """What starts a run on a bound dock (operator guide, "Starting a run")."""

    SCAN = "scan"
    CLICK = "click"


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """N units of one product.

    bundle_sha256: of the sealed bundle file. template_sha256: of the template's canonical form.
    lot: id of the UPD lot the order takes its records from; empty where the template needs none.
    serial_pattern: regular expression the whole serial must match; what tells products apart on
    a label. rehearse: a unit passes only if its application comes through a rehearsed first boot.
    """

    name: str
    product: str
    quantity: int
    bundle_sha256: bytes
    template_sha256: bytes
    lot: str
    serial_pattern: str
    start_mode: StartMode = StartMode.SCAN
    retry_limit: int = 1
    rehearse: bool = False
    state: OrderState = OrderState.PLANNED


@dataclass(frozen=True, slots=True)
class OrderCounts:
    """Units of an order by disposition, and first-pass figures (units, not runs)."""

    good: int = 0
    hold: int = 0
    open: int = 0
    scrap: int = 0
    first_pass: int = 0
    judged: int = 0
    """Units with at least one PASS or FAIL run."""
