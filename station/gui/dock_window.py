"""The front door of a virtual dock's window: makes the application and shows one dock."""

from station.gui.app import application, desktop_theme, ending_early, translated
from station.gui.dock_port import DockPort
from station.gui.dock_presenter import DockPresenter
from station.gui.jobs import Jobs
from station.gui.texts import Speaker
from station.gui.tokens import Theme
from station.gui.views.dock_view import DockView
from station.gui.views.paintbox import Paintbox


def open_dock_window(port: DockPort, *, theme: Theme | None = None) -> int:
    """Show a virtual dock until its window is closed or it has ended; return the exit status.

    theme: None follows the desktop. Ctrl-C ends it, too; an error nobody expected is raised here.
    """
    app = application()
    paintbox = Paintbox(theme or desktop_theme(app))
    app.setPalette(paintbox.palette())
    jobs = Jobs()
    presenter = DockPresenter(port, Speaker(translated), jobs.start, app.exit)
    try:
        view = DockView(presenter, paintbox)
        with ending_early(app) as failures:
            view.show()
            status = app.exec()
        view.hide()
    finally:
        presenter.close()
        jobs.close()
    view.deleteLater()
    presenter.deleteLater()
    if failures:
        raise failures[0]
    return status
