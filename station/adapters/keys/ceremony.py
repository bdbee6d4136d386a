"""Making the keys of a product: root, release key, station key, and the key of its lots.

Each key is sealed in a file of its own as soon as it exists; nothing else leaves this module. What
a demo root certifies is marked as demo and counts nowhere but in the demo.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from station.adapters.keys import algorithms, certificates
from station.adapters.keys.authority import roots_to_pem
from station.adapters.keys.certificates import STATION_VALIDITY_MAX, Claims
from station.adapters.keys.sealed_file import (
    STANDARD_COST,
    KdfCost,
    KeyEntry,
    Purpose,
    UnlockedKey,
    demand_passphrase,
    seal,
    unlock,
    write_new,
)
from station.domain.errors import FileExists, KeyRefused
from station.domain.secret import Secret
from station.domain.trust import Algorithm, Usage

ROOT_VALIDITY: Final = timedelta(days=20 * 365 + 5)
RELEASE_VALIDITY: Final = timedelta(days=3 * 365 + 1)
STATION_VALIDITY: Final = STATION_VALIDITY_MAX

LOT_KEY_BYTES: Final = 32
TRUST_FILE: Final = "product-root.pem"
"""The root certificate as everything that verifies pins it; public."""

DEVICE_TRUST_FILE: Final = "device-root.pem"
"""The same of the root that certifies docks: what a station pins beside the product root."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who a key is made for (as certificates and lists name them), and its passphrase."""

    holder: str
    passphrase: Secret


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What a ceremony made. trust: path of the PEM file with the product root."""

    root: KeyEntry
    release: KeyEntry
    station: KeyEntry
    lot: KeyEntry
    trust: Path


def hold_ceremony(
    folder: Path,
    *,
    root: Keeper,
    release: Keeper,
    station: Keeper,
    lot: Keeper,
    products: Collection[str],
    now: datetime,
    algorithm: Algorithm = Algorithm.ED25519,
    demo: bool = False,
    cost: KdfCost = STANDARD_COST,
) -> Ceremony:
    """All keys of one station and its products, in `folder`.

    Raises FileExists where the folder holds a product root already, KeyRefused for a short
    passphrase or a name that no certificate can carry; neither has made anything.
    """
    for keeper in (root, release, station, lot):
        demand_passphrase(keeper.passphrase)
    root_entry = make_root(folder, root, now=now, algorithm=algorithm, demo=demo, cost=cost)
    opened = unlock(root_entry.path, root.passphrase, purpose=Purpose.ROOT)
    try:
        release_entry, station_entry = (
            make_signing_key(
                folder,
                keeper,
                usage=usage,
                root=opened,
                products=products,
                now=now,
                algorithm=algorithm,
                cost=cost,
            )
            for usage, keeper in ((Usage.RELEASE, release), (Usage.STATION, station))
        )
    finally:
        opened.wipe()
    lot_entry = make_secret_key(folder, lot, purpose=Purpose.LOT, now=now, demo=demo, cost=cost)
    return Ceremony(root_entry, release_entry, station_entry, lot_entry, folder / TRUST_FILE)


def make_root(
    folder: Path,
    keeper: Keeper,
    *,
    now: datetime,
    usage: Usage = Usage.ROOT,
    algorithm: Algorithm = Algorithm.ED25519,
    valid_for: timedelta = ROOT_VALIDITY,
    demo: bool = False,
    cost: KdfCost = STANDARD_COST,
) -> KeyEntry:
    """A product root or device root, self-issued, and the file that pins it beside it.

    Raises FileExists, having made nothing, where the folder holds one already, and KeyRefused for
    a usage that certifies nothing.
    """
    if not usage.certifies:
        raise KeyRefused(f"a {usage} key is no root")
    named, file = _ROOTS[usage]
    trust = folder / file
    if trust.exists():
        raise FileExists(f"{folder} holds a {named} already", remedy="Name another folder.")
    private = algorithms.generate(algorithm)
    public = algorithms.public_octets(private.public_key())
    certificate = certificates.issue(
        _claims(usage, keeper.holder, (), algorithm, demo=demo),
        public,
        issuer=private,
        issuer_der=None,
        not_before_at=now,
        not_after_at=now + valid_for,
    )
    entry = _sealed(folder, keeper, private, certificate, Purpose(usage), now, cost, demo=demo)
    write_new(trust, roots_to_pem([certificate]).encode("ascii"), mode=0o644)
    return entry


def make_signing_key(
    folder: Path,
    keeper: Keeper,
    *,
    usage: Usage,
    root: UnlockedKey,
    products: Collection[str],
    now: datetime,
    algorithm: Algorithm = Algorithm.ED25519,
    valid_for: timedelta | None = None,
    cost: KdfCost = STANDARD_COST,
) -> KeyEntry:
    """A release or station key, certified by `root`; a demo root makes demo keys.

    valid_for: RELEASE_VALIDITY or STATION_VALIDITY where not given.
    Raises KeyRefused for a validity beyond the root's or, for a station, beyond 13 months.
    """
    if root.entry.certificate is None or root.entry.purpose is not Purpose.ROOT:
        raise KeyRefused(f"{root.entry.holder}: not a product root")
    if usage.certifies:
        raise KeyRefused("a product root certifies no other root")
    default = STATION_VALIDITY if usage is Usage.STATION else RELEASE_VALIDITY
    private = algorithms.generate(algorithm)
    certificate = certificates.issue(
        _claims(usage, keeper.holder, products, algorithm, demo=root.entry.demo),
        algorithms.public_octets(private.public_key()),
        issuer=algorithms.load_private(root.material),
        issuer_der=root.entry.certificate,
        not_before_at=now,
        not_after_at=now + (default if valid_for is None else valid_for),
    )
    purpose = Purpose(usage)
    return _sealed(folder, keeper, private, certificate, purpose, now, cost, demo=root.entry.demo)


def make_secret_key(
    folder: Path,
    keeper: Keeper,
    *,
    purpose: Purpose,
    now: datetime,
    material: Secret | None = None,
    demo: bool = False,
    cost: KdfCost = STANDARD_COST,
) -> KeyEntry:
    """A symmetric secret in a sealed file: new and random, or `material` (a cloud's group key).

    Raises KeyRefused for a purpose that needs a signing key.
    """
    if purpose.usage is not None:
        raise KeyRefused(f"a {purpose} key is no symmetric secret")
    made = Secret.taking(bytearray(os.urandom(LOT_KEY_BYTES))) if material is None else material
    return seal(
        folder,
        made,
        keeper.passphrase,
        purpose=purpose,
        holder=keeper.holder,
        key_id=os.urandom(32),
        certificate=None,
        demo=demo,
        created_at=now,
        cost=cost,
    )


_ROOTS: Final = {
    Usage.ROOT: ("product root", TRUST_FILE),
    Usage.DEVICE_ROOT: ("device root", DEVICE_TRUST_FILE),
}


def _claims(
    usage: Usage, holder: str, products: Collection[str], algorithm: Algorithm, *, demo: bool
) -> Claims:
    try:
        return Claims(usage, holder, frozenset(products), frozenset({algorithm.value}), demo)
    except ValueError as error:
        raise KeyRefused(
            f"{holder[:80]!r}: {error}", remedy="Choose other names and products."
        ) from error


def _sealed(
    folder: Path,
    keeper: Keeper,
    private: algorithms.PrivateKey,
    certificate: bytes,
    purpose: Purpose,
    now: datetime,
    cost: KdfCost,
    *,
    demo: bool,
) -> KeyEntry:
    material = algorithms.private_octets(private)
    try:
        return seal(
            folder,
            material,
            keeper.passphrase,
            purpose=purpose,
            holder=keeper.holder,
            key_id=algorithms.key_id(algorithms.public_octets(private.public_key())),
            certificate=certificate,
            demo=demo,
            created_at=now,
            cost=cost,
        )
    finally:
        material.wipe()
