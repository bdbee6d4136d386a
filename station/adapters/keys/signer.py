"""A `domain.trust.Signer` over an unlocked key file."""

from pathlib import Path

from station.adapters.keys import algorithms
from station.adapters.keys.sealed_file import Purpose, UnlockedKey, unlock
from station.domain.errors import KeyRefused, SignerOffline
from station.domain.secret import Secret
from station.domain.trust import Authority, Certificate, Usage


class FileSigner:
    """Signs until it is locked; safe to use from any thread.

    Raises KeyRefused if `certificate` is not that of the unlocked key.
    """

    def __init__(self, key: UnlockedKey, certificate: Certificate) -> None:
        if key.entry.key_id != certificate.key_id or key.entry.purpose.usage is None:
            raise KeyRefused(f"{certificate.holder}: the certificate belongs to another key")
        self._private: algorithms.PrivateKey | None = algorithms.load_private(key.material)
        self._certificate = certificate

    @property
    def certificate(self) -> Certificate:
        """The certificate of this key."""
        return self._certificate

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`. Raises SignerOffline once locked."""
        return algorithms.sign(self._unlocked(), message)

    def sign_digest(self, digest: bytes) -> bytes:
        """See `domain.trust.Signer`. Raises SignerOffline once locked.

        Raises ValueError unless `digest` has 32 octets.
        """
        return algorithms.sign_digest(self._unlocked(), digest)

    def lock(self) -> None:
        """Forget the key; a signature being made is finished."""
        self._private = None

    def _unlocked(self) -> algorithms.PrivateKey:
        private = self._private
        if private is None:
            raise SignerOffline(
                f"{self._certificate.holder}: the key is locked", remedy="Unlock the station key."
            )
        return private


def open_signer(
    path: Path, passphrase: Secret, *, usage: Usage, authority: Authority
) -> FileSigner:
    """Unlock a signing key and prove its certificate.

    Raises KeyRefused as `unlock` and `authority` do, and for a key without a certificate.
    """
    key = unlock(path, passphrase, purpose=Purpose(usage))
    try:
        if key.entry.certificate is None:
            raise KeyRefused(
                f"{path.name}: nobody has certified this key",
                remedy="Certify it with the product root.",
            )
        return FileSigner(key, authority.certificate(key.entry.certificate))
    finally:
        key.wipe()  # the signer holds the library's own form of it
