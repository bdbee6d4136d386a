"""A signer whose key somebody may pull out."""

from station.domain.errors import SignerOffline
from station.domain.trust import Certificate
from tests.fakes.trust import FakeSigner


class PullableSigner:
    """`domain.trust.Signer`. offline: set it to have every signature refused."""

    def __init__(self, inner: FakeSigner) -> None:
        self._inner = inner
        self.offline = False

    @property
    def certificate(self) -> Certificate:
        """See `Signer`; a certificate is there without its key."""
        return self._inner.certificate

    def sign(self, message: bytes) -> bytes:
        """See `Signer`."""
        self._demand_online()
        return self._inner.sign(message)

    def sign_digest(self, digest: bytes) -> bytes:
        """See `Signer`."""
        self._demand_online()
        return self._inner.sign_digest(digest)

    def _demand_online(self) -> None:
        if self.offline:
            raise SignerOffline("the fake signer was pulled out")
