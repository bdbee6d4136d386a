"""Which docks this station believes: keys they share with the fixture, and roots that certify them.

A proof shows that whoever answers reaches a key. At level D1 every dock of a product has it, so
one key extracted from one dock is enough to play any; at level D2 a device root has certified each
dock's own. Layout: docs/SPEC.md, "Proof of a device key".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from station.adapters.keys import certificates, device_certificates
from station.adapters.keys.device_certificates import DeviceCertificate
from station.adapters.keys.upd_seal import DockSeal
from station.application.ports import DeviceProof, DeviceQuestion, DockIdentity, ProvedDock
from station.domain.device_proof import SHARED_KEY_BYTES, own_key_proof, shared_key_proof
from station.domain.errors import DockNotProved, KeyRefused
from station.domain.identity import DockId
from station.domain.profile import Assurance
from station.domain.secret import Secret
from station.domain.trust import Usage


class PinnedDevices:
    """`application.ports.DeviceKeys`; safe to use from any thread.

    roots: DER certificates of device roots; none where the station believes no dock's own key.
    shared: the key that docks of a product share. Raises KeyRefused for a root that is damaged,
    no device root, or not signed by itself.
    """

    def __init__(
        self,
        roots: Sequence[bytes],
        *,
        shared: Callable[[str], Secret],
        allow_demo: bool = False,
    ) -> None:
        self._roots = tuple(certificates.read(der) for der in roots)
        self._shared = shared
        self._allow_demo = allow_demo
        for root in self._roots:
            if root.claims.usage is not Usage.DEVICE_ROOT or not root.issued_by(root):
                raise KeyRefused(
                    f"{root.claims.holder}: not a device root",
                    remedy="Pin the certificate of the root that certifies the docks.",
                )

    def question(self, identity: DockIdentity, product: str, nonce: bytes) -> DeviceQuestion:
        """See `DeviceKeys`."""
        level = Assurance(identity.assurance)
        if level is Assurance.D1:
            return _SharedKeyQuestion(self._shared_key(product), product, identity.dock_id, nonce)
        if level is Assurance.D2:
            self._demand_roots()
            key = X25519PrivateKey.generate()
            return _OwnKeyQuestion(self, key, product, identity.dock_id, nonce)
        raise ValueError("a dock of level D0 has nothing to prove")

    def proved(
        self, der: bytes, *, dock_id: DockId, product: str, at: datetime
    ) -> tuple[DeviceCertificate, str]:
        """The certificate, issued by a pinned root to this very dock; and that root's holder.

        Raises DockNotProved.
        """
        try:
            certificate = device_certificates.read(der)
        except KeyRefused as error:
            raise DockNotProved(error.cause) from error
        root = next((one for one in self._roots if certificate.issued_by(one)), None)
        if root is None:
            raise DockNotProved("its certificate is not from a device root this station trusts")
        claims = certificate.claims
        if claims.dock_id != dock_id:
            raise DockNotProved(f"its certificate is that of dock {claims.dock_id}")
        if claims.product != product:
            raise DockNotProved(f"its certificate is that of a {claims.product} dock")
        if (claims.demo or root.claims.demo) and not self._allow_demo:
            raise DockNotProved("its certificate comes from a demo and proves nothing")
        if not certificate.not_before_at <= at <= certificate.not_after_at:
            raise DockNotProved("its certificate is not valid today")
        return certificate, root.claims.holder

    def _shared_key(self, product: str) -> Secret:
        key = self._shared(product)
        if key.size_bytes != SHARED_KEY_BYTES:
            raise KeyRefused(f"the fixture key of {product} has not {SHARED_KEY_BYTES} octets")
        return key

    def _demand_roots(self) -> None:
        if not self._roots:
            raise KeyRefused(
                "no device root is pinned, so no dock's own key can be proved",
                remedy="Copy the device root's PEM file beside the product root.",
            )


@dataclass(frozen=True, slots=True)
class _SharedKeyQuestion:
    """Level D1."""

    _key: Secret
    _product: str
    _dock_id: DockId
    nonce: bytes
    public_key: bytes = b""

    def judge(self, answer: DeviceProof, *, at: datetime) -> ProvedDock:
        """See `DeviceQuestion`; a shared key has no dates."""
        with self._key.reveal() as key:
            expected = shared_key_proof(key, self._dock_id, self.nonce)
        if answer.certificate or not compare_digest(answer.proof, expected):
            raise DockNotProved(f"it does not know the shared key of {self._product}")
        return ProvedDock(Assurance.D1, f"D1: it knows the key that docks of {self._product} share")


@dataclass(frozen=True, slots=True)
class _OwnKeyQuestion:
    """Level D2."""

    _devices: PinnedDevices
    _private: X25519PrivateKey
    _product: str
    _dock_id: DockId
    nonce: bytes

    @property
    def public_key(self) -> bytes:
        """Of a pair made for this question."""
        return self._private.public_key().public_bytes_raw()

    def judge(self, answer: DeviceProof, *, at: datetime) -> ProvedDock:
        """See `DeviceQuestion`. The certificate first: a proof by another's key says nothing."""
        certificate, root = self._devices.proved(
            answer.certificate, dock_id=self._dock_id, product=self._product, at=at
        )
        dock_key = X25519PublicKey.from_public_bytes(certificate.public_key)
        try:
            agreed = self._private.exchange(dock_key)
        except ValueError as error:
            raise DockNotProved("its certificate has a key that agrees with nobody") from error
        expected = own_key_proof(
            agreed,
            asker=self.public_key,
            own=certificate.public_key,
            dock_id=self._dock_id,
            nonce=self.nonce,
        )
        if not compare_digest(answer.proof, expected):
            raise DockNotProved("it does not have the key that its certificate names")
        fingerprint = sha256(certificate.der).hexdigest()
        return ProvedDock(
            Assurance.D2,
            f"D2: it has the key that {root} certified for it, certificate {fingerprint[:16]}…",
            key_id=sha256(certificate.public_key).digest(),
            seal=DockSeal(dock_key),
        )
