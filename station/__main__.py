"""Picks the front end; imports the window only when a command asks for it."""

import sys
from collections.abc import Sequence
from typing import Any


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status; `None` means the process's own."""
    from station.cli.main import run

    return run(
        sys.argv[1:] if arguments is None else arguments,
        open_window=open_window,
        open_dock_window=open_dock_window,
    )


def open_window(*arguments: Any, **options: Any) -> int:
    """Hand over to the operator screen and return its exit status; Qt is loaded only now."""
    from station.gui.app import open_window as opened

    return opened(*arguments, **options)


def open_dock_window(*arguments: Any, **options: Any) -> int:
    """Hand over to the window of a virtual dock and return its exit status; Qt is loaded now."""
    from station.gui.dock_window import open_dock_window as opened

    return opened(*arguments, **options)


if __name__ == "__main__":
    sys.exit(main())
