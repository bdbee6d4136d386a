"""Docks with flash that takes its time or goes bad, bad cables and lost supplies, met by the whole
station: late is not lost, nothing wrong is a PASS, and the right image comes through all noise.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from station.dock.main import POWER_LOST_STATUS
from station.domain.errors import LinkError
from station.protocol import datastore_group as store
from station.protocol import smp
from station.protocol.framing import CobsDecoder, Framing, frame
from station.protocol.os_group import Echo
from tests.end_to_end.small_line import (
    Bench,
    Ended,
    dock,
    furnish,
    layout,
    made_once,
    start_order,
)
from tests.end_to_end.virtual_docks import start, until
from tests.unit.dock.images import DOCK_ID, image_of, make_plan

PLAN = make_plan()

UNIT = "DK7F-00317"
NOT_BOOTABLE = "E-BOOT-01"
EXIT_LINK = 11


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An order whose units may be tried again as often as one likes."""

    def make(folder: Path) -> None:
        furnish(folder)
        start_order(Bench(folder), retry_limit=1_000_000)

    return made_once(tmp_path_factory, "dock-hardware", make)


@pytest.fixture
def bench(furnished: Path, tmp_path: Path) -> Iterator[Bench]:
    yield Bench.copied(furnished, tmp_path / "bench")


def run(bench: Bench, *faults: str, nor: str = "none") -> Ended:
    """One run of the unit, on the dock that keeps its flash from run to run."""
    with dock(bench, UNIT, *faults, options=[f"--nor={nor}"]) as unit:
        return bench.provision(UNIT, unit.port)


def used(bench: Bench) -> None:
    """Give the dock a chip whose slots are full, so that its first image has sectors to erase."""
    place, chance = layout(), Random(5)
    cells = bytearray(b"\xff" * place.size_bytes)
    for area in place.slots:
        cells[area.offset_bytes : area.end_bytes] = chance.randbytes(area.size_bytes)
    docks = bench.folder / "docks"
    docks.mkdir()
    (docks / f"{UNIT}.flash").write_bytes(cells)


def verdict(ended: Ended) -> tuple[str, str]:
    return ended.json["verdict"], ended.json["error_code"]


# -- flash that takes its time ----------------------------------------------------------------


def test_a_run_passes_on_used_flash_as_slow_as_serial_nor(bench: Bench) -> None:
    used(bench)

    assert verdict(run(bench, nor="typical")) == ("PASS", "")


def test_an_erase_longer_than_any_patience_is_waited_for(bench: Bench) -> None:
    used(bench)

    assert verdict(run(bench, "slow-erase+3sx1")) == ("PASS", "")


def test_a_dock_at_work_on_its_flash_ends_when_it_is_told_to(tmp_path: Path) -> None:
    with start(tmp_path, "slow-erase+9000s") as busy, busy.client() as client:
        client.ask(store.Begin(10_000))
        client.all(store.write_requests(0, b"x" * 10_000, message_max=4_092))
        client.ask(store.Begin(10_000))
        with pytest.raises(LinkError):
            client.ask(store.Write(0, b"y"), within_s=0.5)

        assert busy.end() == 0


def test_a_dock_at_work_longer_than_a_client_is_quiet_loses_no_half_of_a_frame(
    tmp_path: Path,
) -> None:
    with start(tmp_path, "slow-erase+0.4s") as busy, busy.client() as client:
        client.ask(store.Begin(20_000))
        client.all(store.write_requests(0, b"x" * 20_000, message_max=4_092))
        client.ask(store.Begin(20_000))
        writes = [store.Write(offset, b"y" * 4_000) for offset in range(0, 16_000, 4_000)]
        client._port.write(
            b"".join(
                frame(Framing.COBS, smp.encode(smp.Message(smp.Op.WRITE, 64, 6, sequence, body)))
                for sequence, body in enumerate(each.to_body() for each in writes)
            )
        )
        decoder, answers = CobsDecoder(), list[bytes]()

        def all_answered() -> bool:
            answers.extend(decoder.feed(client._port.read(100)))
            return len(answers) == len(writes)

        until(all_answered)

        assert [smp.decode(each).sequence for each in answers] == [0, 1, 2, 3]
        assert client.read(store.Slot.OTHER, 16_000) == b"y" * 16_000


