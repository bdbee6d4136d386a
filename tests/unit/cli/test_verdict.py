"""Four verdicts leave by four ways, and every code by the exit status of its class."""

from dataclasses import replace

import pytest

from station.application.ports import ClosedRun
from station.application.provisioning import RunOutcome
from station.cli.verdict import exit_status, remedy, remedy_of, status_of
from station.domain.errors import LinkLost, NoTokens, RecordNotDurable, SignerOffline
from station.domain.verdict import Disposition, Verdict

OUTCOME = RunOutcome(
    run_id="r",
    verdict=Verdict.ERROR,
    code="E-LINK-03",
    cause="",
    checks=(),
    closed=ClosedRun("r", Verdict.ERROR, Disposition.OPEN, 1),
)


@pytest.mark.parametrize(
    ("verdict", "code", "status"),
    [
        (Verdict.PASS, "", 0),
        (Verdict.FAIL, "E-VERIFY-02", 10),
        (Verdict.ABORTED, "E-STOP-01", 130),
        (Verdict.ERROR, "E-LINK-03", 11),
        (Verdict.ERROR, "E-IDENT-03", 12),
        (Verdict.ERROR, "E-TOKEN-01", 13),
        (Verdict.ERROR, "E-SIGN-01", 14),
        (Verdict.ERROR, "E-LOG-01", 15),
        (Verdict.ERROR, "E-SCAN-04", 20),
        (Verdict.ERROR, "", 11),
    ],
)
def test_the_exit_status_of_a_run(verdict: Verdict, code: str, status: int) -> None:
    assert exit_status(verdict, code) == status


@pytest.mark.parametrize("error", [LinkLost, NoTokens, RecordNotDurable, SignerOffline])
def test_a_code_leaves_with_status_and_remedy_of_its_class(error: type[LinkLost]) -> None:
    assert status_of(error.code) == error.exit_status
    assert remedy_of(error.code) == error.remedy


def test_what_to_do_depends_on_where_the_dock_goes() -> None:
    failed = replace(OUTCOME, verdict=Verdict.FAIL, code="E-VERIFY-02")
    held = replace(failed, closed=replace(failed.closed, disposition=Disposition.HOLD))

    assert remedy(replace(OUTCOME, verdict=Verdict.PASS, code="")) == ""
    assert remedy(OUTCOME) == LinkLost.remedy
    assert "once more" in remedy(failed)
    assert "HOLD tray" in remedy(held)
