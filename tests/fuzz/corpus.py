"""Inputs to begin with: the golden files, and what searches found that reaches further.

Kept small on purpose: a file is in the corpus for a step of the code that no smaller one reaches.
"""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from tests.golden.rom_store import hexdump, make

HERE: Final = Path(__file__).parent
CORPUS: Final = HERE / "corpus"

SEED: Final = os.environ.get("STATION_FUZZ_SEED", "1")

FILE_BYTES_MAX: Final = 8_192
"""Longer finds are damaged golden images, and mutations of those are made anew in every run."""

_NUMBERS: Final = (0, 1, 7, 8, 255, 2_048, 4_096, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)


def golden() -> dict[str, bytes]:
    """Name and content of each golden file."""
    return {
        file.stem: hexdump.load(file.read_text(encoding="utf-8"))
        for file in sorted(make.HERE.glob("*.hexdump"))
    }


def committed() -> dict[str, bytes]:
    """Name and content of each file of the corpus."""
    return {file.name: file.read_bytes() for file in sorted(CORPUS.iterdir())}


def mutated(inputs: list[bytes], chance: Random) -> bytes:
    """One of the inputs, changed in up to eight places."""
    octets = bytearray(chance.choice(inputs))
    for _ in range(chance.randint(1, 8)):
        at, length = chance.randint(0, len(octets)), chance.choice((1, 1, 4, 4, 16, 300))
        match chance.randrange(7):
            case 0 if octets:
                octets[at % len(octets)] ^= 1 << chance.randrange(8)
            case 1:
                octets[at : at + length] = chance.randbytes(length)
            case 2:
                del octets[at : at + length]
            case 3:
                octets[at:at] = chance.randbytes(length)
            case 4:
                octets[at:at] = octets[chance.randint(0, len(octets)) :][:length]
            case 5:
                octets[at : at + 4] = chance.choice(_NUMBERS).to_bytes(4, "little")
            case 6:
                other = chance.choice(inputs)
                start = chance.randint(0, len(other))
                octets[at : at + length] = other[start : start + length]
    return bytes(octets)


def play_mutations(
    target: str, play: Callable[[bytes], object], inputs: list[bytes], numbers: range, kept: Path
) -> None:
    """Play these mutations of the inputs; the one that breaks something is put into `kept`."""
    for number in numbers:
        content = mutated(inputs, Random(f"{SEED}:{number}"))
        try:
            play(content)
        except BaseException as error:
            broken = kept / f"broken-{SEED}-{number}"
            broken.write_bytes(content)
            error.add_note(f"replay it with: python -m tests.fuzz {target} {broken}")
            raise
