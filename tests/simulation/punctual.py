"""Pipelines that nobody may keep beyond their deadline."""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from station.adapters.serial_link import port
from station.protocol.client import Answered, Connection, Pipeline
from station.protocol.shape import Request, Shape

A = TypeVar("A", bound=Shape)

ROUNDING_S: Final = 1e-6


class PunctualPipeline(Pipeline[A]):
    """`Pipeline`; an AssertionError where it is asked for anything later than it may last, by more
    than the loop may not have looked at the clock."""

    def __init__(
        self,
        connection: Connection,
        requests: Iterable[Request[A]],
        *,
        deadline_s: float,
        **options: Any,
    ) -> None:
        super().__init__(connection, requests, deadline_s=deadline_s, **options)
        self._must_end_s = deadline_s + port.POLL_S + ROUNDING_S

    def to_send(self, now_s: float) -> bytes:
        """See `Pipeline`."""
        assert now_s <= self._must_end_s, f"{now_s - self._must_end_s:.3f} s beyond the deadline"
        return super().to_send(now_s)

    def receive(self, data: bytes, now_s: float) -> list[Answered[A]]:
        """See `Pipeline`."""
        assert now_s <= self._must_end_s, f"{now_s - self._must_end_s:.3f} s beyond the deadline"
        return super().receive(data, now_s)
