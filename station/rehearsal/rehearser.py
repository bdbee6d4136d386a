"""A first boot, rehearsed: the application runs once, within limits, and what came of it is judged.

Whatever the application does, this returns within its limits and leaves nothing behind.
Source: docs/SPEC.md, "Rehearsal".
"""

import select
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from station.application.cancel import Cancel
from station.datastore.partitions import Datastore
from station.datastore.pictures import recognise
from station.domain.errors import PictureRefused, RehearsalImpossible
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.rehearsal import Finding, FindingKind, Rehearsal
from station.domain.scenario import Expectation, Scenario
from station.domain.splash import HEIGHT, WIDTH, Background, Splash
from station.rehearsal.application import Application
from station.rehearsal.briefing import Briefing
from station.rehearsal.host import MEMORY_BYTES, application_code, start
from station.rehearsal.markup import plain
from station.rehearsal.statements import FINDINGS_MAX

PROCESSOR_S: Final = 5
"""Seconds of processor an application has for all of its rehearsal: on a bench where waiting costs
nothing, the samples need a tenth of one."""

WALL_S: Final = 20.0
"""When a child that neither computes nor answers is given up; longer than `PROCESSOR_S`, so that a
busy machine makes no application endless."""

LOOK_S: Final = 0.1
"""How soon a request to stop is seen."""


class Rehearser:
    """Implements `application.ports.Rehearse`.

    command: see `host.start`. The limits are as the constants above say.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        memory_bytes: int = MEMORY_BYTES,
        processor_s: int = PROCESSOR_S,
        wall_s: float = WALL_S,
    ) -> None:
        self._command = tuple(command)
        self._memory_bytes = memory_bytes
        self._processor_s = processor_s
        self._wall_s = wall_s

    def __call__(
        self,
        datastore: Datastore,
        scenario: Scenario,
        *,
        dock_id: DockId,
        unknown_image: UnknownImage,
        cancel: Cancel,
    ) -> Rehearsal:
        """See `Rehearse`."""
        briefing = Briefing(
            scenario=replace(scenario, dock_id=scenario.dock_id or dock_id),
            unknown_image=unknown_image,
            live=False,
            memory_bytes=self._memory_bytes,
            processor_s=self._processor_s,
            code=application_code(datastore),
        )
        cancel.check()
        eyes = _Eyes()
        application = start(self._command, datastore, briefing, shown=eyes.see)
        try:
            self._watch(application, cancel)
        finally:
            application.stop()
        if application.impossible:
            raise RehearsalImpossible(application.impossible)
        return _came_of_it(application, eyes, scenario.expect)

    def _watch(self, application: Application, cancel: Cancel) -> None:
        """Until it has ended, or its time is up. Raises Interrupted."""
        give_up_at_s = time.monotonic() + self._wall_s
        waiting = select.poll()
        waiting.register(application, select.POLLIN)
        while application.fileno() >= 0:
            cancel.check()
            left_s = give_up_at_s - time.monotonic()
            if left_s <= 0:
                application.end(FindingKind.ENDLESS, f"it came to no end within {self._wall_s:g} s")
                return
            if waiting.poll(min(left_s, LOOK_S) * 1000):
                application.attend()


class _Eyes:
    """Looks at every background. tags: of the images of the datastore that were shown."""

    def __init__(self) -> None:
        self.tags: set[str] = set()
        self.findings: dict[Finding, None] = {}

    def see(self, background: Background, tag: str) -> None:
        """See `application.Shown`."""
        if tag in self.tags:
            return
        name = "a picture of the application's own"
        if tag:
            name = f"the image {tag!r}"
            self.tags.add(tag)
        complaint = _complaint(background)
        if complaint and len(self.findings) < FINDINGS_MAX:
            self.findings[Finding(FindingKind.BACKGROUND, f"{name} {complaint}")] = None


def _complaint(background: Background) -> str:
    """What is wrong with a background, empty for nothing."""
    try:
        picture = recognise(background.content)
    except PictureRefused as error:
        return f"cannot be drawn: {error.cause}"
    if background.picture not in {None, picture.type}:
        return f"is {picture.type}, and was shown as {background.picture}"
    if (picture.width, picture.height) != (WIDTH, HEIGHT):
        return f"has {picture.width}x{picture.height} pixels; the screen has {WIDTH}x{HEIGHT}"
    return ""


def _came_of_it(application: Application, eyes: _Eyes, expect: Expectation) -> Rehearsal:
    splash, text = application.splash, _text(application.splash)
    return Rehearsal(
        splash=splash,
        text=text,
        calls=tuple(application.calls),
        findings=(
            *application.findings,
            *eyes.findings,
            *_disappointments(expect, text, eyes.tags),
        ),
        error=application.trace,
        ran_ms=application.ran_ms,
    )


def _text(splash: Splash) -> tuple[str, ...]:
    """What a person reads; a trace stands in place of the boxes (2.8)."""
    return (splash.trace,) if splash.trace else tuple(plain(box.markup) for box in splash.boxes)


def _disappointments(
    expect: Expectation, text: tuple[str, ...], tags: set[str]
) -> Iterator[Finding]:
    for wanted in expect.texts:
        if not any(wanted in one for one in text):
            yield Finding(FindingKind.EXPECTATION, f"{wanted!r} does not stand on the splash")
    for tag in expect.images:
        if tag not in tags:
            yield Finding(FindingKind.EXPECTATION, f"the image {tag!r} was not shown")
