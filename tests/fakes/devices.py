"""Keys of docks as their maker makes them: real keys, certified by roots that exist in memory only.

Nothing is faked but the place: what docks prove and stations believe is the program's own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from station.adapters.keys import algorithms, certificates, device_certificates
from station.adapters.keys.certificates import Claims
from station.adapters.keys.device_certificates import DeviceClaims
from station.adapters.keys.device_trust import PinnedDevices
from station.dock.device_key import OwnKey
from station.domain.errors import KeyRefused
from station.domain.identity import DockId
from station.domain.secret import Secret
from station.domain.trust import Algorithm, Usage
from tests.fakes.clock import START_AT

SHARED = bytes(range(100, 132))
"""The key that the docks of the tests share."""

DAY = timedelta(days=1)


@dataclass(frozen=True)
class DeviceRoot:
    """A root that certifies docks. der: its certificate."""

    der: bytes
    private: algorithms.PrivateKey

    def dock_key(
        self,
        dock_id: DockId,
        product: str = "DK-7F",
        *,
        demo: bool = False,
        private: X25519PrivateKey | None = None,
        not_before_at: datetime = START_AT - DAY,
    ) -> OwnKey:
        """What a dock of this id is made with."""
        key = private or X25519PrivateKey.generate()
        der = device_certificates.issue(
            DeviceClaims(dock_id, product, demo),
            key.public_key(),
            issuer=self.private,
            issuer_der=self.der,
            not_before_at=not_before_at,
        )
        return OwnKey(key.private_bytes_raw(), der)


def device_root(
    holder: str = "ACME docks",
    *,
    usage: Usage = Usage.DEVICE_ROOT,
    algorithm: Algorithm = Algorithm.ED25519,
    demo: bool = False,
    from_at: datetime = START_AT - 2 * DAY,
) -> DeviceRoot:
    """A root valid for ten years. usage: another one makes a root of another kind."""
    private = algorithms.generate(algorithm)
    der = certificates.issue(
        Claims(usage, holder, frozenset(), frozenset({algorithm.value}), demo),
        algorithms.public_octets(private.public_key()),
        issuer=private,
        issuer_der=None,
        not_before_at=from_at,
        not_after_at=from_at + 3650 * DAY,
    )
    return DeviceRoot(der, private)


def believing(*roots: DeviceRoot, shared: bytes = SHARED, demo: bool = False) -> PinnedDevices:
    """What a station believes that has these roots pinned. shared: empty for no fixture key."""

    def key(product: str) -> Secret:
        if not shared:
            raise KeyRefused(f"this station has no fixture key {product}")
        return Secret(shared)

    return PinnedDevices([root.der for root in roots], shared=key, allow_demo=demo)
