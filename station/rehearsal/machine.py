"""What the dock's modules need of the process they run in: a port inside the confined child.

Behind it lie the pipe to the parent, which holds the datastore, and the bench's clock. The modules
in `sdk/` know nothing else; an application knows nothing but the modules.
"""

from collections.abc import Callable
from typing import Protocol

from station.domain.entries import Entry, Kind
from station.domain.profile import UnknownImage
from station.domain.rehearsal import FindingKind
from station.domain.scenario import Scenario
from station.domain.splash import TextBox


class Scheduled(Protocol):
    """Something that will be done, unless it is cancelled before."""

    def cancel(self) -> None:
        """Do it no more; harmless when repeated or late."""


class Machine(Protocol):
    """The dock an application believes it runs on."""

    @property
    def scenario(self) -> Scenario:
        """What the bench is scripted to do; `dock_id` is set."""

    @property
    def unknown_image(self) -> UnknownImage:
        """What `ImageStore` does for a tag it does not hold (Q3)."""

    # -- time ----------------------------------------------------------------------------------

    def now_ms(self) -> float:
        """Milliseconds since the application was started; never goes back."""

    def sleep_ms(self, duration_ms: float) -> None:
        """Let time pass with nothing else done, as `time.sleep` does on a dock."""

    def call_at(self, at_ms: float, task: Callable[[], object]) -> Scheduled:
        """Do `task` once the application is idle and the clock has reached `at_ms`."""

    # -- the datastore, which the parent holds -------------------------------------------------

    def names(self, kind: Kind) -> list[str]:
        """Everything an application can get, sorted, each once."""

    def entry(self, kind: Kind, name: str) -> Entry | None:
        """An entry with its content, copied into this process."""

    def rom_checksum(self) -> int:
        """CRC-32 of the application in ROM; 0 where ROM has none (Q12)."""

    # -- the screen ----------------------------------------------------------------------------

    def show_image(self, tag: str) -> None:
        """Make a stored image the background; its bytes stay where they are."""

    def show_picture(self, content: bytes, picture: str) -> None:
        """Make these bytes the background. picture: PNG, BMP or empty for unknown."""

    def put_box(self, box: TextBox) -> None:
        """Add a text box, or update the one at its place."""

    def remove_box(self, x: int, y: int) -> None:
        """Remove the box there, if any."""

    # -- what is told of it --------------------------------------------------------------------

    def called(self, name: str, detail: str = "") -> None:
        """Note a call into a module. detail: one line, without values of the datastore."""

    def found(self, kind: FindingKind, detail: str) -> None:
        """Note what may be wrong with the application."""

    def on_message(self, callback: Callable[[bytes], object] | None) -> None:
        """Who is given the messages of `vision_client` from now on."""