# -- flash that is bad ------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["bad-block@3", "no-erase@3", "stuck-bit@50000.5"])
def test_flash_that_does_not_keep_the_image_is_a_fail_by_name(bench: Bench, fault: str) -> None:
    used(bench)

    assert verdict(run(bench, fault)) == ("FAIL", "E-WRITE-01")


def test_a_place_that_the_slots_have_not_is_no_fault(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="image slots end"), start(tmp_path, "no-erase@999"):
        pass


# -- lost supplies ----------------------------------------------------------------------------


def test_a_one_slot_dock_whose_supply_went_is_not_bootable_until_it_is_written_again(
    bench: Bench,
) -> None:
    profile = bench.home / "profiles" / "small.yaml"
    profile.write_text(profile.read_text(encoding="utf-8").replace("slots: 2", "slots: 1"))
    with dock(bench, UNIT, "cut@100:half") as unit:
        cut = bench.provision(UNIT, unit.port)
        status = unit.process.wait(20)
    with dock(bench, UNIT) as unit:
        looked_at = bench.run(*("dock", "readback", "--json", "--port", unit.port), "--out", "x")

    assert verdict(cut) == ("ERROR", NOT_BOOTABLE)
    assert cut.json["cause"].startswith("NOT BOOTABLE: its only slot is half written; ")
    assert status == POWER_LOST_STATUS
    assert (looked_at.status, looked_at.code) == (EXIT_LINK, NOT_BOOTABLE)
    assert verdict(run(bench)) == ("PASS", "")


# -- bad cables -------------------------------------------------------------------------------

NOISE = {
    "flips": ("flips@13/150000:in", "flips@13/150000:out"),
    "lost bytes": ("drops@9/150000:in", "drops@9/150000:out"),
    "lost frames": ("drop-frame@20x2:in", "drop-frame@30x2:out"),
    "everything twice": ("double@2000x5000:in", "double-frame@5x30:in", "double-frame@5x30:out"),
    "a rest": ("stall@60000+0.7s:in", "stall@60000+0.7s:out"),
    "wrong answers": ("lost@write#3", "stale@read#4", "twice@commit", "other-group@write#9"),
    "late answers": ("late@commit+0.2s", "late@write#4+0.6s", "no-memory@write#12"),
}


@pytest.mark.parametrize("name", NOISE)
def test_the_right_image_comes_through_a_bad_cable(tmp_path: Path, name: str) -> None:
    with start(tmp_path, *NOISE[name]) as dock, dock.client() as client:
        client.install(PLAN)

        assert client.read(store.Slot.ACTIVE, PLAN.size_bytes) == image_of(PLAN)


@pytest.mark.parametrize("way", ["in", "out"])
def test_a_cable_comes_out_at_its_byte_and_is_in_again(tmp_path: Path, way: str) -> None:
    with start(tmp_path, f"unplug@3000+0.1s:{way}") as dock:
        with dock.client() as client, pytest.raises((LinkError, OSError)):
            for _ in range(100):
                client.ask(Echo("x" * 100))
        with dock.client() as client:
            for _ in range(100):
                client.ask(Echo("x" * 100))


@pytest.mark.parametrize("fault", ["endless@slot-state", "drip@slot-state", "mute@slot-state"])
def test_a_hostile_dock_is_given_up_and_goes_on_being_one(tmp_path: Path, fault: str) -> None:
    with start(tmp_path, fault) as dock, dock.client() as client:
        client.ask(store.Identify())
        for _ in range(2):
            with pytest.raises(LinkError):
                client.ask(store.SlotState(), within_s=0.7)

        assert dock.end() == 0


def test_a_swapped_dock_comes_under_the_same_path(tmp_path: Path) -> None:
    with start(tmp_path, "other-dock@slot-state") as dock:
        with dock.client() as client, pytest.raises((LinkError, OSError)):
            assert client.ask(store.Identify()).dock_id == DOCK_ID.octets
            client.ask(store.SlotState(), within_s=2.0)
        with dock.client() as client:
            assert client.ask(store.Identify()).dock_id != DOCK_ID.octets
            assert client.ask(store.SlotState()).active is None
