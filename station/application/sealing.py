"""From the facts of a run to the signed statement that its closing commit carries."""

from dataclasses import dataclass

from station.application.provisioning import RunFacts
from station.domain import dsse
from station.domain.statement import (
    PAYLOAD_TYPE,
    Assurance,
    AttestingStation,
    BoundRecord,
    Custody,
    LogPlace,
    Released,
    RunStatement,
    StepResult,
    Tool,
)
from station.domain.trust import Signer
from station.domain.verdict import Step, Verdict


@dataclass(frozen=True, slots=True)
class Sealing:
    """Signs run statements for one station. origin: name of its log."""

    signer: Signer
    station: str
    origin: str
    custody: Custody
    tool: Tool

    def __call__(self, facts: RunFacts) -> bytes:
        """The envelope (DSSE) of the run's statement. Raises SignerOffline."""
        payload = self._statement(facts).encode()
        signed = dsse.pre_authentication_encoding(PAYLOAD_TYPE, payload)
        signature = dsse.Signature(self.signer.certificate.key_id, self.signer.sign(signed))
        return dsse.Envelope(PAYLOAD_TYPE, payload, (signature,)).encode()

    def _statement(self, facts: RunFacts) -> RunStatement:
        job, closing = facts.job, facts.closing
        bundle, template = job.bundle.statement, job.template
        return RunStatement(
            run_id=facts.run.run_id,
            serial=job.serial.text,
            dock_id=facts.identity.dock_id,
            verdict=closing.verdict,
            code=closing.code,
            steps=_steps(facts),
            checks=closing.checks,
            required=job.required(facts.identity),
            rehearsal=closing.rehearsal,
            image_sha256=closing.image_sha256 or None,
            readback_sha256=facts.readback_sha256 or None,
            bytes_written=closing.bytes_written,
            bytes_read=closing.bytes_read,
            bundle=Released(bundle.name, str(bundle.version), job.bundle.sha256),
            template=Released(template.name, str(template.version), template.digest),
            records=tuple(
                BoundRecord(record.record_id, record.kind, record.fingerprint)
                for record in facts.records
            ),
            station=AttestingStation(
                self.station, self.signer.certificate.fingerprint, self.custody
            ),
            assurance=Assurance(facts.proved),
            tool=self.tool,
            number=facts.run.number,
            earlier_runs=facts.run.earlier_runs,
            log=LogPlace(self.origin, facts.run.open_leaf),
            order=job.order,
            slot=job.slot,
            operator=job.operator,
            started_at=facts.opened_at,
            ended_at=closing.closed_at,
        )


def _steps(facts: RunFacts) -> tuple[StepResult, ...]:
    """Every step that was begun; the last one did not pass where the run did not."""
    begun = [step for step in Step if step in facts.closing.seconds]
    passed = facts.closing.verdict is Verdict.PASS
    return tuple(
        StepResult(step, round(facts.closing.seconds[step] * 1000), passed or step is not begun[-1])
        for step in begun
    )
