"""Canaries: nothing that is secret is found anywhere but in the docks it was made for.

Marked tokens, a marked passphrase and a marked group key go through a whole day of a station. Then
every place the station writes to or speaks to is searched for each of them in every spelling one
would expect.
"""

import pickle
import signal
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from typing import Final

import pytest

from station.bootstrap.station import CRASH_AT
from station.domain.derivation import derive_azure_key
from station.domain.secret import Secret
from tests.end_to_end.small_line import (
    KIND,
    PASSPHRASE,
    PRODUCT,
    TEMPLATE,
    Bench,
    Ended,
    books,
    dock,
    end,
    furnish,
    made_once,
    start_order,
)
from tests.end_to_end.virtual_docks import ROOT, until

PASSING: Final = "DK7F-00101"
FAILING: Final = "DK7F-00102"
WATCHED: Final = "DK7F-00103"
KILLED: Final = "DK7F-00104"
DERIVED: Final = "DK7F-00105"

AZURE: Final = ROOT / "upd_templates" / "azure-dps.yaml"
GROUP_KEY: Final = b64encode(b"c4n4ry group key of 32 octets...").decode("ascii")
MARKED: Final = tuple(f"c4n4ry/day/token/{number:04d}=" for number in range(1, 7))
"""With characters that JSON, CSV and URLs like to spell otherwise."""


def derived() -> bytes:
    """The device key that only `DERIVED` may hold."""
    with derive_azure_key(Secret.from_text(GROUP_KEY), DERIVED.lower()).reveal() as key:
        return bytes(key)


SECRETS: Final[Mapping[str, bytes]] = {
    **{f"token {number}": token.encode() for number, token in enumerate(MARKED, 1)},
    "passphrase": PASSPHRASE.encode(),
    "group key": GROUP_KEY.encode(),
    "group key, decoded": b64decode(GROUP_KEY),
    "device key": derived(),
    "device key, decoded": b64decode(derived()),
}


HOLDING_ONE: Final = frozenset({"WRITING", "SENDING", "READING"})
"""States of a run whose program has a token in its memory."""


