"""One model per slot on the bench: it tells its tile when there is something new to draw."""

from PySide6.QtCore import QObject, Signal

from station.gui.tiles import Tile


class SlotModel(QObject):
    """The tile of one slot, as last presented."""

    changed = Signal()

    def __init__(self, tile: Tile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tile = tile

    @property
    def tile(self) -> Tile:
        """What is shown now."""
        return self._tile

    def show(self, tile: Tile) -> None:
        """Take a new look; silent where it is the old one."""
        if tile != self._tile:
            self._tile = tile
            self.changed.emit()
