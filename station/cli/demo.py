"""``station demo``: a whole station on virtual docks, in a folder of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final

import click

from station.application.demo import DemoUnit, demo_units
from station.application.ports import RunRow, UnitRow
from station.cli.answer import Answer, write_json
from station.cli.main import OpenWindow, Session, pass_session
from station.cli.stopping import stoppable
from station.cli.verb import Verb
from station.cli.verdict import remedy_of, status_of
from station.cli.wording import stock_words
from station.domain.errors import EXIT_INTERRUPTED, EXIT_MISMATCH
from station.domain.verdict import Disposition, Verdict

if TYPE_CHECKING:
    from station.application.line import Line
    from station.cli.main import DemoStation

LOOK_S: Final = 0.25
"""How often the ledger is asked for finished runs."""

PASSING: Final = ("unplug", "slow")
"""Troubles a dock gets over: it ends GOOD."""

HOLDING: Final = ("bitflip", "already-locked")
"""Troubles that are the dock's own: it ends on HOLD."""


@click.command("demo", cls=Verb, example="station demo --headless --docks 4 --units 12 --seed 7")
@click.option("--headless", is_flag=True, help="Without a window; hands do all of it.")
@click.option(
    "--docks", type=click.IntRange(1, 16), default=4, show_default=True, help="Slots of the bench."
)
@click.option(
    "--units", type=click.IntRange(1, 1000), default=12, show_default=True, help="Docks to make."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the dock ids.")
@click.option(
    "--fault",
    default="",
    metavar="F",
    help="Trouble of the third dock: unplug@40%, bitflip, slow, wrong-hw, already-locked,"
    " token-out, signer-loss, disk-full. Without it the third is unplugged once and the fifth"
    " has bad flash.",
)
@pass_session
def demo(
    session: Session, *, headless: bool, docks: int, units: int, seed: int, fault: str
) -> Answer | int:
    """Provision virtual docks: nothing real is written.

    Exit status of a headless demo: 0 if every dock ended as its trouble demands, else 10; the
    status of the code that stopped the station, if one did. With --json one object per run, then
    the summary.
    """
    session.noted_demo = True
    noticed: list[Callable[[], None]] = []

    def changed() -> None:
        for notice in noticed:
            notice()

    station = session.set_up_demo(
        docks=docks, units=units, seed=seed, fault=fault, scans=headless, changed=changed
    )
    try:
        if headless:
            made = demo_units(units, seed=seed, fault=fault)
            return _work(station, made, as_json=session.as_json)
        return _show(session.open_window, station, noticed)
    finally:
        station.close()


def _work(station: "DemoStation", made: Sequence[DemoUnit], *, as_json: bool) -> Answer:
    """Let the hands work; tell of every run as it ends, and sum up."""
    telling = _Telling(as_json=as_json)
    with stoppable() as cancel, ThreadPoolExecutor(1, "hands") as pool:
        work = pool.submit(station.work)
        while not work.done():
            wait([work], timeout=LOOK_S)
            telling.tell(station.units())
            if cancel.asked:
                station.hands.stop()
    summary, ended = work.result(), station.units()
    telling.tell(ended)
    if not as_json:
        click.echo()
    verdicts = {verdict.lower(): summary.verdicts[verdict] for verdict in Verdict}
    odd = surprises(made, ended)
    status, why = _end(stop=summary.stop, odd=odd, interrupted=cancel.asked)
    counted = "  ".join(f"{word.upper()} {count}" for word, count in verdicts.items())
    return Answer(
        {
            "units": summary.units,
            **verdicts,
            "runs": summary.runs,
            "hold": summary.hold,
            "upd": dict(summary.upd),
            "report_dir": str(summary.report_dir),
            "stop": summary.stop,
            "surprises": list(odd),
        },
        [
            f"{summary.units} docks  {counted}  HOLD {summary.hold}  in {summary.runs} runs",
            f"tokens   {stock_words(summary.upd)}",
            f"reports  {summary.report_dir}",
            *why,
        ],
        status=status,
    )


def _end(*, stop: str, odd: Sequence[str], interrupted: bool) -> tuple[int, list[str]]:
    """Exit status, and why it is not 0."""
    if interrupted:
        return EXIT_INTERRUPTED, ["stopped by a person before every dock was done"]
    if stop:
        return status_of(stop), [f"{stop} stopped the station: {remedy_of(stop)}"]
    return (EXIT_MISMATCH if odd else 0), [f"not as expected: {one}" for one in odd]


def _show(
    open_window: OpenWindow, station: "DemoStation", noticed: list[Callable[[], None]]
) -> int:
    """Open the window, which holds the scanner; everything else is done by the hands."""

    def make_line(changed: Callable[[], None]) -> "Line":
        noticed.append(changed)
        return station.line

    with ThreadPoolExecutor(1, "hands") as pool:
        work = pool.submit(station.hands.work, station.line)
        try:
            status = open_window(
                make_line,
                demo=True,
                virtual_scan=lambda: station.hands.next_label(station.line),
            )
        finally:
            station.hands.stop()
        work.result()
    return status


class _Telling:
    """Tells of every run once, when the ledger has closed it."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._told: set[str] = set()

    def tell(self, units: Sequence[UnitRow]) -> None:
        """Tell of what is new."""
        closed = [
            (run.closed_at, unit, run)
            for unit in units
            for run in unit.runs
            if run.closed_at and run.run_id not in self._told
        ]
        for closed_at, unit, run in sorted(closed, key=lambda one: one[0]):
            self._told.add(run.run_id)
            took_s = (closed_at - run.opened_at).total_seconds()
            if self._as_json:
                write_json(_run_data(unit, run, took_s))
            else:
                click.echo(_run_line(unit, run, took_s))


def _run_data(unit: UnitRow, run: RunRow, took_s: float) -> dict[str, Any]:
    return {
        "serial": unit.serial,
        "run_no": run.number,
        "slot": run.slot,
        "verdict": run.verdict,
        "error_code": run.code,
        "disposition": unit.disposition,
        "took_ms": round(1000 * took_s),
        "checks": [check.name for check in run.checks if check.passed],
    }


def _run_line(unit: UnitRow, run: RunRow, took_s: float) -> str:
    if run.verdict is Verdict.PASS:
        why = ", ".join(check.name for check in run.checks)
    else:
        why = f"{run.code} {run.cause}".strip()
    head = f"{unit.serial}  run {run.number}  slot {run.slot}  {run.verdict or '':<7}"
    held = "HOLD: " if unit.disposition is Disposition.HOLD else ""
    return f"{head} {took_s:4.1f} s  {held}{why}"


def surprises(units: Sequence[DemoUnit], ended: Sequence[UnitRow]) -> tuple[str, ...]:
    """Every dock that did not end as its trouble demands, in one line each."""
    rows = {row.serial: row for row in ended}
    found = []
    for unit in units:
        row = rows.get(unit.serial.text)
        disposition = row.disposition if row else Disposition.OPEN
        if unit.fault.startswith(HOLDING):
            wanted = {Disposition.HOLD}
        elif not unit.fault or unit.fault.startswith(PASSING):
            wanted = {Disposition.GOOD}
        else:
            wanted = {Disposition.OPEN, Disposition.HOLD}
        if disposition not in wanted:
            trouble = f" with {unit.fault}" if unit.fault else ""
            found.append(f"{unit.serial}{trouble} ended {disposition}")
    return tuple(found)
