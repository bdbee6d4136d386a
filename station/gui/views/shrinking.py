"""Pictures made smaller without leaving pixels out, as a painter would."""

from PySide6.QtCore import QSizeF, Qt
from PySide6.QtGui import QImage


def shrunk(picture: QImage, size: QSizeF, device_pixels: float) -> QImage:
    """`picture` as it is to be drawn over a place of this size; null stays null."""
    if picture.isNull():
        return picture
    return picture.scaled(
        (size * device_pixels).toSize(),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
