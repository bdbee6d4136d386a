"""The packaged program as one of its own children; each loads only what it needs."""

from collections.abc import Sequence
from typing import Final, NoReturn

APPLICATION: Final = "rehearsal-child"
"""Runs an application, confined (`rehearsal/child.py`)."""

RENDERER: Final = "splash-renderer"
"""Draws a splash screen (`rehearsal/renderer.py`)."""


def be_child(name: str, arguments: Sequence[str]) -> NoReturn:
    """Be the child of this name, which is one of the above."""
    if name == RENDERER:
        from station.rehearsal.renderer import main as draw

        draw()
    from station.rehearsal.child import main as run_application

    run_application(arguments)
