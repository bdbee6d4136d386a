"""Which parts of a span are free: no more is known here of what lies in the others."""

from bisect import bisect_left


class Holes:
    """The free ranges of a span, in octets from its start, in order and never side by side."""

    def __init__(self, start: int, end: int) -> None:
        """One hole, from `start` to `end`."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.give(start, end - start)

    def __len__(self) -> int:
        return len(self._starts)

    def take(self, size: int) -> int | None:
        """Start of a range of this size, out of the smallest hole that has it; None without one."""
        best = min(
            (
                (end - start, index)
                for index, (start, end) in enumerate(zip(self._starts, self._ends, strict=True))
                if end - start >= size
            ),
            default=None,
        )
        if best is None:
            return None
        room, index = best
        start = self._starts[index]
        if room == size:
            del self._starts[index], self._ends[index]
        else:
            self._starts[index] += size
        return start

    def give(self, start: int, size: int) -> None:
        """Make a range free that was taken; it grows together with the holes beside it."""
        if not size:
            return
        end, index = start + size, bisect_left(self._starts, start)
        if index < len(self._starts) and self._starts[index] == end:
            end = self._ends[index]
            del self._starts[index], self._ends[index]
        if index and self._ends[index - 1] == start:
            index -= 1
            start = self._starts[index]
            del self._starts[index], self._ends[index]
        self._starts.insert(index, start)
        self._ends.insert(index, end)
