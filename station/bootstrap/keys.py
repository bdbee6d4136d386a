"""The key cabinet of one station: sealed files, pinned roots, and who opens what.

Nothing is opened without a passphrase that `Ask` gets from a person, a file or a descriptor.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final

from station.adapters.files.atomic import make_folder
from station.adapters.files.reading import read_text
from station.adapters.keys import certificates
from station.adapters.keys.authority import PinnedAuthority, roots_from_pem
from station.adapters.keys.ceremony import (
    Ceremony,
    Keeper,
    hold_ceremony,
    make_root,
    make_secret_key,
)
from station.adapters.keys.device_making import make_device_key, shared_key
from station.adapters.keys.device_trust import PinnedDevices
from station.adapters.keys.lot_vault import LotVault
from station.adapters.keys.sealed_file import (
    KdfCost,
    KeyEntry,
    KeyFolder,
    Purpose,
    list_keys,
    unlock,
    write_new,
)
from station.adapters.keys.signer import FileSigner, open_signer
from station.application.ports import Clock
from station.config import Config
from station.domain.derivation import derive_azure_key
from station.domain.errors import (
    FileExists,
    FileUnreadable,
    KeyRefused,
)
from station.domain.identity import DockId
from station.domain.secret import Secret
from station.domain.trust import Usage

ROOTS_BYTES_MAX: Final = 64 * 1024
"""Longest PEM file of product roots."""

DEMO_MARK: Final = "DEMO"
"""File in a state folder whose keys are demo keys; the ceremony makes it."""

Ask = Callable[[KeyEntry], Secret]
"""Asks a person, a file or a descriptor for the passphrase of a key."""


class Keys:
    """The keys of the station at `config`. demo: make and accept demo keys. cost: of new ones."""

    def __init__(self, config: Config, *, clock: Clock, cost: KdfCost, demo: bool) -> None:
        self._config = config
        self._clock = clock
        self._cost = cost
        self._demo = demo

    @cached_property
    def authority(self) -> PinnedAuthority:
        """The pinned product roots. Raises FileUnreadable before the ceremony."""
        if not self._config.roots.exists():
            raise FileUnreadable(
                f"{self._config.roots}: no product root is pinned",
                remedy="Hold the ceremony (station key ceremony), or copy the root here.",
            )
        text = read_text(self._config.roots, limit_bytes=ROOTS_BYTES_MAX)
        return PinnedAuthority(roots_from_pem(text), allow_demo=self._demo)

    def hold_ceremony(
        self, *, products: Sequence[str], release_name: str, passphrase: Secret
    ) -> Ceremony:
        """Product root, release key, station key and lot key, each in a sealed file."""
        make_folder(self._config.keys, mode=0o700)
        names = ("product root", release_name, self._config.settings.name, "lots")
        root, released, floor, lots = (Keeper(name, passphrase) for name in names)
        held = hold_ceremony(
            self._config.keys,
            root=root,
            release=released,
            station=floor,
            lot=lots,
            products=products,
            now=self._clock.now_at(),
            demo=self._demo,
            cost=self._cost,
        )
        if self._demo:
            (self._config.home / DEMO_MARK).touch()
        return held

    def new_derivation_key(self, name: str, content: Secret, passphrase: Secret) -> KeyEntry:
        """Seal a cloud's group key under `name`; templates refer to it by that name."""
        make_folder(self._config.keys, mode=0o700)
        if any(key.holder == name for key in self.listed().keys):
            raise FileExists(f"a key named {name} exists already", remedy="Choose another name.")
        derive_azure_key(content, "probe").wipe()  # refuses what no key can be derived from
        return make_secret_key(
            self._config.keys,
            Keeper(name, passphrase),
            purpose=Purpose.DERIVATION,
            now=self._clock.now_at(),
            material=content,
            demo=self._demo,
            cost=self._cost,
        )

    def new_fixture_key(self, product: str, content: Secret, passphrase: Secret) -> KeyEntry:
        """Seal the key that the docks of a product share with their fixture (level D1).

        content: base64 of 32 octets. Raises KeyRefused for anything else.
        """
        make_folder(self._config.keys, mode=0o700)
        if any(
            key.purpose is Purpose.FIXTURE and key.holder == product for key in self.listed().keys
        ):
            raise FileExists(
                f"a fixture key of {product} exists already", remedy="Move the old one away first."
            )
        material = shared_key(content)
        try:
            return make_secret_key(
                self._config.keys,
                Keeper(product, passphrase),
                purpose=Purpose.FIXTURE,
                now=self._clock.now_at(),
                material=material,
                demo=self._demo,
                cost=self._cost,
            )
        finally:
            material.wipe()

    def new_device_root(self, name: str, passphrase: Secret) -> KeyEntry:
        """A root that certifies docks' own keys (level D2), pinned beside the product root."""
        make_folder(self._config.keys, mode=0o700)
        return make_root(
            self._config.keys,
            Keeper(name, passphrase),
            usage=Usage.DEVICE_ROOT,
            now=self._clock.now_at(),
            demo=self._demo,
            cost=self._cost,
        )

    def new_device_key(self, dock_id: DockId, product: str, out: Path, ask: Ask) -> None:
        """The key a dock is made with, and its certificate, in a new file that only we can read.

        Raises FileExists, and KeyRefused without a device root.
        """
        key = self.one(Purpose.DEVICE_ROOT)
        root = unlock(key.path, ask(key), purpose=Purpose.DEVICE_ROOT)
        try:
            made = make_device_key(root, dock_id=dock_id, product=product, now=self._clock.now_at())
        finally:
            root.wipe()
        try:
            write_new(out, bytes(made))
        finally:
            made[:] = bytes(len(made))

    def devices(self, ask: Ask) -> PinnedDevices:
        """Which docks' proofs are believed; a fixture key is opened when it is first needed."""
        opened: dict[str, Secret] = {}
        opening = Lock()

        def shared(product: str) -> Secret:
            with opening:
                if product not in opened:
                    key = self.one(Purpose.FIXTURE, product)
                    opened[product] = unlock(key.path, ask(key), purpose=Purpose.FIXTURE).material
                return opened[product]

        roots: tuple[bytes, ...] = ()
        if self._config.device_roots.exists():
            text = read_text(self._config.device_roots, limit_bytes=ROOTS_BYTES_MAX)
            roots = roots_from_pem(text)
        return PinnedDevices(roots, shared=shared, allow_demo=self._demo)

    def certified(self, entry: KeyEntry) -> datetime | None:
        """Until when a key is certified; None for one that needs no certificate.

        A device root is its own proof. Raises KeyRefused.
        """
        if entry.certificate is None:
            return None
        if entry.purpose is Purpose.DEVICE_ROOT:
            return certificates.read(entry.certificate).not_after_at
        return self.authority.certificate(entry.certificate).not_after_at

    def listed(self) -> KeyFolder:
        """Public halves of every key; no passphrase is needed."""
        return list_keys(self._config.keys)

    def one(self, purpose: Purpose, name: str = "") -> KeyEntry:
        """The key for `purpose`, of that name if one is given. Raises KeyRefused without one."""
        for key in self.listed().keys:
            if key.purpose is purpose and name in {"", key.holder}:
                return key
        wanted = f"{purpose} key {name}".strip()
        raise KeyRefused(
            f"this station has no {wanted}",
            remedy="Make it with: station key new, or station key ceremony.",
        )

    def vault(self, ask: Ask) -> LotVault:
        """What seals and opens unique data at rest."""
        key = self.one(Purpose.LOT)
        opened = unlock(key.path, ask(key), purpose=Purpose.LOT)
        try:
            return LotVault(opened.material)
        finally:
            opened.wipe()

    def derivation(self, ask: Ask) -> Callable[[str, str], Secret]:
        """Derives per-dock keys; a group key is opened when it is first needed, and kept."""
        opened: dict[str, Secret] = {}

        def derive(name: str, text: str) -> Secret:
            if name not in opened:
                key = self.one(Purpose.DERIVATION, name)
                opened[name] = unlock(key.path, ask(key), purpose=Purpose.DERIVATION).material
            return derive_azure_key(opened[name], text)

        return derive

    def signer(self, usage: Usage, ask: Ask) -> FileSigner:
        """The station's or the release key, unlocked and its certificate proved."""
        key = self.one(Purpose(usage))
        return open_signer(key.path, ask(key), usage=usage, authority=self.authority)
