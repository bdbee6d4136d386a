"""The bundle gate: what is proved of a bundle before any byte of it may reach a dock.

Order matters and is kept by the code: certificate, signature, statement, length and digest of the
common volume, manifest, and only then the volume is parsed. The bytes checked are the bytes used:
what passes is a view of the same memory.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from station.application.expectation import Expected
from station.datastore.plan import CommonPart
from station.domain import dsse, release
from station.domain.bundle import Manifest
from station.domain.entries import APPLICATION_NAME, Kind
from station.domain.errors import BundleRefused, StationError
from station.domain.release import ReleaseStatement
from station.domain.trust import Authority, Certificate, Usage


class SealedBundle(Protocol):
    """The parts of a `.bundle` file, none of them trusted yet."""

    @property
    def release_envelope(self) -> bytes:
        """The release statement, signed (DSSE)."""

    @property
    def certificate(self) -> bytes:
        """The release key's certificate, DER."""

    @property
    def manifest(self) -> bytes:
        """Canonical JSON."""

    @property
    def common(self) -> memoryview:
        """The common volume, mapped."""

    @property
    def sha256(self) -> bytes:
        """Of the whole file, 32 octets."""


@dataclass(frozen=True, slots=True)
class ReleasedBundle:
    """A bundle that passed the gate. expected: what every dock holds of it."""

    statement: ReleaseStatement
    manifest: Manifest
    certificate: Certificate
    common: CommonPart = field(repr=False)
    expected: Expected = field(repr=False)
    sha256: bytes

    @property
    def title(self) -> str:
        """Name and version, as people say it."""
        return f"{self.statement.name} {self.statement.version}"

    @property
    def has_application(self) -> bool:
        """Whether there is anything to boot; unique data never holds code."""
        return any(
            (part.kind, part.name) == (Kind.CODE, APPLICATION_NAME) for part in self.manifest.parts
        )


def admit(sealed: SealedBundle, *, authority: Authority, at: datetime) -> ReleasedBundle:
    """The bundle, proved. Raises BundleRefused with the first thing that does not hold."""
    try:
        certificate = authority.certificate(sealed.certificate)
        envelope = dsse.Envelope.decode(sealed.release_envelope)
        if envelope.payload_type != release.PAYLOAD_TYPE:
            raise BundleRefused("the signed document is no release statement")
        # No signature covers a key id; but one that names another key is damage, and none passes.
        if not any(
            one.key_id == certificate.key_id
            and authority.verifies(certificate, one.signature, envelope.signed_bytes)
            for one in envelope.signatures
        ):
            raise BundleRefused("the release signature is wrong")
        statement = ReleaseStatement.decode(envelope.payload)
        certificate.demand(Usage.RELEASE, product=statement.product, at=at)
        if len(sealed.common) != statement.common_bytes:
            raise BundleRefused("the common volume has another length than released")
        if sha256(sealed.common).digest() != statement.common_sha256:
            raise BundleRefused("the common volume has another content than released")
        if sha256(sealed.manifest).digest() != statement.manifest_sha256:
            raise BundleRefused("the manifest has another content than released")
        manifest = Manifest.decode(sealed.manifest)
        common = CommonPart(sealed.common, sealed.release_envelope, sealed.certificate)
    except BundleRefused:
        raise
    except StationError as error:
        raise BundleRefused(error.cause) from error
    expected = Expected.of(common.volume.entries())
    _agree(manifest, statement, expected)
    return ReleasedBundle(
        statement=statement,
        manifest=manifest,
        certificate=certificate,
        common=common,
        expected=expected,
        sha256=sealed.sha256,
    )


def _agree(manifest: Manifest, statement: ReleaseStatement, expected: Expected) -> None:
    """Raise BundleRefused unless the three describe the same content."""
    if (manifest.name, manifest.version, manifest.product, manifest.security_counter) != (
        statement.name,
        statement.version,
        statement.product,
        statement.security_counter,
    ):
        raise BundleRefused("manifest and release statement name different bundles")
    listed = {(part.kind, part.name): (part.size_bytes, part.sha256) for part in manifest.parts}
    held = {key: (one.size_bytes, one.digest) for key, one in expected.entries.items()}
    if listed != held:
        raise BundleRefused("manifest and common volume list different parts")
