"""Docks with a key: what they prove before anything is reserved for them, and again after."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from station.adapters.keys.upd_seal import DockSeal
from station.application.ports import DeviceKeys, DeviceProof, DockAnswers, DockIdentity, Piece
from station.application.proving import NO_DEVICE_KEYS
from station.datastore.sealed_upd import Binding, SealedUpd
from station.dock.device_key import DeviceKey, OwnKey, SharedKey
from station.dock.faults import BitFlip, OtherDock
from station.domain import canonical_json, dsse
from station.domain.entries import Kind
from station.domain.errors import KeyRefused, WrongHardware
from station.domain.identity import DockId
from station.domain.profile import Assurance, Profile, Stage
from station.domain.upd import UpdState
from station.domain.verdict import PROOFS, CheckName, Disposition, Verdict
from tests.fakes.devices import SHARED, believing, device_root
from tests.fakes.serial_link import FakeDock, Troubles
from tests.unit.application.workbench import Workbench, make_profile, token_of

ROOT: Final = device_root()
DOCK_ID: Final = DockId(bytes([1]) * 32)

PROFILES: Final[dict[Assurance, Profile]] = {
    level: make_profile(assurance=level, stage=Stage.PRODUCTION) for level in Assurance
}
KEYS: Final[dict[Assurance, DeviceKey | None]] = {
    Assurance.D0: None,
    Assurance.D1: SharedKey(SHARED),
    Assurance.D2: ROOT.dock_key(DOCK_ID),
}
BELIEVED: Final = believing(ROOT)

proving = pytest.mark.parametrize("level", [Assurance.D1, Assurance.D2])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    bench = Workbench(tmp_path / "ledger.db", device_keys=BELIEVED)
    bench.stock_up()
    yield bench
    bench.file.close()


def plug(bench: Workbench, level: Assurance, *faults: Any, **board: Any) -> Troubles:
    """The first unit's dock, made at this level."""
    made = {"profile": PROFILES[level], "device_key": KEYS[level]} | board
    return bench.plug(1, *faults, **made)


def run(bench: Workbench, level: Assurance) -> Any:
    """One run of the first unit under a profile that demands this level."""
    return bench.run(1, profile=PROFILES[level])


def statement(bench: Workbench, number: int = -1) -> Any:
    envelope = dsse.Envelope.decode(bench.unit().runs[number].envelope)
    document: Any = canonical_json.decode(envelope.payload)
    return document["predicate"]


@proving
def test_a_dock_with_a_key_passes_and_its_level_is_stated_as_proved(
    bench: Workbench, level: Assurance
) -> None:
    troubles = plug(bench, level)

    outcome = run(bench, level)
    said = statement(bench)

    assert (outcome.verdict, outcome.code) == (Verdict.PASS, "")
    assert [check.name for check in outcome.checks] == list(CheckName)
    assert said["assurance"]["device_authentication"] == level
    assert said["required"] == list(CheckName)
    assert troubles.calls.count("prove") == 2
    assert "hold" in bench.spy.calls


@proving
def test_it_is_proved_before_anything_is_reserved_and_again_right_after_the_restart(
    bench: Workbench, level: Assurance
) -> None:
    stock: list[dict[UpdState, int]] = []
    troubles = plug(bench, level)
    troubles.before = lambda call: stock.append(bench.stock) if call == "prove" else None

    run(bench, level)
    calls = troubles.calls

    assert [UpdState.RESERVED in one for one in stock] == [False, False]
    assert [UpdState.SENT in one for one in stock] == [False, True]
    assert "begin" not in calls[: calls.index("prove")]
    again = calls.index("prove", calls.index("factory reset"))
    assert calls[calls.index("factory reset") + 1 : again] == ["identify"]


def test_a_dock_without_a_key_is_asked_for_none(bench: Workbench) -> None:
    troubles = plug(bench, Assurance.D0)

    outcome = run(bench, Assurance.D0)
    said = statement(bench)

    assert outcome.verdict is Verdict.PASS
    assert "prove" not in troubles.calls
    assert PROOFS.isdisjoint(check.name for check in outcome.checks)
    assert PROOFS.isdisjoint(said["required"])
    assert said["assurance"]["device_authentication"] == "D0"


