"""The demo, headless: twelve docks with their seeded troubles, and every trouble one can ask for.

What it answers, what it recorded and what it reported are held against each other and against the
keys, with nothing of the station's own report code in between.
"""

import json
import os
import signal
import subprocess
import tempfile
from base64 import b64decode
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from station.__main__ import main
from station.adapters.files.reading import read_text
from station.adapters.keys.authority import PinnedAuthority, roots_from_pem
from station.adapters.keys.sealed_file import Purpose, list_keys
from station.application.line import Line
from station.application.snapshot import LineSnapshot, SlotPhase
from station.datastore.pictures import Picture, recognise
from station.domain import canonical_json, dsse
from station.domain.entries import PictureType
from station.domain.errors import KeyRefused
from station.domain.log_record import LogRecord, RecordType
from station.domain.merkle import leaf_hash, proves_inclusion
from station.domain.statement import PAYLOAD_TYPE
from station.domain.trust import Usage
from station.domain.verdict import PROOFS, CheckName
from station.domain.wall_time import parse_utc
from tests.end_to_end.small_line import PROGRAM, books, made_once
from tests.end_to_end.virtual_docks import ROOT

WITHOUT_A_KEY: Final = [name for name in CheckName if name not in PROOFS]
"""The checks of a dock of level D0, in their order."""

DEMO_S: Final = 240
"""Longest a demo may take; a hang is a failure."""

DOCKS, UNITS, SEED = 4, 12, 7
SPARE: Final = 3
"""Tokens the demo imports beyond one per unit."""


@dataclass(frozen=True)
class Demo:
    """An ended demo, and the folder that was its TMPDIR."""

    folder: Path
    status: int
    out: str
    err: str

    @property
    def runs(self) -> list[dict[str, Any]]:
        """One object per run, in the order they ended."""
        return [json.loads(line) for line in self.out.splitlines()[:-1]]

    @property
    def summary(self) -> dict[str, Any]:
        """The object on the last line."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found

    @property
    def home(self) -> Path:
        """The state folder it made for itself."""
        return Path(self.summary["report_dir"]).parent

    @cached_property
    def reports(self) -> dict[str, dict[str, Any]]:
        """By serial."""
        found = [
            canonical_json.decode(path.read_bytes())
            for path in sorted(Path(self.summary["report_dir"]).glob("*.report.json"))
        ]
        return {report["unit"]["serial"]: report for report in found}  # type: ignore[index,call-overload,misc]

    def of(self, number: int) -> list[dict[str, Any]]:
        """The runs of one unit."""
        return [run for run in self.runs if run["serial"] == f"DK7F-{number:05d}"]


def work(folder: Path, *arguments: object) -> Demo:
    """A demo in a process of its own; its folder lies in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [*PROGRAM, "demo", "--headless", "--json", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=DEMO_S)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)  # it powers its docks off itself
            process.communicate(timeout=60)
    return Demo(folder, process.returncode, out, err)


