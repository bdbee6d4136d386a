"""Searches for input that the program takes wrongly (`make fuzz`), and keeps each corpus small.

``python -m tests.fuzz TARGET SECONDS`` searches with atheris from the committed corpus; what
reaches something new is kept in build/fuzz/TARGET/found, what breaks is written to
build/fuzz/TARGET and replayed with ``python -m tests.fuzz TARGET FILE...``. ``python -m tests.fuzz
TARGET keep`` takes into the corpus what reaches a line there that nothing smaller reached. Targets:
rom-store (volumes, images, runtime areas) and session (answers of a dock).
"""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.fuzz.corpus import FILE_BYTES_MAX
from tests.fuzz.targets import TARGETS, Target

ROOT: Final = Path(__file__).resolve().parents[2]

Step = tuple[int, int, int]
"""A function, and two lines of it that were run one after the other."""

Trace = Callable[[FrameType, str, Any], Any]


def found(target: Target) -> Path:
    """Where a search keeps what it finds."""
    return ROOT / "build" / "fuzz" / target.name / "found"


def search(target: Target, seconds: int) -> None:
    """Never returns: libFuzzer ends the process, with 0 where nothing broke."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is missing here: it comes with `make setup` on Linux x86-64 alone")
    with atheris.instrument_imports(include=list(target.watched)):
        fuzz_one = target.fuzz_one
    folder = found(target)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in target.begin().items():
        (folder / name).write_bytes(content)
    limits = [f"-max_total_time={seconds}", f"-max_len={target.input_bytes_max}", "-timeout=20"]
    kept = [f"-artifact_prefix={folder.parent}/", str(folder), str(target.corpus)]
    atheris.Setup([sys.argv[0], *limits, *target.options, "-rss_limit_mb=2048", *kept], fuzz_one)
    atheris.Fuzz()


def replay(target: Target, files: Iterable[Path]) -> None:
    """Raises what the first bad file raises."""
    for file in files:
        print(file)
        target.fuzz_one(file.read_bytes())


def keep(target: Target) -> None:
    """The inputs to begin with come first, then the smallest; each for the steps that it adds."""
    folders = (target.corpus, found(target))
    named = (file for folder in folders if folder.is_dir() for file in folder.iterdir())
    files = sorted(named, key=lambda file: (file.stat().st_size, file.name))
    seen: set[Step] = set()
    for content in target.begin().values():
        seen |= _steps(target, content)
    kept: dict[str, bytes] = {}
    for file in files:
        content = file.read_bytes()
        new = _steps(target, content) - seen
        if new and len(content) <= FILE_BYTES_MAX:
            seen |= new
            name = file.name if file.parent == target.corpus else sha256(content).hexdigest()[:16]
            kept[name] = content
    target.corpus.mkdir(exist_ok=True)
    for file in target.corpus.iterdir():
        file.unlink()
    for name, content in kept.items():
        (target.corpus / name).write_bytes(content)
    size_bytes = sum(map(len, kept.values()))
    print(f"{len(kept)} of {len(files)} files, {size_bytes:,} bytes, {len(seen):,} steps")


def _steps(target: Target, content: bytes) -> set[Step]:
    """From which line to which it went in what is watched."""
    run = partial(target.fuzz_one, content)
    taken: set[Step] = set()

    def enter(frame: FrameType, _event: str, _argument: object) -> Trace | None:
        if not frame.f_globals.get("__name__", "").startswith(target.watched):
            return None
        code, before = id(frame.f_code), 0

        def walk(frame: FrameType, event: str, _argument: object) -> Trace:
            nonlocal before
            if event == "line":
                taken.add((code, before, frame.f_lineno))
                before = frame.f_lineno
            return walk

        return walk

    sys.settrace(enter)
    try:
        run()
    finally:
        sys.settrace(None)
    return taken


def main(arguments: list[str]) -> None:
    """See the module."""
    match arguments:
        case [name, *_] if name not in TARGETS:
            sys.exit(__doc__)
        case [name, seconds] if seconds.isdecimal():
            search(TARGETS[name], int(seconds))
        case [name, "keep"]:
            keep(TARGETS[name])
        case [name, _, *_]:
            replay(TARGETS[name], map(Path, arguments[1:]))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
