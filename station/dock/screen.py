"""What the dock shows, as documents a client reads page by page.

Pages of one document must not mix two screens: the first page takes the screen as it is then, and
later pages are of that one until a first page is asked for again.
Source: docs/SPEC.md, "Screen".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from station.dock.host import Draw
from station.domain.splash import Background, Splash
from station.protocol import datastore_group as wire
from station.protocol.datastore_group import ScreenForm
from station.protocol.screen_text import ScreenText, ShownBackground, ShownBox


class Screen:
    """draw, plain: see `host.ApplicationSupport`. A screen that has not changed is neither
    described nor drawn again.
    """

    def __init__(self, draw: Draw, plain: Callable[[str], str]) -> None:
        self._make: dict[ScreenForm, Callable[[Splash], bytes]] = {
            ScreenForm.TEXT: lambda splash: in_words(splash, plain).encode(),
            ScreenForm.PNG: draw,
        }
        self._newest: dict[ScreenForm, _Document] = {}
        self._paged: dict[ScreenForm, _Document] = {}

    def page(self, request: wire.Screen, splash: Splash) -> wire.ScreenAnswer:
        """A page of the screen `splash`, or of the one whose first page was asked for last.

        Raises ScreenNotDrawn.
        """
        if request.offset == 0 or request.what not in self._paged:
            self._paged[request.what] = self._of(request.what, splash)
        document = self._paged[request.what]
        return wire.ScreenAnswer(
            size=len(document.content),
            digest=document.digest,
            offset=request.offset,
            data=document.content[request.offset : request.offset + request.length],
        )

    def digest(self, splash: Splash) -> bytes:
        """SHA-256 of the text document of this screen, 32 octets."""
        return self._of(ScreenForm.TEXT, splash).digest

    def _of(self, what: ScreenForm, splash: Splash) -> "_Document":
        newest = self._newest.get(what)
        if newest is None or newest.splash is not splash:
            content = self._make[what](splash)
            newest = self._newest[what] = _Document(splash, content, sha256(content).digest())
        return newest


@dataclass(frozen=True, slots=True)
class _Document:
    """What was made of a screen. A splash that changes is another object."""

    splash: Splash
    content: bytes = field(repr=False)
    digest: bytes


def in_words(splash: Splash, plain: Callable[[str], str]) -> ScreenText:
    """The screen as values that can be told."""
    background = splash.background
    return ScreenText(
        None if background is None else _background(background),
        tuple(
            ShownBox(
                None if box.x is None or box.y is None else (box.x, box.y),
                box.alignment,
                box.markup,
                plain(box.markup),
            )
            for box in splash.boxes
        ),
        splash.trace,
    )


def _background(background: Background) -> ShownBackground:
    return ShownBackground(
        background.picture, len(background.content), sha256(background.content).digest()
    )
