"""Each check of the bench, sound and sick; a sick one always says what to do."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from station.adapters import bench_doctor
from station.adapters.bench_doctor import Machine, examine_bench, rule_for
from station.domain.diagnosis import Diagnosis, Health
from station.domain.errors import DocumentRefused
from station.domain.profile import UsbFilter
from station.domain.slot_map import SlotPlace

DOCKS = (UsbFilter(), UsbFilter(0x1234, 0x5678))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which nothing runs and nothing is plugged in."""
    folders = [tmp_path / name for name in ("dev", "proc", "usb", "etc", "lib")]
    for folder in folders:
        folder.mkdir()
    dev, proc, usb, etc, lib = folders
    return Machine(dev, proc, usb, (etc, lib))


def run(machine: Machine, *programs: str) -> None:
    for number, program in enumerate(programs, start=17):
        (machine.proc / str(number)).mkdir()
        (machine.proc / str(number) / "comm").write_text(f"{program}\n", encoding="utf-8")


def write_rules(folder: Path, *rules: str, name: str = "60-docks.rules") -> None:
    (folder / name).write_text("# ours\n" + "\n".join(rules) + "\n", encoding="utf-8")


def modem_manager(machine: Machine) -> Diagnosis:
    return bench_doctor.modem_manager(DOCKS, machine)


def permission(machine: Machine) -> Diagnosis:
    return bench_doctor.serial_permission(DOCKS, machine)


def slots(machine: Machine, *places: SlotPlace) -> Diagnosis:
    return bench_doctor.slot_map(lambda: places, machine)


def nobody(monkeypatch: pytest.MonkeyPatch, *groups: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bench_doctor, "_group_names", lambda: set(groups))


def test_a_sound_bench_has_nothing_to_do(machine: Machine) -> None:
    (machine.usb_devices / "1-2").mkdir()
    found = examine_bench(
        docks=lambda: DOCKS, slots=lambda: [SlotPlace(1, "usb:1-2.3")], machine=machine
    )

    assert [one.check for one in found] == ["serial ports", "ModemManager", "slots"]
    assert {(one.health, one.remedy) for one in found} == {(Health.OK, "")}


def test_a_damaged_profile_is_told_of(machine: Machine) -> None:
    def damaged() -> Sequence[UsbFilter]:
        raise DocumentRefused("own.yaml: 1:1: nonsense")

    (found,) = examine_bench(docks=damaged, slots=list, machine=machine)

    assert (found.health, found.found) == (Health.BAD, "E-FILE-02 own.yaml: 1:1: nonsense")
    assert found.remedy


# -- ModemManager ----------------------------------------------------------------------------------


def test_only_modem_manager_is_in_the_way(machine: Machine) -> None:
    run(machine, "bash", "ModemManagerX")
    assert modem_manager(machine).health is Health.OK

    run_more = machine.proc / "99"
    run_more.mkdir()
    (run_more / "comm").write_text("ModemManager\n", encoding="utf-8")
    assert modem_manager(machine).health is Health.WARN


def test_the_remedy_is_a_rule_for_each_vendor_and_works(machine: Machine) -> None:
    run(machine, "ModemManager")
    sick = modem_manager(machine)
    assert rule_for(0x17E9) in sick.remedy
    assert rule_for(0x1234) in sick.remedy

    write_rules(machine.rules[0], rule_for(0x17E9))
    half = modem_manager(machine)
    assert half.health is Health.WARN
    assert rule_for(0x17E9) not in half.remedy

    write_rules(machine.rules[0], rule_for(0x17E9), rule_for(0x1234))
    assert modem_manager(machine).health is Health.OK


@pytest.mark.parametrize(
    "rule",
    [
        'ATTRS{idVendor}=="17E9", ENV{ID_MM_DEVICE_IGNORE}="1"',
        'ATTR{idVendor}=="17e9",\\\n  ENV{ID_MM_DEVICE_IGNORE}="1"',
        'ENV{ID_VENDOR_ID}=="1234|17e9", ENV{ID_MM_DEVICE_IGNORE}="1"',
    ],
)
def test_a_rule_may_be_written_in_more_than_one_way(machine: Machine, rule: str) -> None:
    run(machine, "ModemManager")
    write_rules(machine.rules[1], rule)

    assert bench_doctor.modem_manager([UsbFilter()], machine).health is Health.OK


