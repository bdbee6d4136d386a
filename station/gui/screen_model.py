"""The screen as last presented: the slots, and what stands around them."""

from PySide6.QtCore import QObject, Signal

from station.gui.drawer_model import DrawerModel, Later, at_once
from station.gui.present import Screen
from station.gui.slot_model import SlotModel


class ScreenModel(QObject):
    """One signal per part of the screen, so that only the part that changed is drawn again.

    The number of slots is that of the first screen. later: where pictures are decoded.
    """

    status_changed = Signal()
    order_changed = Signal()
    prompt_changed = Signal()
    actions_changed = Signal()

    def __init__(
        self, screen: Screen, parent: QObject | None = None, *, later: Later = at_once
    ) -> None:
        super().__init__(parent)
        self._screen = screen
        self.drawer = DrawerModel(screen.drawer, later, self)
        self.slots = tuple(SlotModel(tile, self) for tile in screen.tiles)

    @property
    def screen(self) -> Screen:
        """What is shown now."""
        return self._screen

    def show(self, screen: Screen) -> None:
        """Take a new screen and tell of the parts that differ."""
        before, self._screen = self._screen, screen
        for slot, tile in zip(self.slots, screen.tiles, strict=True):
            slot.show(tile)
        if screen.status != before.status:
            self.status_changed.emit()
        if screen.order != before.order:
            self.order_changed.emit()
        if (screen.prompt, screen.scan) != (before.prompt, before.scan):
            self.prompt_changed.emit()
        if screen.actions != before.actions:
            self.actions_changed.emit()
        self.drawer.show(screen.drawer)
