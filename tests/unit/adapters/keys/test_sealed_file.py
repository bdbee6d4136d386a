"""A sealed key file opens whole, for its purpose and under its passphrase, or not at all."""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from station.adapters.keys import sealed_file
from station.adapters.keys.ceremony import Ceremony, Keeper, make_secret_key
from station.adapters.keys.sealed_file import (
    CHEAP_COST,
    FILE_BYTES_MAX,
    STANDARD_COST,
    KdfCost,
    KeyEntry,
    Purpose,
    list_keys,
    path_of,
    read_entry,
    seal,
    unlock,
    write_new,
)
from station.adapters.keys.signer import FileSigner, open_signer
from station.domain.errors import (
    FileExists,
    FileUnreadable,
    KeyRefused,
    SignerOffline,
    StationError,
)
from station.domain.secret import Secret
from station.domain.trust import Usage
from tests.unit.adapters.keys.conftest import NOW, PASSPHRASE
from tests.unit.adapters.keys.test_authority import authority

MATERIAL = b"c4n4ry group key of tests"


def sealed(folder: Path, purpose: Purpose = Purpose.DERIVATION) -> KeyEntry:
    return make_secret_key(
        folder,
        Keeper("Group of tests", Secret(PASSPHRASE)),
        purpose=purpose,
        now=NOW,
        material=Secret(MATERIAL),
        cost=CHEAP_COST,
    )


def spellings(value: bytes) -> list[bytes]:
    return [
        value,
        value.hex().encode(),
        b64encode(value).rstrip(b"="),
        value.decode().encode("utf-16-le"),
    ]


# -- opening -------------------------------------------------------------------------------------


def test_a_secret_comes_out_as_it_went_in(tmp_path: Path, passphrase: Secret) -> None:
    entry = sealed(tmp_path)

    key = unlock(entry.path, passphrase, purpose=Purpose.DERIVATION)

    assert key.material == Secret(MATERIAL)
    assert key.entry == entry == read_entry(entry.path)
    assert (entry.holder, entry.demo, entry.certificate) == ("Group of tests", False, None)


def test_a_signing_key_signs_until_it_is_locked(ceremony: Ceremony, passphrase: Secret) -> None:
    signer = open_signer(
        ceremony.station.path, passphrase, usage=Usage.STATION, authority=authority(ceremony)
    )
    signer.sign(b"message")

    signer.lock()

    with pytest.raises(SignerOffline, match="line-3: the key is locked"):
        signer.sign(b"message")
    with pytest.raises(SignerOffline, match="line-3: the key is locked"):
        signer.sign_digest(bytes(32))


def test_a_file_opens_by_hand_as_the_specification_says(tmp_path: Path) -> None:
    document = json.loads(sealed(tmp_path).path.read_bytes())
    ciphertext = b64decode(document.pop("ciphertext"))
    kdf = document["kdf"]
    key = Argon2id(
        salt=b64decode(kdf["salt"]),
        length=32,
        iterations=kdf["passes"],
        lanes=kdf["lanes"],
        memory_cost=kdf["memory_kib"],
    ).derive(PASSPHRASE)
    nonce = b64decode(document["nonce"])

    assert AESGCM(key).decrypt(nonce, ciphertext, rfc8785.dumps(document)) == MATERIAL
    assert {name: document[name] for name in ("cipher", "format", "purpose", "holder")} == {
        "cipher": "aes-256-gcm",
        "format": "dock-provisioning-key/1",
        "holder": "Group of tests",
        "purpose": "derivation",
    }
    assert document["created_at"] == "2026-11-25T08:00:00.500Z"


@pytest.mark.parametrize(
    "other", [b"", b"c4n4ry passphrase of test", PASSPHRASE + b" ", PASSPHRASE.upper()]
)
def test_another_passphrase_opens_nothing(tmp_path: Path, other: bytes) -> None:
    entry = sealed(tmp_path)

    with pytest.raises(KeyRefused, match="wrong passphrase") as refusal:
        unlock(entry.path, Secret(other), purpose=Purpose.DERIVATION)
    assert PASSPHRASE.decode() not in str(refusal.value)


def test_a_key_opens_for_its_own_purpose_only(ceremony: Ceremony, passphrase: Secret) -> None:
    for entry in (ceremony.root, ceremony.release, ceremony.station, ceremony.lot):
        for purpose in Purpose:
            if purpose is entry.purpose:
                unlock(entry.path, passphrase, purpose=purpose)
            else:
                with pytest.raises(KeyRefused, match="cannot serve as"):
                    unlock(entry.path, passphrase, purpose=purpose)


