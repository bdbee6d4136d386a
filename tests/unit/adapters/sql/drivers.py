"""The SQLite driver with its connections in the test's hands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from station.adapters.sql.engine import choose_driver

DRIVER: Any = choose_driver()


def raw(path: Path) -> Any:
    """A connection of somebody who knows nothing of the program: no settings, autocommit."""
    return DRIVER.connect(str(path), isolation_level=None)


class HeldDriver:
    """The real driver; keeps what it opens, and may change statements on their way.

    connections: oldest first; the first is the writer's.
    """

    def __init__(self, alter: Callable[[str], str] = str) -> None:
        self.connections: list[Any] = []
        self._alter = alter

    def __getattr__(self, name: str) -> Any:
        return getattr(DRIVER, name)

    def connect(self, *given: Any, **named: Any) -> Any:
        """As the real one."""
        alter = self._alter

        class Connection(DRIVER.Connection):  # type: ignore[misc]
            def execute(self, statement: str, *values: Any) -> Any:
                return super().execute(alter(statement), *values)

        made = DRIVER.connect(*given, factory=Connection, **named)
        self.connections.append(made)
        return made