IMPOSTORS: Final[dict[str, tuple[Assurance, Callable[[], DeviceKey | None]]]] = {
    "it does not know the shared key": (Assurance.D1, lambda: SharedKey(bytes(32))),
    "it says that it has none": (Assurance.D1, lambda: None),
    "it says that it has none, nor a certificate": (Assurance.D2, lambda: None),
    "the shared key is not its own": (Assurance.D2, lambda: SharedKey(SHARED)),
    "a clone shows another dock's certificate": (
        Assurance.D2,
        lambda: ROOT.dock_key(DockId(bytes([2]) * 32)),
    ),
    "its own certificate with another key": (
        Assurance.D2,
        lambda: OwnKey(bytes(range(32)), ROOT.dock_key(DOCK_ID).certificate),
    ),
    "a root nobody pinned": (Assurance.D2, lambda: device_root().dock_key(DOCK_ID)),
    "made for another product": (Assurance.D2, lambda: ROOT.dock_key(DOCK_ID, "DK-8")),
    "no certificate at all": (Assurance.D2, lambda: OwnKey(bytes(range(32)), b"x")),
}


@pytest.mark.parametrize("who", IMPOSTORS)
def test_an_impostor_is_refused_on_record_and_gets_nothing_reserved(
    bench: Workbench, who: str
) -> None:
    level, key = IMPOSTORS[who]
    free = bench.stock
    troubles = plug(bench, level, device_key=key())

    outcome = run(bench, level)
    said = statement(bench)

    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "E-IDENT-04")
    assert outcome.cause.startswith("refused: ")
    assert (outcome.checks, outcome.closed.disposition) == ((), Disposition.HOLD)
    assert said["assurance"]["device_authentication"] == "D0"
    assert said["code"] == "E-IDENT-04"
    assert bench.stock == free
    assert "begin" not in troubles.calls
    assert "hold" not in bench.spy.calls


@proving
def test_a_proof_of_an_earlier_question_proves_nothing(
    bench: Workbench, level: Assurance, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[DeviceProof] = []
    honest = FakeDock.prove

    def replayed(dock: FakeDock, nonce: bytes, public_key: bytes) -> DeviceProof:
        kept.append(honest(dock, nonce, public_key))
        return kept[0]

    monkeypatch.setattr(FakeDock, "prove", replayed)
    plug(bench, level)

    outcome = run(bench, level)

    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "E-IDENT-04")
    assert [check.name for check in outcome.checks] == [CheckName.PROVED, CheckName.ACCEPTED]
    assert statement(bench)["assurance"]["device_authentication"] == level
    assert bench.stock[UpdState.SENT] == 1


@pytest.mark.parametrize("level", [Assurance.D0, Assurance.D1])
def test_a_dock_of_less_than_the_profile_demands_is_refused_before_a_run_opens(
    bench: Workbench, level: Assurance
) -> None:
    plug(bench, level)

    with pytest.raises(WrongHardware, match=f"assurance {level}; the job needs D2"):
        run(bench, Assurance.D2)
    assert bench.spy.calls == []


def test_a_dock_of_more_than_the_profile_demands_proves_and_is_sealed_to_all_the_same(
    bench: Workbench,
) -> None:
    plug(bench, Assurance.D2)

    outcome = run(bench, Assurance.D1)

    assert outcome.verdict is Verdict.PASS
    assert statement(bench)["assurance"]["device_authentication"] == "D2"


UNABLE: Final[dict[str, tuple[Assurance, DeviceKeys]]] = {
    "no fixture key": (Assurance.D1, believing(shared=b"")),
    "a fixture key of another length": (Assurance.D1, believing(shared=b"short")),
    "no device root": (Assurance.D2, believing()),
    "no device keys at all": (Assurance.D1, NO_DEVICE_KEYS),
}


@pytest.mark.parametrize("why", UNABLE)
def test_what_the_station_cannot_judge_is_its_own_trouble_and_opens_no_run(
    tmp_path: Path, why: str
) -> None:
    level, keys = UNABLE[why]
    bench = Workbench(tmp_path / "ledger.db", device_keys=keys)
    bench.stock_up()
    troubles = plug(bench, level)

    with pytest.raises(KeyRefused):
        run(bench, level)
    assert bench.spy.calls == []
    assert troubles.calls == ["identify"]
    bench.file.close()


