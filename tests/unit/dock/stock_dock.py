"""A dock in memory, and a client of it that knows only what others specify."""

from hashlib import sha256

import pytest

from station.datastore.plan import Plan
from station.protocol import filesystem_group as files
from station.protocol import image_group as images
from station.protocol import os_group, smp
from station.protocol.errors import DockRefused
from station.protocol.framing import CobsDecoder, Framing, frame
from station.protocol.image_group import ImageState
from station.protocol.shape import Request
from tests.unit.dock.images import image_of
from tests.unit.dock.memory_dock import A, Dock

MESSAGE_MAX = 4_092


class StockDock(Dock):
    """What a station without group 64 would do to it."""

    def code(self, request: Request[A]) -> tuple[int | None, int, str]:
        """Group, code and reason of the refusal of a request."""
        with pytest.raises(DockRefused) as refused:
            self.ask(request)
        return refused.value.group, refused.value.rc, refused.value.reason

    def ask_raw(self, part: images.Upload) -> images.UploadAnswer:
        """What the dock says to a part, whatever a station would do then."""
        return images.UploadAnswer.from_body(self.send(part))

    def send(self, part: images.Upload) -> smp.Body:
        """The same, be it a refusal."""
        message = smp.Message(part.OP, part.GROUP, part.COMMAND, 1, part.to_body())
        said = self.server.receive(frame(Framing.COBS, smp.encode(message)))
        (octets,) = CobsDecoder().feed(said)
        return smp.decode(octets).body

    def upload(self, image: bytes, *, digest: bytes | None = None) -> images.UploadAnswer:
        """All of an image; the last answer."""

        def read(offset: int, size: int) -> bytes:
            return image[offset : offset + size]

        announced = sha256(image).digest() if digest is None else digest
        answer = self.ask(
            images.begin_upload(read, len(image), digest=announced, message_max=MESSAGE_MAX)
        )
        for part in images.upload_requests(
            read, len(image), answer.offset, message_max=MESSAGE_MAX
        ):
            answer = self.ask(part)
        return answer

    def install_stock(self, plan: Plan, *, confirmed: bool = True) -> None:
        """Upload, let it be tried, restart, and keep it."""
        assert self.upload(image_of(plan)).match is True
        self.ask(images.WriteState(plan.signed_sha256))
        self.restart()
        if confirmed:
            self.ask(images.WriteState(confirm=True))

    @property
    def states(self) -> tuple[ImageState, ...]:
        return self.ask(images.ReadState()).images

    @property
    def marks(self) -> list[tuple[int, str]]:
        """Slot and flags of every image: a(ctive), p(ending), c(onfirmed)."""
        return [
            (one.slot, "a" * one.active + "p" * one.pending + "c" * one.confirmed)
            for one in self.states
        ]

    def file(self, name: str) -> bytes:
        """All of a file."""
        first = self.ask(files.Download(0, name))
        assert first.size is not None
        found = bytearray(first.data)
        while len(found) < first.size:
            found += self.ask(files.Download(len(found), name)).data
        return bytes(found)

    def system(self, parts: str | None = None) -> str:
        return self.ask(os_group.Info(parts)).output
