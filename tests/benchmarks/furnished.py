"""A station for benchmarks: keys, one bundle of pictures, a lot of tokens, and a running order."""

import json
import random
import zlib
from collections.abc import Sequence
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from station.bootstrap.station import DEMO_COST, NewOrder, Station
from station.config import Config, Settings
from station.domain.secret import Secret

PRODUCT: Final = "DK-7F"
ORDER: Final = "WO-1"
PASSPHRASE: Final = "correct horse battery staple"
WIDTH: Final = 1_920


def passphrase() -> Secret:
    """Opens every key of it."""
    return Secret.from_text(PASSPHRASE)


def furnished(home: Path, *, heights: Sequence[int], units: int, profile: str = "") -> Station:
    """The station of `home`, which must be empty.

    heights: of the bundle's pictures, each `WIDTH` wide, three octets for each of their points.
    units: to be made under its order. profile: of its product, as YAML; the program's own if empty.
    """
    station = Station(Config(home, Settings(slots=1, operator="bench")), cost=DEMO_COST, demo=True)
    station.keys.hold_ceremony(products=[PRODUCT], release_name="bench", passphrase=passphrase())
    if profile:
        station.config.profiles.mkdir()
        (station.config.profiles / "bench.yaml").write_text(profile, encoding="utf-8")
    bundle, lot = home / "bench.bundle", home / "lot.json"
    source = _source(home / "source", heights)
    station.build_bundle(source, bundle, product="", ask=lambda key: passphrase())
    lot.write_text(_lot(units), encoding="utf-8")
    station.import_lot(lot, lot="", kind="", product="", ask=lambda key: passphrase())
    template = station.config.samples / "upd_templates" / "basic.yaml"
    station.new_order(NewOrder(ORDER, units, bundle, template, "T-1"))
    station.start_order(ORDER)
    return station


def passphrase_file(station: Station) -> Path:
    """For commands that are processes of their own."""
    file = station.config.home / "passphrase"
    file.write_text(PASSPHRASE, encoding="utf-8")
    return file


def _lot(units: int) -> str:
    return json.dumps(
        {
            "lot": "T-1",
            "kind": "enrolment-token",
            "product": PRODUCT,
            "records": [{"token": token_urlsafe(24)} for _ in range(units)],
        }
    )


def _source(folder: Path, heights: Sequence[int]) -> Path:
    """A bundle source that no compression shortens."""
    chance = random.Random(13)
    folder.mkdir()
    images = []
    for number, height in enumerate(heights):
        (folder / f"{number}.png").write_bytes(_noise_png(chance, WIDTH, height))
        images.append(f'  picture_{number}: {{path: "${{CONFIG_PATH}}/{number}.png", type: png}}')
    (folder / "main.py").write_text("import splashscreen\n", encoding="utf-8")
    (folder / "config.yaml").write_text(
        "images:\n" + "\n".join(images) + '\ncode: {path: "${CONFIG_PATH}/main.py"}\n',
        encoding="utf-8",
    )
    (folder / "bundle.yaml").write_text(
        "name: bench\nversion: 1.0.0\n"
        f"product: {PRODUCT}\nsecurity_counter: 1\nconfig: config.yaml\n",
        encoding="utf-8",
    )
    return folder


def _noise_png(chance: random.Random, width: int, height: int) -> bytes:
    """An 8-bit RGB picture of noise, stored uncompressed."""
    rows = b"".join(b"\0" + chance.randbytes(3 * width) for _ in range(height))
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", head),
            (b"IDAT", zlib.compress(rows, level=0)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return len(content).to_bytes(4, "big") + kind + content + crc.to_bytes(4, "big")
