"""What must hold before a work order may be recorded, and which order a run belongs to."""

from collections.abc import Set

from station.application.gate import ReleasedBundle
from station.application.ports import Registry
from station.domain.bundle import EntryKey
from station.domain.errors import DocumentRefused, NotInOrder
from station.domain.order import OrderState, WorkOrder
from station.domain.template import Template


def refuse_misfit(template: Template, bundle: ReleasedBundle) -> None:
    """Raise DocumentRefused where template and bundle cannot make an image together."""
    statement = bundle.statement
    refuse_clash(
        template,
        name=statement.name,
        product=statement.product,
        fixed={(part.kind, part.name) for part in bundle.manifest.parts} - statement.replaceable,
    )


def refuse_clash(template: Template, *, name: str, product: str, fixed: Set[EntryKey]) -> None:
    """The same for a bundle of this name and product. fixed: entries nothing may hide."""
    if template.product != product:
        raise DocumentRefused(
            f"template {template.name} is for {template.product}, bundle {name} for {product}"
        )
    for entry in template.entries:
        if entry.key in fixed:
            kind, hidden = entry.key
            raise DocumentRefused(
                f"template {template.name}, entry {entry.name}: {kind} {hidden!r} is in the bundle,"
                " which does not declare it replaceable"
            )


def only_running(registry: Registry) -> WorkOrder:
    """The one order that is running. Raises NotInOrder where there is none, or a choice."""
    running = [order for order in registry.orders() if order.state is OrderState.RUNNING]
    match running:
        case [order]:
            return order
        case []:
            raise NotInOrder("no work order is running", remedy="Start one: station order start.")
    names = ", ".join(order.name for order in running[:5])
    raise NotInOrder(
        f"{len(running)} work orders are running: {names}", remedy="Name one with --order."
    )
