"""``station provision --all``: one run for each dock on the bench, all at the same time."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from station.application.snapshot import EndedRun, SlotPhase, SlotSnapshot
from station.cli.answer import Answer
from station.cli.main import Session
from station.cli.passphrase import Passphrase
from station.cli.progress import bench_progress
from station.cli.stopping import stoppable
from station.cli.verdict import (
    exit_status,
    remedy_after,
    remedy_of,
    status_of,
    verdict_word,
    worst,
)
from station.cli.wording import check_data, check_lines, rehearsal_data
from station.domain.errors import Interrupted
from station.domain.verdict import Verdict

REFUSED = "REFUSED"
"""In place of a verdict: no run was opened."""


def provision_bench(
    session: Session,
    ports: tuple[str, ...],
    slot_map: Path | None,
    *,
    order: str,
    ask: Passphrase,
) -> Answer:
    """Serve every dock; one document when the last one has ended."""
    places = session.places_of(ports, slot_map)
    with stoppable() as cancel, bench_progress(quiet=session.as_json) as watch:
        served = session.provision_all(
            places, expected=bool(ports), order=order, ask=ask, watch=watch, cancel=cancel
        )
    at = {place.number: place.port for place in places}
    docks = [_End(slot, at[slot.number]) for slot in served.slots]
    counts = Counter(one.word for one in docks)
    return Answer(
        {
            "order": served.order,
            "counts": {word: counts[word] for word in (*map(str, Verdict), REFUSED)},
            "docks": [one.data for one in docks],
        },
        [
            *(line for one in docks for line in one.lines),
            ", ".join(f"{number} {word}" for word, number in sorted(counts.items())),
        ],
        status=worst(one.status for one in docks),
    )


class _End:
    """How it ended in one slot: with a run, or with the reason why there was none."""

    def __init__(self, slot: SlotSnapshot, port: str) -> None:
        self._slot = slot
        self._port = port
        self._run: EndedRun | None = slot.runs[0] if slot.runs else None
        stopped = self._run is None and not slot.code
        self._code = Interrupted.code if stopped else slot.code
        self._cause = "stopped before it began" if stopped else slot.cause

    @property
    def word(self) -> str:
        """Its verdict, or that there is none."""
        return self._run.verdict.value if self._run else REFUSED

    @property
    def status(self) -> int:
        """The exit status, were it the only dock."""
        return exit_status(self._run.verdict, self._code) if self._run else status_of(self._code)

    @property
    def data(self) -> Mapping[str, Any]:
        """Under the names `station provision SERIAL` uses."""
        run = self._run
        return {
            "slot": self._slot.number,
            "port": self._port,
            "serial": self._slot.serial,
            "run_id": run.run_id if run else None,
            "verdict": run.verdict if run else None,
            "held": self._held,
            "error_code": self._code,
            "cause": self._cause,
            "remedy": self._remedy,
            "took_s": round(run.took_s, 3) if run else None,
            "checks": check_data(run.checks) if run else [],
            "rehearsal": rehearsal_data(run.rehearsal) if run else None,
        }

    @property
    def lines(self) -> Iterator[str]:
        """The same for people."""
        word = verdict_word(self._run.verdict) if self._run else REFUSED
        yield f"slot {self._slot.number}  {self._slot.serial or '(no serial)'}  {word}"
        if self._run and self._run.verdict is Verdict.PASS:
            return
        if self._run:
            yield from check_lines(self._run.checks)
        yield f"  {self._code}: {self._cause}"
        yield f"  what to do: {self._remedy}"

    @property
    def _held(self) -> bool:
        return self._slot.phase is SlotPhase.HOLD

    @property
    def _remedy(self) -> str:
        if self._run:
            return remedy_after(self._run.verdict, self._code, held=self._held)
        return remedy_of(self._code)
