"""A real registry with somebody at the door."""

from collections.abc import Callable, Mapping, Sequence

from station.application.ports import LogProof, Registry, UnitRow
from station.domain.identity import Serial
from station.domain.order import OrderCounts, WorkOrder
from station.domain.secret import Secret
from station.domain.upd import UpdState


class SpyRegistry:
    """`application.ports.Registry` over another one. before: told the name of each call; what it
    raises is what the call raises."""

    def __init__(self, inner: Registry) -> None:
        self.inner = inner
        self.before: Callable[[str], None] = lambda name: None

    def add_order(self, order: WorkOrder) -> None:
        """See `Registry`."""
        self.before("add_order")
        self.inner.add_order(order)

    def start_order(self, name: str) -> WorkOrder:
        """See `Registry`."""
        self.before("start_order")
        return self.inner.start_order(name)

    def order(self, name: str) -> tuple[WorkOrder, OrderCounts]:
        """See `Registry`."""
        self.before("order")
        return self.inner.order(name)

    def orders(self) -> tuple[WorkOrder, ...]:
        """See `Registry`."""
        self.before("orders")
        return self.inner.orders()

    def import_lot(
        self, lot: str, kind: str, product: str, records: Sequence[Mapping[str, Secret]]
    ) -> int:
        """See `Registry`."""
        self.before("import_lot")
        return self.inner.import_lot(lot, kind, product, records)

    def stock(self, lot: str | None = None) -> Mapping[UpdState, int]:
        """See `Registry`."""
        self.before("stock")
        return self.inner.stock(lot)

    def lots(self) -> tuple[tuple[str, str, str, Mapping[UpdState, int]], ...]:
        """See `Registry`."""
        self.before("lots")
        return self.inner.lots()

    def unit(self, serial: Serial) -> UnitRow:
        """See `Registry`."""
        self.before("unit")
        return self.inner.unit(serial)

    def units(self, order: str) -> tuple[UnitRow, ...]:
        """See `Registry`."""
        self.before("units")
        return self.inner.units(order)

    def prove(self, leaf: int) -> LogProof:
        """See `Registry`."""
        self.before("prove")
        return self.inner.prove(leaf)
