"""The virtual dock as a process: a real port, the real protocol, a flash that outlives it."""

import asyncio
import os
import signal
import time
import zlib
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from smpclient import SMPClient
from smpclient.requests.os_management import EchoWrite, MCUMgrParametersRead
from smpclient.transport import SMPTransport
from smpclient.transport.serial import Cobs, SMPSerialRawTransport, SMPSerialTransport

from station.dock.main import POWER_LOST_STATUS
from station.domain.errors import LinkError, NoDock
from station.domain.identity import DockId, Serial
from station.protocol import datastore_group as store
from station.protocol.datastore_group import DatastoreCode, Listed, Slot
from station.protocol.errors import DockRefused
from station.protocol.framing import Framing
from station.protocol.os_group import Echo
from tests.end_to_end.virtual_docks import Client, VirtualDock, start, until
from tests.unit.dock.images import CODE, DOCK_ID, LABEL, PICTURE, image_of, make_plan

PLAN = make_plan()
OTHER = make_plan(token="token-2", counter=2)


def active(client: Client) -> store.SlotContent | None:
    return client.ask(store.SlotState()).active


# -- the whole way -----------------------------------------------------------------------------


def test_an_image_is_written_started_read_back_and_kept(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        assert dock.announced == {
            "port": str(tmp_path / "port"),
            "dock_id": str(DOCK_ID),
            "label": str(LABEL),
            "profile": "test-dock",
        }
        with dock.client() as client:
            identity = client.ask(store.Identify())
            assert (identity.dock_id, identity.label) == (DOCK_ID.octets, LABEL.text)
            assert (identity.model, identity.hardware_revision) == ("DL-7450", "C")
            assert active(client) is None
            assert client.begin(PLAN) == (False,) * len(PLAN.common_blocks)
            client.send(PLAN, PLAN.parts)
            assert client.commit(PLAN).accepted

            client.restart()

            assert dock.port.is_symlink()
            assert client.read(Slot.ACTIVE, PLAN.size_bytes) == image_of(PLAN)
            nonce = bytes(32)
            challenge = store.Challenge(Slot.ACTIVE, nonce, (store.Range(0, PLAN.size_bytes),))
            digest = sha256(nonce + image_of(PLAN)).digest()
            assert client.ask(challenge).digest == digest
            trial = active(client)
            assert trial is not None and not trial.confirmed
            client.ask(store.Confirm(PLAN.image_sha256))
            assert active(client) == store.SlotContent(
                PLAN.size_bytes, PLAN.image_sha256, pending=False, confirmed=True
            )
            assert client.ask(store.Identify()).security_counter == 1
        assert dock.end() == 0
    assert not (tmp_path / "port").is_symlink()


def test_the_docks_own_datastore_answers(tmp_path: Path) -> None:
    with start(tmp_path) as dock, dock.client() as client:
        client.install(PLAN)

        names = {kind: client.ask(store.Names(kind)).names for kind in Listed}
        token = client.ask(store.Entry(Listed.KEY_VALUE, "enrolment_token", 0, 100))
        picture = client.ask(store.Entry(Listed.IMAGE, "default"))

        assert names == {
            Listed.KEY_VALUE: ("content_url", "empty", "enrolment_token"),
            Listed.IMAGE: ("default", "photo"),
        }
        assert token.data == b"token-1"
        assert (picture.size, picture.type) == (len(PICTURE), "PNG")
        assert picture.digest == sha256(PICTURE).digest()
        assert client.ask(store.CodeInfo()).checksum == zlib.crc32(CODE)


def test_an_image_made_for_another_dock_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    with start(tmp_path) as dock, dock.client() as client:
        client.install(PLAN)
        client.ask(store.Confirm(PLAN.image_sha256))
        foreign = make_plan(dock_id=DockId(bytes(32)))
        client.write(foreign)

        assert client.commit(foreign) == store.CommitAnswer(False, "dock-id")

        client.restart()
        assert client.read(Slot.ACTIVE, PLAN.size_bytes) == image_of(PLAN)


def test_a_rework_of_an_unchanged_bundle_sends_no_common_block(tmp_path: Path) -> None:
    with start(tmp_path) as dock, dock.client() as client:
        client.install(PLAN)
        client.ask(store.Confirm(PLAN.image_sha256))
        again = make_plan(token="token-2")

        assert client.begin(again) == (True,) * len(again.common_blocks)

        client.send(again, again.unique_parts)
        assert client.commit(again).accepted
        client.restart()
        assert client.read(Slot.ACTIVE, again.size_bytes) == image_of(again)


# -- power -------------------------------------------------------------------------------------


def test_the_flash_outlives_a_killed_process(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        with dock.client() as client:
            client.install(PLAN)
            client.ask(store.Confirm(PLAN.image_sha256))
        assert dock.end(signal.SIGKILL) == -signal.SIGKILL

    with start(tmp_path) as dock, dock.client() as client:
        assert client.read(Slot.ACTIVE, PLAN.size_bytes) == image_of(PLAN)
        assert client.ask(store.Identify()).security_counter == 1


def test_an_image_that_was_not_confirmed_is_given_up_at_the_next_start(tmp_path: Path) -> None:
    with start(tmp_path) as dock, dock.client() as client:
        client.install(PLAN)
        client.ask(store.Confirm(PLAN.image_sha256))
        client.install(OTHER)
        assert client.read(Slot.ACTIVE, OTHER.size_bytes) == image_of(OTHER)

        client.restart()

        assert client.read(Slot.ACTIVE, PLAN.size_bytes) == image_of(PLAN)


def test_blocks_of_an_interrupted_write_are_proved_after_power_comes_back(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        with dock.client() as client:
            client.begin(PLAN)
            client.send(PLAN, PLAN.common_blocks[:2])
        dock.end(signal.SIGKILL)

    with start(tmp_path) as dock, dock.client() as client:
        held = client.begin(PLAN)
        assert held == (True, True, *[False] * (len(PLAN.common_blocks) - 2))
        client.send(PLAN, (*PLAN.common_blocks[2:], *PLAN.unique_parts))
        assert client.commit(PLAN).accepted


def test_a_power_cut_ends_the_process_and_the_flash_boots_again(tmp_path: Path) -> None:
    with start(tmp_path, "cut@400:half") as dock:
        with pytest.raises((LinkError, OSError)), dock.client() as client:
            client.write(PLAN)
        assert dock.process.wait(10) == POWER_LOST_STATUS
    assert not (tmp_path / "port").is_symlink()

    with start(tmp_path) as dock, dock.client() as client:
        assert active(client) is None
        client.install(PLAN)


def test_a_flash_file_belongs_to_one_dock(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        with pytest.raises(AssertionError, match="another virtual dock uses it"):
            start(tmp_path).__enter__()
        dock.end()

    with (
        pytest.raises(AssertionError, match=f"this flash is of dock {DOCK_ID}"),
        start(tmp_path, label=Serial("DK7F-00002")),
    ):
        pass


# -- port and peers ----------------------------------------------------------------------------


async def echo(port: Path, transport: SMPTransport) -> tuple[str, int]:
    async with SMPClient(transport, str(port)) as client:
        answer = await client.request(EchoWrite(d="hello"))
        limits = await client.request(MCUMgrParametersRead())
        return answer.r, limits.buf_size  # type: ignore[union-attr]


def test_an_independent_client_is_answered_in_every_framing(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        for transport in (
            SMPSerialRawTransport(framing=Cobs()),
            SMPSerialRawTransport(),
            SMPSerialTransport(),
            SMPSerialRawTransport(framing=Cobs()),
        ):
            assert asyncio.run(echo(dock.port, transport)) == ("hello", 4096)


def test_clients_come_and_go(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        for framing in (*Framing, *Framing):
            with dock.client(framing=framing) as client:
                assert client.ask(Echo(framing.value)).text == framing.value


def test_a_stranger_that_sends_noise_spoils_nothing(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        stranger = os.open(dock.port, os.O_RDWR | os.O_NOCTTY)
        os.write(stranger, b"AT\r\n" + Random(1).randbytes(3_000))
        os.close(stranger)

        with dock.client() as client:
            assert client.ask(Echo("still here")).text == "still here"


def test_a_limited_line_keeps_its_rate(tmp_path: Path) -> None:
    with start(tmp_path, bytes_per_s=400_000, latency_s=0.001) as dock, dock.client() as client:
        began_s = time.monotonic()
        client.write(PLAN)

        assert time.monotonic() - began_s > PLAN.size_bytes / 400_000


# -- commands ----------------------------------------------------------------------------------


def test_the_cable_is_pulled_and_put_back_by_command(tmp_path: Path) -> None:
    with start(tmp_path) as dock, dock.client() as client:
        dock.command("unplug")
        until(lambda: not dock.port.is_symlink())
        with pytest.raises((LinkError, OSError)):
            client.ask(Echo("?"))

        dock.say("no JSON")
        dock.say('{"command": "explode"}')
        dock.command("plug")

        with dock.client() as again:
            assert again.ask(Echo("back")).text == "back"


def test_the_end_of_the_command_channel_means_nothing_and_quit_ends(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        dock.command("quit")
        assert dock.process.wait(10) == 0
    with start(tmp_path) as dock:
        dock.end_commands()
        with dock.client() as client:
            assert client.ask(Echo("alive")).text == "alive"


def test_a_factory_reset_keeps_rom_and_starts_again(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        with dock.client() as client:
            client.install(PLAN)
            client.ask(store.Confirm(PLAN.image_sha256))
        before = dock.port.readlink()

        dock.command("factory-reset")

        until(lambda: not dock.port.is_symlink() or dock.port.readlink() != before)
        with dock.client() as client:
            assert client.read(Slot.ACTIVE, PLAN.size_bytes) == image_of(PLAN)


# -- faults ------------------------------------------------------------------------------------


def written_until_lost(dock: VirtualDock) -> None:
    with pytest.raises((LinkError, OSError)), dock.client() as client:
        client.write(PLAN)
    until(lambda: not dock.port.is_symlink())


def test_unplugged_at_a_share_of_the_image_until_it_is_put_back(tmp_path: Path) -> None:
    with start(tmp_path, "unplug@40%") as dock:
        written_until_lost(dock)

        dock.command("plug")

        with dock.client() as client:
            assert sum(client.begin(PLAN)) in range(1, len(PLAN.common_blocks))
            client.install(PLAN)  # it happens once


def test_unplugged_and_back_by_itself(tmp_path: Path) -> None:
    with start(tmp_path, "unplug@70%+0.2s") as dock:
        written_until_lost(dock)

        with dock.client() as client:
            client.install(PLAN)


def test_a_bad_flash_flips_one_bit_after_every_new_start(tmp_path: Path) -> None:
    with start(tmp_path, "bitflip") as dock, dock.client() as client:
        for plan in (PLAN, OTHER):
            client.install(plan)

            found = client.read(Slot.ACTIVE, plan.size_bytes)

            flipped = [
                bin(here ^ there).count("1")
                for here, there in zip(found, image_of(plan), strict=True)
            ]
            assert sum(flipped) == 1


def test_wrong_hardware_says_so(tmp_path: Path) -> None:
    with start(tmp_path, "wrong-hw") as dock, dock.client() as client:
        identity = client.ask(store.Identify())

        assert (identity.model, identity.hardware_revision) == ("DL-0000", "X0")
        assert identity.dock_id == DOCK_ID.octets


def test_another_dock_answers_after_the_restart(tmp_path: Path) -> None:
    with start(tmp_path, "other-dock") as dock, dock.client() as client:
        assert client.ask(store.Identify()).dock_id == DOCK_ID.octets

        client.install(PLAN)

        assert client.ask(store.Identify()).dock_id != DOCK_ID.octets


def test_a_dock_that_is_locked_already_takes_no_image(tmp_path: Path) -> None:
    with start(tmp_path, "already-locked") as dock, dock.client() as client:
        assert client.ask(store.Identify()).locked
        with pytest.raises(DockRefused) as refused:
            client.ask(store.Begin(PLAN.size_bytes))
        assert refused.value.rc == DatastoreCode.LOCKED


@pytest.mark.parametrize("fault", ["mute", "garbage"])
def test_a_dock_that_makes_no_sense_is_no_dock(tmp_path: Path, fault: str) -> None:
    with start(tmp_path, fault) as dock:
        client = Client(dock.port)
        with pytest.raises(NoDock):
            client.ask(Echo("?"), within_s=1.0)
        client.close()


def test_a_slow_line_is_slow(tmp_path: Path) -> None:
    with start(tmp_path, "slow@20000") as dock, dock.client() as client:
        began_s = time.monotonic()
        client.begin(PLAN)
        client.send(PLAN, PLAN.header)

        assert time.monotonic() - began_s > PLAN.header[0].size_bytes / 20_000
