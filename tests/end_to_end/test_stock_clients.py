"""Stock SMP clients against a running virtual dock; what they wrote the station judges.

None of them knows a dock. Whatever one does must leave it in the states that group 64 leaves it
in, and what one reads back must be what the station's own runtime accepts and answers from.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcumgr_toolkit import MCUmgrClient, mcuboot_get_image_info

from station.datastore.acceptance import accept
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.plan import Plan
from station.dock.stock_groups import STOCK_GROUPS
from station.domain.entries import Entry, Kind
from station.domain.errors import ImageRefused
from station.domain.identity import DockId
from station.protocol import datastore_group as store
from station.protocol.datastore_group import Listed
from tests.end_to_end.stock_clients import (
    CLIENTS,
    Denied,
    Image,
    SmpClient,
    Smpmgr,
    StockClient,
    Toolkit,
    restart_seen,
)
from tests.end_to_end.virtual_docks import Client, VirtualDock, start, until
from tests.fakes.trust import NOW_AT
from tests.unit.dock.images import AUTHORITY, CODE, DOCK_ID, PRODUCT, image_of, make_plan

ROM = "/rom/active"
IDENTITY = "/dock/identity"

SMALL = (
    Entry(Kind.KV, "content_url", b"https://content.example/"),
    Entry(Kind.CODE, "main.py", CODE),
)
"""A bundle that a client of 90 bytes a message has written in two seconds."""

PLAN = make_plan(common=SMALL)
NEWER = make_plan(common=SMALL, token="token-2", counter=2)
FOREIGN = make_plan(common=SMALL, dock_id=DockId(bytes(32)))

each_client = pytest.mark.parametrize("make", CLIENTS.values(), ids=CLIENTS)


def client_of(dock: VirtualDock, make: Callable[[Path], StockClient]) -> StockClient:
    until(dock.port.exists)
    return make(dock.port)


def judged(image: bytes) -> Datastore:
    """What the station's runtime makes of an image it has read back. Raises ImageRefused."""
    accepted = accept(
        image,
        authority=AUTHORITY,
        dock_id=DOCK_ID,
        product=PRODUCT,
        counter_floor=0,
        at=NOW_AT,
    )
    return Datastore((RomPartition(accepted.upd, accepted.common),))


def value(datastore: Datastore, name: str) -> bytes:
    """Of a key-value."""
    entry = datastore.get(Kind.KV, name)
    assert entry is not None
    return bytes(entry.data)


def install(dock: VirtualDock, client: StockClient, plan: Plan) -> None:
    """Write an image and start it."""
    client.upload(image_of(plan))
    client.test(plan.signed_sha256)
    with restart_seen(dock):
        client.reset()


def assert_kept(client: Client, plan: Plan, token: bytes) -> None:
    """Asked with group 64, the dock keeps this image and answers from it."""
    assert client.ask(store.SlotState()).active == store.SlotContent(
        plan.size_bytes, plan.image_sha256, pending=False, confirmed=True
    )
    assert client.ask(store.Entry(Listed.KEY_VALUE, "enrolment_token", 0, 100)).data == token


# -- the whole way -----------------------------------------------------------------------------


@each_client
def test_a_stock_client_writes_starts_reads_back_and_keeps_an_image(
    tmp_path: Path, make: Callable[[Path], StockClient]
) -> None:
    with start(tmp_path) as dock:
        client = client_of(dock, make)
        assert client.states() == []

        client.upload(image_of(PLAN))
        assert client.states() == [Image(1, "", PLAN.signed_sha256)]
        client.test(PLAN.signed_sha256)
        assert client.states() == [Image(1, "p", PLAN.signed_sha256)]
        with restart_seen(dock):
            client.reset()
        assert client.states() == [Image(0, "a", PLAN.signed_sha256)]
        found = client.download(ROM)
        client.confirm()

        assert client.states() == [Image(0, "ac", PLAN.signed_sha256)]
        assert found == image_of(PLAN)
        datastore = judged(found)
        assert value(datastore, "enrolment_token") == b"token-1"
        assert value(datastore, "content_url") == b"https://content.example/"
        identity = store.Identity.from_document(client.download(IDENTITY))
        with dock.client() as ours:
            assert_kept(ours, PLAN, b"token-1")
            assert ours.ask(store.Identify()) == identity


@each_client
def test_an_image_for_another_dock_is_started_by_nobody(
    tmp_path: Path, make: Callable[[Path], StockClient]
) -> None:
    with start(tmp_path) as dock:
        client = client_of(dock, make)
        client.upload(image_of(FOREIGN))

        with pytest.raises(Denied) as denied:
            client.test(FOREIGN.signed_sha256)

        assert client.states() == [Image(1, "", FOREIGN.signed_sha256)]
    if make is not CLIENTS["toolkit-console"] and make is not CLIENTS["toolkit-raw"]:
        assert "dock-id" in str(denied.value)
    with pytest.raises(ImageRefused, match="dock"):
        judged(image_of(FOREIGN))


# -- what only some of them do -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["smpclient-console", "smpclient-cobs", "smpclient-raw"])
def test_an_upload_that_broke_off_goes_on_where_it_was(tmp_path: Path, name: str) -> None:
    with start(tmp_path) as dock:
        client = client_of(dock, CLIENTS[name])
        assert isinstance(client, SmpClient)
        image = image_of(PLAN)

        begun = client.upload_offsets(image, parts=5)
        rest = client.upload_offsets(image)

        assert rest[0] == begun[-1] > 10_000
        assert rest[-1] == len(image)
        assert client.states() == [Image(1, "", PLAN.signed_sha256)]


