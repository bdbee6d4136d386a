"""The boot loader: which image runs, and that it is always the old one or the new one, whole.

Every start inspects the image again before it runs, whatever a record says: digest of its bytes,
then everything the datastore demands of an image. Knows no wire and no key: what an acceptable
image is, `inspect` decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, Protocol, TypeVar

from station.dock.boot_state import BootRecords, BootState, Event, NotNow, SlotImage
from station.dock.flash import Flash
from station.dock.layout import Area, Layout
from station.domain.errors import ImageRefused, Reason


class Inspected(Protocol):
    """What an inspection found out about an image, as far as booting needs it."""

    @property
    def security_counter(self) -> int:
        """Nothing below it is accepted once the image is kept."""

    @property
    def made_here(self) -> bool:
        """Whether the dock made it itself: then nobody sent it, and nobody will confirm it."""


ImageT = TypeVar("ImageT", bound=Inspected)

Inspect = Callable[[memoryview, int], ImageT]
"""Judge an image (a view of its cells) that may not be below a counter. Raises ImageRefused."""

NOTHING_INSTALLED = "no image is installed"


@dataclass(frozen=True, slots=True)
class Running(Generic[ImageT]):
    """What a start came to. slot, image: None where the dock is not bootable.

    reason: why nothing runs, or why a waiting image was not started; else empty. new: whether
    this start is the image's first.
    """

    slot: int | None
    image: ImageT | None
    reason: str = ""
    new: bool = False


class BootLoader(Generic[ImageT]):
    """The boot state of one flash, and the steps that may change it.

    Raises PowerLost from any step; what was true before it or after it is true then.
    """

    def __init__(self, flash: Flash, layout: Layout, inspect: Inspect[ImageT]) -> None:
        self._flash = flash
        self._layout = layout
        self._inspect = inspect
        self._records = BootRecords(flash, layout.boot)

    @property
    def state(self) -> BootState:
        """As the newest record has it."""
        return self._records.state

    @property
    def spare(self) -> Area:
        """The slot that is written next; the one a candidate lies in."""
        return self._layout.slots[self.state.spare(len(self._layout.slots))]

    def start(self) -> Running[ImageT]:
        """Choose what runs: the candidate on trial, or the image that stays, or nothing.

        A candidate the dock made itself is confirmed as soon as it runs.
        """
        reason = ""
        if Event.TRIED in self.state.events:
            slot = self.state.spare(len(self._layout.slots))
            image, reason = self._look(slot, self.state.candidate)
            self._move(Event.REFUSED if image is None else Event.TRIED)
            if image is not None:
                if image.made_here:
                    self.confirm(image.security_counter)
                return Running(slot, image, new=True)
        elif Event.GIVEN_UP in self.state.events:
            self._move(Event.GIVEN_UP)
            reason = "the image on trial was not confirmed"
        if self.state.keeper is None:
            return Running(None, None, reason or NOTHING_INSTALLED)
        image, damage = self._look(self.state.keeper, self.state.kept)
        return Running(None if image is None else self.state.keeper, image, damage or reason)

    def clear(self) -> None:
        """Stop naming the spare slot, so that it may be written. Gives up a trial."""
        if self.state.candidate is not None or len(self._layout.slots) == 1:
            self._move(Event.CLEARED)

    def mark(self, size_bytes: int, digest: bytes, *, made_here: bool) -> None:
        """Accept the image in the spare slot and let it run at the next start.

        made_here: whether it comes from the dock itself; one of the other origin is refused, so
        that nobody can send a dock what it once made. Repeated for an image that is marked
        already, nothing changes. Raises ImageRefused, and NotNow while another image is on trial.
        """
        image = SlotImage(size_bytes, digest)
        if Event.MARKED not in self.state.events:
            raise NotNow("an image is on trial")
        found = self._examine(self.state.spare(len(self._layout.slots)), image)
        if found.made_here is not made_here:
            raise ImageRefused(
                "the image is sealed by another than who brings it", reason=Reason.SIGNATURE
            )
        if self.state.candidate != image:
            self._move(Event.MARKED, image=image)

    def confirm(self, counter: int) -> None:
        """Keep the image on trial for good; from now on nothing below `counter` is accepted.

        Nothing changes where the running image is kept already. Raises NotNow where none runs.
        """
        if Event.CONFIRMED in self.state.events:
            self._move(Event.CONFIRMED, counter=counter)
        elif self.state.keeper is None:
            raise NotNow(NOTHING_INSTALLED)

    def _move(self, event: Event, *, image: SlotImage | None = None, counter: int = 0) -> None:
        slots = len(self._layout.slots)
        self._records.append(self.state.after(event, slots=slots, image=image, counter=counter))

    def _look(self, slot: int, image: SlotImage | None) -> tuple[ImageT | None, str]:
        """The image if it may run, or why not."""
        if image is None:
            return None, NOTHING_INSTALLED
        try:
            return self._examine(slot, image), ""
        except ImageRefused as error:
            return None, error.cause

    def _examine(self, slot: int, image: SlotImage) -> ImageT:
        area = self._layout.slots[slot]
        if not 0 < image.size_bytes <= area.size_bytes:
            raise ImageRefused(
                f"an image of {image.size_bytes:,} bytes does not fit the slot",
                reason=Reason.FORMAT,
            )
        cells = self._flash.view(area.offset_bytes, image.size_bytes)
        if sha256(cells).digest() != image.sha256:
            raise ImageRefused(
                "the image is damaged: its digest is not the one committed", reason=Reason.DIGEST
            )
        return self._inspect(cells, self.state.counter)
