"""How the faults of a virtual dock are written, for the help of the verb that takes them.

The words are the dock's (docs/spec/virtual-dock.md, "Faults"); a test holds these against them.
"""

from typing import Final

import click

from station.cli.verb import Verb

FORMS: Final = {
    "Cable": """
unplug@P%[+Ts]  unplug@N[+Ts][:WAY]  slow[@RATE]  stall@N+Ts[:WAY]
flip@N[.BIT][:WAY]  drop@N[xCOUNT][:WAY]  double@N[xCOUNT][:WAY]
flips@COUNT/BYTES[:WAY]  drops@COUNT/BYTES[:WAY]
drop-frame@N[xCOUNT][:WAY]  double-frame@N[xCOUNT][:WAY]""",
    "Identity": """
wrong-hw  already-locked  other-dock[@WHICH]""",
    "Answers": """
mute[@WHICH]  garbage[@WHICH]  late@WHICH+Ts
lost@WHICH  twice@WHICH  stale@WHICH  replayed@WHICH  foreign@WHICH
short-length@WHICH  long-length@WHICH  huge-length@WHICH
short-data@WHICH  huge-data@WHICH  no-cbor@WHICH  no-memory@WHICH
other-offset@WHICH  other-sequence@WHICH  other-group@WHICH
other-command@WHICH""",
    "Ill will": """
endless[@WHICH]  drip[@WHICH][+Ts]  flood[@WHICH]""",
    "Flash": """
bitflip  cut@N[:TEAR]  bad-block@N  no-erase@N  stuck-bit@N[.BIT]
slow-erase+Ts[xCOUNT]""",
    "Where": """
N counts from 0, P to 100; RATE is bytes per second; T is seconds
WAY is in (to the dock) or out; TEAR is 0, 1, half, all-but-last or all
WHICH is a request by name, or any: write, read#3 for the third read""",
}
"""Forms by what is bad; each line fits a help page."""


class VerbWithFaults(Verb):
    """A command whose help tells how a fault is written."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, and the forms as they stand: wrapped, they would break at their hyphens."""
        super().format_options(ctx, formatter)
        with formatter.section("Faults"):
            indent = " " * formatter.current_indent
            for name, forms in FORMS.items():
                formatter.write(f"{indent}{name}:\n")
                for line in forms.strip().splitlines():
                    formatter.write(f"{indent}  {line}\n")
