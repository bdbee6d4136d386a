"""What is visible is what the SDK documents, no more and no less (dock-sdk.md, section 2)."""

import pytest

from station.domain.rehearsal import Finding, FindingKind
from station.rehearsal.sdk.modules import dock_modules
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, run

NAMES = {
    "datastore": "CodeStore ImageStore KvStore",
    "image": "BMP ImageToken NONE PNG",
    "splashscreen": "Alignment Splashscreen",
    "wakeup": "Timer wakeup",
    "dock": "DockControl DockInfo",
    "monitor": "Monitor",
    "network": "LAN",
    "usb": "find",
    "gpio": "DigitalInput DigitalOutput create",
    "i2c": "Bus I2C I2cError i2c",
    "http": "Response get get_async post post_async",
    "mqtt": "ErrorDescription MqttClient MqttError QOS0 QOS1 QOS2",
    "vision_client": "VisionClient",
    "iperf": "IperfClient",
    "hashlib": "md5 sha1 sha256",
    "hmac": "new",
    "binascii": "a2b_base64 b2a_base64 hexlify unhexlify",
    "json": "dump dumps load loads",
    "time": "gmtime localtime mktime sleep sleep_ms sleep_us strftime strptime ticks_add ticks_cpu"
    " ticks_diff ticks_ms ticks_us time time_ns",
    "datetime": "MAXYEAR MINYEAR date datetime time timedelta timezone tzinfo",
    "io": "BytesIO StringIO open",
    "framebuf": "FrameBuffer GS2_HMSB GS4_HMSB GS8 MONO_HLSB MONO_HMSB MONO_VLSB RGB565",
}


def test_2_the_modules_are_those_of_the_sdk() -> None:
    assert set(dock_modules(FakeMachine())) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_2_a_module_shows_its_documented_names_only(name: str) -> None:
    shown = [one for one in dir(module(name)) if not one.startswith("__")]

    assert shown == NAMES[name].split()


@pytest.mark.parametrize("name", NAMES)
def test_2_a_modules_own_things_say_that_they_are_its_own(name: str) -> None:
    offered = vars(module(name))
    ours = [one for one in offered.values() if getattr(one, "__module__", "") == name]

    assert all(vars(module(name))[one.__name__] for one in ours)
    assert not any(
        str(getattr(one, "__module__", "")).startswith("station.rehearsal")
        for one in offered.values()
    )


@pytest.mark.parametrize(
    "statement",
    [
        "import wakeup; wakeup.wakeup",
        "import wakeup as later; later.Timer",
        "from wakeup import wakeup",
        "from wakeup import wakeup as later, Timer",
        "from wakeup import *; wakeup, Timer",
        "__import__('wakeup').Timer",
        "def f():\n    import wakeup, dock\n    return wakeup.Timer\nf()",
    ],
)
def test_2_modules_are_imported_as_pythons_are(statement: str) -> None:
    machine = run(statement)

    assert machine.findings == []


@pytest.mark.parametrize(
    "name",
    ["os", "sys", "socket", "re", "collections", "asyncio", "ujson", "json.decoder", "builtins"],
)
def test_2_a_module_that_a_dock_lacks_cannot_be_imported(name: str) -> None:
    machine = FakeMachine()
    with pytest.raises(ImportError) as raised:
        run(f"import {name}", machine=machine)

    assert str(raised.value) == f"no module named '{name}'"
    assert machine.findings == [Finding(FindingKind.NOT_ON_DOCK, f"main.py, line 1: import {name}")]


def test_2_a_name_that_a_module_lacks_cannot_be_imported() -> None:
    machine = FakeMachine()
    with pytest.raises(ImportError) as raised:
        run("from json import decoder", machine=machine)

    assert str(raised.value) == "can't import name decoder"
    assert machine.findings == [Finding(FindingKind.NOT_ON_DOCK, "main.py, line 1: json.decoder")]


@pytest.mark.parametrize("code", ["from . import json", "from .json import loads"])
def test_2_nothing_is_imported_relatively(code: str) -> None:
    with pytest.raises(ImportError):
        run(code)


def test_2_whoever_goes_on_without_a_module_is_told_of() -> None:
    machine = run("""
        try:
            import ujson as json
        except ImportError:
            import json
        json.dumps
        """)

    assert machine.findings == [Finding(FindingKind.NOT_ON_DOCK, "main.py, line 3: import ujson")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("import usb\nusb.find(1)", "find() takes 0 positional arguments but 1 was given"),
        (
            "import splashscreen\nsplashscreen.Splashscreen().add_text_box()",
            "Splashscreen.add_text_box() missing 1 required positional argument: 'text'",
        ),
    ],
)
def test_2_a_wrong_call_is_told_in_the_docks_own_words(call: str, message: str) -> None:
    with pytest.raises(TypeError) as raised:
        run(call)

    assert str(raised.value) == message


def test_two_docks_share_nothing() -> None:
    first, second = dock_modules(FakeMachine()), dock_modules(FakeMachine())
    first["dock"].DockControl().set_timezone("Japan")

    assert first["time"].localtime(0)[3] == 9
    assert second["time"].localtime(0)[3] == 0
