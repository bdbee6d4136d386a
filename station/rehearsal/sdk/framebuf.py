"""Module `framebuf`: drawing into octets, pixel for pixel as MicroPython does it.

But for its letters (`letters.py`), and for what the dock's documentation does not name: there is
no `fill_rect` (`rect` fills), no older class, and only a FrameBuffer can be blitted.
Source: dock-sdk.md, 2.7; MicroPython's documentation of `framebuf`.
"""

from typing import Any, Final

from station.rehearsal.sdk import letters
from station.rehearsal.sdk.arguments import text as as_text
from station.rehearsal.sdk.arguments import whole
from station.rehearsal.sdk.canvas import Canvas
from station.rehearsal.sdk.names import Names
from station.rehearsal.sdk.pixels import LAYOUTS, Format

SIDE_MAX: Final = 0xFFFF
"""Pixels of width, height and stride."""

_ALL_QUADRANTS: Final = 0b1111


class FrameBuffer:
    """`framebuf.FrameBuffer`. What lies outside is not drawn, and reads as None.

    Display drivers are subclasses of it: so all it keeps has one name that none of them uses.
    """

    def __init__(
        self,
        buffer: Any,
        width: int,
        height: int,
        format: int,  # noqa: A002 -- its name is documented
        stride: int | None = None,
        /,
    ) -> None:
        """Raises TypeError for a buffer that cannot be written, ValueError where it is too small
        or a size or the format is none."""
        layout = LAYOUTS.get(whole(format, "format"))
        if layout is None:
            raise ValueError("invalid format")
        wanted = whole(width if stride is None else stride, "stride")
        if not whole(width, "width") <= wanted <= SIDE_MAX:
            raise ValueError("width, stride: out of range")
        if width < 1 or not 1 <= whole(height, "height") <= SIDE_MAX:
            raise ValueError("width, height: out of range")
        data = memoryview(buffer).cast("B")
        if data.readonly:
            raise TypeError("buffer: it cannot be written")
        pixels = layout.stride(wanted)
        if data.nbytes < layout.size_bytes(width, height, pixels):
            raise ValueError("buffer: too small")
        self.__canvas = Canvas(data, layout, pixels, width, height)

    def fill(self, c: int) -> None:
        """All of it."""
        canvas = self.__canvas
        canvas.fill(0, 0, canvas.width, canvas.height, whole(c, "c"))

    def pixel(self, x: int, y: int, c: int | None = None) -> int | None:
        """The colour of a pixel; or give it one."""
        x, y = _numbers(x=x, y=y)
        if c is not None:
            self.__canvas.dot(x, y, whole(c, "c"))
        elif self.__canvas.holds(x, y):
            return self.__canvas.colour(x, y)
        return None

    def hline(self, x: int, y: int, w: int, c: int) -> None:
        """To the right."""
        x, y, w, c = _numbers(x=x, y=y, w=w, c=c)
        self.__canvas.fill(x, y, w, 1, c)

    def vline(self, x: int, y: int, h: int, c: int) -> None:
        """Down."""
        x, y, h, c = _numbers(x=x, y=y, h=h, c=c)
        self.__canvas.fill(x, y, 1, h, c)

    def line(self, x1: int, y1: int, x2: int, y2: int, c: int) -> None:
        """From one place to another, both included."""
        self.__canvas.line(*_numbers(x1=x1, y1=y1, x2=x2, y2=y2, c=c))

    def rect(self, x: int, y: int, w: int, h: int, c: int, f: object = 0) -> None:
        """Its outline, or all of it."""
        x, y, w, h, c = _numbers(x=x, y=y, w=w, h=h, c=c)
        if f:
            self.__canvas.fill(x, y, w, h, c)
            return
        self.__canvas.fill(x, y, w, 1, c)
        self.__canvas.fill(x, y + h - 1, w, 1, c)
        self.__canvas.fill(x, y, 1, h, c)
        self.__canvas.fill(x + w - 1, y, 1, h, c)

    def ellipse(
        self, x: int, y: int, xr: int, yr: int, c: int, f: object = 0, m: int = _ALL_QUADRANTS
    ) -> None:
        """Around a place, its outline or all of it. m: bits 0 to 3 for the quadrants, beginning at
        the upper right, against the clock."""
        places = _numbers(x=x, y=y, xr=xr, yr=yr, c=c, m=m)
        self.__canvas.ellipse(*places, filled=bool(f))

    def poly(self, x: int, y: int, coords: Any, c: int, f: object = 0) -> None:
        """A closed polygon, its outline or all of it. coords: a buffer of x, y, x, y ...; a dock
        has no module `array`, and so it is octets.

        Raises TypeError for what is no buffer.
        """
        x, y, c = _numbers(x=x, y=y, c=c)
        numbers = memoryview(coords).tolist()
        corners = list(zip(numbers[::2], numbers[1::2], strict=False))
        edges = list(zip(corners, [*corners[-1:], *corners[:-1]], strict=True))
        draw = self.__canvas.polygon if f else self.__canvas.outline
        draw(x, y, edges, c)

    def text(self, s: str, x: int, y: int, c: int = 1) -> None:
        """In letters of 8x8. Beyond ASCII every octet of UTF-8 is a box."""
        x, y, c = _numbers(x=x, y=y, c=c)
        for octet in as_text(s, "s").encode("utf-8").partition(b"\0")[0]:
            code = octet if letters.FIRST <= octet <= letters.LAST else letters.LAST
            for column in letters.COLUMNS[code - letters.FIRST]:
                for row in range(letters.CELL):
                    if column >> row & 1:
                        self.__canvas.dot(x, y + row, c)
                x += 1

    def scroll(self, xstep: int, ystep: int) -> None:
        """Move everything; what is moved away from keeps its colours."""
        self.__canvas.scroll(*_numbers(xstep=xstep, ystep=ystep))

    def blit(
        self,
        fbuf: "FrameBuffer",
        x: int,
        y: int,
        key: int = -1,
        palette: "FrameBuffer | None" = None,
    ) -> None:
        """Draw another one here. key: a colour that is not drawn, compared behind the palette.
        palette: a line of colours, one for each of the other's.

        Raises TypeError for what is no FrameBuffer.
        """
        x, y, key = _numbers(x=x, y=y, key=key)
        if not isinstance(fbuf, FrameBuffer):
            raise TypeError("fbuf: a FrameBuffer is needed")
        if palette is not None and not isinstance(palette, FrameBuffer):
            raise TypeError("palette: a FrameBuffer is needed")
        source, target = fbuf.__canvas, self.__canvas
        for row in range(max(0, -y), min(source.height, target.height - y)):
            for column in range(max(0, -x), min(source.width, target.width - x)):
                colour = source.colour(column, row)
                if palette is not None:
                    colour = palette.pixel(colour, 0) or 0
                if colour != key:
                    target.dot(x + column, y + row, colour)


def framebuf_names() -> Names:
    """Of module `framebuf`."""
    return {"FrameBuffer": FrameBuffer, **{one.name: one.value for one in Format}}


def _numbers(**given: int) -> list[int]:
    """The values, all of them whole numbers."""
    return [whole(value, name) for name, value in given.items()]