def test_a_trial_nobody_confirms_is_taken_back(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        client = client_of(dock, CLIENTS["toolkit-raw"])
        install(dock, client, PLAN)
        client.confirm()
        install(dock, client, NEWER)
        assert client.states() == [
            Image(0, "a", NEWER.signed_sha256),
            Image(1, "c", PLAN.signed_sha256),
        ]

        with restart_seen(dock):
            client.reset()

        assert client.states() == [
            Image(0, "ac", PLAN.signed_sha256),
            Image(1, "", NEWER.signed_sha256),
        ]
        assert client.download(ROM) == image_of(PLAN)


@pytest.mark.parametrize("name", ["toolkit-console", "toolkit-raw"])
def test_the_toolkit_reads_group_64_with_a_raw_command(tmp_path: Path, name: str) -> None:
    with start(tmp_path) as dock:
        client = client_of(dock, CLIENTS[name])
        assert isinstance(client, Toolkit)

        found = client.ask(lambda toolkit: toolkit.raw_command(False, 64, 0, {}))

        with dock.client() as ours:
            assert store.Identity.from_body(found) == ours.ask(store.Identify())


def test_the_toolkit_updates_a_dock_in_one_go(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        client = client_of(dock, CLIENTS["toolkit-console"])
        assert isinstance(client, Toolkit)
        install(dock, client, PLAN)
        client.confirm()

        with restart_seen(dock):
            client.ask(
                lambda toolkit: toolkit.firmware_update(image_of(NEWER), bootloader_type="MCUboot")
            )

        assert client.states() == [
            Image(0, "a", NEWER.signed_sha256),
            Image(1, "c", PLAN.signed_sha256),
        ]


def test_the_toolkit_finds_everything_a_zephyr_server_has(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        client = client_of(dock, CLIENTS["toolkit-console"])
        assert isinstance(client, Toolkit)

        def asked(toolkit: MCUmgrClient) -> dict[str, Any]:
            toolkit.check_connection()
            toolkit.fs_file_close()
            return {
                "echo": toolkit.os_echo("hi"),
                "info": toolkit.os_application_info("a"),
                "boot loader": toolkit.os_bootloader_info(),
                "buffers": toolkit.os_mcumgr_parameters().buf_count,
                "count": toolkit.enum_get_group_count(),
                "groups": toolkit.enum_get_group_ids(),
                "one by one": list(toolkit.enum_iter_group_ids()),
                "details": [one.name for one in toolkit.enum_get_group_details()],
                "slots": [one.slot for one in toolkit.image_slot_info()[0].slots],
                "digests": sorted(toolkit.fs_supported_checksum_types()),
                "length": toolkit.fs_file_status(IDENTITY).length,
            }

        found = client.ask(asked)
        identity = client.download(IDENTITY)

    assert found == {
        "echo": "hi",
        "info": "DL-7450 DK7F-00001 - test-dock DK-7F C virtual-dock station-dock",
        "boot loader": {"name": "virtual-dock"},
        "buffers": 8,
        "count": 5,
        "groups": [0, 1, 8, 10, 64],
        "one by one": [0, 1, 8, 10, 64],
        "details": ["os mgmt", "img mgmt", "fs mgmt", "enum mgmt", "datastore"],
        "slots": [0, 1],
        "digests": ["crc32", "sha256"],
        "length": len(identity),
    }
    assert mcuboot_get_image_info(image_of(PLAN)).hash == PLAN.signed_sha256


def test_the_toolkit_and_the_dock_agree_on_digests_and_on_erasing(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        client = client_of(dock, CLIENTS["toolkit-raw"])
        assert isinstance(client, Toolkit)
        install(dock, client, PLAN)

        digest = client.ask(lambda toolkit: toolkit.fs_file_checksum(ROM, "sha256").output)
        client.confirm()
        client.upload(image_of(NEWER))
        client.ask(lambda toolkit: toolkit.image_erase())

        assert digest == PLAN.image_sha256
        assert client.states() == [Image(0, "ac", PLAN.signed_sha256)]
        with pytest.raises(Denied, match="NO_FREE_SLOT"):
            client.ask(lambda toolkit: toolkit.image_erase(0))


def test_smpmgr_lists_the_groups_and_digests_a_dock_has(tmp_path: Path) -> None:
    with start(tmp_path) as dock:
        client = client_of(dock, CLIENTS["smpmgr-console"])
        assert isinstance(client, Smpmgr)

        length = int(client.run("file", "read-size", IDENTITY).split()[-1])
        assert length == len(client.download(IDENTITY))
        assert "crc32" in client.run("file", "get-supported-hash-types")


# -- stock servers -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["smpclient-cobs", "toolkit-raw"])
def test_a_dock_without_group_64_is_told_apart_written_and_read_back(
    tmp_path: Path, name: str
) -> None:
    with start(tmp_path, groups=STOCK_GROUPS) as dock:
        client = client_of(dock, CLIENTS[name])
        identity = store.Identity.from_document(client.download(IDENTITY))
        assert (identity.dock_id, identity.product) == (DOCK_ID.octets, PRODUCT)

        install(dock, client, PLAN)
        found = client.download(ROM)
        client.confirm()

        assert value(judged(found), "enrolment_token") == b"token-1"
        assert client.states() == [Image(0, "ac", PLAN.signed_sha256)]
        if isinstance(client, Toolkit):
            with pytest.raises(Denied, match="NOTSUP"):
                client.ask(lambda toolkit: toolkit.raw_command(False, 64, 0, {}))


def test_a_dock_may_not_give_its_image_away(tmp_path: Path) -> None:
    with start(tmp_path, groups=STOCK_GROUPS, rom_file=False) as dock:
        client = client_of(dock, CLIENTS["toolkit-console"])
        install(dock, client, PLAN)

        with pytest.raises(Denied, match="FILE_NOT_FOUND"):
            client.download(ROM)
        assert client.download(IDENTITY)
