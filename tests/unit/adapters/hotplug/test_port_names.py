"""What a port means right now, and what is refused before a byte is sent to it."""

from pathlib import Path

import pytest

from station.adapters.hotplug.port_names import PortNames
from station.domain.errors import ForeignDevice, LinkError, NoDock, SeveralPorts
from station.domain.profile import UsbFilter
from tests.fakes.usb_ports import FakeUsbPorts

DOCKS = (UsbFilter(), UsbFilter(0x1234, 0x0001))


def names(usb: FakeUsbPorts, *allowed: UsbFilter) -> PortNames:
    return PortNames(usb, lambda: allowed or DOCKS)


def test_a_place_is_looked_up_afresh_each_time() -> None:
    usb = FakeUsbPorts()
    resolve = names(usb)
    usb.plug("1-2.3", "/dev/ttyACM0")
    assert resolve("usb:1-2.3") == "/dev/ttyACM0"

    usb.pull("1-2.3")
    usb.plug("1-2.3", "/dev/ttyACM5")
    assert resolve("usb:1-2.3") == "/dev/ttyACM5"

    usb.pull("1-2.3")
    with pytest.raises(NoDock, match=r"nothing is plugged in at usb:1-2\.3"):
        resolve("usb:1-2.3")


@pytest.mark.parametrize("ids", ["0403:6001", "1234:0002", "0000:0000"])
@pytest.mark.parametrize("port", ["usb:1-1", "/dev/ttyACM0"])
def test_a_foreign_device_is_refused_whichever_way_it_was_named(port: str, ids: str) -> None:
    usb = FakeUsbPorts()
    usb.plug("1-1", "/dev/ttyACM0", ids=ids, title="Mouse")

    with pytest.raises(ForeignDevice) as caught:
        names(usb)(port)
    assert caught.value.cause == f"{ids} Mouse at {port} is no dock"


@pytest.mark.parametrize("ids", ["17e9:0000", "17e9:ffff", "1234:0001"])
def test_every_profile_may_name_its_devices(ids: str) -> None:
    usb = FakeUsbPorts()
    usb.plug("1-1", "/dev/ttyACM0", ids=ids)

    assert names(usb)("usb:1-1") == "/dev/ttyACM0"


def test_a_device_with_several_ports_is_not_guessed_at() -> None:
    usb = FakeUsbPorts()
    usb.plug("1-1", "/dev/ttyACM0", interface="1.0")
    usb.plug("1-1", "/dev/ttyACM1", interface="1.2")

    with pytest.raises(SeveralPorts, match=r"usb:1-1:1\.0 or usb:1-1:1\.2"):
        names(usb)("usb:1-1")
    assert names(usb)("usb:1-1:1.2") == "/dev/ttyACM1"
    with pytest.raises(NoDock):
        names(usb)("usb:1-1:1.1")


def test_a_link_to_a_foreign_device_is_seen_through(tmp_path: Path) -> None:
    device, link = tmp_path / "ttyACM0", tmp_path / "by-path"
    device.touch()
    link.symlink_to(device)
    usb = FakeUsbPorts()
    usb.plug("1-1", str(device), ids="0403:6001")

    with pytest.raises(ForeignDevice):
        names(usb)(str(link))


def test_what_has_no_descriptor_is_itself(tmp_path: Path) -> None:
    link = tmp_path / "dock"
    link.symlink_to("/dev/pts/3")

    assert names(FakeUsbPorts())(str(link)) == str(link)


@pytest.mark.parametrize("port", ["usb:", "usb:1", "usb:1-", "usb:1-2/../3", "usb:1-2:x", "usb:é"])
def test_nonsense_is_no_place(port: str) -> None:
    with pytest.raises(LinkError) as caught:
        names(FakeUsbPorts())(port)

    assert caught.value.code == "E-LINK-01"
