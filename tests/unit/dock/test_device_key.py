"""A dock with a key: how it keeps it, what it proves, and what it never tells."""

from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from random import Random
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from station.adapters.keys.upd_seal import DockSeal
from station.datastore.field_store import FieldPartition
from station.dock import device_key
from station.dock.device_key import (
    DeviceKey,
    OwnKey,
    SharedKey,
    WrongDeviceKey,
    demand_level,
)
from station.dock.factory import FactoryInfo, FactorySector
from station.dock.flash import Flash, FlashFileRefused, Geometry, PowerCut, PowerLost, Tear
from station.dock.layout import Area
from station.domain.device_proof import entry_proof, own_key_proof, shared_key_proof
from station.domain.entries import Entry, Kind
from station.domain.identity import DockId
from station.domain.profile import Assurance, Stage
from station.protocol import datastore_group as wire
from station.protocol.datastore_group import DatastoreCode, Listed
from tests.unit.dock.images import DOCK_ID, LABEL, PRODUCT, image_of, make_plan, make_profile
from tests.unit.dock.memory_dock import Dock

SHARED: Final = SharedKey(bytes(range(100, 132)))
PRIVATE: Final = sha256(b"own key of the tests").digest()
OWN: Final = OwnKey(PRIVATE, b"(certificate)")
PUBLIC: Final = X25519PrivateKey.from_private_bytes(PRIVATE).public_key()
NONCE: Final = b"\xa5" * 32
INFO: Final = FactoryInfo(DOCK_ID, LABEL, "DL-7450", "C", PRODUCT)
TOKEN: Final = "c4n4ry-token-0001"

each_key = pytest.mark.parametrize("key", [SHARED, OWN], ids=["shared", "own"])


def dock(key: DeviceKey | None, **more: Any) -> Dock:
    """Made at the level of its key."""
    level = Assurance.D0 if key is None else key.LEVEL
    stage = Stage.PRODUCTION if level is Assurance.D2 else Stage.DEVELOPMENT
    return Dock(stage=stage, assurance=level, device_key=key, **more)


def sealed_plan(*, to: X25519PublicKey = PUBLIC, **more: Any) -> Any:
    return make_plan(token=TOKEN, seal=DockSeal(to).seal, **more)


# -- kept in the factory sector --------------------------------------------------------------------


def sector(cells: bytearray | None = None, *, cut: PowerCut | None = None) -> FactorySector:
    flash = Flash(cells or bytearray(b"\xff" * 4096), Geometry(4096), cut=cut)
    return FactorySector(flash, Area(0, 4096))


@each_key
def test_a_key_is_kept_with_who_the_dock_is(key: DeviceKey) -> None:
    cells = bytearray(b"\xff" * 4096)
    sector(cells).install(INFO, key)
    again = sector(cells)
    again.lock()

    assert (again.info, again.device_key, again.locked) == (INFO, key, True)


def test_a_dock_made_without_a_key_has_none_and_its_cells_are_as_ever() -> None:
    cells = bytearray(b"\xff" * 4096)
    sector(cells).install(INFO)

    assert sector(cells).device_key is None
    assert cells[2048:] == b"\xff" * 2048


def test_a_made_dock_takes_no_other_key() -> None:
    cells = bytearray(b"\xff" * 4096)
    sector(cells).install(INFO, OWN)
    before = bytes(cells)
    sector(cells).install(INFO)
    sector(cells).install(INFO, OWN)
    for other in (SHARED, replace(OWN, certificate=b"(another)"), replace(OWN, private=bytes(32))):
        with pytest.raises(FlashFileRefused, match="another device key"):
            sector(cells).install(INFO, other)

    assert cells == before
    bare = bytearray(b"\xff" * 4096)
    sector(bare).install(INFO)
    with pytest.raises(FlashFileRefused, match="another device key"):
        sector(bare).install(INFO, SHARED)


@each_key
def test_a_cut_while_it_is_made_leaves_a_chip_that_is_made_again(key: DeviceKey) -> None:
    for operation in range(8):
        for tear in Tear:
            cells = bytearray(b"\xff" * 4096)
            with suppress(PowerLost):
                sector(cells, cut=PowerCut(operation, tear)).install(INFO, key)
            found = sector(cells)
            assert found.info is None or found.device_key == key, (operation, tear)
            found.install(INFO, key)
            assert (found.info, found.device_key) == (INFO, key)


def test_a_key_that_is_too_long_for_its_half_is_refused() -> None:
    with pytest.raises(FlashFileRefused, match="does not fit"):
        sector().install(INFO, OwnKey(PRIVATE, bytes(2_048)))