def spellings(secret: bytes) -> dict[str, bytes]:
    """Raw, hexadecimal, base64 at every alignment, and both UTF-16 where it is text."""
    found = {"raw": secret, "hex": secret.hex().encode(), "HEX": secret.hex().upper().encode()}
    for shift in range(3):
        whole = b64encode(bytes(shift) + secret)
        # Characters that also carry a bit of a neighbour say nothing for sure.
        sure = whole[-(-shift * 8 // 6) : (shift + len(secret)) * 8 // 6]
        found[f"base64+{shift}"] = sure
        found[f"base64url+{shift}"] = sure.translate(bytes.maketrans(b"+/", b"-_"))
    if secret.isascii():
        for order in ("utf-16-le", "utf-16-be"):
            found[order] = secret.decode("ascii").encode(order)
    return found


NEEDLES: Final = {
    f"{name}, {spelling}": needle
    for name, secret in SECRETS.items()
    for spelling, needle in spellings(secret).items()
}


def findings(places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Every secret in every place, named without telling it."""
    return [
        f"{name} in {place}"
        for place, content in places
        for name, needle in NEEDLES.items()
        if needle in content
    ]


def files(*folders: Path, but: str = "") -> Iterator[tuple[str, bytes]]:
    """Name and content of every file. but: a suffix that is left out."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            yield f"the name of {path.name}", str(path).encode()
            if path.is_file() and not (but and path.name.endswith(but)):
                yield str(path.relative_to(folder.parent)), path.read_bytes()


# -- a day at the station ------------------------------------------------------------------------


@dataclass
class Day:
    """What is left of it. said: standard output and standard error of every command."""

    bench: Bench
    said: list[tuple[str, bytes]] = field(default_factory=list)
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    def ask(self, *arguments: object, status: int = 0, **environ: str) -> Ended:
        return self.note(self.bench.run(*arguments, **environ), str(arguments[:2]), status)

    def note(self, ended: Ended, what: str, status: int) -> Ended:
        assert ended.status == status, (what, ended)
        self.said += [
            (f"output of {what}", ended.out.encode()),
            (f"errors of {what}", ended.err.encode()),
        ]
        return ended

    def look_at_process(self, pid: int, what: str) -> None:
        """What everybody on the machine, and what its user, can see of a process."""
        for name in ("cmdline", "environ"):
            content = Path(f"/proc/{pid}/{name}").read_bytes()
            assert content
            self.seen.append((f"{name} of {what}", content))


def live(day: Day) -> None:
    bench = day.bench
    opened = bench.passphrase
    (bench.folder / "day.csv").write_text("\n".join(["token", *MARKED]) + "\n", encoding="utf-8")
    (bench.folder / "group-key").write_text(f"{GROUP_KEY}\n", encoding="ascii")
    new = bench.folder / "new.bundle"
    day.ask(
        *("upd", "import", bench.folder / "day.csv", "--lot=T-2", f"--kind={KIND}"),
        *(f"--product={PRODUCT}", opened),
    )
    day.ask("key", "new", "dps-group", f"--from-file={bench.folder / 'group-key'}", opened)
    day.ask(
        *("order", "new", "WO-1", "--quantity=9", f"--bundle={new}", f"--template={TEMPLATE}"),
        *("--lot=T-2", "--rehearse"),
    )
    day.ask("order", "start", "WO-1")
    with dock(bench, PASSING) as unit:
        day.ask("provision", PASSING, "--port", unit.port, opened)
        day.ask("verify", PASSING, "--port", unit.port)
    with dock(bench, FAILING, "bitflip") as unit:
        for _ in range(2):
            day.ask("provision", FAILING, "--port", unit.port, opened, "--json", status=10)
    with dock(bench, WATCHED, "slow@60000") as unit:
        watched = bench.begin("provision", WATCHED, "--port", unit.port, opened)
        try:
            until(lambda: bool(HOLDING_ONE & {*looked(bench)}), within_s=60)
            day.look_at_process(watched.pid, "the station")
            day.look_at_process(unit.process.pid, "the dock")
        finally:
            ended = end(watched)
        day.note(ended, "the watched run", 0)
    with dock(bench, KILLED) as unit:
        day.ask(
            *("provision", KILLED, "--port", unit.port, opened, "--json"),
            status=-signal.SIGKILL,
            **{CRASH_AT: "run.sent"},
        )
    copytree(bench.home, bench.folder / "killed")  # before the next command tidies up
    start_order(bench, name="WO-2", template=AZURE, lot="")
    with dock(bench, DERIVED) as unit:
        day.ask("provision", DERIVED, "--port", unit.port, opened, "--order=WO-2")
    for serial in (PASSING, FAILING, WATCHED, DERIVED):
        day.ask("unit", "show", serial, "--json")
        day.ask("report", "unit", serial, f"--out={bench.folder / 'reports'}")
    for command in (["upd", "stock"], ["order", "show", "WO-1"], ["key", "list"], ["doctor"]):
        day.ask(*command)
    day.ask("template", "render", TEMPLATE, f"--serial={PASSING}")
    day.ask("upd", "import", bench.folder / "day.csv", "--lot=T-3", status=2)
    day.ask("provision", PASSING, "--port=nowhere", opened, "--order=WO-1", status=11)


def looked(bench: Bench) -> list[str]:
    return books(bench.home, bench.folder / "scratch").states


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """A day, lived once per session."""

    def make(folder: Path) -> None:
        furnish(folder)
        lived = Day(Bench(folder))
        live(lived)
        (folder / "heard").write_bytes(pickle.dumps((lived.said, lived.seen)))

    folder = made_once(tmp_path_factory, "canaries", make)
    return Day(Bench(folder), *pickle.loads((folder / "heard").read_bytes()))


def test_no_canary_is_found_in_anything_the_station_keeps(day: Day) -> None:
    kept = list(files(day.bench.home, day.bench.folder / "killed"))

    assert {"home/ledger.db", "killed/ledger.db", "killed/ledger.db-wal"} <= dict(kept).keys()
    assert findings(kept) == []


def test_no_canary_is_found_in_anything_it_says(day: Day) -> None:
    assert len(day.said) > 30
    assert findings(day.said) == []


def test_no_canary_is_found_in_any_report(day: Day) -> None:
    reports = list(files(day.bench.folder / "reports"))

    assert sum(name.endswith(".json") for name, _ in reports) > 8
    assert findings(reports) == []


def test_no_canary_is_found_beside_the_docks_but_in_their_flash(day: Day) -> None:
    docks = day.bench.folder / "docks"
    flashes = dict(files(docks))

    assert findings(files(docks, but=".flash")) == []
    # There, and nowhere else, they must be: each dock its own, whole and once per image.
    for serial, own in ((PASSING, MARKED[0]), (FAILING, MARKED[1]), (WATCHED, MARKED[2])):
        content = flashes[f"docks/{serial}.flash"]
        assert own.encode() in content
        assert [token for token in MARKED if token.encode() in content] == [own]
    assert SECRETS["device key"] in flashes[f"docks/{DERIVED}.flash"]
    for content in flashes.values():
        for name in ("passphrase", "group key", "group key, decoded"):
            assert SECRETS[name] not in content


def test_no_canary_is_found_in_what_can_be_seen_of_a_running_process(day: Day) -> None:
    assert [name for name, _ in day.seen] == [
        *("cmdline of the station", "environ of the station"),
        *("cmdline of the dock", "environ of the dock"),
    ]
    assert b"provision" in day.seen[0][1]
    assert findings(day.seen) == []


# -- the search itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", sorted(spellings(b"text")))
def test_a_planted_canary_is_found_in_every_spelling(
    day: Day, tmp_path: Path, spelling: str
) -> None:
    planted = tmp_path / "killed"
    copytree(day.bench.folder / "killed", planted)
    wal = planted / "ledger.db-wal"
    content = bytearray(wal.read_bytes())
    needle = spellings(MARKED[4].encode())[spelling]
    at = int.from_bytes(sha256(spelling.encode()).digest()[:4], "big") % (
        len(content) - len(needle)
    )
    content[at : at + len(needle)] = needle
    wal.write_bytes(content)

    found = findings(files(planted))

    assert f"token 5, {spelling} in killed/ledger.db-wal" in found
    assert all("ledger.db-wal" in one for one in found)


def test_a_base64_text_around_a_canary_hides_it_at_no_alignment() -> None:
    for before in (b"", b"x", b"xy", b"xyz", b"a longer start"):
        text = b64encode(before + MARKED[0].encode() + b"and an end")

        assert findings([("a text", text)])
        assert not findings([("a text", b64encode(before + b"and an end"))])
