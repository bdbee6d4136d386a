"""Scenarios as people write them: everything but the name may be left out, nothing may be wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.adapters.files.scenarios import read_scenario
from station.domain.errors import DocumentRefused, FileUnreadable
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

ROOT = Path(__file__).resolve().parents[4]

WHOLE = """\
name: cafe
description: Everything a scenario can say
run_ms: 5000
start: "2026-11-02T08:00:00Z"
dock_id: "{id}"
mac: "02-00-5E-10-00-01"
network:
  - {{at_ms: 3000, ip: 192.0.2.17, subnet: 255.255.255.0, gateway: 192.0.2.1, dns: 192.0.2.53}}
  - {{at_ms: 0, ip: ""}}
monitors:
  - {{name: Left, width: 1920, height: 1080, serial_number: 7}}
  - null
host: suspended
usb:
  - {{vendor: "17e9", product: "7000", name: Dock}}
pins:
  - {{at_ms: 9000, pin: JOYSTICK_CENTER, active: false}}
  - {{at_ms: 5000, pin: JOYSTICK_CENTER, active: true}}
http:
  - {{method: get, url: "https://content.example/", status: 200, headers: {{a: b}}, body: ü}}
  - {{method: post, url: "https://content.example/", status: 7}}
mqtt:
  - {{at_ms: 9000, topic: site/news, message: ü}}
messages:
  - {{at_ms: 1, message: thello}}
  - {{at_ms: 2, message: "aQD/", encoding: base64}}
expect:
  texts: ["192.0.2.17"]
  images: [default]
""".format(id="aB" * 32)


def read(folder: Path, text: str) -> Scenario:
    (folder / "s.yaml").write_text(text, encoding="utf-8")
    return read_scenario(folder / "s.yaml")


def test_everything_a_scenario_can_say_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE) == Scenario(
        name="cafe",
        description="Everything a scenario can say",
        run_ms=5000,
        start_at=datetime(2026, 11, 2, 8, tzinfo=UTC),
        dock_id=DockId(bytes.fromhex("ab" * 32)),
        mac=bytes.fromhex("02005E100001"),
        network=(
            NetworkChange(0, ""),
            NetworkChange(3000, "192.0.2.17", "255.255.255.0", "192.0.2.1", "192.0.2.53"),
        ),
        monitors=(MonitorModel("Left", 1920, 1080, 7), None),
        host=HostStatus.SUSPENDED,
        usb=(UsbDevice(0x17E9, 0x7000, "Dock"),),
        pins=(
            PinChange(5000, "JOYSTICK_CENTER", active=True),
            PinChange(9000, "JOYSTICK_CENTER", active=False),
        ),
        http=(
            HttpAnswer("get", "https://content.example/", 200, (("a", "b"),), "ü".encode()),
            HttpAnswer("post", "https://content.example/", 7),
        ),
        mqtt=(MqttMessage(9000, "site/news", "ü".encode()),),
        messages=(VisionMessage(1, b"thello"), VisionMessage(2, b"i\x00\xff")),
        expect=Expectation(("192.0.2.17",), ("default",)),
    )


def test_what_is_left_out_is_as_on_the_default_bench(tmp_path: Path) -> None:
    read_ = read(tmp_path, "name: plain\n")

    assert (read_.name, read_.description) == ("plain", "")
    for part in ("run_ms", "start_at", "dock_id", "mac", "network", "monitors", "host", "usb"):
        assert getattr(read_, part) == getattr(DEFAULT, part)


def test_an_empty_list_is_a_bench_without(tmp_path: Path) -> None:
    bare = read(tmp_path, "name: bare\nnetwork: []\nmonitors: []\nusb: []\n")

    assert (bare.network, bare.monitors, bare.usb) == ((), (), ())


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("name: cafe", "nom: cafe", "1:1", "the key 'name' is missing"),
        ("run_ms: 5000", "run_ms: 5 s", "3:9", "milliseconds"),
        ("run_ms: 5000", "run_ms: 86400001", "3:9", "milliseconds"),
        ("2026-11-02", "2026-11-31", "4:8", "no such moment"),
        ("T08:00", "T24:01", "4:8", "no such moment"),
        ('Z"', '"', "4:8", "UTC time"),
        ("02-00-5E", "02-00", "6:6", "twelve hexadecimal digits"),
        ("at_ms: 3000", "at_ms: -1", "8:13", "milliseconds"),
        ("ip: 192.0.2.17", "ip: 192", "8:23", "put it in quotes"),
        ("width: 1920", "width: 0", "11:25", "pixels"),
        ("- null", "- Left", "12:5", "or null where nothing is attached"),
        ("suspended", "asleep", "13:7", "not-connected, connected or suspended"),
        ('"17e9"', '"17e"', "15:14", "four hexadecimal digits"),
        ("active: false", "active: off", "17:49", "true or false"),
        ("method: get", "method: put", "20:14", "get or post"),
        ("status: 7", "status: 600", "21:61", "1 to 599"),
        ("headers: {a: b}", "headers: {a: 1}", "20:78", "put it in quotes"),
        ("message: thello", "text: thello", "25:16", "unknown key 'text'"),
        ('"aQD/"', '"aQD"', "26:25", "not base64"),
        ("encoding: base64", "encoding: hex", "26:43", "text, or base64"),
        ('texts: ["192.0.2.17"]', 'texts: [""]', "28:11", "empty"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, old: str, new: str, place: str, says: str
) -> None:
    assert old in WHOLE
    with pytest.raises(DocumentRefused) as refused:
        read(tmp_path, WHOLE.replace(old, new))

    lines = [refused.value.cause, *getattr(refused.value, "__notes__", [])]
    assert any(f"s.yaml:{place}: " in line and says in line for line in lines), lines


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="no such file"):
        read_scenario(tmp_path / "none.yaml")


def test_the_samples_can_be_read() -> None:
    samples = sorted((ROOT / "firmware_bundles").glob("*/scenarios/*.yaml"))

    assert [read_scenario(path).name for path in samples] == [path.stem for path in samples]
    assert samples
