"""Names of the silhouettes: with colour off, each still tells its state from the others."""

from enum import StrEnum


class Sign(StrEnum):
    """A shape that `views/silhouettes.py` can draw."""

    DASHED_RING = "dashed ring"
    RING_DOT = "ring and dot"
    CLOCK = "clock ring"
    ARC = "turning arc"
    TICK = "filled circle, tick"
    BARE_TICK = "tick"
    OCTAGON_CROSS = "octagon, cross"
    OCTAGON_BAR = "octagon, bar"
    TRIANGLE = "triangle, exclamation mark"
    DIAMOND_BARS = "diamond, two bars"
    CROSSED_PLUG = "crossed plug"
    PLUG = "plug"
    BARCODE = "barcode"
    TRAY = "arrow into a tray"
    PAUSE = "two bars"
    CROSS = "cross"
    DOT = "dot"
