"""Nothing but the very bundle that was released passes the gate."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from random import Random
from typing import Any, Final

import pytest

from station.application.gate import ReleasedBundle, admit
from station.datastore.volume import build_common_volume
from station.domain import dsse
from station.domain.bundle import Manifest
from station.domain.entries import Entry, Kind
from station.domain.errors import BundleRefused
from station.domain.release import PAYLOAD_TYPE, ReleaseStatement, Version
from station.domain.trust import Usage
from tests.fakes.bundle_archive import FakeSealedBundle
from tests.fakes.clock import START_AT
from tests.fakes.trust import FakeAuthority, FakeSigner, fake_signer
from tests.unit.application.workbench import BUNDLE, PRODUCT, RELEASE, STATION, released

PARTS: Final = released()
SEALED: Final = FakeSealedBundle.of(PARTS)

EXPIRED: Final = fake_signer(
    Usage.RELEASE, products=(PRODUCT,), not_after_at=START_AT - timedelta(days=1)
)
ELSEWHERE: Final = fake_signer(Usage.RELEASE, products=("DK-9",))
FOREIGN: Final = fake_signer(Usage.RELEASE, secret=bytes(range(32)), products=(PRODUCT,))
"""Certified by nobody we know."""

AUTHORITY: Final = FakeAuthority(RELEASE, STATION, EXPIRED, ELSEWHERE)


def passed(sealed: FakeSealedBundle) -> ReleasedBundle:
    return admit(sealed, authority=AUTHORITY, at=START_AT)


def enveloped(
    payload: bytes,
    *,
    signer: FakeSigner = RELEASE,
    payload_type: str = PAYLOAD_TYPE,
    signed_as: str = "",
) -> bytes:
    """An envelope over `payload`. signed_as: the type the signature is really about."""
    signed = dsse.pre_authentication_encoding(signed_as or payload_type, payload)
    signature = dsse.Signature(signer.certificate.key_id, signer.sign(signed))
    return dsse.Envelope(payload_type, payload, (signature,)).encode()


def signed_by(signer: FakeSigner) -> FakeSealedBundle:
    """The true statement under another key, with that key's certificate."""
    envelope = enveloped(PARTS.statement.encode(), signer=signer)
    return replace(SEALED, release_envelope=envelope, certificate=signer.certificate.der)


def stating(sealed: FakeSealedBundle, statement: ReleaseStatement) -> FakeSealedBundle:
    """The parts under a statement that the release key itself signed."""
    return replace(sealed, release_envelope=enveloped(statement.encode()))


def vouching(manifest: bytes) -> FakeSealedBundle:
    """Another manifest, and the release key vouches for it."""
    statement = replace(PARTS.statement, manifest_sha256=sha256(manifest).digest())
    return stating(replace(SEALED, manifest=manifest), statement)


def holding(common: bytes) -> FakeSealedBundle:
    """Another common volume, and the release key vouches for it."""
    statement = replace(
        PARTS.statement, common_bytes=len(common), common_sha256=sha256(common).digest()
    )
    return stating(replace(SEALED, common=memoryview(common)), statement)


def flipped(data: bytes | memoryview, at: int = 40) -> bytes:
    hurt = bytearray(data)
    hurt[at] ^= 1
    return bytes(hurt)


def twice_signed(sealed: FakeSealedBundle, *, wrong_first: bool) -> FakeSealedBundle:
    """A second signature beside the true one, or two wrong ones."""
    envelope = dsse.Envelope.decode(sealed.release_envelope)
    wrong = dsse.Signature(bytes(32), bytes(64))
    signatures = (wrong, *envelope.signatures) if wrong_first else (wrong, wrong)
    return replace(sealed, release_envelope=replace(envelope, signatures=signatures).encode())


def test_what_was_released_passes_and_is_the_memory_that_was_checked() -> None:
    bundle = passed(SEALED)

    assert bundle.statement == PARTS.statement
    assert bundle.manifest == Manifest.of(BUNDLE)
    assert bundle.certificate == RELEASE.certificate
    assert bundle.title == "welcome 1.2.0"
    assert bundle.sha256 == SEALED.sha256
    assert bundle.common.segments.parts[0].obj is SEALED.common.obj


def test_one_good_signature_among_others_is_enough() -> None:
    assert passed(twice_signed(SEALED, wrong_first=True)).title == "welcome 1.2.0"


