"""Fuzz target of a whole session with a dock: whatever it answers, the station's end stays sound.

`fuzz_one` reads its octets as what becomes of each answer of an honest dock: left as it is, lost,
replaced by octets of any sort, or changed inside and framed anew with a right CRC. Every question
the station has is asked, one after another, over the simulated bench. Only a `LinkError` or the
dock's refusal of an image may come out, each in one line that a person can read; no phase lasts
longer than its deadline (`tests/simulation/punctual.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

import pytest

from station.adapters.serial_link import port
from station.adapters.serial_link.dock import SerialDock
from station.adapters.serial_link.stock import StockDock
from station.application.cancel import Cancel
from station.application.ports import CommitRefused, Dock, Piece
from station.datastore.plan import Part
from station.dock.layout import Layout
from station.dock.server import DockServer
from station.domain.errors import DockNotProved, LinkError
from station.domain.verdict import Verdict
from station.protocol.framing import Framing, decoder, frame
from tests.fuzz.recipe import Recipe
from tests.simulation.bench import Way
from tests.simulation.station import IMAGE_BYTES, PLACE, PROFILE, SimulatedDock, SimulatedStation

CAUSE_CHARACTERS_MAX: Final = 500

POLL_S: Final = 1.0
"""The clock is looked at more rarely than on a real port: silence is waited out sooner."""

LINE_BYTES_PER_S: Final = 600_000.0
BLOCK: Final = Part(4_096, 8_192, bytes(32))
PARTS: Final = (Part(0, 4_096, bytes(32)), BLOCK)

Step = Callable[[Dock], object]


class Improviser(DockServer):
    """An honest dock whose every answer is at the mercy of `recipe`."""

    recipe = Recipe(b"")

    def receive(self, data: bytes, now_s: float = 0.0) -> bytes:
        """See `DockServer`."""
        answers = decoder(Framing.COBS).feed(super().receive(data, now_s))
        return b"".join(self._instead(answer) for answer in answers)

    def _instead(self, answer: bytes) -> bytes:
        recipe = self.recipe
        match recipe.number(8):
            case 1:
                return b""
            case 2:
                return recipe.text()
            case 3:
                return frame(Framing.COBS, answer[:8] + recipe.text())
            case 4:
                body = recipe.text()
                head = answer[:2] + len(body).to_bytes(2, "big") + answer[4:8]
                return frame(Framing.COBS, head + body)
            case 5:
                return frame(Framing.COBS, _poked(answer, recipe))
            case 6:
                return frame(Framing.COBS, answer) * (1 + recipe.number(4))
            case 7:
                return frame(Framing.COBS, recipe.text().ljust(9, b"\0"))
        return frame(Framing.COBS, answer)


def _poked(answer: bytes, recipe: Recipe) -> bytes:
    """With up to four octets written over, and the length in its header made right."""
    octets = bytearray(answer)
    for _ in range(1 + recipe.number(4)):
        octets[(recipe.number(256) * 256 + recipe.number(256)) % len(octets)] = recipe.number(256)
    octets[2:4] = (len(octets) - 8).to_bytes(2, "big")
    return bytes(octets)


def _nothing(_count: int) -> None:
    pass


def _unheard(_way: Way, _data: bytes) -> None:
    pass


def _write(dock: Dock) -> None:
    """Two pieces; to a stock dock, which takes nothing but images, one that is whole."""
    pieces = [Piece(part.offset_bytes, bytes(part.size_bytes)) for part in PARTS]
    if isinstance(dock, StockDock):
        pieces = [Piece(0, _image())]
    dock.write(pieces, done=_nothing, cancel=Cancel())


def _read(dock: Dock) -> None:
    """What arrives is what was asked for, and no more."""
    asked = set(range(3 * 4_096))
    for piece in dock.read_back(0, 3 * 4_096, done=_nothing, cancel=Cancel()):
        got = range(piece.offset_bytes, piece.offset_bytes + len(piece.data))
        assert asked.issuperset(got)
        asked.difference_update(got)
    assert not asked


STEPS: Final[tuple[Step, ...]] = (
    lambda dock: dock.identify(),
    lambda dock: dock.answers(),
    lambda dock: dock.slot_state(),
    lambda dock: dock.challenge(bytes(32), PARTS),
    _read,
    lambda dock: dock.confirm(bytes(32)),
    lambda dock: dock.prove(bytes(32), b""),
    lambda dock: dock.begin(IMAGE_BYTES, (BLOCK,)),
    lambda dock: dock.digests(PARTS),
    _write,
    lambda dock: dock.commit(IMAGE_BYTES, bytes(32)),
    lambda dock: dock.factory_reset(),
    lambda dock: dock.identify(),
)
"""Every question the station has, in an order a run could have them."""


@cache
def _cells() -> bytes:
    """The flash of a dock that passed."""
    dock = SimulatedDock(1)
    with pytest.MonkeyPatch.context() as patch:
        station = SimulatedStation(patch)
        station.plug(dock)
        outcome = station.run()
    assert outcome.verdict is Verdict.PASS, outcome
    return bytes(dock.cells)


def _image() -> bytes:
    """What lies in its first slot."""
    slot = Layout.of_profile(PROFILE).slots[0]
    return _cells()[slot.offset_bytes :][:IMAGE_BYTES]


def fuzz_one(data: bytes) -> None:
    """Let a dock answer with `data`. Raises AssertionError, or whatever a defect raises."""
    dock = SimulatedDock(1, made_by=Improviser)
    dock.cells[:] = _cells()
    with pytest.MonkeyPatch.context() as patch:
        station = SimulatedStation(patch)
        patch.setattr(port, "POLL_S", POLL_S)
        cable = station.plug(dock, line=(LINE_BYTES_PER_S, 0.0))
        assert isinstance(cable.server, Improviser)
        cable.server.recipe = Recipe(data)
        cable.heard = _unheard  # no run is opened here, so nothing can be bound
        with _named(), station.docks.open(PLACE, PROFILE.link) as found:
            if isinstance(found, SerialDock):  # not one that is taken for a stock dock
                with _named():
                    found.application()
                with _named():
                    found.screen_text()
            for step in STEPS:
                with _named():
                    step(found)


@contextmanager
def _named() -> Iterator[None]:
    """Lets a named refusal pass, and nothing else."""
    try:
        yield
    except CommitRefused as refused:
        cause = refused.reason
    except (LinkError, DockNotProved) as error:
        assert type(error) is not LinkError
        cause = error.cause
    else:
        return
    assert cause.isprintable(), ascii(cause)
    assert 0 < len(cause) <= CAUSE_CHARACTERS_MAX, len(cause)
