"""A sealed bundle in memory: the parts of a `.bundle` file without the file."""

from dataclasses import dataclass, field
from hashlib import sha256

from station.application.releasing import ReleaseParts


@dataclass(frozen=True)
class FakeSealedBundle:
    """`application.gate.SealedBundle`; change a part with `dataclasses.replace` to tamper."""

    release_envelope: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    manifest: bytes = field(repr=False)
    common: memoryview = field(repr=False)

    @classmethod
    def of(cls, parts: ReleaseParts) -> "FakeSealedBundle":
        """What the build side would have written into the file."""
        return cls(
            parts.release_envelope, parts.certificate, parts.manifest, memoryview(parts.common)
        )

    @property
    def sha256(self) -> bytes:
        """Stands for the digest of the file."""
        digest = sha256()
        for part in (self.release_envelope, self.certificate, self.manifest, self.common):
            digest.update(part)
        return digest.digest()
