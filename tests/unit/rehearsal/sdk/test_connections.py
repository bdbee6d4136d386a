"""Modules `network` and `usb` (dock-sdk.md, 2.4)."""

from station.domain.scenario import NetworkChange, UsbDevice
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, scene


def test_2_4_an_empty_address_means_no_network_yet() -> None:
    assert module("network").LAN().ifconfig() == ("", "", "", "")


def test_2_4_the_address_is_what_the_scenario_says_at_the_time() -> None:
    changes = (
        NetworkChange(3_000, "192.0.2.1", "255.255.255.0", "192.0.2.254", "192.0.2.53"),
        NetworkChange(5_000, "192.0.2.2"),
        NetworkChange(4_000, ""),
        NetworkChange(6_000, "192.0.2.3"),
        NetworkChange(6_000, "192.0.2.4"),
    )
    machine = FakeMachine(scene(network=changes))
    lan, seen = module("network", machine).LAN(), []
    for at_ms in (2_999, 3_000, 4_500, 5_500, 7_000):
        machine.run(at_ms)
        seen.append(lan.ifconfig())

    assert seen == [
        ("", "", "", ""),
        ("192.0.2.1", "255.255.255.0", "192.0.2.254", "192.0.2.53"),
        ("", "", "", ""),
        ("192.0.2.2", "", "", ""),
        ("192.0.2.4", "", "", ""),
    ]


def test_q13_the_mac_has_both_names() -> None:
    machine = FakeMachine(scene(mac=bytes.fromhex("02005E10000A")))
    lan = module("network", machine).LAN()

    assert lan.mac() == lan.mac_address() == "02:00:5E:10:00:0A"
    assert machine.calls == [("network.LAN.mac", ""), ("network.LAN.mac_address", "")]


def test_2_4_usb_devices_are_listed_with_ids_and_name() -> None:
    devices = (UsbDevice(0x046D, 0xC31C, "Keyboard"), UsbDevice(1, 2, ""))

    assert module("usb", FakeMachine(scene(usb=devices))).find() == [
        (0x046D, 0xC31C, "Keyboard"),
        (1, 2, ""),
    ]
    assert module("usb").find() == []
