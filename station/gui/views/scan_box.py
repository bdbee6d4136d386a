"""The scan box: shows the last scan, and takes a serial typed by hand with Enter."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import QLineEdit, QWidget

from station.gui.tokens import Token
from station.gui.views.lettering import font
from station.gui.views.paintbox import Paintbox


class ScanBox(QLineEdit):
    """Its placeholder is the last scan, so that typing never mixes with what was scanned.

    Input methods are kept out: they rewrite keys (Telex makes "đ" of "dd").
    """

    typed = Signal(str)
    focus_changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFrame(False)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.returnPressed.connect(self._entered)

    def inputMethodQuery(self, query: Qt.InputMethodQuery) -> object:  # type: ignore[override]
        if query is Qt.InputMethodQuery.ImEnabled:
            return False
        return super().inputMethodQuery(query)

    def set_colours(self, paintbox: Paintbox, ink: Token) -> None:
        """Ink of the band it lies on; the band draws its frame."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        palette.setColor(QPalette.ColorRole.Text, paintbox.colour(ink))
        palette.setColor(QPalette.ColorRole.PlaceholderText, paintbox.colour(ink))
        self.setPalette(palette)

    def set_size(self, px: float) -> None:
        """Height of its letters."""
        self.setFont(font(px, bold=True, mono=True))

    def show_last(self, text: str) -> None:
        """What was scanned last."""
        self.setPlaceholderText(text)

    def begin(self, first: str) -> None:
        """Somebody types a serial without having chosen the box."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.insert(first)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            had_text = bool(self.text())
            self._leave()
            if had_text:
                return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focus_changed.emit()

    def _entered(self) -> None:
        text = self.text().strip()
        self._leave()
        if text:
            self.typed.emit(text)

    def _leave(self) -> None:
        self.clear()
        self.clearFocus()
