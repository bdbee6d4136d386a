"""What a USB device calls itself, made fit to be shown: a stranger wrote it."""

from typing import Final

TITLE_CHARACTERS: Final = 40


def shown_title(text: str) -> str:
    """Without what does not print, and not too long."""
    return "".join(one for one in text if one.isprintable()).strip()[:TITLE_CHARACTERS]
