"""Shapes on a grid of pixels, clipped at its sides, by the algorithms MicroPython's `framebuf` has.

They decide which pixels belong to a line, an ellipse or a polygon, so that a driver which reads
its buffer finds what it would find on a dock.
Source: MicroPython's `framebuf`, 1.27, whose pictures the tests compare with.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from station.rehearsal.sdk.pixels import Layout

QUADRANTS: Final = ((1, -1), (-1, -1), (-1, 1), (1, 1))
"""Right and down, beginning at the upper right, against the clock."""

Point: TypeAlias = tuple[int, int]
Edge: TypeAlias = tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class Canvas:
    """data: the octets. stride: pixels from one line to the next. width, height: pixels."""

    data: memoryview
    layout: Layout
    stride: int
    width: int
    height: int

    def holds(self, x: int, y: int) -> bool:
        """Whether there is such a pixel."""
        return 0 <= x < self.width and 0 <= y < self.height

    def colour(self, x: int, y: int) -> int:
        """Of a pixel there is."""
        return self.layout.get(self.data, self.stride, x, y)

    def dot(self, x: int, y: int, colour: int) -> None:
        """One pixel, if there is such a one."""
        if self.holds(x, y):
            self.layout.set(self.data, self.stride, x, y, colour)

    def fill(self, x: int, y: int, width: int, height: int, colour: int) -> None:
        """A rectangle."""
        begin, end = max(0, x), min(self.width, x + width)
        if begin < end:
            for row in range(max(0, y), min(self.height, y + height)):
                self.layout.run(self.data, self.stride, begin, row, end - begin, colour)

    def line(self, x1: int, y1: int, x2: int, y2: int, colour: int) -> None:
        """Bresenham's, from the first place on."""
        dx, dy = abs(x2 - x1), abs(y2 - y1)
        forward, aside = 1 if x2 > x1 else -1, 1 if y2 > y1 else -1
        along, across = x1, y1
        if steep := dy > dx:
            dx, dy, forward, aside, along, across = dy, dx, aside, forward, y1, x1
        error = 2 * dy - dx
        for _ in range(dx):
            self.dot(*((across, along) if steep else (along, across)), colour)
            while error >= 0:
                across += aside
                error -= 2 * dx
            along += forward
            error += 2 * dy
        self.dot(x2, y2, colour)

    def ellipse(
        self, x: int, y: int, xr: int, yr: int, colour: int, mask: int, *, filled: bool
    ) -> None:
        """In the quadrants of `mask`, bit by bit as in `QUADRANTS`."""
        for dx, dy in _quarter(xr, yr):
            for bit, (right, down) in enumerate(QUADRANTS):
                if not mask >> bit & 1:
                    continue
                if filled:
                    left = x if right > 0 else x - dx
                    self.fill(left, y + down * dy, dx + 1, 1, colour)
                else:
                    self.dot(x + right * dx, y + down * dy, colour)

    def outline(self, x: int, y: int, edges: Sequence[Edge], colour: int) -> None:
        """Of a polygon whose edges are told from this place."""
        for (x1, y1), (x2, y2) in edges:
            self.line(x + x1, y + y1, x + x2, y + y2, colour)

    def polygon(self, x: int, y: int, edges: Sequence[Edge], colour: int) -> None:
        """All of one: line by line, between each pair of places where an edge crosses the line."""
        heights = [y1 for (_, y1), _ in edges]
        for row in range(min(heights, default=0), max(heights, default=-1) + 1):
            crossings = []
            for (x1, y1), (x2, y2) in edges:
                if min(y1, y2) <= row < max(y1, y2):
                    way = _quotient(32 * (x2 - x1) * (row - y1), y2 - y1)
                    crossings.append((32 * x1 + way + 16) // 32)
                elif row == y1 == y2:
                    self.line(x + x1, y + row, x + x2, y + row, colour)
                elif row == max(y1, y2):  # where an edge ends, it crosses no more
                    self.dot(x + (x2 if y1 < y2 else x1), y + row, colour)
            crossings.sort()
            for left, right in zip(crossings[::2], crossings[1::2], strict=True):
                self.fill(x + left, y + row, right - left + 1, 1, colour)

    def scroll(self, xstep: int, ystep: int) -> None:
        """Move everything; what is moved away from keeps its colours."""
        if abs(xstep) >= self.width or abs(ystep) >= self.height:
            return
        columns = _from_the_far_end(xstep, self.width)
        for y in _from_the_far_end(ystep, self.height):
            for x in columns:
                colour = self.colour(x - xstep, y - ystep)
                self.layout.set(self.data, self.stride, x, y, colour)


def _quarter(xr: int, yr: int) -> Iterator[Point]:
    """The pixels of a quarter of an ellipse, as distances from its centre; some of them twice.

    Two arcs, each to where the curve leans as much as it rises: up from the right end of the one
    axis, and to the right from the upper end of the other.
    """
    if xr == yr == 0:
        yield 0, 0
        return
    yield from _arc(xr, yr)
    for y, x in _arc(yr, xr):
        yield x, y


def _arc(far: int, near: int) -> Iterator[Point]:
    """(distance along the axis of `far`, beginning at its end; distance along the other)."""
    far_square, near_square = far * far, near * near
    along, across = far, 0
    change_along, change_across = near_square * (1 - 2 * far), far_square
    error = 0
    stop_along, stop_across = 2 * near_square * far, 0
    while stop_along >= stop_across:
        yield along, across
        across += 1
        stop_across += 2 * far_square
        error += change_across
        change_across += 2 * far_square
        if 2 * error + change_along > 0:
            along -= 1
            stop_along -= 2 * near_square
            error += change_along
            change_along += 2 * near_square


def _from_the_far_end(step: int, size: int) -> range:
    """Places that get another's colour, each before its own is taken."""
    return range(size + step) if step < 0 else range(size - 1, step - 1, -1)


def _quotient(dividend: int, divisor: int) -> int:
    """Towards zero, as in C."""
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient
