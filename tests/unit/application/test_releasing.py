"""What the release key signs, and what it does not."""

from dataclasses import replace
from hashlib import sha256

import pytest

from station.application.gate import admit
from station.application.releasing import release
from station.datastore.volume import Volume
from station.domain import dsse
from station.domain.bundle import Manifest
from station.domain.errors import KeyRefused, OverBudget, SignerOffline
from station.domain.release import PAYLOAD_TYPE, ReleaseStatement
from tests.fakes.bundle_archive import FakeSealedBundle
from tests.fakes.clock import START_AT
from tests.fakes.signer import PullableSigner
from tests.unit.application.workbench import (
    AUTHORITY,
    BUNDLE,
    RELEASE,
    ROM_BYTES,
    STATION,
    released,
)


def test_the_statement_is_about_the_parts_beside_it() -> None:
    parts = released()
    statement = parts.statement

    assert (statement.product, statement.name, statement.version) == (
        BUNDLE.product,
        BUNDLE.name,
        BUNDLE.version,
    )
    assert statement.security_counter == BUNDLE.security_counter
    assert statement.replaceable == BUNDLE.replaceable
    assert statement.common_bytes == len(parts.common)
    assert statement.common_sha256 == sha256(parts.common).digest()
    assert statement.manifest_sha256 == sha256(parts.manifest).digest()
    assert Manifest.decode(parts.manifest) == Manifest.of(BUNDLE)
    assert {entry.key for entry in Volume.open_common(memoryview(parts.common)).entries()} == {
        entry.key for entry in BUNDLE.entries
    }


def test_the_envelope_is_signed_by_the_release_key() -> None:
    parts = released()
    envelope = dsse.Envelope.decode(parts.release_envelope)
    (signature,) = envelope.signatures

    assert envelope.payload_type == PAYLOAD_TYPE
    assert ReleaseStatement.decode(envelope.payload) == parts.statement
    assert signature.key_id == RELEASE.certificate.key_id
    assert parts.certificate == RELEASE.certificate.der
    assert AUTHORITY.verifies(RELEASE.certificate, signature.signature, envelope.signed_bytes)


def test_what_is_released_passes_the_gate() -> None:
    bundle = admit(FakeSealedBundle.of(released()), authority=AUTHORITY, at=START_AT)

    assert bundle.title == "welcome 1.2.0"


def test_the_same_bundle_makes_the_same_release() -> None:
    assert released() == released()


def test_a_key_of_another_use_or_product_releases_nothing() -> None:
    for signer, bundle in [(STATION, BUNDLE), (RELEASE, replace(BUNDLE, product="DK-9"))]:
        with pytest.raises(KeyRefused):
            release(bundle, signer=signer, budget_bytes=ROM_BYTES)


def test_a_bundle_beyond_the_budget_is_not_signed() -> None:
    with pytest.raises(OverBudget, match="default"):
        release(BUNDLE, signer=RELEASE, budget_bytes=50_000)


def test_a_signer_that_is_gone_signs_nothing() -> None:
    signer = PullableSigner(RELEASE)
    signer.offline = True

    with pytest.raises(SignerOffline):
        release(BUNDLE, signer=signer, budget_bytes=ROM_BYTES)