@given(st.binary(min_size=12, max_size=80))
def test_cells_that_hold_no_whole_record_hold_no_key(cells: bytes) -> None:
    record = device_key.encode(SHARED)
    for hurt in (cells, record[:-1] + bytes([record[-1] ^ 1]), record[: len(cells)][:-1] + b"\0"):
        if len(hurt) >= 12 and hurt != record:
            assert device_key.decode(hurt) is None


def test_a_record_is_spelled_as_the_specification_says() -> None:
    shared, own = device_key.encode(SHARED), device_key.encode(OWN)

    assert shared[:8] == b"DKY1" + (33).to_bytes(4, "little")
    assert shared[12:] == b"\x01" + SHARED.octets
    assert own[12:] == b"\x02" + PRIVATE + b"(certificate)"
    assert device_key.decode(shared + b"\xff" * 99) == SHARED
    assert device_key.decode(own + b"\xff" * 99) == OWN


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_have_one_length(size: int) -> None:
    with pytest.raises(WrongDeviceKey):
        SharedKey(bytes(size))
    with pytest.raises(WrongDeviceKey):
        OwnKey(bytes(size), b"")


@pytest.mark.parametrize("level", Assurance)
def test_a_level_is_only_claimed_with_its_key(level: Assurance) -> None:
    profile = replace(make_profile(), stage=Stage.PRODUCTION, assurance=level)
    for key in (None, SHARED, OWN):
        if level is (Assurance.D0 if key is None else key.LEVEL):
            demand_level(profile, key)
        else:
            with pytest.raises(WrongDeviceKey, match=f"has assurance {level}"):
                demand_level(profile, key)


def test_nothing_prints_a_key() -> None:
    for key in (SHARED, OWN):
        text = repr(key)
        assert "\\x" not in text
        assert PRIVATE.hex() not in text


# -- proving -------------------------------------------------------------------------------------


def test_a_shared_key_is_proved_for_this_dock_and_nonce() -> None:
    answer = dock(SHARED).ask(wire.Prove(NONCE))

    assert answer == wire.ProveAnswer(shared_key_proof(SHARED.octets, DOCK_ID, NONCE))


def test_an_own_key_is_proved_to_the_key_that_asks() -> None:
    asker = X25519PrivateKey.from_private_bytes(bytes(range(50, 82)))
    public, own = asker.public_key().public_bytes_raw(), PUBLIC.public_bytes_raw()
    answer = dock(OWN).ask(wire.Prove(NONCE, public))
    expected = own_key_proof(
        asker.exchange(PUBLIC), asker=public, own=own, dock_id=DOCK_ID, nonce=NONCE
    )

    assert answer == wire.ProveAnswer(expected, b"(certificate)")


def test_an_own_key_agrees_with_nobody_who_shows_no_key() -> None:
    made = dock(OWN)

    assert made.refusal(wire.Prove(NONCE)) is DatastoreCode.UNSUPPORTED
    assert made.refusal(wire.Prove(NONCE, bytes(32))) is DatastoreCode.UNKNOWN


def test_a_dock_without_a_key_says_so() -> None:
    assert dock(None).refusal(wire.Prove(NONCE)) is DatastoreCode.UNSUPPORTED


@pytest.mark.parametrize(("key", "level"), [(None, "D0"), (SHARED, "D1"), (OWN, "D2")])
def test_the_level_is_told(key: DeviceKey | None, level: str) -> None:
    assert dock(key).ask(wire.Identify()).assurance == level


def test_no_command_reads_the_factory_sector() -> None:
    """Nothing but a proof leaves the dock: its key is in no answer to any read of its slots."""
    made = dock(OWN)
    plan = sealed_plan()
    made.install(image_of(plan))
    told = made.read(wire.Slot.ACTIVE, 0, made.layout.slots[0].size_bytes)
    told += made.read(wire.Slot.OTHER, 0, made.layout.slots[0].size_bytes)

    assert PRIVATE in bytes(made.cells)
    assert PRIVATE not in told


# -- sealed unique data --------------------------------------------------------------------------


def test_a_dock_opens_what_is_sealed_to_it_and_its_application_finds_it() -> None:
    made = dock(OWN)
    made.install(image_of(sealed_plan()))
    store = made.server._firmware.store

    found = store.datastore.get(Kind.KV, "enrolment_token")

    assert found is not None
    assert bytes(found.data) == TOKEN.encode()
    assert made.active is not None
    assert made.active.confirmed


def test_what_is_sealed_to_another_dock_is_refused_at_commit() -> None:
    """A clone of its id does not help it: the key that opens is not in the certificate."""
    other = X25519PrivateKey.from_private_bytes(bytes(range(2, 34))).public_key()
    made = dock(OWN)
    image = image_of(sealed_plan(to=other))
    made.write(image)

    assert made.commit(image) == wire.CommitAnswer(False, "sealed")
    assert made.other is None


