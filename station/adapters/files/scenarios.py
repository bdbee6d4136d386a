"""Reads rehearsal scenarios: the scripted bench a first boot is rehearsed on.

What a scenario leaves out is as on the default bench (`domain.scenario.DEFAULT`), so that one line
makes a scenario; an empty list is a bench without.
"""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from station.adapters.files import strict_yaml
from station.adapters.files.schemas import Schema, check
from station.adapters.files.strict_yaml import Document
from station.domain.identity import DockId
from station.domain.scenario import (
    DEFAULT,
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


def read_scenario(path: Path) -> Scenario:
    """The scenario in a YAML file.

    Raises FileUnreadable, or DocumentRefused naming line and column.
    """
    return _scenario(strict_yaml.read(path))


def _scenario(document: Document) -> Scenario:
    check(document, Schema.SCENARIO)
    data: Any = document.data
    expect = data.get("expect", {})
    return Scenario(
        name=data["name"],
        description=data.get("description", ""),
        run_ms=data.get("run_ms", DEFAULT.run_ms),
        start_at=_start_at(document, data),
        dock_id=DockId(bytes.fromhex(data["dock_id"])) if "dock_id" in data else None,
        mac=_mac(data),
        network=_in_time(_told(data, "network", _network, DEFAULT.network)),
        monitors=_told(data, "monitors", _monitor, DEFAULT.monitors),
        host=HostStatus(data.get("host", DEFAULT.host)),
        usb=_told(data, "usb", _usb, DEFAULT.usb),
        pins=_in_time(_told(data, "pins", _pin, DEFAULT.pins)),
        http=_told(data, "http", _http, DEFAULT.http),
        mqtt=tuple(
            MqttMessage(item["at_ms"], item["topic"], octets)
            for item, octets in _messages(document, data, "mqtt")
        ),
        messages=tuple(
            VisionMessage(item["at_ms"], octets)
            for item, octets in _messages(document, data, "messages")
        ),
        expect=Expectation(tuple(expect.get("texts", ())), tuple(expect.get("images", ()))),
    )


T = TypeVar("T")
Change = TypeVar("Change", NetworkChange, PinChange)
Item = Mapping[str, Any]


def _told(
    data: Item, key: str, made: Callable[[Any], T], otherwise: tuple[T, ...]
) -> tuple[T, ...]:
    return tuple(map(made, data[key])) if key in data else otherwise


def _in_time(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """People need not write them in order; what is written last holds from a common moment on."""
    return tuple(sorted(changes, key=lambda one: one.at_ms))


def _start_at(document: Document, data: Item) -> datetime:
    if "start" not in data:
        return DEFAULT.start_at
    try:
        return datetime.fromisoformat(data["start"])
    except ValueError as error:
        raise document.refuse(f"start: no such moment: {error}", "start") from error


def _mac(data: Item) -> bytes:
    if "mac" not in data:
        return DEFAULT.mac
    return bytes.fromhex(data["mac"].replace(":", "").replace("-", ""))


def _network(item: Item) -> NetworkChange:
    return NetworkChange(**item)


def _monitor(item: Item | None) -> MonitorModel | None:
    return None if item is None else MonitorModel(**item)


def _usb(item: Item) -> UsbDevice:
    return UsbDevice(int(item["vendor"], 16), int(item["product"], 16), item["name"])


def _pin(item: Item) -> PinChange:
    return PinChange(**item)


def _http(item: Item) -> HttpAnswer:
    return HttpAnswer(
        method=item["method"],
        url=item["url"],
        status=item["status"],
        headers=tuple(item.get("headers", {}).items()),
        body=item.get("body", "").encode("utf-8"),
    )


def _messages(document: Document, data: Item, key: str) -> Iterable[tuple[Item, bytes]]:
    for number, item in enumerate(data.get(key, ())):
        yield item, _octets(document, item, key, number)


def _octets(document: Document, item: Item, *trail: str | int) -> bytes:
    text: str = item["message"]
    if item.get("encoding", _TEXT) == _TEXT:
        return text.encode("utf-8")
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        place = (*trail, "message")
        raise document.refuse("the message is not base64", *place) from error


_TEXT: Final = "text"