def test_a_dock_swapped_in_the_restart_is_found_by_its_key_too(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two docks that call themselves alike, each with a certificate for that name."""
    other = ROOT.dock_key(DOCK_ID)
    honest = FakeDock.prove

    def swapped(dock: FakeDock, nonce: bytes, public_key: bytes) -> DeviceProof:
        if dock._troubles.calls.count("prove") == 1:
            dock._nest.board.server._key = other
        return honest(dock, nonce, public_key)

    monkeypatch.setattr(FakeDock, "prove", swapped)
    plug(bench, Assurance.D2)

    outcome = run(bench, Assurance.D2)

    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "E-IDENT-03")


@proving
def test_another_dock_after_the_restart_is_found_before_it_is_asked_to_prove(
    bench: Workbench, level: Assurance
) -> None:
    troubles = plug(bench, level, OtherDock())

    outcome = run(bench, level)

    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "E-IDENT-03")
    assert troubles.calls.count("prove") == 1


# -- unique data, sealed -----------------------------------------------------------------------


def test_the_secret_is_in_no_byte_written_read_back_or_answered_at_d2(bench: Workbench) -> None:
    written: list[bytes] = []
    read: list[bytes] = []
    answers: list[DockAnswers] = []
    troubles = plug(bench, Assurance.D2)
    troubles.sent = lambda piece: written.append(bytes(piece.data))

    def heard(told: DockAnswers) -> DockAnswers:
        answers.append(told)
        return told

    troubles.answers = heard
    honest = FakeDock.read_back

    def spied(dock: FakeDock, *given: Any, **named: Any) -> Iterator[Piece]:
        for piece in honest(dock, *given, **named):
            read.append(bytes(piece.data))
            yield piece

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeDock, "read_back", spied)
        outcome = run(bench, Assurance.D2)
    secret = token_of(0).encode()
    (told,) = answers

    assert outcome.verdict is Verdict.PASS
    assert secret not in b"".join(written)
    assert secret not in b"".join(read)
    assert secret.decode() not in str(told.values)
    assert (Kind.KV, "enrolment_token") in told.proofs
    assert b"https://content.example/" in b"".join(read)


def test_at_d1_the_secret_travels_as_it_does_at_d0(bench: Workbench) -> None:
    written: list[bytes] = []
    troubles = plug(bench, Assurance.D1)
    troubles.sent = lambda piece: written.append(bytes(piece.data))

    run(bench, Assurance.D1)

    assert token_of(0).encode() in b"".join(written)


def test_a_bit_flipped_in_what_the_dock_stores_fails_it_at_d2(bench: Workbench) -> None:
    plug(bench, Assurance.D2, BitFlip())

    outcome = run(bench, Assurance.D2)

    assert outcome.verdict is Verdict.FAIL


def test_a_dock_that_proves_another_content_fails(bench: Workbench) -> None:
    def altered(answers: DockAnswers) -> DockAnswers:
        key = (Kind.KV, "enrolment_token")
        proofs = {**answers.proofs, key: ("", bytes(32))}
        return DockAnswers(answers.values, answers.pictures, answers.code_checksum, proofs)

    plug(bench, Assurance.D2).answers = altered

    outcome = run(bench, Assurance.D2)

    assert (outcome.verdict, outcome.code) == (Verdict.FAIL, "E-VERIFY-02")
    assert outcome.cause == "the dock does not prove kv enrolment_token"


def test_a_dock_that_leaves_out_a_proof_fails(bench: Workbench) -> None:
    plug(bench, Assurance.D2).answers = lambda one: DockAnswers(
        one.values, one.pictures, one.code_checksum
    )

    outcome = run(bench, Assurance.D2)

    assert (outcome.verdict, outcome.cause) == (Verdict.FAIL, "the dock proves other entries")


def test_the_content_key_is_forgotten_with_the_run(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[DockSeal] = []
    honest = DockSeal.seal

    def noted(seal: DockSeal, volume: bytes, binding: Binding) -> SealedUpd:
        made.append(seal)
        return honest(seal, volume, binding)

    monkeypatch.setattr(DockSeal, "seal", noted)
    plug(bench, Assurance.D2)

    run(bench, Assurance.D2)

    assert [seal._content_key for seal in made] == [None]


def test_an_identity_that_claims_less_after_the_restart_is_refused(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = FakeDock.identify

    def humbler(dock: FakeDock) -> DockIdentity:
        found = honest(dock)
        restarted = "factory reset" in dock._troubles.calls
        return replace(found, assurance="D0") if restarted else found

    monkeypatch.setattr(FakeDock, "identify", humbler)
    plug(bench, Assurance.D2)

    outcome = run(bench, Assurance.D2)

    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "E-IDENT-03")