def worked_once(factory: pytest.TempPathFactory, name: str) -> Demo:
    """The seeded demo, once per session and name."""

    def make(folder: Path) -> None:
        made = work(folder, "--docks", DOCKS, "--units", UNITS, "--seed", SEED)
        (folder / "status").write_text(str(made.status), encoding="ascii")
        (folder / "out").write_text(made.out, encoding="utf-8")
        (folder / "err").write_text(made.err, encoding="utf-8")

    folder = made_once(factory, name, make)
    return Demo(
        folder,
        int((folder / "status").read_text(encoding="ascii")),
        (folder / "out").read_text(encoding="utf-8"),
        (folder / "err").read_text(encoding="utf-8"),
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return worked_once(tmp_path_factory, "seeded-demo")


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return worked_once(tmp_path_factory, "seeded-demo-again")


def authority(home: Path, *, allow_demo: bool) -> PinnedAuthority:
    """What pins the demo's own product root."""
    text = read_text(home / "keys" / "product-root.pem", limit_bytes=65_536)
    return PinnedAuthority(roots_from_pem(text), allow_demo=allow_demo)


# -- what it answers -----------------------------------------------------------------------------


def test_it_ends_well_and_its_last_line_sums_it_up(demo: Demo) -> None:
    summary = demo.summary

    assert (demo.status, demo.err) == (0, "")
    assert summary.keys() >= {
        *("units", "pass", "fail", "error", "aborted", "runs", "hold", "upd", "report_dir"),
    }
    assert {
        key: summary[key] for key in ("units", "pass", "fail", "error", "aborted", "runs", "hold")
    } == {"units": 12, "pass": 11, "fail": 1, "error": 0, "aborted": 0, "runs": 14, "hold": 1}
    assert (summary["stop"], summary["surprises"], summary["demo"]) == ("", [], True)
    assert len(demo.runs) == summary["runs"]


def test_every_pass_names_its_checks_the_first_boot_among_them(demo: Demo) -> None:
    passed = [run for run in demo.runs if run["verdict"] == "PASS"]

    assert len({run["serial"] for run in passed}) == len(passed) == 11
    for run in passed:
        assert run["checks"] == WITHOUT_A_KEY, run
        assert (run["error_code"], run["disposition"]) == ("", "GOOD")
    for report in demo.reports.values():
        for run in report["runs"]:
            if run["verdict"] == "PASS":
                assert [one["name"] for one in run["checks"]] == WITHOUT_A_KEY
                assert all(one["passed"] and one["evidence"] for one in run["checks"])


def test_the_third_dock_is_unplugged_once_and_passes_in_another_slot(demo: Demo) -> None:
    first, second = demo.of(3)

    assert (first["verdict"], first["error_code"]) == ("ERROR", "E-LINK-03")
    assert (second["verdict"], second["disposition"]) == ("PASS", "GOOD")
    assert first["slot"] != second["slot"]


def test_the_fifth_dock_fails_twice_and_is_held_with_its_record(demo: Demo) -> None:
    runs = demo.of(5)
    report = demo.reports["DK7F-00005"]

    assert [(run["verdict"], run["error_code"]) for run in runs] == [("FAIL", "E-VERIFY-02")] * 2
    assert runs[0]["slot"] != runs[1]["slot"]
    assert report["unit"]["disposition"] == "HOLD"
    assert report["unit"]["ncr"].startswith("NCR-")
    for run in report["runs"]:
        failed = next(check for check in run["checks"] if not check["passed"])
        assert (failed["name"], failed["code"]) == ("blocks", "E-VERIFY-02")
        assert "first at offset 0x" in failed["evidence"]
        assert run["cause"] == failed["evidence"]
    assert [record["state"] for record in report["records"]] == ["SENT"]


def test_every_other_dock_passes_at_its_first_run(demo: Demo) -> None:
    others = [demo.of(number) for number in range(1, UNITS + 1) if number not in {3, 5}]

    assert [[run["verdict"] for run in runs] for runs in others] == [["PASS"]] * 10


# -- what it recorded ----------------------------------------------------------------------------


def test_no_token_is_used_twice_and_every_record_is_accounted_for(
    demo: Demo, tmp_path: Path
) -> None:
    found = books(demo.home, tmp_path)
    ids = {bytes(record["fingerprint"]).hex(): record for record in found.records}
    upd = demo.summary["upd"]

    assert len(ids) == len(found.records) == UNITS + SPARE
    assert sum(upd.values()) == UNITS + SPARE
    assert upd == {"FREE": 3, "RESERVED": 0, "SENT": 1, "ACTIVE": 11, "BURNED": 0}
    assert Counter(record["state"] for record in found.records) == {
        state: count for state, count in upd.items() if count
    }
    bound = [record["dock_id"] for record in found.records if record["state"] != "FREE"]
    assert len(set(bound)) == len(bound) == UNITS

    carried: dict[str, set[str]] = {}
    for serial, report in demo.reports.items():
        for run in report["runs"]:
            for record in statement(run)["predicate"]["upd"]:
                carried.setdefault(record["fingerprint"], set()).add(serial)
        for record in report["records"]:
            carried.setdefault(record["fingerprint"], set()).add(serial)
    assert all(len(serials) == 1 for serials in carried.values())
    assert len(carried) == UNITS
    assert carried.keys() <= ids.keys()
    for fingerprint, (serial,) in carried.items():
        dock_id = demo.reports[serial]["unit"]["dock_id"]
        assert bytes(ids[fingerprint]["dock_id"]).hex().upper() == dock_id


def test_every_opened_run_is_closed_in_the_log(demo: Demo, tmp_path: Path) -> None:
    found = books(demo.home, tmp_path)
    records = [LogRecord.decode(leaf["record"]) for leaf in found.leaves]
    opened = [one.run_id for one in records if one.type is RecordType.RUN_OPEN]
    closed = {one.run_id: one.verdict for one in records if one.type is RecordType.RUN_CLOSED}

    assert len(opened) == len(set(opened)) == demo.summary["runs"]
    assert closed == {run["run_id"]: run["verdict"] for run in found.runs}
    assert closed.keys() == set(opened)


# -- what it reported ----------------------------------------------------------------------------


def statement(run: dict[str, Any]) -> dict[str, Any]:
    """What the envelope in a report says, unverified."""
    envelope = dsse.Envelope.decode(canonical_json.encode(run["statement"]))
    found: dict[str, Any] = json.loads(envelope.payload)
    return found


def test_every_report_parses_and_says_what_the_demo_said(demo: Demo) -> None:
    told = {
        (run["serial"], run["run_no"]): (run["verdict"], run["error_code"]) for run in demo.runs
    }
    reported = {
        (serial, run["run_no"]): (run["verdict"], run["error_code"])
        for serial, report in demo.reports.items()
        for run in report["runs"]
    }

    assert sorted(demo.reports) == [f"DK7F-{number:05d}" for number in range(1, UNITS + 1)]
    assert reported == told
    for report in demo.reports.values():
        assert "DEMO" in report["issuer"]
        assert report["unit"]["run_count"] == len(report["runs"])


def test_every_statement_is_signed_by_the_demos_station_and_says_the_verdict(demo: Demo) -> None:
    trusting = authority(demo.home, allow_demo=True)
    (key,) = [one for one in list_keys(demo.home / "keys").keys if one.purpose is Purpose.STATION]
    assert key.certificate is not None
    certificate = trusting.certificate(key.certificate)

    for serial, report in demo.reports.items():
        for run in report["runs"]:
            envelope = dsse.Envelope.decode(canonical_json.encode(run["statement"]))
            said = json.loads(envelope.payload)
            predicate = said["predicate"]
            (signature,) = envelope.signatures
            at = parse_utc(predicate["ended_utc"])

            certificate.demand(Usage.STATION, product=report["unit"]["product"], at=at)
            assert envelope.payload_type == PAYLOAD_TYPE
            assert trusting.verifies(certificate, signature.signature, envelope.signed_bytes)
            assert not trusting.verifies(
                certificate, signature.signature, envelope.signed_bytes + b" "
            )
            assert predicate["station"]["certificate_sha256"] == sha256(key.certificate).hexdigest()
            assert (predicate["verdict"], predicate["code"]) == (run["verdict"], run["error_code"])
            assert (predicate["serial"], predicate["dock_id"]) == (serial, run["dock_id"])
            assert predicate["run"]["id"] == run["run_id"]
            assert said["subject"][0]["name"] == serial
            assert said["subject"][0]["digest"]["sha256"] == predicate["image_sha256"] or (
                not predicate["image_sha256"]
            )
            written = demo.home / "reports" / f"{serial}.run-{run['run_no']}.dsse.json"
            assert written.read_bytes() == envelope.encode()


def test_the_splash_of_every_rehearsed_dock_is_beside_its_report(demo: Demo) -> None:
    folder = demo.home / "reports"
    for serial, report in demo.reports.items():
        for run in report["runs"]:
            rehearsal, said = run["rehearsal"], statement(run)["predicate"]["rehearsal"]
            if run["verdict"] != "PASS":
                assert (rehearsal, said) == (None, None)
                continue
            splash = (folder / rehearsal["picture"]).read_bytes()

            assert any(serial in text for text in rehearsal["text"]), rehearsal
            assert rehearsal["error"] == ""
            assert sha256(splash).hexdigest() == rehearsal["picture_sha256"]
            assert said["picture_sha256"] == rehearsal["picture_sha256"]
            assert recognise(splash) == Picture(PictureType.PNG, 1_920, 1_080)


def test_nothing_of_it_counts_where_demo_keys_do_not(demo: Demo) -> None:
    real = authority(demo.home, allow_demo=False)
    signing = [one for one in list_keys(demo.home / "keys").keys if one.certificate is not None]

    assert {one.purpose for one in signing} >= {Purpose.RELEASE, Purpose.STATION}
    for key in signing:
        assert key.demo
        with pytest.raises(KeyRefused, match="a demo certificate proves nothing"):
            real.certificate(key.certificate or b"")


def test_every_log_proof_holds_and_a_changed_one_does_not(demo: Demo) -> None:
    roots = set()
    for report in demo.reports.values():
        for run in report["runs"]:
            proof = run["proof"]
            record, root = b64decode(proof["record"]), b64decode(proof["root"])
            hashes = [b64decode(one) for one in proof["hashes"]]
            leaf = LogRecord.decode(record)
            payload = dsse.Envelope.decode(canonical_json.encode(run["statement"])).payload
            roots.add((proof["size"], root))

            assert proves_inclusion(leaf_hash(record), proof["index"], proof["size"], hashes, root)
            assert (leaf.type, leaf.run_id) == (RecordType.RUN_CLOSED, run["run_id"])
            assert leaf.verdict == run["verdict"]
            assert leaf.statement_sha256 == sha256(payload).digest()
            assert proof["index"] > statement(run)["predicate"]["log"]["open_leaf"]
            assert proof["origin"] == statement(run)["predicate"]["log"]["origin"]
            other = record.replace(b'"PASS"', b'"FAIL"').replace(b'"ERROR"', b'"PASS"')
            other = other if other != record else record.replace(b'"FAIL"', b'"PASS"')
            assert other != record
            assert not proves_inclusion(
                leaf_hash(other), proof["index"], proof["size"], hashes, root
            )
            assert not proves_inclusion(
                leaf_hash(record), proof["index"] ^ 1, proof["size"], hashes, root
            )
    assert len(roots) == 1  # all of them are of one log, as it was when the demo ended


# -- it repeats itself ---------------------------------------------------------------------------


def course(demo: Demo) -> dict[str, Any]:
    """What of a demo its seed decides."""
    return {
        serial: (
            report["unit"]["dock_id"],
            report["unit"]["disposition"],
            [(run["verdict"], run["error_code"]) for run in report["runs"]],
        )
        for serial, report in demo.reports.items()
    }


def test_the_same_seed_gives_the_same_docks_verdicts_and_dispositions(
    demo: Demo, again: Demo
) -> None:
    assert course(demo) == course(again)
    assert demo.home != again.home
    assert len({dock_id for dock_id, _, _ in course(demo).values()}) == UNITS
    # Only what is random for a reason differs: keys, tokens, salts.
    assert not secrets_of(demo) & secrets_of(again)


def secrets_of(demo: Demo) -> set[str]:
    """Fingerprints and images: no two demos share any."""
    return {run["image_sha256"] for report in demo.reports.values() for run in report["runs"]} | {
        record["fingerprint"] for one in demo.reports.values() for record in one["records"]
    }


# -- every trouble one can ask for ---------------------------------------------------------------

FREE_ALL: Final = {"FREE": 4, "RESERVED": 0, "SENT": 0, "ACTIVE": 2, "BURNED": 0}
"""The third dock took nothing."""

ONE_SENT: Final = {**FREE_ALL, "FREE": 3, "SENT": 1}
ALL_ACTIVE: Final = {**FREE_ALL, "FREE": 3, "ACTIVE": 3}
FLIPPED: Final = ("FAIL", "E-VERIFY-02")
PASSED: Final = ("PASS", "")


@dataclass(frozen=True)
class Trouble:
    """What the third of three docks comes to.

    runs: (verdict, code) of each of its runs. disposition: None where no run was opened.
    """

    fault: str
    runs: tuple[tuple[str, str], ...]
    disposition: str | None
    upd: dict[str, int]
    status: int = 0
    stop: str = ""


TROUBLES: Final = (
    # A dock that no run can help is met further down.
    Trouble("unplug@40%", (("ERROR", "E-LINK-03"), PASSED), "GOOD", ALL_ACTIVE),
    Trouble("slow@200000", (PASSED,), "GOOD", ALL_ACTIVE),
    Trouble("bitflip", (FLIPPED, FLIPPED), "HOLD", ONE_SENT),
    Trouble("other-dock", (("ERROR", "E-IDENT-03"),), "HOLD", ONE_SENT),
    Trouble("already-locked", (("FAIL", "E-LOCK-01"),), "HOLD", FREE_ALL),
    Trouble(
        "token-out",
        (("ERROR", "E-TOKEN-01"),),
        "OPEN",
        {**FREE_ALL, "FREE": 0},
        status=13,
        stop="E-TOKEN-01",
    ),
    Trouble(
        "signer-loss",
        (("ERROR", "E-SIGN-01"),),
        "OPEN",
        FREE_ALL,
        status=14,
        stop="E-SIGN-01",
    ),
    Trouble("disk-full", (), None, FREE_ALL, status=15, stop="E-LOG-01"),
)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.fault)
def test_a_trouble_ends_as_the_operators_catalogue_says(tmp_path: Path, trouble: Trouble) -> None:
    # A trouble of the station meets whatever runs: with one slot nothing else does.
    docks = 1 if trouble.stop else 2

    made = work(
        tmp_path / "demo",
        *("--docks", docks, "--units", 3, "--seed", SEED, "--fault", trouble.fault),
    )

    summary, third = made.summary, made.of(3)
    assert (made.status, made.err) == (trouble.status, ""), made.out
    assert tuple((run["verdict"], run["error_code"]) for run in third) == trouble.runs
    assert (third[-1]["disposition"] if third else None) == trouble.disposition
    assert summary["upd"] == trouble.upd
    assert (summary["stop"], summary["surprises"]) == (trouble.stop, [])
    for number in (1, 2):
        assert [run["verdict"] for run in made.of(number)] == ["PASS"]
    ends = Counter(["PASS", "PASS", *([third[-1]["verdict"]] if third else [])])
    for verdict in ("PASS", "FAIL", "ERROR", "ABORTED"):
        assert summary[verdict.lower()] == ends[verdict]
    assert summary["runs"] == 2 + len(third)
    assert summary["hold"] == (trouble.disposition == "HOLD")

    found = books(made.home, tmp_path)
    assert Counter(record["state"] for record in found.records) == {
        state: count for state, count in trouble.upd.items() if count
    }
    assert None not in found.verdicts


