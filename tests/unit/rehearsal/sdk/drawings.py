"""Drawings by chance, the same for the same seed: what to draw, into what, and how it came out.

`micropython_drawings.json` holds the SHA-256 of every buffer, as MicroPython 1.27.0 has filled it
(`@micropython/micropython-webassembly-pyscript` 1.27.0 from npm, run with node). To make it anew:

    python -m tests.unit.rehearsal.sdk.drawings > drawings.mjs
    node drawings.mjs > micropython_drawings.json    # beside node_modules with that package
"""

import json
import sys
from dataclasses import astuple, dataclass
from random import Random
from typing import Any, Final

SEEDS: Final = range(140)
FORMATS: Final = range(7)
_PIXEL_BITS: Final = (1, 16, 4, 1, 1, 2, 8)

PERFORM: Final = """
import framebuf

def buffer_of(format, width, height, stride):
    return bytearray(2 * (stride + 8) * (height + 8))

def perform(format, width, height, stride, operations):
    buffer = buffer_of(format, width, height, stride)
    target = framebuf.FrameBuffer(buffer, width, height, format, stride)
    for name, *arguments in operations:
        if name == "poly":
            x, y, corners, colour, filled = arguments
            target.poly(x, y, bytes(corners), colour, filled)
        elif name == "blit":
            other, wide, high, octets, x, y, key, colours = arguments
            data = buffer_of(other, wide, high, wide)
            data[: len(octets)] = bytes(octets)
            source = framebuf.FrameBuffer(data, wide, high, other)
            palette = None
            if colours is not None:
                palette = framebuf.FrameBuffer(buffer_of(format, 16, 1, 16), 16, 1, format)
                for place, colour in enumerate(colours):
                    palette.pixel(place, 0, colour)
            target.blit(source, x, y, key, palette)
        elif name == "read":
            target.pixel(0, 0, sum(target.pixel(x, y) or 0 for x, y in arguments) & 0xFF)
        else:
            getattr(target, name)(*arguments)
    return buffer
"""
"""The same source draws on MicroPython and here."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """operations: names of methods and what they are given, some of it packed for JSON."""

    format: int
    width: int
    height: int
    stride: int
    operations: list[list[Any]]


def drawing(seed: int) -> Drawing:
    """What to draw by this seed."""
    chance = Random(seed)
    form = FORMATS[seed % len(FORMATS)]
    width, height = chance.randint(1, 40), chance.randint(1, 30)
    stride = width + chance.choice((0, 0, 1, 5))
    operations = [_operation(chance, form, width, height) for _ in range(chance.randint(4, 16))]
    return Drawing(form, width, height, stride, operations)


def _operation(chance: Random, form: int, width: int, height: int) -> list[Any]:
    def x() -> int:
        return chance.randint(-8, width + 8)

    def y() -> int:
        return chance.randint(-8, height + 8)

    def size() -> int:
        return chance.randint(-1, 24)

    colour = chance.choice((0, 1, 3, 9, 200, 0xFFFF, 0x1234, -1))
    filled = chance.random() < 0.5
    match chance.randrange(11):
        case 0:
            return ["fill", colour]
        case 1:
            return ["pixel", x(), y(), colour]
        case 2:
            return ["hline", x(), y(), size(), colour]
        case 3:
            return ["vline", x(), y(), size(), colour]
        case 4 | 5:
            return ["line", x(), y(), x(), y(), colour]
        case 6:
            return ["rect", x(), y(), size(), size(), colour, filled]
        case 7:
            radii = chance.randint(0, 14), chance.randint(0, 14)
            return ["ellipse", x(), y(), *radii, colour, filled, chance.randrange(16)]
        case 8:
            corners = [chance.randint(0, 30) for _ in range(chance.randint(0, 13))]
            return ["poly", x() - 8, y() - 8, corners, colour, filled]
        case 9:
            return ["scroll", chance.randint(-6, 6), chance.randint(-6, 6)]
    if chance.random() < 0.3:
        return ["read", *([x(), y()] for _ in range(5))]
    return _blit(chance, form, x(), y())


def _blit(chance: Random, form: int, x: int, y: int) -> list[Any]:
    with_palette = chance.random() < 0.5
    other = chance.choice((0, 2, 3, 4, 5)) if with_palette else form
    wide, high = chance.randint(1, 17), chance.randint(1, 12)
    octets = [chance.randrange(256) for _ in range(2 * wide * high)]
    colours = [chance.randrange(0x10000) for _ in range(16)] if with_palette else None
    return ["blit", other, wide, high, octets, x, y, chance.choice((-1, 0, 1, 2)), colours]


def _program() -> str:
    drawings = json.dumps([astuple(drawing(seed)) for seed in SEEDS])
    lines = (
        PERFORM,
        "import binascii, hashlib, json",
        f"drawings = json.loads({drawings!r})",
        "def digest(one):",
        "    return binascii.hexlify(hashlib.sha256(perform(*one)).digest()).decode()",
        "print(json.dumps([digest(one) for one in drawings]))",
    )
    source = json.dumps("\n".join(lines))
    package = "@micropython/micropython-webassembly-pyscript/micropython.mjs"
    return (
        f'import {{ loadMicroPython }} from "{package}";\n'
        "const micropython = await loadMicroPython({ heapsize: 64 * 1024 * 1024 });\n"
        f"micropython.runPython({source});\n"
    )


if __name__ == "__main__":
    sys.stdout.write(_program())
