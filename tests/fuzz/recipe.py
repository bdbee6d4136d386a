"""Octets read as a recipe for a forged image, so that chance reaches what lies behind the digests.

Flipped bits of a golden file are stopped by its first digest. A recipe says which records, which
list, which statement and which damage; digests and signatures over the result are then made right.
Volumes come from the second encoder of the unit tests, not from the code under test.
"""

from dataclasses import dataclass, replace
from typing import Final

from station.datastore.sealed_upd import SEALED_KEY_BYTES
from station.dock import development_image
from station.dock.development_image import Sealing, Volumes
from station.domain.entries import Kind
from station.domain.errors import OverBudget
from station.domain.identity import DockId
from station.domain.release import Version
from tests.fakes.trust import PRODUCT
from tests.golden.rom_store import make
from tests.unit.datastore import independent_cdb
from tests.unit.datastore.made_images import (
    COMMON,
    DOCK_ID,
    OTHER_DOCK_ID,
    RELEASE,
    REPLACEABLE,
    SALT,
    STATION,
    UPD,
    Forgery,
    envelope_of,
    statement_of,
)

MARK: Final = b"R"
"""First octet of what is a recipe."""

_KEYS: Final = (b"kv\0", b"img\0", b"code\0", b"font\0", b"", b"", b"kv", b"\xff\0")
_TYPES: Final = (None, "PNG", "BMP", "JPEG", "GIF")
_LARGE_BYTES: Final = 65_535


@dataclass
class Recipe:
    """Octets, read from the front; behind their end are zeros."""

    octets: bytes
    at: int = 0

    def number(self, below: int) -> int:
        """0 to 255, and less than `below`."""
        return (self.take(1) or b"\0")[0] % below

    def take(self, length: int) -> bytes:
        """The next so many octets, fewer at the end."""
        taken = self.octets[self.at : self.at + length]
        self.at += length
        return taken

    def text(self) -> bytes:
        """A length and so many octets."""
        return self.take(self.number(256))


def forged_image(octets: bytes) -> bytes | None:
    """The image that a recipe makes, sealed by the fake keys; None where none can be made."""
    recipe = Recipe(octets)
    changed = recipe.number(16)
    common = volume(recipe, salted=False) if changed & 1 else COMMON
    upd = volume(recipe, salted=True) if changed & 2 else UPD
    if changed & 8:
        return _sealed_by_the_dock(recipe, common, upd)
    forgery = Forgery(common=common, upd=upd)
    if changed & 4:
        forgery = _other_envelope(recipe, forgery)
    try:
        return forgery.image()
    except (OverBudget, ValueError):
        return None


def _sealed_by_the_dock(recipe: Recipe, common: bytes, upd: bytes) -> bytes:
    """A development image of these volumes, whatever they are."""
    sealing = Sealing(bytes(32), DOCK_ID, PRODUCT)
    counter = recipe.number(256)
    return development_image.seal(Volumes(common, upd), sealing, counter=counter)


def volume(recipe: Recipe, *, salted: bool) -> bytes:
    """A volume, canonical or nearly so."""
    named: list[make.Named] = []
    loose: independent_cdb.Records = []
    for _ in range(recipe.number(9)):
        kind = recipe.number(len(_KEYS))
        name, content = recipe.text(), _content(recipe)
        if kind < len(Kind) and (text := _text(name)):
            picture = _TYPES[1 + recipe.number(4)] if kind == 1 else None
            named.append((_KEYS[kind][:-1].decode(), text, picture, content))
        else:
            loose.append((_KEYS[kind] + name, content))
    order = recipe.number(4)
    if order != 3:
        named.sort(key=lambda one: (one[0], one[1].encode()))
    salt = [(b"salt\0", SALT if order != 2 else recipe.text())] if salted else []
    listed = [(b"meta\0", _list(recipe, named))]
    held = [(f"{kind}\0{name}".encode(), content) for kind, name, _, content in named]
    fillers = recipe.number(4) != 3
    before = [*salt, *listed]
    return _poked(recipe, independent_cdb.encode(_aligned(before + held, fillers=fillers) + loose))


def _content(recipe: Recipe) -> bytes:
    content = recipe.text()
    return content * (_LARGE_BYTES // len(content) + 1) if len(content) == 255 else content


def _text(name: bytes) -> str | None:
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _list(recipe: Recipe, named: list[make.Named]) -> bytes:
    """The right list mostly; or cut and mended, or any octets."""
    right = make.listed(named)
    match recipe.number(8):
        case 1:
            cut = len(right) * recipe.number(256) // 256
            return right[:cut] + recipe.text() + right[cut + recipe.number(64) :]
        case 2:
            return recipe.text()
        case 3:
            return make.listed(named + named[:1])
        case 4:
            return make.listed(named[1:])
    return right


def _aligned(records: independent_cdb.Records, *, fillers: bool) -> independent_cdb.Records:
    """With a filler before every large content (docs/SPEC.md, "Order")."""
    made: independent_cdb.Records = []
    at = 2048
    for key, content in records:
        missing = -(at + 8 + len(key)) % 4096
        if fillers and len(content) > _LARGE_BYTES and missing:
            missing += 4096 if missing < 8 else 0
            made.append((b"", b"\xff" * (missing - 8)))
            at += missing
        made.append((key, content))
        at += 8 + len(key) + len(content)
    return made


def _poked(recipe: Recipe, made: bytes) -> bytes:
    """With up to three numbers of 32 bits written over, and perhaps another end."""
    octets = bytearray(made)
    for _ in range(recipe.number(4)):
        at = int.from_bytes(recipe.take(2), "little") * 4 % (len(octets) - 4)
        octets[at : at + 4] = recipe.take(4).ljust(4, b"\0")
    if recipe.number(8) == 7:
        del octets[len(octets) - recipe.number(256) :]
    return bytes(octets)


def _other_envelope(recipe: Recipe, forgery: Forgery) -> Forgery:
    """Another statement, document, header or key, and all of it signed."""
    match recipe.number(16):
        case 0:
            return replace(forgery, envelope=recipe.text())
        case 1:
            return replace(forgery, envelope=envelope_of(recipe.text()))
        case 2:
            product = recipe.text().decode("utf-8", "replace")
            return replace(forgery, product=product)
        case 3:
            product = recipe.text().decode("utf-8", "replace")
            return replace(forgery, statement=statement_of(forgery.common, product=product))
        case 4:
            right = statement_of(forgery.common).encode()
            cut = len(right) * recipe.number(256) // 256
            mended = right[:cut] + recipe.text() + right[cut + recipe.number(64) :]
            return replace(forgery, envelope=envelope_of(mended))
        case 5:
            version = Version(recipe.number(256), recipe.number(256), recipe.number(256))
            return replace(forgery, version=version, counter=recipe.number(256))
        case 6:
            replaceable = REPLACEABLE if recipe.number(2) else frozenset()
            return replace(forgery, statement=statement_of(forgery.common, replaceable=replaceable))
        case 7:
            return replace(forgery, block_digests=(recipe.take(32).ljust(32, b"\0"),) * 2)
        case 8:
            return replace(forgery, sealed_by=RELEASE)
        case 9:
            return replace(forgery, releaser=STATION)
        case 10:
            return replace(forgery, sealed_key=recipe.text().ljust(SEALED_KEY_BYTES, b"\0"))
    return replace(
        forgery,
        dock_id=OTHER_DOCK_ID if recipe.number(2) else DockId(recipe.take(32).ljust(32, b"\0")),
        padding=recipe.text(),
    )
