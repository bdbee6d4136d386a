"""A first boot that goes as a test says, and a screen that is drawn without a process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from station.application.cancel import Cancel
from station.datastore.partitions import Datastore
from station.domain.entries import APPLICATION_NAME, Kind
from station.domain.errors import StationError
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.rehearsal import Call, Finding, Rehearsal
from station.domain.scenario import Scenario
from station.domain.splash import Background, Splash, TextBox


def boot(
    *text: str,
    findings: Iterable[Finding] = (),
    trace: str = "",
    background: Background | None = None,
    calls: Iterable[Call] = (Call(0, "Splashscreen.add_text_box", "x=960, y=540"),),
    ran_ms: int = 60_000,
) -> Rehearsal:
    """What comes of an application that shows these texts, each in a box of its own."""
    boxes = tuple(TextBox(one, 0, at) for at, one in enumerate(text))
    return Rehearsal(
        splash=Splash(background, boxes, trace),
        text=(trace,) if trace else text,
        calls=tuple(calls),
        findings=tuple(findings),
        error=trace,
        ran_ms=ran_ms,
    )


@dataclass(frozen=True)
class Asked:
    """One rehearsal that was asked for."""

    datastore: Datastore = field(repr=False)
    scenario: Scenario
    dock_id: DockId
    unknown_image: UnknownImage


@dataclass
class FakeRehearse:
    """`application.ports.Rehearse`.

    boots: what comes of the application of this datastore. error: raised in place of it. before:
    told that one is about to begin.
    """

    boots: Callable[[Datastore], Rehearsal] = lambda datastore: boot("Welcome")
    error: StationError | None = None
    before: Callable[[], None] = lambda: None
    asked: list[Asked] = field(default_factory=list)

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
        if datastore.get(Kind.CODE, APPLICATION_NAME) is None:
            raise ValueError("the datastore holds no application")
        self.asked.append(Asked(datastore, scenario, dock_id, unknown_image))
        self.before()
        cancel.check()
        if self.error is not None:
            raise self.error
        return self.boots(datastore)


@dataclass
class FakeDraw:
    """`application.ports.Draw`: no PNG, but the same octets for the same splash.

    error: raised in place of it.
    """

    error: StationError | None = None
    drawn: list[Splash] = field(default_factory=list)

    def __call__(self, splash: Splash) -> bytes:
        """See `Draw`."""
        if self.error is not None:
            raise self.error
        self.drawn.append(splash)
        return picture_of(splash)


def picture_of(splash: Splash) -> bytes:
    """What `FakeDraw` draws."""
    behind = b"" if splash.background is None else bytes(splash.background.content)
    said = repr((splash.boxes, splash.trace)).encode()
    return b"a picture of " + sha256(behind).digest() + sha256(said).digest()
