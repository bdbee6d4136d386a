"""What a child is told before it runs: the bench, the code, and how to go about it.

The only thing it is given unasked. It comes from the parent, which the child trusts.
"""

from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.scenario import (
    Expectation,
    HostStatus,
    HttpAnswer,
    MonitorModel,
    MqttMessage,
    NetworkChange,
    PinChange,
    Scenario,
    UsbDevice,
    VisionMessage,
)

_BYTES: Final = "latin-1"
"""Octets as text that JSON carries, one character each."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """scenario: its dock id is set. live: in real time and for ever, as on a dock; else on a clock
    that jumps, for the scenario's `run_ms`. memory_bytes, processor_s: limits of its process, the
    latter None for none.
    """

    scenario: Scenario
    unknown_image: UnknownImage
    live: bool
    memory_bytes: int
    processor_s: int | None
    code: bytes = field(repr=False)

    def plain(self) -> list[Any]:
        """As a head of the channel; the code is its body."""
        return [
            _plain(astuple(self.scenario)),
            self.unknown_image.value,
            self.live,
            self.memory_bytes,
            self.processor_s,
        ]

    @classmethod
    def of(cls, plain: Any, code: bytes) -> Self:
        """From what `plain` gave."""
        scenario, unknown_image, live, memory_bytes, processor_s = plain
        return cls(
            _scenario(*scenario),
            UnknownImage(unknown_image),
            live,
            memory_bytes,
            processor_s,
            code,
        )


def _plain(value: object) -> object:
    match value:
        case bytes():
            return value.decode(_BYTES)
        case datetime():
            return value.timestamp()
        case tuple() | list():
            return [_plain(item) for item in value]
    return value


def _octets(text: str) -> bytes:
    return text.encode(_BYTES)


def _scenario(
    name: str,
    description: str,
    run_ms: int,
    start_at: float,
    dock_id: list[str],
    mac: str,
    network: list[Any],
    monitors: list[Any],
    host: str,
    usb: list[Any],
    pins: list[Any],
    http: list[Any],
    mqtt: list[Any],
    messages: list[Any],
    expect: list[Any],
) -> Scenario:
    """In the order of the fields of Scenario, as `astuple` gives them."""
    texts, images = expect
    return Scenario(
        name=name,
        description=description,
        run_ms=run_ms,
        start_at=datetime.fromtimestamp(start_at, UTC),
        dock_id=DockId(*map(_octets, dock_id)),
        mac=_octets(mac),
        network=tuple(NetworkChange(*one) for one in network),
        monitors=tuple(MonitorModel(*one) if one else None for one in monitors),
        host=HostStatus(host),
        usb=tuple(UsbDevice(*one) for one in usb),
        pins=tuple(PinChange(*one) for one in pins),
        http=tuple(
            HttpAnswer(method, url, status, tuple(map(tuple, headers)), _octets(body))
            for method, url, status, headers, body in http
        ),
        mqtt=tuple(MqttMessage(at_ms, topic, _octets(body)) for at_ms, topic, body in mqtt),
        messages=tuple(VisionMessage(at_ms, _octets(body)) for at_ms, body in messages),
        expect=Expectation(tuple(texts), tuple(images)),
    )