@pytest.mark.parametrize(
    "rule",
    [
        f"# {rule_for(0x17E9)}",
        rule_for(0x17E8),
        'ATTRS{idVendor}=="17e9", ENV{ID_MM_DEVICE_IGNORE}="0"',
        'ATTRS{idVendor}!="17e9", ENV{ID_MM_DEVICE_IGNORE}="1"',
        'ATTRS{idVendor}=="17e9", TAG+="uaccess"',
    ],
)
def test_a_rule_that_says_something_else_does_not_help(machine: Machine, rule: str) -> None:
    run(machine, "ModemManager")
    write_rules(machine.rules[0], rule)

    assert bench_doctor.modem_manager([UsbFilter()], machine).health is Health.WARN


def test_a_rule_that_another_folder_overrides_is_not_in_force(machine: Machine) -> None:
    run(machine, "ModemManager")
    write_rules(machine.rules[1], rule_for(0x17E9), name="77-mm.rules")
    assert bench_doctor.modem_manager([UsbFilter()], machine).health is Health.OK

    write_rules(machine.rules[0], name="77-mm.rules")
    assert bench_doctor.modem_manager([UsbFilter()], machine).health is Health.WARN


# -- ports -----------------------------------------------------------------------------------------


def test_ports_that_may_not_be_opened_are_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.dev / "ttyACM0").touch()
    assert permission(machine).health is Health.OK

    monkeypatch.setattr(os, "access", lambda *_: False)
    barred = permission(machine)
    assert barred.health is Health.BAD
    assert "ttyACM0" in barred.found
    assert "dialout" in barred.remedy


def test_without_a_dock_the_group_or_a_rule_decides(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody(monkeypatch, "dialout")
    assert permission(machine).health is Health.OK

    nobody(monkeypatch, "users")
    assert permission(machine).health is Health.WARN

    write_rules(machine.rules[1], rule_for(0x17E9))
    assert permission(machine).health is Health.WARN  # the other vendor's docks stay shut
    write_rules(machine.rules[1], rule_for(0x17E9), rule_for(0x1234))
    assert permission(machine).health is Health.OK


# -- slots -----------------------------------------------------------------------------------------


def test_without_a_slot_map_the_wizard_is_named(machine: Machine) -> None:
    found = slots(machine)

    assert (found.health, found.remedy) == (Health.WARN, "station slot map")


def test_a_slot_map_that_cannot_be_read_is_bad(machine: Machine) -> None:
    def damaged() -> Sequence[SlotPlace]:
        raise DocumentRefused("slots.yaml: 3:1: slot 1 twice")

    assert bench_doctor.slot_map(damaged, machine).health is Health.BAD


@pytest.mark.parametrize(
    ("port", "hub"), [("usb:1-2", "usb1"), ("usb:3-2.4", "3-2"), ("usb:1-2.4.1:1.0", "1-2.4")]
)
def test_a_slot_whose_hub_is_gone_is_told_of_with_or_without_a_dock(
    machine: Machine, port: str, hub: str
) -> None:
    gone = slots(machine, SlotPlace(5, port))
    assert gone.health is Health.WARN
    assert gone.found == f"slot 5: there is no hub {hub}"

    (machine.usb_devices / hub).mkdir()
    assert slots(machine, SlotPlace(5, port)).health is Health.OK


def test_a_plain_port_must_be_there_and_have_a_name_that_stays(
    machine: Machine, tmp_path: Path
) -> None:
    port = tmp_path / "uart"
    assert slots(machine, SlotPlace(1, str(port))).found == f"slot 1: there is no {port}"

    port.touch()
    assert slots(machine, SlotPlace(1, str(port))).health is Health.OK
    assert slots(machine, SlotPlace(1, "/dev/ttyACM0")).health is Health.WARN


def test_a_slot_that_is_off_is_missed_by_nobody(machine: Machine) -> None:
    found = slots(machine, SlotPlace(1, "usb:1-2.1", enabled=False))

    assert (found.health, found.found) == (Health.OK, "1 mapped, 1 off")
