"""``station order``: work orders."""

from pathlib import Path

import click

from station.cli.answer import Answer, Grid
from station.cli.main import Session, pass_session
from station.cli.verb import ORDER_NAME, PATH, PATTERN, Noun
from station.cli.wording import counts_data, order_data
from station.domain.order import StartMode


@click.group(cls=Noun)
def order() -> None:
    """Work orders: how many units of which product."""


@order.command(
    "new",
    example="station order new WO-1 --quantity 500 --bundle welcome.bundle"
    " --template upd_templates/basic.yaml --lot T-26-4",
)
@click.argument("name", type=ORDER_NAME)
@click.option("--quantity", type=click.IntRange(1, 1_000_000), required=True, metavar="N")
@click.option("--bundle", type=PATH, required=True, metavar="F", help="Sealed bundle.")
@click.option("--template", type=PATH, required=True, metavar="F", help="Template.")
@click.option("--lot", default="", metavar="L", help="Lot its records come from.")
@click.option(
    "--serial-pattern",
    type=PATTERN,
    default="",
    metavar="R",
    help="Regular expression of its serials; the product's own if not given.",
)
@click.option(
    "--start-mode",
    type=click.Choice([mode.value for mode in StartMode]),
    default=StartMode.SCAN.value,
    show_default=True,
    help="What starts a dock: its scan, or a click.",
)
@click.option(
    "--retry-limit",
    type=click.IntRange(0, 9),
    default=1,
    show_default=True,
    metavar="N",
    help="Runs a unit may have after its first one failed.",
)
@click.option(
    "--rehearse",
    is_flag=True,
    help="A unit passes only if its application comes through a rehearsed first boot.",
)
@pass_session
def new(
    session: Session,
    *,
    name: str,
    quantity: int,
    bundle: Path,
    template: Path,
    lot: str,
    serial_pattern: str,
    start_mode: str,
    retry_limit: int,
    rehearse: bool,
) -> Answer:
    """Plan a work order.

    Bundle and template are copied into the station; later changes to the files change nothing.
    """
    made = session.station.new_order(
        session.order_wish(
            name=name,
            quantity=quantity,
            bundle=bundle,
            template=template,
            lot=lot,
            serial_pattern=serial_pattern,
            start_mode=StartMode(start_mode),
            retry_limit=retry_limit,
            rehearse=rehearse,
        )
    )
    unheard = rehearse and not made.rehearse
    return Answer(
        order_data(made),
        [
            f"planned {made.name}: {made.quantity:,} of {made.product}",
            *(["  no first boot to rehearse: the bundle has no application"] if unheard else []),
            f"  start it with: station order start {made.name}",
        ],
    )


@order.command("show", example="station order show WO-1")
@click.argument("name", type=ORDER_NAME)
@pass_session
def show(session: Session, *, name: str) -> Answer:
    """Show an order and how far it has come."""
    found, counts = session.station.order(name)
    return Answer(
        {**order_data(found), "counts": counts_data(counts)},
        [
            f"{found.name}  {found.product}  {found.state}",
            f"  GOOD {counts.good:,}/{found.quantity:,}",
            f"  HOLD {counts.hold:,}, SCRAP {counts.scrap:,}, open {counts.open:,}",
            f"  first pass {counts.first_pass:,} of {counts.judged:,} judged",
            f"  serials {found.serial_pattern}, lot {found.lot or '(none)'}",
            f"  starts by {found.start_mode}, retries {found.retry_limit}",
            f"  first boot {'rehearsed' if found.rehearse else 'not rehearsed'}",
            f"  bundle {found.bundle_sha256.hex()[:16]}",
            f"  template {found.template_sha256.hex()[:16]}",
        ],
    )


@order.command("start", example="station order start WO-1")
@click.argument("name", type=ORDER_NAME)
@pass_session
def start(session: Session, *, name: str) -> Answer:
    """Let a planned order run."""
    started = session.station.start_order(name)
    return Answer(order_data(started), [f"{started.name} is {started.state.lower()}"])


@order.command("list", example="station order list")
@pass_session
def list_orders(session: Session) -> Answer:
    """List every order, newest first."""
    found = session.station.orders()
    rows = tuple(
        (
            one.name,
            one.state.value,
            one.product,
            f"{one.quantity:,}",
            one.lot,
            "rehearsed" if one.rehearse else "",
        )
        for one in found
    )
    return Answer(
        {"orders": [order_data(one) for one in found]},
        [Grid(("ORDER", "STATE", "PRODUCT", "QUANTITY", "LOT", "FIRST BOOT"), rows)]
        if found
        else ["no work order yet: station order new"],
    )
