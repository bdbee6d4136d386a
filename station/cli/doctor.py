"""``station doctor``: what is missing on this machine, each with a remedy."""

from typing import Final

import click

from station.cli.answer import Answer
from station.cli.main import Session, pass_session
from station.cli.verb import Verb
from station.domain.diagnosis import Health
from station.domain.errors import EXIT_POLICY

_COLOURS: Final = {Health.OK: "green", Health.WARN: "yellow", Health.BAD: "red"}


@click.command("doctor", cls=Verb, example="station doctor")
@pass_session
def doctor(session: Session) -> Answer:
    """Examine program, machine and state folder.

    Each check is ok, warn (something does not work, or soon will not) or bad (no dock can be
    provisioned). Exit status: 20 if any is bad.
    """
    found = session.station.diagnose()
    counts = {health: sum(one.health is health for one in found) for health in Health}
    sick = counts[Health.BAD]
    lines = []
    for one in found:
        word = click.style(f"{one.health:<5}", fg=_COLOURS[one.health])
        lines.append(f"{word} {one.check}: {one.found}")
        if one.remedy:
            lines.append(f"      what to do: {one.remedy}")
    return Answer(
        {
            "healthy": not sick,
            "checks": [
                {
                    "check": one.check,
                    "health": one.health,
                    "found": one.found,
                    "remedy": one.remedy,
                }
                for one in found
            ],
        },
        [*lines, "  ".join(f"{count} {health}" for health, count in counts.items())],
        status=EXIT_POLICY if sick else 0,
    )
