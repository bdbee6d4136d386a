"""From a bundle's source to what the release key vouches for (build side, never the floor)."""

from dataclasses import dataclass, field
from hashlib import sha256

from station.datastore.budget import Use, weigh
from station.datastore.volume import build_common_volume
from station.domain import dsse
from station.domain.bundle import Bundle, Manifest
from station.domain.release import PAYLOAD_TYPE, ReleaseStatement
from station.domain.trust import Signer, Usage


@dataclass(frozen=True, slots=True)
class ReleaseParts:
    """The four members of a `.bundle` file (docs/SPEC.md, "Bundle file"), and what they take of
    the dock's budget."""

    statement: ReleaseStatement
    release_envelope: bytes = field(repr=False)
    certificate: bytes = field(repr=False)
    manifest: bytes = field(repr=False)
    common: bytes = field(repr=False)
    use: Use


def release(bundle: Bundle, *, signer: Signer, budget_bytes: int) -> ReleaseParts:
    """Build the common volume and sign what it is.

    budget_bytes: of the dock's ROM store. The same bundle gives the same volume, manifest and
    statement on any machine. Raises KeyRefused where the key may not release this product,
    OverBudget naming the largest items, SignerOffline where it cannot sign.
    """
    signer.certificate.demand(Usage.RELEASE, product=bundle.product, at=None)
    manifest = Manifest.of(bundle).encode()
    common = build_common_volume(bundle.entries)
    use = weigh(bundle.entries, packed_bytes=len(common), budget_bytes=budget_bytes)
    statement = ReleaseStatement(
        product=bundle.product,
        name=bundle.name,
        version=bundle.version,
        security_counter=bundle.security_counter,
        common_bytes=len(common),
        common_sha256=sha256(common).digest(),
        manifest_sha256=sha256(manifest).digest(),
        replaceable=bundle.replaceable,
    )
    payload = statement.encode()
    signature = signer.sign(dsse.pre_authentication_encoding(PAYLOAD_TYPE, payload))
    envelope = dsse.Envelope(
        PAYLOAD_TYPE, payload, (dsse.Signature(signer.certificate.key_id, signature),)
    )
    return ReleaseParts(statement, envelope.encode(), signer.certificate.der, manifest, common, use)
