"""What can be searched, each with its corpus and the code it watches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.fuzz.corpus import CORPUS, HERE, golden


@dataclass(frozen=True)
class Target:
    """module: has `fuzz_one`. watched: packages whose steps count. begin: inputs beside the
    corpus. input_bytes_max: longer ones reach nothing more. options: of libFuzzer's, more of them.
    """

    name: str
    module: str
    watched: tuple[str, ...]
    corpus: Path
    begin: Callable[[], Mapping[str, bytes]]
    input_bytes_max: int
    options: tuple[str, ...] = ()

    @property
    def fuzz_one(self) -> Callable[[bytes], None]:
        """Loaded when it is asked for, so that what it imports can be instrumented before."""
        found: Callable[[bytes], None] = import_module(self.module).fuzz_one
        return found

    def committed(self) -> dict[str, bytes]:
        """Name and content of each file of the corpus."""
        return {file.name: file.read_bytes() for file in sorted(self.corpus.iterdir())}


TARGETS: Final = {
    target.name: target
    for target in (
        Target(
            name="rom-store",
            module="tests.fuzz.rom_store",
            watched=("station.datastore", "station.domain", "station.dock.development_image"),
            corpus=CORPUS,
            begin=golden,
            input_bytes_max=80_000,  # the golden image has 73,146, most of it padding
        ),
        Target(
            name="session",
            module="tests.fuzz.session",
            watched=("station.protocol", "station.adapters.serial_link"),
            corpus=HERE / "session_corpus",
            begin=lambda: {"honest": b""},
            input_bytes_max=1_024,
            options=("-len_control=0",),  # a session takes too long to begin with short ones
        ),
    )
}
