"""How a module comes to know the dock it is on, though no application ever passes it.

A module's file gives its names (`Names`); a class among them is a subclass of the one that is
written there, with the dock as an attribute of the class.
"""

from typing import Any, TypeAlias, TypeVar

Names: TypeAlias = dict[str, Any]
"""What a module offers, by name; nothing else of it is visible."""

T = TypeVar("T")


def bound(name: str, cls: type[T], **attributes: object) -> type[T]:
    """A class like `cls`, called `name`, with these attributes."""
    made: type[T] = type(name, (cls,), attributes)
    return made
