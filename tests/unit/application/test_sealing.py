"""What the signed statement of a run says, for a run that got far and for one that did not."""

from dataclasses import replace
from typing import Any

import pytest

from station.application.provisioning import RunFacts
from station.application.sealing import Sealing
from station.domain.canonical_json import decode
from station.domain.dsse import Envelope
from station.domain.errors import SignerOffline
from station.domain.statement import PAYLOAD_TYPE, PREDICATE_TYPE, Custody, Tool
from station.domain.verdict import Step, Verdict
from tests.fakes.signer import PullableSigner
from tests.unit.application.workbench import AUTHORITY, ORIGIN, STATION, Workbench

STATEMENT = Sealing(
    signer=STATION,
    station="station-1",
    origin=ORIGIN,
    custody=Custody.TOKEN,
    tool=Tool("station", "1.2.3"),
)


@pytest.fixture
def facts(bench: Workbench) -> RunFacts:
    """Those of a run that passed."""
    gathered: list[RunFacts] = []

    def seal(given: RunFacts) -> bytes:
        gathered.append(given)
        return STATEMENT(given)

    bench.seal = seal
    bench.plug()
    bench.run()
    return gathered[0]


def said(facts: RunFacts) -> Any:
    statement: Any = decode(Envelope.decode(STATEMENT(facts)).payload)
    assert statement["predicateType"] == PREDICATE_TYPE
    return statement["predicate"]


def steps(facts: RunFacts) -> dict[str, bool]:
    return {one["name"]: one["passed"] for one in said(facts)["steps"]}


def test_the_envelope_carries_the_stations_signature(facts: RunFacts) -> None:
    envelope = Envelope.decode(STATEMENT(facts))
    (signature,) = envelope.signatures

    assert envelope.payload_type == PAYLOAD_TYPE
    assert signature.key_id == STATION.certificate.key_id
    assert AUTHORITY.verifies(STATION.certificate, signature.signature, envelope.signed_bytes)


def test_a_pass_names_who_attests_and_how_far_it_can_be_relied_on(facts: RunFacts) -> None:
    found = said(facts)

    assert found["station"] == {
        "certificate_sha256": STATION.certificate.fingerprint.hex(),
        "custody": "token",
        "id": "station-1",
    }
    assert found["assurance"]["device_authentication"] == "D0"
    assert found["tool"] == {"name": "station", "sbom_sha256": None, "version": "1.2.3"}
    assert found["log"] == {"open_leaf": 0, "origin": ORIGIN}
    assert (found["bundle"]["name"], found["template"]["name"]) == ("welcome", "basic")
    assert steps(facts) == dict.fromkeys(Step, True)


def test_a_run_that_did_not_pass_failed_in_its_last_step(facts: RunFacts) -> None:
    seconds = {Step.IDENTIFY: 0.5, Step.BUILD: 0.0004}
    closing = replace(
        facts.closing,
        verdict=Verdict.ERROR,
        code="E-LINK-03",
        seconds=seconds,
        image_sha256=b"",
        checks=(),
        rehearsal=None,
    )
    short = replace(facts, closing=closing, records=(), readback_sha256=b"")
    found = said(short)

    assert steps(short) == {"identify": True, "build": False}
    assert [one["duration_ms"] for one in found["steps"]] == [500, 0]
    assert (found["image_sha256"], found["readback_sha256"], found["upd"]) == (None, None, [])
    assert found["rehearsal"] is None


def test_a_signer_that_is_gone_seals_nothing(facts: RunFacts) -> None:
    signer = PullableSigner(STATION)
    signer.offline = True

    with pytest.raises(SignerOffline):
        replace(STATEMENT, signer=signer)(facts)
