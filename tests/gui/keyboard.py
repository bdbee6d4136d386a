"""Keys sent to a window, each with its own time: a test waits for nothing."""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeyEvent, QWindow

from station.gui.wedge_buffer import GS

PLAIN = Qt.KeyboardModifier.NoModifier
NAMED = {
    "\r": Qt.Key.Key_Return,
    "\t": Qt.Key.Key_Tab,
    " ": Qt.Key.Key_Space,
    "\x1b": Qt.Key.Key_Escape,
}


@dataclass
class Keyboard:
    """Hands or a scanner, according to `after_ms`."""

    window: QWindow
    now_ms: int = 100_000

    def type(self, text: str, *, after_ms: int) -> None:
        """One key after the other, each let go half way to the next."""
        for sign in text:
            self.tap(sign, after_ms=after_ms)

    def tap(self, sign: str, *, after_ms: int) -> None:
        """A key that types this sign."""
        modifiers = Qt.KeyboardModifier.ShiftModifier if sign.isupper() else PLAIN
        key = NAMED.get(sign) or ord(sign.upper())
        if sign == GS:
            key, modifiers = Qt.Key.Key_BracketRight, Qt.KeyboardModifier.ControlModifier
        self.press(key, sign, modifiers, after_ms=after_ms)

    def press(
        self,
        key: int,
        text: str = "",
        modifiers: Qt.KeyboardModifier = PLAIN,
        *,
        after_ms: int = 100,
    ) -> None:
        """Any key, down and up."""
        self.now_ms += after_ms - after_ms // 2
        self._send(QEvent.Type.KeyPress, key, text, modifiers)
        self.now_ms += after_ms // 2
        self._send(QEvent.Type.KeyRelease, key, text, modifiers)

    def _send(self, kind: QEvent.Type, key: int, text: str, modifiers: Qt.KeyboardModifier) -> None:
        event = QKeyEvent(kind, int(key), modifiers, text)
        event.setTimestamp(self.now_ms)
        QCoreApplication.sendEvent(self.window, event)
