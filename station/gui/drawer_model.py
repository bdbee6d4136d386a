"""The drawer as last presented, and the picture in it, decoded."""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, TypeVar

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from station.gui.drawer import Drawer

T = TypeVar("T")

PICTURE_SIZE: Final = (960, 540)
"""Pixels a splash is kept at: half of its own, and what the drawer of a 4K screen shows."""


class Later(Protocol):
    """Does work somewhere else and gives what came of it to `then`, here."""

    def __call__(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Return before it is done, or after."""


def at_once(work: Callable[[], T], then: Callable[[T], None]) -> None:
    """`Later` for whoever can wait."""
    then(work())


class DrawerModel(QObject):
    """Closed while `drawer` is None. later: where a picture is decoded."""

    changed = Signal()

    def __init__(
        self, drawer: Drawer | None, later: Later = at_once, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._later = later
        self._drawer: Drawer | None = None
        self._octets = b""
        self._picture: QImage | None = None
        self.show(drawer)

    @property
    def drawer(self) -> Drawer | None:
        """What is shown now."""
        return self._drawer

    @property
    def picture(self) -> QImage | None:
        """The splash, smaller than it was; None while there is none."""
        return self._picture

    def show(self, drawer: Drawer | None) -> None:
        """Take a new look; silent where it is the old one."""
        if drawer == self._drawer:
            return
        self._drawer = drawer
        octets = drawer.run.boot.picture if drawer and drawer.run else b""
        if octets != self._octets:
            self._octets, self._picture = octets, None
            if octets:
                self._later(partial(_decoded, octets), partial(self._arrived, octets))
        self.changed.emit()

    def _arrived(self, octets: bytes, picture: QImage) -> None:
        if octets is self._octets and not picture.isNull():
            self._picture = picture
            self.changed.emit()


def _decoded(png: bytes) -> QImage:
    image = QImage.fromData(png)
    if image.isNull():
        return image
    return image.scaled(
        *PICTURE_SIZE,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
