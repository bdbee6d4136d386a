"""Composition root of the demo: a whole station with throw-away keys, and docks that are processes.

Everything a demo shows is done by the same parts as on a line; only the keys, the folder and the
docks are its own.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit
from secrets import token_urlsafe
from typing import Final

from station.adapters.keys.sealed_file import (
    KeyEntry,
)
from station.adapters.virtual_bench import DockProcesses
from station.application.demo import Hands, demo_units
from station.application.line import Line
from station.application.ports import UnitRow
from station.bootstrap.station import DEMO_COST, NewOrder, Station
from station.config import Config, Settings
from station.dock.faults import parse_fault
from station.domain.identity import Serial
from station.domain.secret import Secret
from station.domain.slot_map import slots_at
from station.domain.upd import UpdState
from station.domain.verdict import Disposition, Verdict

DEMO_ORDER: Final = "WO-DEMO"
DEMO_PRODUCT: Final = "DK-7F"
DEMO_LOT: Final = "T-DEMO"
DEMO_LOT_KIND: Final = "enrolment-token"
DEMO_TOKEN_BYTES: Final = 24
SPARE_TOKENS: Final = 3
"""Tokens beyond one per unit."""

WATCHED_LINE_RATE: Final = 400_000
"""Bytes per second of a dock's line while a person watches: a run takes some six seconds."""

WATCHED_LOOK_S: Final = 4.0
"""How long a result stays on the screen before the dock is removed."""

TOKEN_OUT: Final = "token-out"
SIGNER_LOSS: Final = "signer-loss"
DISK_FULL: Final = "disk-full"
STATION_FAULTS: Final = (TOKEN_OUT, SIGNER_LOSS, DISK_FULL)
"""Troubles of the station in a demo; every other fault is a dock's (`dock/faults.py`)."""

FULL_FILE_BYTES: Final = 4096
"""With a full disk, no file of the station grows beyond this."""


@dataclass(frozen=True, slots=True)
class DemoWish:
    """docks: slots of the bench. units: how many to make. fault: empty for the seeded troubles."""

    docks: int = 4
    units: int = 12
    seed: int = 1
    fault: str = ""


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """Units by the verdict of their last run; `runs` counts runs, `hold` dispositions.

    stop: code of the trouble that stopped the station, empty if none.
    """

    units: int
    verdicts: Mapping[Verdict, int]
    runs: int
    hold: int
    upd: Mapping[UpdState, int]
    report_dir: Path
    stop: str


