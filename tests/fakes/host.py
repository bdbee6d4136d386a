"""Applications that run nothing: what they show and how they end, the test says."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue

from station.datastore.partitions import Datastore
from station.dock.bell import Bell
from station.dock.host import ApplicationSupport
from station.domain.entries import APPLICATION_NAME, Kind
from station.domain.errors import RehearsalImpossible, ScreenNotDrawn
from station.domain.identity import DockId
from station.domain.profile import UnknownImage
from station.domain.splash import Splash, TextBox
from station.protocol.datastore_group import Running


class FakeApplication:
    """`dock.host.RunningApplication`. Shows its own code as text, as long as nobody says else."""

    def __init__(self, code: bytes, datastore: Datastore) -> None:
        self.code = code
        self.datastore = datastore
        self.state = Running.RUNNING
        self.trace = ""
        self.splash = Splash(boxes=(TextBox(code.decode("utf-8")),))
        self.messages: list[bytes] = []
        self.stopped = False
        self._bell = Bell()
        self._said: SimpleQueue[Callable[[], object]] = SimpleQueue()

    def says(self, what: Callable[[], object]) -> None:
        """Something it does once it is attended to; from any thread."""
        self._said.put(what)
        self._bell.ring()

    def shows(self, splash: Splash) -> None:
        """Change the screen at once."""
        self.splash = splash

    def fails(self, trace: str) -> None:
        """Raise at once."""
        self.state, self.trace = Running.FAILED, trace
        self.splash = replace(self.splash, trace=trace)

    def fileno(self) -> int:
        """See `RunningApplication`."""
        return -1 if self.stopped else self._bell.fileno()

    def attend(self) -> None:
        """See `RunningApplication`."""
        self._bell.hush()
        while True:
            try:
                self._said.get_nowait()()
            except Empty:
                return

    def deliver(self, message: bytes) -> None:
        """See `RunningApplication`."""
        self.messages.append(message)

    def stop(self) -> None:
        """See `RunningApplication`."""
        assert not self.stopped, "stopped twice"
        self.stopped = True
        self._bell.close()


@dataclass
class FakeHost:
    """`dock.host.ApplicationHost`. impossible: this machine confines nothing."""

    impossible: str = ""
    started: list[FakeApplication] = field(default_factory=list)

    def start(
        self, datastore: Datastore, *, dock_id: DockId, unknown_image: UnknownImage
    ) -> FakeApplication:
        """See `ApplicationHost`."""
        if self.impossible:
            raise RehearsalImpossible(self.impossible)
        entry = datastore.get(Kind.CODE, APPLICATION_NAME)
        assert entry is not None, "started without an application"
        self.started.append(FakeApplication(bytes(entry.data), datastore))
        return self.started[-1]

    @property
    def running(self) -> list[FakeApplication]:
        """Those that have not been stopped."""
        return [one for one in self.started if not one.stopped]


@dataclass
class FakeDraw:
    """`dock.host.Draw`: a picture that says what it is of. broken: draws nothing."""

    broken: bool = False
    drawn: int = 0

    def __call__(self, splash: Splash) -> bytes:
        """See `Draw`."""
        if self.broken:
            raise ScreenNotDrawn("the fake draws nothing")
        self.drawn += 1
        return f"picture {self.drawn}: {splash}".encode()


def fake_support(host: FakeHost, draw: FakeDraw | None = None) -> ApplicationSupport:
    """Plain text is markup without its angle brackets."""
    return ApplicationSupport(
        host, draw or FakeDraw(), lambda markup: markup.replace("<b>", "").replace("</b>", "")
    )
