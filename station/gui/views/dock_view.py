"""The window of a virtual dock: its screen, and hands at its cable and its reset."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from station.gui.dock_presenter import DockPresenter
from station.gui.tokens import Token
from station.gui.views.big_button import BigButton
from station.gui.views.lettering import Run, draw, run
from station.gui.views.paintbox import Paintbox
from station.gui.views.shrinking import shrunk
from station.gui.views.silhouettes import draw_mark

PANEL: Final = 104
SIDE: Final = 20
GAP: Final = 12
WINDOW: Final = (1_120, 734)
SMALLEST: Final = (1_040, 560)
WIDTH_TO_HEIGHT: Final = 16 / 9


class DockView(QWidget):
    """Draws what the presenter says; the screen as large as the window lets it be."""

    def __init__(self, presenter: DockPresenter, paintbox: Paintbox) -> None:
        super().__init__()
        self._presenter = presenter
        self._paintbox = paintbox
        self._seen = QImage()
        self.setMinimumSize(*SMALLEST)
        self.setWindowTitle(presenter.panel.title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.restart = BigButton("F5", paintbox, self)
        self.cable = BigButton("F6", paintbox, self)
        self.reset = BigButton("F8", paintbox, self)
        self.buttons = (self.restart, self.cable, self.reset)
        self.restart.clicked.connect(presenter.restart)
        self.cable.clicked.connect(presenter.toggle_cable)
        self.reset.clicked.connect(presenter.reset)
        self._keys: dict[int, Callable[[], object]] = {
            Qt.Key.Key_F5: self.restart.click,
            Qt.Key.Key_F6: self.cable.click,
            Qt.Key.Key_F8: self.reset.click,
            Qt.Key.Key_Escape: presenter.keep,
        }
        presenter.panel_changed.connect(self._renew)
        presenter.picture_changed.connect(self._fit)
        self._renew()

    def sizeHint(self) -> QSize:
        return QSize(*WINDOW)

    def runs(self) -> tuple[Run, ...]:
        """All its texts, as drawn; the buttons draw their own."""
        panel, top = self._presenter.panel, self.height() - PANEL
        left, right = float(SIDE), self.restart.x() - 2.0 * GAP
        sign = self._sign()

        def line(from_x: float, middle: float, text: str, px: float, **style: object) -> Run:
            room = QRectF(from_x, top + middle - 14, right - from_x, 28)
            return run(room, text, px, **style)  # type: ignore[arg-type]

        return (
            line(left, 24, panel.title, 20, ink=Token.TEXT, floor=14, bold=True),
            line(sign.right() + 8, 52, panel.state, 17, ink=Token.TEXT),
            line(left, 80, panel.detail or panel.path, 14, ink=Token.TEXT2, mono=True),
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        act = self._keys.get(event.key())
        if act is None:
            super().keyPressEvent(event)
        else:
            act()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self._paintbox.colour
        painter.fillRect(self.rect(), colour(Token.SUNKEN))
        painter.fillRect(self._screen(), Qt.GlobalColor.black)
        if not self._seen.isNull():
            painter.drawImage(self._screen(), self._seen)
        ground = QRectF(0, self.height() - PANEL, self.width(), PANEL)
        painter.fillRect(ground, colour(Token.SURFACE))
        draw_mark(self._presenter.panel.mark, painter, self._sign(), self._paintbox)
        draw(painter, self.runs(), self._paintbox)

    def _renew(self) -> None:
        panel = self._presenter.panel
        self.restart.show_label(panel.restart)
        self.cable.show_label(panel.cable)
        self.reset.show_label(panel.reset, called=panel.sure)
        for button in self.buttons:
            button.setEnabled(panel.enabled)
        self.setAccessibleName(". ".join((panel.title, panel.state)))
        self._place()
        self.update()

    def _place(self) -> None:
        right = self.width() - SIDE
        for button in reversed(self.buttons):
            size = button.sizeHint()
            right -= size.width()
            top = self.height() - PANEL + (PANEL - size.height()) // 2
            button.setGeometry(right, top, size.width(), size.height())
            right -= GAP

    def _screen(self) -> QRectF:
        """Where the dock's screen is, in its own shape."""
        room = QSizeF(self.width(), self.height() - PANEL)
        width = min(room.width(), room.height() * WIDTH_TO_HEIGHT)
        height = width / WIDTH_TO_HEIGHT
        return QRectF((room.width() - width) / 2, (room.height() - height) / 2, width, height)

    def _sign(self) -> QRectF:
        return QRectF(SIDE, self.height() - PANEL + 43, 18, 18)

    def _fit(self) -> None:
        self._seen = shrunk(
            self._presenter.picture, self._screen().size(), self.devicePixelRatioF()
        )
        self.update()