@pytest.mark.parametrize(
    ("fault", "code", "times"),
    [("wrong-hw", "E-IDENT-02", 1), ("mute", "E-LINK-01", 3), ("garbage", "E-LINK-01", 3)],
)
def test_a_dock_that_no_run_can_help_shows_its_code_and_is_put_aside(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
    code: str,
    times: int,
) -> None:
    shown: list[tuple[SlotPhase, str]] = []
    snapshot = Line.snapshot

    def watched(line: Line) -> LineSnapshot:
        seen = snapshot(line)
        (slot,) = seen.slots
        if not shown or shown[-1] != (slot.phase, slot.code):
            shown.append((slot.phase, slot.code))
        return seen

    monkeypatch.setattr(Line, "snapshot", watched)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    status = main(["demo", "--headless", "--json", "--docks=1", "--units=3", f"--fault={fault}"])

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    summary = told[-1]
    assert status == 0, summary
    assert [(run["serial"], run["verdict"]) for run in told[:-1]] == [
        *(("DK7F-00001", "PASS"), ("DK7F-00002", "PASS")),
    ]
    assert summary["upd"] == FREE_ALL
    assert (summary["pass"], summary["runs"], summary["hold"]) == (2, 2, 0)
    assert (summary["stop"], summary["surprises"]) == ("", [])
    assert [one for one in shown if one[1]] == [(SlotPhase.CHECK, code)] * times
    assert SlotPhase.HOLD not in {phase for phase, _ in shown}
