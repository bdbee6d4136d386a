"""Joins the wedge buffer to Qt: one filter for the whole application, before any widget.

It looks at keys where they enter a window, so that neither focus nor an open drawer matters, and
goes by the time stamped on each key where the platform gives one: a busy moment of this program
does not look like a pause of the scanner.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QWindow
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from station.gui.wedge_buffer import GS, Kind, Stroke, WedgeBuffer, WedgeSettings

ENDS: Final = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab})
MODIFIERS: Final = frozenset(
    {
        Qt.Key.Key_Shift,
        Qt.Key.Key_Control,
        Qt.Key.Key_Alt,
        Qt.Key.Key_AltGr,
        Qt.Key.Key_Meta,
        Qt.Key.Key_CapsLock,
        Qt.Key.Key_NumLock,
    }
)
COMMANDS: Final = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)
ALT_GR: Final = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
"""How Windows reports AltGr: what it types is text, not a command."""

ALT_CODE: Final = "029"
"""Alt and these digits type a group separator on a Windows keyboard."""

LATE_MS: Final = 30
"""A timer later than this shows that the program was busy: keys may still be on their way."""


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key kept back, and the widget that would have had it."""

    target: QObject
    event: QKeyEvent


class WedgeFilter(QObject):
    """Emits `scanned` with the text of each scan; everything else goes where it was going.

    clock_ms: for keys that carry no time. prefix: what the scanner types before each code, a
    character or a key such as F24; None without one.
    """

    scanned = Signal(str)

    def __init__(
        self,
        clock_ms: Callable[[], int],
        settings: WedgeSettings | None = None,
        *,
        prefix: str | Qt.Key | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._clock_ms = clock_ms
        self._settings = settings or WedgeSettings()
        self._prefix = prefix
        self._buffer: WedgeBuffer[HeldKey] = WedgeBuffer(self._settings)
        self._alt_digits = ""
        self._replaying = False
        self._due_ms = 0
        self._last_ms = 0
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setTimerType(Qt.TimerType.PreciseTimer)
        self._patience.timeout.connect(self._expired)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """True, and so swallowed, for what belongs to a scan or may yet turn out to."""
        if self._replaying or event.type() not in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            return False
        if not (isinstance(watched, QWindow) and isinstance(event, QKeyEvent)):
            return False
        stroke = self._stroke(event)
        decision = self._buffer.feed(stroke, _held(watched, event))
        self._replay(decision.replay)
        self._wait(stroke.at_ms)
        if decision.scan is not None:
            self.scanned.emit(decision.scan)
        return not decision.passes

    def _stroke(self, event: QKeyEvent) -> Stroke:
        kind, text = self._meaning(event)
        return Stroke(
            kind=kind,
            key=event.key(),
            at_ms=event.timestamp() or self._clock_ms(),
            text=text,
            down=event.type() is QEvent.Type.KeyPress,
            repeat=event.isAutoRepeat(),
        )

    def _meaning(self, event: QKeyEvent) -> tuple[Kind, str]:
        key, text = event.key(), event.text()
        commands = event.modifiers() & COMMANDS
        if self._prefix is not None and self._prefix in (key, text):
            return Kind.PREFIX, ""
        if key in MODIFIERS:
            return Kind.MODIFIER, ""
        if text == GS or (
            key == Qt.Key.Key_BracketRight and commands == Qt.KeyboardModifier.ControlModifier
        ):
            return Kind.CHARACTER, GS
        if commands == Qt.KeyboardModifier.AltModifier and text.isdigit():
            return self._alt_digit(event, text)
        if key in ENDS and not commands:
            return Kind.TERMINATOR, ""
        if text and text.isprintable() and commands in (Qt.KeyboardModifier(0), ALT_GR):
            return Kind.CHARACTER, text
        return Kind.OTHER, ""

    def _alt_digit(self, event: QKeyEvent, digit: str) -> tuple[Kind, str]:
        if event.type() is not QEvent.Type.KeyPress:
            return Kind.MODIFIER, ""
        self._alt_digits = (self._alt_digits + digit)[-len(ALT_CODE) :]
        if self._alt_digits != ALT_CODE:
            return Kind.MODIFIER, ""
        self._alt_digits = ""
        return Kind.CHARACTER, GS

    def _replay(self, held: tuple[HeldKey, ...]) -> None:
        self._replaying = True
        try:
            for one in held:
                if isValid(one.target):
                    QCoreApplication.sendEvent(one.target, one.event)
        finally:
            self._replaying = False

    def _wait(self, at_ms: int) -> None:
        if not self._buffer.holds:
            self._patience.stop()
            return
        self._last_ms = at_ms
        self._due_ms = self._clock_ms() + self._settings.gap_ms + 1
        self._patience.start(self._settings.gap_ms + 1)

    def _expired(self) -> None:
        """Nothing came in time, or it came and waits behind this timer."""
        late_ms = self._clock_ms() - self._due_ms
        if late_ms > LATE_MS:
            self._due_ms += late_ms
            self._patience.start(0)
            return
        self._replay(self._buffer.expire(self._last_ms + self._settings.gap_ms + 1))


def _held(window: QWindow, event: QKeyEvent) -> HeldKey:
    """A copy, for Qt destroys the event; a widget without focus leaves the choice to the window."""
    copy = QKeyEvent(
        event.type(),
        event.key(),
        event.modifiers(),
        event.nativeScanCode(),
        event.nativeVirtualKey(),
        event.nativeModifiers(),
        event.text(),
        event.isAutoRepeat(),
        event.count(),
    )
    return HeldKey(QApplication.focusWidget() or window, copy)


def type_as_scanner(window: QWindow, text: str) -> None:
    """A virtual scanner: queues the keys a real one would type into this window, Enter last."""
    for sign in (*text, "\r"):
        key, typed, modifiers = _key_of(sign)
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QCoreApplication.postEvent(window, QKeyEvent(kind, key, modifiers, typed))


def _key_of(sign: str) -> tuple[int, str, Qt.KeyboardModifier]:
    plain = Qt.KeyboardModifier.NoModifier
    if sign == "\r":
        return Qt.Key.Key_Return.value, sign, plain
    if sign == GS:
        return Qt.Key.Key_BracketRight.value, sign, Qt.KeyboardModifier.ControlModifier
    return (
        ord(sign.upper()[0]),
        sign,
        Qt.KeyboardModifier.ShiftModifier if sign.isupper() else plain,
    )
