"""``station rehearse``: a first boot, before any dock is touched."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from station.cli.answer import Answer
from station.cli.main import Session, pass_session
from station.cli.stopping import stoppable
from station.cli.verb import PATH, SERIAL, Verb
from station.cli.wording import printable
from station.domain.errors import EXIT_MISMATCH
from station.domain.identity import Serial
from station.domain.rehearsal import Rehearsal

CALLS_SHOWN: Final = 12
"""First calls a person is shown; JSON has them all."""


@click.command("rehearse", cls=Verb, example="station rehearse firmware_bundles/welcome")
@click.argument("source", type=PATH, metavar="BUNDLE_OR_CONFIG")
@click.option(
    "--template", type=PATH, metavar="T", help="Template of unique data to join; with --serial."
)
@click.option("--serial", type=SERIAL, metavar="S", help="Serial to render the template for.")
@click.option(
    "--scenario", type=PATH, metavar="F", help="Scripted bench (YAML); a plain desk if not given."
)
@click.option(
    "--png", type=PATH, metavar="OUT", help="Draw the splash screen into this file; a new file."
)
@pass_session
def rehearse(
    session: Session,
    *,
    source: Path,
    template: Path | None,
    serial: Serial | None,
    scenario: Path | None,
    png: Path | None,
) -> Answer:
    """Show what a user would see at the first boot of a dock.

    BUNDLE_OR_CONFIG is a sealed bundle, a source of one (a folder, a bundle.yaml or an SDK
    configuration), or an image that was read back. Its application runs in a confined process on
    a scripted bench, for 60 seconds that take no time. Nothing is taken from a lot; what would
    come from there, from the dock or from a key, is an example.

    Exit status: 0 if the application raised nothing, 10 if it did or was ended.
    """
    if (template is None) != (serial is None):
        raise click.UsageError("--template and --serial go together")
    with stoppable() as cancel:
        found = session.rehearse(
            session.first_boot(source, template, serial, scenario, png), cancel=cancel
        )
    seen = found.rehearsal
    return Answer(
        {
            "title": found.title,
            "proof": found.proof,
            "scenario": found.scenario.name,
            "ran_ms": seen.ran_ms,
            "text": list(seen.text),
            "calls": [
                {"at_ms": one.at_ms, "name": one.name, "detail": one.detail} for one in seen.calls
            ],
            "findings": [{"kind": one.kind, "detail": one.detail} for one in seen.findings],
            "error": seen.error,
            **({"png": str(png)} if png else {}),
        },
        [
            f"{found.title} ({found.proof})",
            f"on the bench {found.scenario.name}, for {seen.ran_ms / 1000:g} s",
            *_lines(seen),
            *([f"drawn into {png}"] if png else []),
        ],
        status=EXIT_MISMATCH if seen.error else 0,
    )


def _lines(seen: Rehearsal) -> Iterator[str]:
    """What the user would see, then what else there is to say."""
    if seen.error:
        yield click.style("the application raised an exception, or was ended", fg="red", bold=True)
        yield from (f"  {printable(line)}" for line in seen.error.splitlines())
    yield "on the splash:" if seen.text else "nothing on the splash"
    for text in seen.text:
        first, *more = text.splitlines() or [""]
        yield f"  · {printable(first)}"
        yield from (f"    {printable(line)}" for line in more)
    for finding in seen.findings:
        yield f"{click.style(finding.kind, fg='yellow')}: {finding.detail}"
    yield f"{len(seen.calls):,} calls{':' if seen.calls else ''}"
    for call in seen.calls[:CALLS_SHOWN]:
        yield f"  {call.at_ms / 1000:8.3f} s  {call.name}({call.detail})"
    if len(seen.calls) > CALLS_SHOWN:
        yield f"  and {len(seen.calls) - CALLS_SHOWN:,} more; --json has them all"
