"""Searches for octets that the ROM store takes wrongly (`make fuzz`), and keeps the corpus small.

``python -m tests.fuzz SECONDS`` searches with atheris from the committed corpus; what reaches
something new is kept in build/fuzz/found, what breaks is written to build/fuzz and replayed with
``python -m tests.fuzz FILE...``. ``python -m tests.fuzz keep`` takes into tests/fuzz/corpus what
reaches a line there that nothing smaller reached.
"""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.fuzz.corpus import CORPUS, FILE_BYTES_MAX, golden

ROOT: Final = Path(__file__).resolve().parents[2]
FOUND: Final = ROOT / "build" / "fuzz" / "found"
WATCHED: Final = ("station.datastore", "station.domain", "station.dock.development_image")
INPUT_BYTES_MAX: Final = 80_000
"""The golden image has 73,146; the padding of its common volume is most of it."""

Step = tuple[int, int, int]
"""A function, and two lines of it that were run one after the other."""

Trace = Callable[[FrameType, str, Any], Any]


def search(seconds: int) -> None:
    """Never returns: libFuzzer ends the process, with 0 where nothing broke."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is missing here: it comes with `make setup` on Linux x86-64 alone")
    with atheris.instrument_imports(include=list(WATCHED)):
        from tests.fuzz.rom_store import fuzz_one
    FOUND.mkdir(parents=True, exist_ok=True)
    for name, content in golden().items():
        (FOUND / name).write_bytes(content)
    limits = [f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", "-timeout=20"]
    kept = [f"-artifact_prefix={FOUND.parent}/", str(FOUND), str(CORPUS)]
    atheris.Setup([sys.argv[0], *limits, "-rss_limit_mb=2048", *kept], fuzz_one)
    atheris.Fuzz()


def replay(files: Iterable[Path]) -> None:
    """Raises what the first bad file raises."""
    from tests.fuzz.rom_store import fuzz_one

    for file in files:
        print(file)
        fuzz_one(file.read_bytes())


def keep() -> None:
    """The golden files come first, then the smallest; each for the steps that it adds."""
    from tests.fuzz.rom_store import fuzz_one

    named = (file for folder in (CORPUS, FOUND) if folder.is_dir() for file in folder.iterdir())
    files = sorted(named, key=lambda file: (file.stat().st_size, file.name))
    seen: set[Step] = set()
    for content in golden().values():
        seen |= _steps(partial(fuzz_one, content))
    kept: dict[str, bytes] = {}
    for file in files:
        content = file.read_bytes()
        new = _steps(partial(fuzz_one, content)) - seen
        if new and len(content) <= FILE_BYTES_MAX:
            seen |= new
            name = file.name if file.parent == CORPUS else sha256(content).hexdigest()[:16]
            kept[name] = content
    for file in CORPUS.iterdir():
        file.unlink()
    for name, content in kept.items():
        (CORPUS / name).write_bytes(content)
    size_bytes = sum(map(len, kept.values()))
    print(f"{len(kept)} of {len(files)} files, {size_bytes:,} bytes, {len(seen):,} steps")


def _steps(run: Callable[[], None]) -> set[Step]:
    """From which line to which it went in what is watched."""
    found: set[Step] = set()

    def enter(frame: FrameType, _event: str, _argument: object) -> Trace | None:
        if not frame.f_globals.get("__name__", "").startswith(WATCHED):
            return None
        code, before = id(frame.f_code), 0

        def walk(frame: FrameType, event: str, _argument: object) -> Trace:
            nonlocal before
            if event == "line":
                found.add((code, before, frame.f_lineno))
                before = frame.f_lineno
            return walk

        return walk

    sys.settrace(enter)
    try:
        run()
    finally:
        sys.settrace(None)
    return found


if __name__ == "__main__":
    match sys.argv[1:]:
        case [seconds] if seconds.isdecimal():
            search(int(seconds))
        case ["keep"]:
            keep()
        case []:
            sys.exit(__doc__)
        case files:
            replay(map(Path, files))
