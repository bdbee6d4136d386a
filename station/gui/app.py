"""The operator screen's front door: makes the application and its one window."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

from PySide6.QtCore import QCoreApplication, Qt, QTime, QTimer
from PySide6.QtWidgets import QApplication

from station.domain.errors import EXIT_INTERRUPTED
from station.gui.floor_plan import FULL
from station.gui.line_port import MakeLine, VirtualScan
from station.gui.presenter import TICK_MS, Presenter
from station.gui.screenshot import save
from station.gui.texts import Speaker
from station.gui.tokens import Theme
from station.gui.views.operator_window import OperatorWindow
from station.gui.views.paintbox import Paintbox
from station.gui.wedge import WedgeFilter, type_as_scanner

TRANSLATION_CONTEXT: Final = "operator"


def open_window(
    make_line: MakeLine,
    *,
    demo: bool = False,
    virtual_scan: VirtualScan | None = None,
    theme: Theme | None = None,
    screenshot: Path | None = None,
) -> int:
    """Show the operator screen until it is closed; see `run_window`."""
    return run_window(
        make_line, demo=demo, virtual_scan=virtual_scan, theme=theme, screenshot=screenshot
    )


def run_window(
    make_line: MakeLine,
    *,
    demo: bool,
    virtual_scan: VirtualScan | None,
    theme: Theme | None = None,
    screenshot: Path | None = None,
) -> int:
    """Run the operator screen on the line that `make_line` makes; return the exit status.

    demo: a window instead of the whole screen. virtual_scan: what Space scans; None: Space scans
    nothing. theme: None follows the desktop. screenshot: where to write what the window showed
    last. The window does not close while a slot works; Ctrl-C ends the program all the same, and
    closing the line records what was under way as ABORTED. An error nobody expected ends it too,
    and is raised here: a screen that no longer follows its line must not stay up.
    """
    app = application()
    paintbox = Paintbox(theme or desktop_theme(app))
    app.setPalette(paintbox.palette())
    presenter = Presenter(make_line, _wall_clock, Speaker(translated))
    try:
        window = OperatorWindow(presenter.model, paintbox, may_close=presenter.may_close)
        wedge = WedgeFilter(_monotonic_ms)
        connect(presenter, window, wedge, virtual_scan)
        with _ticking(presenter), ending_early(app) as failures:
            app.installEventFilter(wedge)
            _show(window, whole_screen=not demo)
            status = app.exec()
            app.removeEventFilter(wedge)
        if screenshot is not None:
            save(window, screenshot)
        window.hide()
    finally:
        presenter.close()
    window.deleteLater()
    if failures:
        raise failures[0]
    return status


def application() -> QApplication:
    """The one application of this process."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    app.setApplicationName("station")
    return app


def desktop_theme(app: QApplication) -> Theme:
    """What the desktop asks for."""
    dark = app.styleHints().colorScheme() is Qt.ColorScheme.Dark
    return Theme.DARK if dark else Theme.LIGHT


def connect(
    presenter: Presenter,
    window: OperatorWindow,
    wedge: WedgeFilter,
    virtual_scan: VirtualScan | None,
) -> None:
    """Join what was scanned and pressed to the line."""
    line = presenter.line
    wedge.scanned.connect(presenter.scan)
    window.typed.connect(presenter.scan)
    window.slot_pressed.connect(presenter.press_slot)
    window.slot_picked.connect(presenter.pick_slot)
    window.details_pressed.connect(presenter.toggle_details)
    window.outside_pressed.connect(presenter.close_drawer)
    window.provision_pressed.connect(line.press_provision)
    window.pause_pressed.connect(line.toggle_pause)
    window.escape_pressed.connect(presenter.escape)
    window.help_pressed.connect(presenter.toggle_help)
    window.close_refused.connect(presenter.refuse_close)

    def scan_virtually() -> None:
        text = virtual_scan() if virtual_scan else None
        if text:
            type_as_scanner(window.windowHandle(), text)

    window.space_pressed.connect(scan_virtually)


def _show(window: OperatorWindow, *, whole_screen: bool) -> None:
    if whole_screen:
        window.showFullScreen()
    else:
        room = window.screen().availableSize()
        window.resize(min(FULL[0], room.width()), min(FULL[1], room.height()))
        window.show()
    window.setFocus()


@contextmanager
def _ticking(presenter: Presenter) -> Iterator[None]:
    """Time passes for the line; and Python gets its turn, so that Ctrl-C is seen."""
    ticks = QTimer()
    ticks.timeout.connect(presenter.tick)
    ticks.start(TICK_MS)
    yield
    ticks.stop()


@contextmanager
def ending_early(app: QApplication) -> Iterator[list[BaseException]]:
    """Ctrl-C, a request to terminate, and an error in any handler end the event loop."""
    failures: list[BaseException] = []

    def interrupted(number: int, frame: FrameType | None) -> None:
        app.exit(EXIT_INTERRUPTED)

    def failed(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        failures.append(error)
        app.exit(1)

    hook = sys.excepthook
    handlers = {
        number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)
    }
    sys.excepthook = failed
    try:
        yield failures
    finally:
        sys.excepthook = hook
        for number, handler in handlers.items():
            signal.signal(number, handler)


def translated(text: str) -> str:
    """A text of ours in the person's language, as far as it is translated."""
    return QCoreApplication.translate(TRANSLATION_CONTEXT, text)


def _wall_clock() -> str:
    return QTime.currentTime().toString("HH:mm")


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