def test_a_release_key_cannot_be_opened_as_the_station_signer(
    ceremony: Ceremony, passphrase: Secret
) -> None:
    with pytest.raises(KeyRefused, match="cannot serve as"):
        open_signer(
            ceremony.release.path, passphrase, usage=Usage.STATION, authority=authority(ceremony)
        )


def test_a_key_without_a_certificate_is_no_signer(
    ceremony: Ceremony, tmp_path: Path, passphrase: Secret
) -> None:
    key = unlock(ceremony.station.path, passphrase, purpose=Purpose.STATION)
    bare = seal(
        tmp_path,
        key.material,
        passphrase,
        purpose=Purpose.STATION,
        holder="line-3",
        key_id=key.entry.key_id,
        certificate=None,
        demo=False,
        created_at=NOW,
        cost=CHEAP_COST,
    )

    with pytest.raises(KeyRefused, match="nobody has certified"):
        open_signer(bare.path, passphrase, usage=Usage.STATION, authority=authority(ceremony))


def test_a_signer_takes_no_certificate_but_its_own(ceremony: Ceremony, passphrase: Secret) -> None:
    trusted = authority(ceremony)
    assert ceremony.release.certificate is not None
    key = unlock(ceremony.station.path, passphrase, purpose=Purpose.STATION)

    with pytest.raises(KeyRefused, match="belongs to another key"):
        FileSigner(key, trusted.certificate(ceremony.release.certificate))


# -- damage --------------------------------------------------------------------------------------


def which(made: Ceremony) -> dict[str, KeyEntry]:
    return {"station": made.station, "lot": made.lot}


@pytest.mark.parametrize("name", ["station", "lot"])
@pytest.mark.filterwarnings("ignore")  # the library warns of odd numbers before we refuse
def test_a_flipped_bit_anywhere_is_refused(
    ceremony: Ceremony, tmp_path: Path, passphrase: Secret, name: str
) -> None:
    entry = which(ceremony)[name]
    data, path = entry.path.read_bytes(), tmp_path / "flipped.key"
    for place in range(len(data)):
        for bit in (0x01, 0x04, 0x20, 0x80):
            flipped = bytearray(data)
            flipped[place] ^= bit
            path.write_bytes(flipped)

            with pytest.raises(KeyRefused) as refusal:
                unlock(path, passphrase, purpose=entry.purpose)
            assert PASSPHRASE.decode() not in str(refusal.value)


@pytest.mark.parametrize("name", ["station", "lot"])
def test_a_file_cut_anywhere_or_longer_is_refused(
    ceremony: Ceremony, tmp_path: Path, passphrase: Secret, name: str
) -> None:
    entry = which(ceremony)[name]
    data, path = entry.path.read_bytes(), tmp_path / "cut.key"
    for changed in [data[:cut] for cut in range(len(data))] + [data + b"\n", b" " + data]:
        path.write_bytes(changed)

        with pytest.raises(KeyRefused):
            unlock(path, passphrase, purpose=entry.purpose)


CHANGES: dict[str, Callable[[dict[str, object]], object]] = {
    "another format": lambda d: d | {"format": "dock-provisioning-key/2"},
    "another cipher": lambda d: d | {"cipher": "none"},
    "no format": lambda d: {k: v for k, v in d.items() if k != "format"},
    "a field more": lambda d: d | {"hint": "x"},
    "another holder": lambda d: d | {"holder": "somebody else"},
    "a holder with control characters": lambda d: d | {"holder": "\x1b[2J"},
    "another purpose": lambda d: d | {"purpose": "lot"},
    "an unknown purpose": lambda d: d | {"purpose": "witness"},
    "demo": lambda d: d | {"demo": True},
    "another time": lambda d: d | {"created_at": "2027-01-01T00:00:00.000Z"},
    "a short nonce": lambda d: d | {"nonce": b64encode(bytes(11)).decode()},
    "a short salt": lambda d: d | {"kdf": {**_dict(d["kdf"]), "salt": "AAAA"}},
    "another function": lambda d: d | {"kdf": {**_dict(d["kdf"]), "name": "argon2i"}},
    "another cost": lambda d: d | {"kdf": {**_dict(d["kdf"]), "passes": 2}},
    "a costly memory": lambda d: d | {"kdf": {**_dict(d["kdf"]), "memory_kib": 2**31}},
    "a costly number of passes": lambda d: d | {"kdf": {**_dict(d["kdf"]), "passes": 2**31}},
    "no passes": lambda d: d | {"kdf": {**_dict(d["kdf"]), "passes": 0}},
    "no memory": lambda d: d | {"kdf": {**_dict(d["kdf"]), "memory_kib": 0}},
    "a short key id": lambda d: d | {"key_id": "00"},
    "an upper-case key id": lambda d: d | {"key_id": str(d["key_id"]).upper()},
    "nothing sealed": lambda d: d | {"ciphertext": b64encode(bytes(16)).decode()},
    "a certificate for a secret": lambda d: d | {"certificate": "AAAA"},
    "stray bits in base64": lambda d: d | {"nonce": str(d["nonce"])[:-1] + "B"},
    "a list": lambda d: [d],
    "null": lambda _: None,
}


