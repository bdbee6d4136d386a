"""Runs under fault scripts that a seed has chosen, and what must be true of each.

A script is a list of faults as `station dock run --fault` takes them. A seed gives a script, a
line and a dock; the same seed gives the same simulated runs, octet for octet (promise P25).
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Final

import pytest

from station.dock.faults import Fault, parse_fault
from station.dock.noise import CableFault
from station.dock.wrong_answers import COMMANDS, Wrong
from station.domain.errors import StationError
from station.domain.profile import Link, Profile
from station.domain.verdict import Verdict
from tests.simulation.bench import Cable
from tests.simulation.station import PROFILE, SimulatedDock, SimulatedStation

CARRIED: Final = 80_000
"""About as many bytes as an undisturbed run carries each way."""

RUNS_MAX: Final = 3
"""How often a unit is tried before the faults are taken away."""

RUN_S_MAX: Final = 600.0
"""Longer than all phases of a run may take together; each has its own deadline."""

CODES: Final = frozenset(
    {
        *("E-LINK-01", "E-LINK-02", "E-LINK-03", "E-LINK-05", "E-TIME-01", "E-IDENT-03"),
        *("E-VERIFY-02", "E-VERIFY-03", "E-WRITE-01", "E-LOCK-01", "E-BOOT-01"),
    }
)
"""What a run may end with when its dock, its cable or both are bad."""

_LINES: Final = ((1_200_000.0, 0.0), (1_200_000.0, 0.001), (100_000.0, 0.02), (11_520.0, 0.0))
"""(bytes per second, latency in seconds) each way; a UART at 115,200 baud is the slowest."""

_ASKED: Final = sorted(
    set(COMMANDS)
    & {
        *("identify", "challenge", "slot-state", "block-digests", "begin", "copy", "write"),
        *("commit", "confirm", "read", "names", "entry", "code-info", "factory-reset"),
    }
)
"""Requests of a run, parameters apart."""


@dataclass(frozen=True)
class Script:
    """What a seed has chosen."""

    seed: int
    faults: tuple[str, ...]
    bytes_per_s: float
    latency_s: float

    @classmethod
    def of(cls, seed: int) -> "Script":
        """One to four faults; three in four scripts are of the cable alone or of answers alone."""
        chance = Random(f"script {seed}")
        makers = chance.choice(((_of_cable,), (_of_answers,), (_of_firmware,), _ALL))
        faults = tuple(chance.choice(makers)(chance) for _ in range(chance.randint(1, 4)))
        return cls(seed, faults, *chance.choice(_LINES))

    @property
    def parsed(self) -> tuple[Fault, ...]:
        """The faults themselves."""
        return tuple(map(parse_fault, self.faults))

    @property
    def profile(self) -> Profile:
        """Of a dock model whose line is as fast as this one."""
        return replace(PROFILE, link=Link(bytes_per_s=int(self.bytes_per_s)))

    @property
    def of_cable(self) -> bool:
        """Whether the dock itself is good."""
        return all(isinstance(one, CableFault) for one in self.parsed)


def _way(chance: Random) -> str:
    return chance.choice((":in", ":out"))


def _of_cable(chance: Random) -> str:
    at, way = chance.randrange(CARRIED), _way(chance)
    return chance.choice(
        (
            f"flip@{at}{way}",
            f"flips@{chance.randint(1, 9)}/{CARRIED}{way}",
            f"drop@{at}x{chance.randint(1, 5_000)}{way}",
            f"drops@{chance.randint(1, 9)}/{CARRIED}{way}",
            f"double@{at}x{chance.randint(1, 5_000)}{way}",
            f"drop-frame@{chance.randrange(60)}x{chance.randint(1, 9)}{way}",
            f"double-frame@{chance.randrange(60)}x{chance.randint(1, 9)}{way}",
            f"stall@{at}+{chance.choice((0.1, 0.4, 2.5, 20, 100))}s{way}",
            f"unplug@{at}+{chance.choice((0.1, 2, 30))}s{way}",
        )
    )


def _which(chance: Random) -> str:
    which = chance.choice((*_ASKED, "any"))
    number = {"any": 60, "write": 20, "read": 20, "identify": 6}.get(which, 3)
    return f"{which}#{chance.randint(1, number)}"


def _of_answers(chance: Random) -> str:
    which = _which(chance)
    if chance.random() < 0.2:
        which = which.partition("#")[0]
    if chance.random() < 0.25:
        return f"late@{which}+{chance.choice((0.05, 0.35, 1, 4, 12))}s"
    return f"{chance.choice(tuple(Wrong)).value}@{which}"


def _of_firmware(chance: Random) -> str:
    which = _which(chance)
    return chance.choice(
        (
            *("bitflip", "wrong-hw", "already-locked", "other-dock", "mute", "garbage"),
            *(f"{name}@{which}" for name in ("other-dock", "mute", "garbage")),
            *(f"{name}@{which}" for name in ("endless", "flood")),
            f"drip@{which}+{chance.choice((0.02, 0.29, 0.31))}s",
        )
    )


_ALL: Final = (_of_cable, _of_answers, _of_firmware)


@dataclass(frozen=True)
class Ended:
    """verdict: None where the trouble came before a run was opened. digest: of everything the
    dock said until then, and of when it was over."""

    verdict: Verdict | None
    code: str
    cause: str
    took_s: float
    digest: str


def played(script: Script, patch: pytest.MonkeyPatch) -> list[Ended]:
    """The runs of one unit under this script, and then one with the faults taken away.

    Raises AssertionError where one of them did what none may do.
    """
    station = SimulatedStation(patch, seed=script.seed)
    dock = SimulatedDock(1, faults=script.parsed, seed=script.seed)
    line = (script.bytes_per_s, script.latency_s)
    cable = station.plug(dock, line=line)
    ended: list[Ended] = []
    for _ in range(RUNS_MAX):
        if not cable.plugged:
            cable.go_in()
        ended.append(_run(station, cable, dock, script))
        _demand_sound(ended[-1], station, dock, script)
        if ended[-1].verdict is Verdict.PASS:
            return ended
    dock.faults = ()
    cable = station.plug(dock, line=line)
    ended.append(_run(station, cable, dock, script))
    _demand_sound(ended[-1], station, dock, replace(script, faults=()))
    assert ended[-1].verdict is Verdict.PASS, ended
    return ended


def _run(station: SimulatedStation, cable: Cable, dock: SimulatedDock, script: Script) -> Ended:
    began_s, runs = station.time.monotonic_s(), len(station.books.runs)
    try:
        outcome = station.run(profile=script.profile)
    except StationError as error:
        assert len(station.books.runs) == runs, "a run was left open"
        verdict, code, cause = None, error.code, error.cause
    else:
        verdict, code, cause = outcome.verdict, outcome.code, outcome.cause
    now_s = station.time.monotonic_s()
    told = (cable.said.hexdigest(), dock.digest, station.books.states, now_s)
    digest = sha256(repr(told).encode()).hexdigest()
    return Ended(verdict, code, cause, now_s - began_s, digest)


def _demand_sound(
    ended: Ended, station: SimulatedStation, dock: SimulatedDock, script: Script
) -> None:
    """What must be true however a run went."""
    station.books.demand_lawful()
    assert ended.took_s < RUN_S_MAX, ended
    match ended.verdict:
        case None:
            assert ended.code.startswith(("E-LINK", "E-TIME", "E-IDENT")), ended
        case Verdict.PASS:
            assert not ended.code, ended
            closing = station.books.runs[-1].closing
            assert closing is not None
            assert dock.holds(closing.image_sha256), "passed with another image in its flash"
        case Verdict.FAIL:
            assert ended.code in CODES, ended
            assert not script.of_cable, "a good dock on a bad cable failed"
        case Verdict.ERROR:
            assert ended.code in CODES, ended
        case _:
            raise AssertionError(ended)