def test_an_image_of_another_dock_is_refused_whoever_sealed_it() -> None:
    made = dock(OWN)
    image = image_of(sealed_plan(dock_id=DockId(bytes(32))))
    made.write(image)

    assert made.commit(image) == wire.CommitAnswer(False, "dock-id")


@pytest.mark.parametrize("key", [None, SHARED], ids=["D0", "D1"])
def test_a_dock_without_a_key_of_its_own_takes_nothing_sealed(key: DeviceKey | None) -> None:
    made = dock(key)
    image = image_of(sealed_plan())
    made.write(image)

    assert made.commit(image) == wire.CommitAnswer(False, "sealed")


def test_a_dock_with_a_key_of_its_own_takes_nothing_in_clear() -> None:
    made = dock(OWN)
    image = image_of(make_plan())
    made.write(image)

    assert made.commit(image) == wire.CommitAnswer(False, "sealed")


# -- answers -------------------------------------------------------------------------------------


def salt_of(made: Dock) -> bytes:
    image = made.server._firmware.slots.running.image
    assert image is not None
    return image.upd.salt


def test_what_is_unique_is_proved_and_never_told() -> None:
    made = dock(OWN)
    made.install(image_of(sealed_plan()))
    token = (Listed.KEY_VALUE, "enrolment_token")
    proof = made.ask(wire.EntryProof(*token, NONCE))

    for length in (0, 1, 2_048):
        assert made.refusal(wire.Entry(*token, 0, length)) is DatastoreCode.SEALED
    assert "enrolment_token" in made.ask(wire.Names(Listed.KEY_VALUE)).names
    assert proof == wire.EntryProofAnswer(
        entry_proof(salt_of(made), Kind.KV, "enrolment_token", TOKEN.encode(), NONCE)
    )
    assert made.value("content_url") == b"https://content.example/"


def test_a_picture_is_proved_with_its_type() -> None:
    made = dock(OWN)
    made.install(image_of(sealed_plan()))
    proof = made.ask(wire.EntryProof(Listed.IMAGE, "default", NONCE))

    assert proof.type == "PNG"
    assert made.ask(wire.Entry(Listed.IMAGE, "default")).type == "PNG"


def test_what_an_application_wrote_is_not_told_either() -> None:
    """It may have copied a secret, or hide an entry of the bundle by it."""
    made = dock(OWN)
    made.install(image_of(sealed_plan()))
    for where, name in (
        (FieldPartition.RUNTIME, "copy"),
        (FieldPartition.EPHEMERAL, "content_url"),
    ):
        made.server.field.put(where, Entry(Kind.KV, name, TOKEN.encode()))
        request = wire.Entry(Listed.KEY_VALUE, name, 0, 2_048)

        assert made.refusal(request) is DatastoreCode.SEALED
        assert made.ask(wire.EntryProof(Listed.KEY_VALUE, name, NONCE)).proof == entry_proof(
            salt_of(made), Kind.KV, name, TOKEN.encode(), NONCE
        )


def test_there_is_no_proof_of_what_is_not_there() -> None:
    made = dock(OWN)
    assert made.refusal(wire.EntryProof(Listed.KEY_VALUE, "x", NONCE)) is DatastoreCode.NOT_RUNNABLE
    made.install(image_of(sealed_plan()))
    assert made.refusal(wire.EntryProof(Listed.KEY_VALUE, "x", NONCE)) is DatastoreCode.NO_ENTRY
    assert made.refusal(wire.Entry(Listed.KEY_VALUE, "x")) is DatastoreCode.NO_ENTRY


@pytest.mark.parametrize("key", [None, SHARED], ids=["D0", "D1"])
def test_a_dock_that_tells_everything_proves_no_entry(key: DeviceKey | None) -> None:
    made = dock(key)
    made.install(image_of(make_plan(token=TOKEN)))
    request = wire.EntryProof(Listed.KEY_VALUE, "enrolment_token", NONCE)

    assert made.refusal(request) is DatastoreCode.UNSUPPORTED
    assert made.value("enrolment_token") == TOKEN.encode()


def test_the_token_is_in_the_dock_s_memory_and_not_in_its_flash() -> None:
    made = dock(OWN)
    made.install(image_of(sealed_plan()))

    assert TOKEN.encode() not in bytes(made.cells)


def test_random_questions_get_different_proofs() -> None:
    made, chance = dock(SHARED), Random(7)
    proofs = {made.ask(wire.Prove(chance.randbytes(32))).proof for _ in range(50)}

    assert len(proofs) == 50