class Demo:
    """A whole station with throw-away keys in a folder of its own, and hands at its bench."""

    def __init__(self, wish: DemoWish, *, changed: Callable[[], None], scans: bool) -> None:
        if wish.fault and wish.fault not in STATION_FAULTS:
            parse_fault(wish.fault)  # refuses what no dock could have
        self._wish = wish
        self._passphrase = Secret.from_text(token_urlsafe(24))
        home = Path(tempfile.mkdtemp(prefix="station-demo-"))
        settings = Settings(name="DEMO", site="demo.invalid", slots=wish.docks, operator="demo")
        self.station = Station(Config(home, settings), cost=DEMO_COST, demo=True)
        self._furnish()
        self._unlocked = self.station.unlock(self._ask)
        self._file_limit = getrlimit(RLIMIT_FSIZE)
        units = demo_units(wish.units, seed=wish.seed, fault=wish.fault)
        self._bench = self._docks(line_rate=None if scans else WATCHED_LINE_RATE)
        self.hands = Hands(
            units,
            bench=self._bench,
            clock=self.station.clock,
            scans=scans,
            look_s=0.0 if scans else WATCHED_LOOK_S,
        )

        def news() -> None:
            self.hands.changed()
            changed()

        self.line = Line(
            station="DEMO",
            places=slots_at([self._bench.port_of(slot) for slot in range(1, wish.docks + 1)]),
            provisioning=self._unlocked.provisioning,
            registry=self._unlocked.book.registry,
            shelf=self.station.shelf,
            clock=self.station.clock,
            changed=news,
            operator=self.station.config.settings.operator,
            demo=True,
        )
        self.line.choose_order(DEMO_ORDER)

    def work(self) -> DemoSummary:
        """Let the hands work until every unit is done, then write the reports.

        Hands that are stopped earlier leave runs behind: those end as ABORTED first.
        """
        stopped = self.hands.work(self.line).stop
        setrlimit(RLIMIT_FSIZE, self._file_limit)
        self.line.close()
        return self._summary(stopped)

    def units(self) -> tuple[UnitRow, ...]:
        """Every unit so far, as the ledger has it; from any thread."""
        return self._unlocked.book.registry.units(DEMO_ORDER)

    def close(self) -> None:
        """End what runs, pull every dock, forget the keys; ledger and reports stay."""
        self.hands.stop()
        self.line.close()
        self.hands.release()
        self._bench.discard()
        self._unlocked.close()

    def _ask(self, key: KeyEntry) -> Secret:
        """One passphrase opens every demo key."""
        return self._passphrase

    def _furnish(self) -> None:
        """Keys, a released bundle, a lot and a running order, all marked DEMO."""
        station, wish = self.station, self._wish
        station.keys.hold_ceremony(
            products=[DEMO_PRODUCT], release_name="DEMO release", passphrase=self._passphrase
        )
        samples = station.config.samples
        bundle = station.config.home / "welcome.bundle"
        station.build_bundle(
            samples / "firmware_bundles" / "welcome", bundle, product="", ask=self._ask
        )
        tokens = 2 if wish.fault == TOKEN_OUT else wish.units + SPARE_TOKENS
        with station.open_ledger(station.keys.vault(self._ask)) as book:
            book.registry.import_lot(
                DEMO_LOT,
                DEMO_LOT_KIND,
                DEMO_PRODUCT,
                [
                    {"token": Secret.from_text(token_urlsafe(DEMO_TOKEN_BYTES))}
                    for _ in range(tokens)
                ],
            )
        station.new_order(
            NewOrder(
                name=DEMO_ORDER,
                quantity=wish.units,
                bundle=bundle,
                template=samples / "upd_templates" / "basic.yaml",
                lot=DEMO_LOT,
                rehearse=True,
            )
        )
        station.start_order(DEMO_ORDER)

    def _docks(self, *, line_rate: int | None) -> DockProcesses:
        config = self.station.config
        return DockProcesses(
            command=program(),
            folder=config.docks,
            trust=config.roots,
            profile=self.station.shelf.profile(DEMO_PRODUCT).name,
            product=DEMO_PRODUCT,
            line_rate=line_rate,
            troubles={
                TOKEN_OUT: lambda: None,
                SIGNER_LOSS: self._unlocked.signer.lock,
                DISK_FULL: lambda: setrlimit(RLIMIT_FSIZE, (FULL_FILE_BYTES, self._file_limit[1])),
            },
        )

    def _summary(self, stop: str) -> DemoSummary:
        book = self._unlocked.book
        units = book.registry.units(DEMO_ORDER)
        for unit in units:
            self.station.report_unit(Serial(unit.serial), self.station.config.reports)
        ends = [unit.runs[-1].verdict for unit in units if unit.runs]
        return DemoSummary(
            units=self._wish.units,
            verdicts={verdict: ends.count(verdict) for verdict in Verdict},
            runs=sum(len(unit.runs) for unit in units),
            hold=sum(unit.disposition is Disposition.HOLD for unit in units),
            upd=book.registry.stock(DEMO_LOT),
            report_dir=self.station.config.reports,
            stop=stop,
        )


def program() -> tuple[str, ...]:
    """The command that starts this program again, packaged or not."""
    if getattr(sys, "frozen", False):
        return (sys.executable,)
    return (sys.executable, "-m", "station")