def _dict(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_to_what_stands_in_clear_is_refused(
    tmp_path: Path, passphrase: Secret, name: str
) -> None:
    entry = sealed(tmp_path)
    changed = CHANGES[name](json.loads(entry.path.read_bytes()))
    entry.path.write_bytes(
        json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )

    with pytest.raises(KeyRefused):
        unlock(entry.path, passphrase, purpose=Purpose.DERIVATION)


def test_a_file_too_large_is_not_read_whole(tmp_path: Path, passphrase: Secret) -> None:
    path = tmp_path / "large.key"
    path.write_bytes(bytes(FILE_BYTES_MAX + 1))

    with pytest.raises(KeyRefused, match="larger than a key file"):
        unlock(path, passphrase, purpose=Purpose.LOT)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, passphrase: Secret) -> None:
    for path in (tmp_path / "none.key", tmp_path):
        with pytest.raises(FileUnreadable, match=str(path)):
            unlock(path, passphrase, purpose=Purpose.LOT)


def test_somebody_elses_certificate_cannot_be_sealed_in(
    ceremony: Ceremony, tmp_path: Path, passphrase: Secret
) -> None:
    key = unlock(ceremony.station.path, passphrase, purpose=Purpose.STATION)
    for certificate, holder, key_id in (
        (ceremony.release.certificate, "line-3", key.entry.key_id),
        (ceremony.station.certificate, "line-4", key.entry.key_id),
        (ceremony.station.certificate, "line-3", ceremony.release.key_id),
    ):
        with pytest.raises(KeyRefused, match="belongs to another key"):
            seal(
                tmp_path,
                key.material,
                passphrase,
                purpose=Purpose.STATION,
                holder=holder,
                key_id=key_id,
                certificate=certificate,
                demo=False,
                created_at=NOW,
                cost=CHEAP_COST,
            )
    assert list(tmp_path.iterdir()) == []


def test_a_symmetric_secret_has_no_certificate(
    ceremony: Ceremony, tmp_path: Path, passphrase: Secret
) -> None:
    for certificate, key_id in ((ceremony.station.certificate, bytes(32)), (None, bytes(31))):
        with pytest.raises(KeyRefused, match="not the public half of a symmetric secret"):
            seal(
                tmp_path,
                Secret(MATERIAL),
                passphrase,
                purpose=Purpose.LOT,
                holder="Lots",
                key_id=key_id,
                certificate=certificate,
                demo=False,
                created_at=NOW,
                cost=CHEAP_COST,
            )
    assert list(tmp_path.iterdir()) == []


# -- cost ----------------------------------------------------------------------------------------


def test_a_file_records_its_own_cost(tmp_path: Path, passphrase: Secret) -> None:
    cost = KdfCost(memory_kib=128, passes=2, lanes=2)
    entry = make_secret_key(
        tmp_path, Keeper("x", passphrase), purpose=Purpose.LOT, now=NOW, cost=cost
    )

    assert read_entry(entry.path).cost == cost
    assert unlock(entry.path, passphrase, purpose=Purpose.LOT).material.size_bytes == 32


def test_the_standard_cost_is_what_the_specification_says(
    tmp_path: Path, passphrase: Secret
) -> None:
    entry = make_secret_key(tmp_path, Keeper("x", passphrase), purpose=Purpose.LOT, now=NOW)

    assert entry.cost == STANDARD_COST == KdfCost(memory_kib=262_144, passes=3, lanes=1)
    assert unlock(entry.path, passphrase, purpose=Purpose.LOT).entry == entry


