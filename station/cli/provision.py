"""``station provision`` and ``station verify``: one dock on one port, or a whole bench at once."""

from collections.abc import Iterator
from pathlib import Path

import click

from station.application.provisioning import RunOutcome
from station.cli.answer import Answer
from station.cli.bench import asks_slots
from station.cli.main import Session, pass_session
from station.cli.passphrase import Passphrase, asks_passphrase
from station.cli.progress import bytes_progress, run_progress
from station.cli.provision_all import provision_bench
from station.cli.stopping import stoppable
from station.cli.verb import ORDER_NAME, SERIAL, Verb, port_option
from station.cli.verdict import exit_status, remedy, verdict_word
from station.cli.wording import check_data, check_lines, rehearsal_data, rehearsal_lines
from station.domain.errors import EXIT_MISMATCH
from station.domain.identity import Serial
from station.domain.verdict import Verdict


@click.command(
    "provision", cls=Verb, example="station provision DK7F-00317 --port /dev/ttyACM0 --order WO-1"
)
@click.argument("serial", type=SERIAL, required=False)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every connected dock at once, each under the serial it reports.",
)
@asks_slots
@click.option(
    "--order",
    type=ORDER_NAME,
    metavar="O",
    help="Work order; the running one if there is only one.",
)
@asks_passphrase
@pass_session
def provision(
    session: Session,
    *,
    serial: Serial | None,
    everything: bool,
    ports: tuple[str, ...],
    slot_map: Path | None,
    order: str | None,
    ask: Passphrase,
) -> Answer:
    """Write a dock, read it back, record it.

    Exit status: 0 PASS, 10 FAIL, 130 ABORTED; for ERROR that of its code. PASS is said only once
    its record is durable. Ctrl-C ends the run in order.

    With --all, one run for each dock on the bench, all at the same time; of several ends the
    status is that of FAIL, then of ERROR and of docks that were turned away, then of ABORTED.
    """
    if everything:
        if serial is not None:
            raise click.UsageError("--all takes the serials from the docks: name none")
        return provision_bench(session, ports, slot_map, order=order or "", ask=ask)
    if serial is None:
        raise click.UsageError("name the serial of the dock, or give --all")
    if len(ports) != 1:
        raise click.UsageError("name the one port of the dock with --port")
    return _provision_one(session, serial, ports[0], order=order or "", ask=ask)


def _provision_one(
    session: Session, serial: Serial, port: str, *, order: str, ask: Passphrase
) -> Answer:
    with stoppable() as cancel, run_progress(quiet=session.as_json) as watch:
        outcome = session.station.provision(
            serial, port=port, order=order, ask=ask, watch=watch, cancel=cancel
        )
    closed = outcome.closed
    return Answer(
        {
            "serial": serial.text,
            "run_id": outcome.run_id,
            "verdict": outcome.verdict,
            "disposition": closed.disposition,
            "error_code": outcome.code,
            "cause": outcome.cause,
            "remedy": remedy(outcome),
            "checks": check_data(outcome.checks),
            "rehearsal": rehearsal_data(outcome.rehearsal),
            "ledger_seq": closed.leaf,
        },
        list(_ended(serial, outcome)),
        status=exit_status(outcome.verdict, outcome.code),
    )


@click.command("verify", cls=Verb, example="station verify DK7F-00317 --port /dev/ttyACM0")
@click.argument("serial", type=SERIAL)
@port_option
@pass_session
def verify(session: Session, *, serial: Serial, port: str) -> Answer:
    """Compare a dock with the record of its PASS; writes nothing.

    Exit status: 0 if it still is exactly what was recorded, 10 if not.
    """
    with stoppable() as cancel, bytes_progress("Read back", quiet=session.as_json) as done:
        found = session.station.verify(serial, port=port, done=done, cancel=cancel)
    return Answer(
        {
            "serial": serial.text,
            "run_id": found.run_id,
            "holds": found.holds,
            "checks": check_data(found.checks),
        },
        [
            f"{serial}  {'as recorded' if found.holds else 'DIFFERS from its record'}",
            *check_lines(found.checks),
        ],
        status=0 if found.holds else EXIT_MISMATCH,
    )


def _ended(serial: Serial, outcome: RunOutcome) -> Iterator[str]:
    closed = outcome.closed
    word = verdict_word(outcome.verdict)
    yield f"{serial}  {word}  {closed.disposition}  ledger #{closed.leaf}"
    yield from check_lines(outcome.checks)
    yield from rehearsal_lines(outcome.rehearsal)
    if outcome.verdict is not Verdict.PASS:
        yield f"{outcome.code}: {outcome.cause}"
        yield f"what to do: {remedy(outcome)}"
