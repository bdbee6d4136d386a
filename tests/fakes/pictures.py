"""Pictures in memory."""

from dataclasses import dataclass, field
from hashlib import sha256

from station.domain.errors import StationError


@dataclass
class FakePictures:
    """`application.ports.Pictures`. error: raised when something is to be kept.

    kept: digest to picture; take one out to have it missing.
    """

    error: StationError | None = None
    kept: dict[bytes, bytes] = field(default_factory=dict)

    def keep(self, picture: bytes) -> None:
        """See `Pictures`."""
        if self.error is not None:
            raise self.error
        self.kept[sha256(picture).digest()] = picture

    def find(self, digest: bytes) -> bytes | None:
        """See `Pictures`."""
        return self.kept.get(digest)