@pytest.mark.parametrize(
    ("memory_kib", "passes", "lanes"),
    [(7, 1, 1), (31, 1, 4), (1_048_577, 1, 1), (64, 0, 1), (64, 17, 1), (64, 1, 0), (64, 1, 5)],
)
def test_a_cost_outside_its_bounds_cannot_be_asked_for(
    memory_kib: int, passes: int, lanes: int
) -> None:
    with pytest.raises(ValueError, match="outside its bounds"):
        KdfCost(memory_kib, passes, lanes)


@pytest.mark.parametrize(
    ("memory_kib", "passes", "lanes"), [(8, 1, 1), (32, 1, 4), (1_048_576, 16, 1)]
)
def test_a_cost_at_its_bounds_can(memory_kib: int, passes: int, lanes: int) -> None:
    assert KdfCost(memory_kib, passes, lanes).passes == passes


def test_a_short_passphrase_seals_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="fewer than 12 characters"):
        make_secret_key(
            tmp_path,
            Keeper("x", Secret(b"eleven char")),
            purpose=Purpose.LOT,
            now=NOW,
            cost=CHEAP_COST,
        )

    assert list(tmp_path.iterdir()) == []


# -- files ---------------------------------------------------------------------------------------


def test_a_key_file_is_private_and_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "keys"
    entry = sealed(folder)

    assert entry.path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == [entry.path]


def test_an_existing_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    write_new(path, b"old")

    with pytest.raises(FileExists, match=r"a\.key is already there"):
        write_new(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["open", "fsync", "link"])
def test_a_failing_disk_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)

    with pytest.raises(FileUnreadable, match="No space left on device"):
        write_new(tmp_path / "a.key", b"data")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises((FileUnreadable, FileExists)):
        sealed(tmp_path / "file")


def test_keys_are_listed_without_a_passphrase(ceremony: Ceremony) -> None:
    folder = list_keys(ceremony.root.path.parent)

    assert {entry.key_id for entry in folder.keys} == {
        entry.key_id for entry in which(ceremony).values()
    } | {ceremony.root.key_id, ceremony.release.key_id}
    assert folder.refused == ()


def test_a_damaged_file_does_not_hide_the_others(tmp_path: Path) -> None:
    entry = sealed(tmp_path)
    (tmp_path / "a-damaged.key").write_bytes(b"{}")
    (tmp_path / "other.txt").write_bytes(b"{}")

    folder = list_keys(tmp_path)

    assert folder.keys == (entry,)
    assert [error.cause for error in folder.refused] == [
        "a-damaged.key: not a key file, or a damaged one"
    ]
    assert list_keys(tmp_path / "nowhere").keys == ()


def test_a_uri_names_its_file(tmp_path: Path) -> None:
    entry = sealed(tmp_path / "with space & ü")

    assert entry.uri.startswith("file:///")
    assert path_of(entry.uri) == entry.path
    assert path_of("file:/etc/a.key") == path_of("file://localhost/etc/a.key") == Path("/etc/a.key")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/etc/a.key",
        "file:a.key",
        "file://host/a.key",
        "pkcs11:token=x",
        "file:///a.key?x",
        "file:///a.key#x",
        "file:///a%00.key",
        "http:///a.key",
    ],
)
def test_anything_else_names_none(uri: str) -> None:
    with pytest.raises(KeyRefused, match="names no key file"):
        path_of(uri)


# -- secrecy -------------------------------------------------------------------------------------


def test_no_secret_is_in_a_file_or_in_words(
    tmp_path: Path, ceremony: Ceremony, passphrase: Secret
) -> None:
    entry = sealed(tmp_path)
    key = unlock(entry.path, passphrase, purpose=Purpose.DERIVATION)
    stored = [path.read_bytes() for path in ceremony.root.path.parent.iterdir()]
    stored += [entry.path.read_bytes(), repr(key).encode(), str(key).encode()]
    for data in stored:
        for secret in (MATERIAL, PASSPHRASE):
            assert not any(spelling in data for spelling in spellings(secret))


def test_too_little_memory_is_the_signers_trouble(
    tmp_path: Path, passphrase: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = sealed(tmp_path)

    class Exhausted:
        def __init__(self, **_: object) -> None: ...

        def derive_into(self, *_: object) -> None:
            raise MemoryError("not enough")

    monkeypatch.setattr(sealed_file, "Argon2id", Exhausted)

    with pytest.raises(SignerOffline, match="of memory") as refusal:
        unlock(entry.path, passphrase, purpose=Purpose.DERIVATION)
    assert isinstance(refusal.value, StationError)
