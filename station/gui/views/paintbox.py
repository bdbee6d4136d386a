"""Colours for painters: the tokens of one theme as Qt colours, and the palette made of them."""

from PySide6.QtGui import QColor, QPalette

from station.gui.tokens import COLOURS, Theme, Token


class Paintbox:
    """The colours of one theme."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._colours = {token: QColor(colour) for token, colour in COLOURS[theme].items()}

    def colour(self, token: Token, share: float = 1.0) -> QColor:
        """A fresh colour; `share` is its opacity."""
        colour = QColor(self._colours[token])
        colour.setAlphaF(share)
        return colour

    def palette(self) -> QPalette:
        """For what Qt draws itself: carets, selections, tool tips."""
        roles = {
            QPalette.ColorRole.Window: Token.CANVAS,
            QPalette.ColorRole.WindowText: Token.TEXT,
            QPalette.ColorRole.Base: Token.SURFACE,
            QPalette.ColorRole.AlternateBase: Token.SUNKEN,
            QPalette.ColorRole.Text: Token.TEXT,
            QPalette.ColorRole.PlaceholderText: Token.TEXT2,
            QPalette.ColorRole.Button: Token.SURFACE,
            QPalette.ColorRole.ButtonText: Token.TEXT,
            QPalette.ColorRole.ToolTipBase: Token.SURFACE,
            QPalette.ColorRole.ToolTipText: Token.TEXT,
            QPalette.ColorRole.Highlight: Token.ACCENT,
            QPalette.ColorRole.HighlightedText: Token.ON_ACCENT,
            QPalette.ColorRole.Accent: Token.ACCENT,
        }
        palette = QPalette()
        for role, token in roles.items():
            palette.setColor(role, self.colour(token))
        return palette
