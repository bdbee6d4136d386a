"""A ceremony makes keys that fit together, or nothing."""

from datetime import timedelta
from pathlib import Path

import pytest

from station.adapters.keys.authority import roots_from_pem
from station.adapters.keys.ceremony import (
    RELEASE_VALIDITY,
    ROOT_VALIDITY,
    STATION_VALIDITY,
    TRUST_FILE,
    Ceremony,
    Keeper,
    make_root,
    make_secret_key,
    make_signing_key,
)
from station.adapters.keys.certificates import read
from station.adapters.keys.lot_vault import LotVault
from station.adapters.keys.sealed_file import (
    CHEAP_COST,
    KeyEntry,
    Purpose,
    UnlockedKey,
    list_keys,
    unlock,
)
from station.domain.errors import FileExists, KeyRefused
from station.domain.secret import Secret
from station.domain.trust import Algorithm, Usage
from tests.unit.adapters.keys.conftest import NOW, PASSPHRASE, PRODUCT, make_ceremony


def opened_root(made: Ceremony) -> UnlockedKey:
    return unlock(made.root.path, Secret(PASSPHRASE), purpose=Purpose.ROOT)


def certified(root: UnlockedKey, folder: Path, **changes: object) -> KeyEntry:
    wanted: dict[str, object] = {
        "usage": Usage.STATION,
        "root": root,
        "products": [PRODUCT],
        "now": NOW,
        "cost": CHEAP_COST,
        "holder": "line-4",
    }
    wanted |= changes
    keeper = Keeper(str(wanted.pop("holder")), Secret(PASSPHRASE))
    return make_signing_key(folder, keeper, **wanted)  # type: ignore[arg-type]


def test_a_ceremony_makes_four_keys_and_the_trust_file(ceremony: Ceremony) -> None:
    folder = ceremony.root.path.parent

    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [TRUST_FILE]
        + [
            entry.path.name
            for entry in (ceremony.root, ceremony.release, ceremony.station, ceremony.lot)
        ]
    )
    assert ceremony.trust.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----\n")
    assert roots_from_pem(ceremony.trust.read_text()) == (ceremony.root.certificate,)
    assert ceremony.trust.stat().st_mode & 0o777 == 0o644
    for path in folder.glob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_validities_are_those_of_the_specification(ceremony: Ceremony) -> None:
    for entry, validity in (
        (ceremony.root, ROOT_VALIDITY),
        (ceremony.release, RELEASE_VALIDITY),
        (ceremony.station, STATION_VALIDITY),
    ):
        assert entry.certificate is not None
        certificate = read(entry.certificate)
        assert certificate.not_before_at == NOW.replace(microsecond=0)
        assert certificate.not_after_at - certificate.not_before_at == validity


def test_the_lot_key_opens_a_vault(ceremony: Ceremony, passphrase: Secret) -> None:
    lot = unlock(ceremony.lot.path, passphrase, purpose=Purpose.LOT)

    assert len(LotVault(lot.material).new_lot_key(PRODUCT, "lot-1")) == 40


def test_what_a_demo_root_certifies_is_demo(demo_ceremony: Ceremony, tmp_path: Path) -> None:
    entry = certified(opened_root(demo_ceremony), tmp_path)
    made = [demo_ceremony.root, demo_ceremony.release, demo_ceremony.station, demo_ceremony.lot]

    assert all(one.demo for one in (entry, *made))
    assert entry.certificate is not None
    assert read(entry.certificate).claims.demo


def test_a_second_ceremony_in_the_same_folder_makes_nothing(tmp_path: Path) -> None:
    made = make_ceremony(tmp_path, algorithm=Algorithm.ED25519, demo=False)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(FileExists, match="holds a product root already"):
        make_ceremony(tmp_path, algorithm=Algorithm.ED25519, demo=False)

    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert len(list_keys(made.root.path.parent).keys) == 4


def test_a_name_no_certificate_can_carry_makes_nothing(tmp_path: Path) -> None:
    for holder in ("", "x" * 65, "Büro", "a\nb"):
        with pytest.raises(KeyRefused, match="printable ASCII"):
            make_root(tmp_path, Keeper(holder, Secret(PASSPHRASE)), now=NOW, cost=CHEAP_COST)

    assert list(tmp_path.iterdir()) == []


def test_a_further_station_can_be_certified_later(demo_ceremony: Ceremony, tmp_path: Path) -> None:
    later = NOW + timedelta(days=300)

    entry = certified(
        opened_root(demo_ceremony), tmp_path, now=later, algorithm=Algorithm.ECDSA_P256
    )

    assert entry.certificate is not None
    assert demo_ceremony.root.certificate is not None
    assert read(entry.certificate).issued_by(read(demo_ceremony.root.certificate))


@pytest.mark.parametrize(
    "changes",
    [
        {"usage": Usage.ROOT},
        {"products": []},
        {"products": ["two\nlines"]},
        {"valid_for": STATION_VALIDITY + timedelta(days=1)},
        {"usage": Usage.RELEASE, "valid_for": ROOT_VALIDITY + timedelta(days=1)},
        {"now": NOW - timedelta(days=1)},
        {"now": NOW + ROOT_VALIDITY},
        {"holder": ""},
    ],
)
def test_a_root_certifies_nothing_that_would_be_refused(
    demo_ceremony: Ceremony, tmp_path: Path, changes: dict[str, object]
) -> None:
    with pytest.raises(KeyRefused):
        certified(opened_root(demo_ceremony), tmp_path, **changes)

    assert list(tmp_path.iterdir()) == []


def test_a_station_key_certifies_nothing(demo_ceremony: Ceremony, tmp_path: Path) -> None:
    station = unlock(demo_ceremony.station.path, Secret(PASSPHRASE), purpose=Purpose.STATION)

    with pytest.raises(KeyRefused, match="not a product root"):
        certified(station, tmp_path)


def test_a_signing_purpose_is_no_symmetric_secret(tmp_path: Path) -> None:
    for purpose in (Purpose.ROOT, Purpose.RELEASE, Purpose.STATION):
        with pytest.raises(KeyRefused, match="no symmetric secret"):
            make_secret_key(tmp_path, Keeper("x", Secret(PASSPHRASE)), purpose=purpose, now=NOW)


def test_a_symmetric_secret_has_a_printable_holder(tmp_path: Path) -> None:
    for holder in ("", "\x1b[2J", "a\nb"):
        with pytest.raises(KeyRefused, match="printable name"):
            make_secret_key(
                tmp_path,
                Keeper(holder, Secret(PASSPHRASE)),
                purpose=Purpose.LOT,
                now=NOW,
                cost=CHEAP_COST,
            )
