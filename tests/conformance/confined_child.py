"""The confined child: in real time, as a virtual dock has it, and rehearsed on a bench's clock.

The datastore it asks is the one of `in_process`, in this process.
"""

import select
from typing import Final

from station.application.cancel import Cancel
from station.bootstrap.rehearsal import application_host, rehearser
from station.domain.identity import DockId
from station.domain.scenario import DEFAULT
from station.protocol.datastore_group import Running
from tests.conformance.case import Case, Outcome, seen
from tests.conformance.in_process import mounted

DOCK_ID: Final = DockId(bytes(range(32)))
PATIENCE_MS: Final = 60_000
"""Longer than anything takes; who waits so long has failed."""


class ConfinedChild:
    """See `case.Subject`."""

    def outcome(self, case: Case) -> Outcome:
        """See `case.Subject`."""
        application = application_host().start(
            mounted(case.content, case.source),
            dock_id=DOCK_ID,
            unknown_image=case.content.unknown_image,
        )
        waiting = select.poll()
        waiting.register(application, select.POLLIN)
        try:
            while True:
                boxes = [(one.markup, one.x, one.y) for one in application.splash.boxes]
                outcome = seen(case, application.trace, boxes)
                if outcome is not None:
                    return outcome
                assert application.state in {Running.STARTING, Running.RUNNING}, boxes
                assert waiting.poll(PATIENCE_MS), f"nothing happens; it shows {boxes}"
                application.attend()
        finally:
            application.stop()


class Rehearsal:
    """See `case.Subject`: a minute of the bench's clock."""

    def outcome(self, case: Case) -> Outcome:
        """See `case.Subject`."""
        rehearsed = rehearser()(
            mounted(case.content, case.source),
            DEFAULT,
            dock_id=DOCK_ID,
            unknown_image=case.content.unknown_image,
            cancel=Cancel(),
        )
        boxes = [(one.markup, one.x, one.y) for one in rehearsed.splash.boxes]
        outcome = seen(case, rehearsed.error, boxes)
        assert outcome is not None, rehearsed
        return outcome