TAMPERED: Final[dict[str, tuple[Callable[[], FakeSealedBundle], str]]] = {
    "a certificate of another root": (lambda: signed_by(FOREIGN), "not issued by"),
    "a damaged certificate": (
        lambda: replace(SEALED, certificate=flipped(SEALED.certificate)),
        "not issued by",
    ),
    "an expired certificate": (lambda: signed_by(EXPIRED), "certificate valid"),
    "a certificate for other products": (lambda: signed_by(ELSEWHERE), "not certified for"),
    "a station's certificate": (lambda: signed_by(STATION), "cannot serve as release"),
    "another key than the certified one": (
        lambda: replace(SEALED, release_envelope=signed_by(FOREIGN).release_envelope),
        "signature is wrong",
    ),
    "no right signature at all": (
        lambda: twice_signed(SEALED, wrong_first=False),
        "signature is wrong",
    ),
    "an envelope that is none": (
        lambda: replace(SEALED, release_envelope=b"{}"),
        "not a DSSE envelope",
    ),
    "a document of another type": (
        lambda: replace(
            SEALED,
            release_envelope=enveloped(
                PARTS.statement.encode(), payload_type="application/vnd.in-toto+json"
            ),
        ),
        "no release statement",
    ),
    "a signature made for another type": (
        lambda: replace(
            SEALED,
            release_envelope=enveloped(
                PARTS.statement.encode(), signed_as="application/vnd.in-toto+json"
            ),
        ),
        "signature is wrong",
    ),
    "a signed document that states nothing": (
        lambda: replace(SEALED, release_envelope=enveloped(b"{}")),
        "not a release statement",
    ),
    "a shorter common volume": (
        lambda: replace(SEALED, common=SEALED.common[:-1]),
        "another length than released",
    ),
    "a longer common volume": (
        lambda: replace(SEALED, common=memoryview(bytes(SEALED.common) + b"\0")),
        "another length than released",
    ),
    "a changed common volume": (
        lambda: replace(SEALED, common=memoryview(flipped(SEALED.common))),
        "another content than released",
    ),
    "a changed manifest": (
        lambda: replace(SEALED, manifest=flipped(SEALED.manifest)),
        "the manifest has another content",
    ),
    "a manifest that is none": (lambda: vouching(b"{}"), "not a bundle manifest"),
    "a common volume that is none": (lambda: holding(bytes(5_000)), ""),
    "the manifest of another bundle": (
        lambda: vouching(Manifest.of(replace(BUNDLE, name="signage")).encode()),
        "name different bundles",
    ),
    "the manifest of another version": (
        lambda: vouching(Manifest.of(replace(BUNDLE, version=Version(9, 0, 0))).encode()),
        "name different bundles",
    ),
    "the manifest of another product": (
        lambda: vouching(Manifest.of(replace(BUNDLE, product="DK-8")).encode()),
        "name different bundles",
    ),
    "the manifest of another security counter": (
        lambda: vouching(Manifest.of(replace(BUNDLE, security_counter=9)).encode()),
        "name different bundles",
    ),
    "a statement of another counter": (
        lambda: stating(SEALED, replace(PARTS.statement, security_counter=9)),
        "name different bundles",
    ),
    "a manifest that leaves a part out": (
        lambda: vouching(
            Manifest.of(
                replace(BUNDLE, entries=BUNDLE.entries[:-1], replaceable=frozenset())
            ).encode()
        ),
        "list different parts",
    ),
    "a volume with a part of another content": (
        lambda: holding(
            build_common_volume([*BUNDLE.entries[:-1], Entry(Kind.KV, "greeting", b"howdy")])
        ),
        "list different parts",
    ),
    "a volume with a part too many": (
        lambda: holding(build_common_volume([*BUNDLE.entries, Entry(Kind.KV, "more", b"x")])),
        "list different parts",
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_whatever_is_tampered_with_is_refused_by_name(name: str) -> None:
    make, cause = TAMPERED[name]
    with pytest.raises(BundleRefused) as refused:
        passed(make())

    assert cause in refused.value.cause
    assert refused.value.code == "E-GATE-01"


def some_places(data: bytes) -> list[int]:
    """Every offset of a short part, 200 of a long one."""
    return sorted(Random(3).sample(range(len(data)), min(len(data), 200)))


@pytest.mark.parametrize("part", ["certificate", "manifest", "common"])
def test_a_changed_byte_of_any_part_is_refused(part: str) -> None:
    data = bytes(getattr(SEALED, part))
    for at in some_places(data):
        changed: dict[str, Any] = {part: memoryview(flipped(data, at))}
        with pytest.raises(BundleRefused):
            passed(replace(SEALED, **changed))


def test_a_changed_byte_of_the_envelope_is_refused_unless_it_only_hints_at_a_key() -> None:
    data = SEALED.release_envelope
    hint = data.index(RELEASE.certificate.key_id.hex().encode())
    for at in range(len(data)):
        if not hint <= at < hint + 64:
            with pytest.raises(BundleRefused):
                passed(replace(SEALED, release_envelope=flipped(data, at)))
