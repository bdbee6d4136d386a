"""Reads a bundle as its maker keeps it: an SDK configuration, perhaps with a bundle.yaml beside.

Obeys the requirements Y1 to Y13 of the dock SDK reference; each answers a fault of the vendor's
reader. Everything is validated before anything is returned: a source is read whole or refused,
and reading changes nothing. `strict_yaml` answers Y1 and Y6, `schemas` Y5 and Y7, `reading` Y13.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from station.adapters.files import strict_yaml
from station.adapters.files.reading import read_file
from station.adapters.files.schemas import Schema, check
from station.adapters.files.strict_yaml import Document
from station.datastore.budget import Use, weigh
from station.datastore.pictures import recognise
from station.domain.bundle import (
    NAME_MAX_CHARACTERS,
    OVERLAY_KINDS,
    TIME_ZONE_KEY,
    TIME_ZONES,
    Bundle,
    EntryKey,
    in_order,
)
from station.domain.entries import (
    APPLICATION_NAME,
    NAME_MAX_BYTES,
    PLAIN_NAME,
    Entry,
    Kind,
    PictureType,
)
from station.domain.errors import DocumentRefused, FileUnreadable, OverBudget, PictureRefused
from station.domain.limits import ENTRIES_MAX, ROM_STORE_BYTES
from station.domain.release import Version

BUNDLE_FILE: Final = "bundle.yaml"
CONFIG_PATH: Final = "${CONFIG_PATH}"
SUFFIXES: Final = frozenset({".yaml", ".yml"})

_NAMED_MAX: Final = 3
"""How many of several configurations a refusal names."""


@dataclass(frozen=True, slots=True)
class BundleSource:
    """A bundle as read. warnings: one line each, ``file:line:column: text`` where a place exists.

    config: the SDK configuration it was read from. use: of the ROM store, item by item (Y11).
    head: the bundle.yaml that names the bundle; None where there is none.
    """

    bundle: Bundle
    warnings: tuple[str, ...]
    config: Path
    use: Use
    head: Path | None = None


def is_source(path: Path) -> bool:
    """Whether what a person names is a bundle's source, and not a sealed bundle: by its looks, so
    that a damaged file is refused as what it was meant to be."""
    return path.is_dir() or path.suffix.lower() in SUFFIXES


def read_bundle_source(
    path: Path,
    *,
    unstated_product: str,
    rom_budget_bytes: int = ROM_STORE_BYTES,
    background: tuple[int, int] = (1920, 1080),
) -> BundleSource:
    """The bundle in a folder, a bundle.yaml or an SDK configuration.

    Where there is no bundle.yaml, the bundle is called after the folder, has version 0.0.0,
    counter 0, nothing replaceable, and is for `unstated_product`. background: width and height
    every picture should have (Q7).
    Raises FileUnreadable, DocumentRefused, PictureRefused or OverBudget, naming file, line and
    column wherever the trouble stands in a document.
    """
    head, config = _documents(path)
    check(config, Schema.CONFIG)
    folder = Path(config.name).parent
    warnings: list[str] = []
    entries = _entries(config, folder, rom_budget_bytes, background, warnings)
    if not entries:
        raise DocumentRefused(
            f"{config.name}:1:1: nothing to write: no image, key-value or application",
            remedy="Name at least one; erasing a ROM store is a separate command.",
        )
    use = _weighed(config, entries, rom_budget_bytes)
    if use.tight:
        warnings.append(
            f"{config.name}: takes {use.percent} % of the ROM store, unique data not counted"
        )
    if head is None:
        bundle = Bundle(_folder_name(folder), Version(0, 0, 0), unstated_product, 0, entries)
    else:
        bundle = _stated(head, entries)
    return BundleSource(
        bundle, tuple(warnings), Path(config.name), use, None if head is None else Path(head.name)
    )


# -- which files -------------------------------------------------------------------------------


def _documents(path: Path) -> tuple[Document | None, Document]:
    """(bundle.yaml if there is one, SDK configuration)."""
    if path.is_dir():
        if (path / BUNDLE_FILE).exists():
            return _bundle_yaml(path / BUNDLE_FILE)
        return None, strict_yaml.read(_only_configuration(path))
    if path.name == BUNDLE_FILE:
        return _bundle_yaml(path)
    beside = path.parent / BUNDLE_FILE
    if beside.exists():
        head, config = _bundle_yaml(beside)
        if Path(config.name).name == path.name:
            return head, config
    return None, strict_yaml.read(path)


def _bundle_yaml(path: Path) -> tuple[Document, Document]:
    head = strict_yaml.read(path)
    check(head, Schema.BUNDLE)
    data: Any = head.data
    try:
        return head, strict_yaml.read(path.parent / data["config"])
    except FileUnreadable as error:
        place = head.place("config")
        raise FileUnreadable(f"{place}: {error.cause}", remedy=error.remedy) from error


def _only_configuration(folder: Path) -> Path:
    try:
        found = sorted(one for one in folder.iterdir() if one.suffix in SUFFIXES)
    except OSError as error:
        raise FileUnreadable(f"{folder}: the folder cannot be read") from error
    match found:
        case [one]:
            return one
        case []:
            raise FileUnreadable(f"{folder}: no {BUNDLE_FILE} and no configuration (*.yaml)")
    names = ", ".join(one.name for one in found[:_NAMED_MAX])
    raise FileUnreadable(
        f"{folder}: no {BUNDLE_FILE}, and several configurations: {names}",
        remedy=f"Name one of them, or add a {BUNDLE_FILE}.",
    )


def _stated(head: Document, entries: tuple[Entry, ...]) -> Bundle:
    data: Any = head.data
    try:
        version = Version.parse(data["version"])
    except ValueError as error:
        raise head.refuse(str(error), "version") from error
    return Bundle(
        name=data["name"],
        version=version,
        product=data["product"],
        security_counter=data["security_counter"],
        entries=entries,
        replaceable=_replaceable(head, data.get("replaceable", []), entries),
    )


def _replaceable(
    head: Document, items: list[Mapping[str, str]], entries: tuple[Entry, ...]
) -> frozenset[EntryKey]:
    held = {entry.key for entry in entries if entry.kind in OVERLAY_KINDS}
    found: set[EntryKey] = set()
    for number, item in enumerate(items):
        ((kind, name),) = item.items()
        key = (Kind(kind), name)
        if key not in held:
            raise head.refuse(f"the bundle has no {kind} {name!r}", "replaceable", number, kind)
        if key in found:
            raise head.refuse(f"{kind} {name!r} stands here twice", "replaceable", number, kind)
        found.add(key)
    return frozenset(found)


def _folder_name(folder: Path) -> str:
    """A bundle name made from any folder's name."""
    name = folder.resolve().name
    plain = "".join(one if one.isprintable() else "_" for one in name)
    return plain[:NAME_MAX_CHARACTERS].strip() or "bundle"


# -- what they hold ----------------------------------------------------------------------------


def _entries(
    config: Document,
    folder: Path,
    rom_budget_bytes: int,
    background: tuple[int, int],
    warnings: list[str],
) -> tuple[Entry, ...]:
    data: Any = config.data
    found = [*_key_values(config, data.get("kv_store", {}), warnings)]
    total = 0
    # Every path is resolved before any file is read, so that the cheap complaints come first.
    sources: list[tuple[tuple[str, ...], Kind, str, Path]] = [
        (("images", tag), Kind.IMG, tag, _resolved(config, folder, item, "images", tag))
        for tag, item in data.get("images", {}).items()
    ]
    if "code" in data:
        place = _resolved(config, folder, data["code"], "code")
        sources.append((("code",), Kind.CODE, APPLICATION_NAME, place))
    for trail, kind, name, file in sources:
        _name_rules(config, trail, name, warnings)
        content = _content(config, trail, file, rom_budget_bytes)
        total += len(content)
        if kind is Kind.CODE:
            found.append(_code(config, content))
        else:
            stated = PictureType(data["images"][name]["type"].upper())
            found.append(_picture(config, name, content, stated, background, warnings))
        if total > 2 * rom_budget_bytes:
            break  # hopeless; the refusal for size names what has been read so far
    if len(found) > ENTRIES_MAX:
        raise config.refuse(f"{len(found):,} entries; at most {ENTRIES_MAX:,}")
    return tuple(sorted(found, key=lambda entry: in_order(entry.key)))


def _key_values(config: Document, items: Mapping[str, str], warnings: list[str]) -> Iterator[Entry]:
    for key, value in items.items():
        _name_rules(config, ("kv_store", key), key, warnings)
        place = config.place("kv_store", key)
        if not value:
            warnings.append(f"{place}: {key}: an empty value looks like a missing key on the dock")
        if key == TIME_ZONE_KEY and value not in TIME_ZONES:
            warnings.append(f"{place}: {value[:40]!r} is no time zone the dock accepts")
        yield Entry(Kind.KV, key, value.encode("utf-8"))


def _name_rules(config: Document, trail: tuple[str, ...], name: str, warnings: list[str]) -> None:
    if len(name.encode("utf-8")) > NAME_MAX_BYTES:
        raise config.refuse(f"a name of more than {NAME_MAX_BYTES} octets", *trail, key=True)
    if PLAIN_NAME.fullmatch(name) is None:
        place = config.place(*trail, key=True)
        warnings.append(f"{place}: {name[:64]!r} is no plain name (A-Z a-z 0-9 _ . -, 64 at most)")


def _resolved(config: Document, folder: Path, item: Mapping[str, str], *trail: str) -> Path:
    """The file an item's ``path`` means (Y2, Y3, Y8, Y9)."""
    text = item["path"]
    rest = text.removeprefix(CONFIG_PATH)
    if rest != text:
        if rest[:1] not in {"/", "\\"}:
            raise config.refuse(f"a / is expected after {CONFIG_PATH}", *trail, "path")
        rest = rest.lstrip("/\\")
    if "${" in rest:
        raise config.refuse(
            f"only {CONFIG_PATH} is replaced, and only at the beginning", *trail, "path"
        )
    return folder / rest


def _content(config: Document, trail: tuple[str, ...], file: Path, limit_bytes: int) -> bytes:
    place = config.place(*trail, "path")
    try:
        return read_file(file, limit_bytes=limit_bytes)
    except FileUnreadable as error:
        hint = "Write / between folders." if "\\" in str(file) else error.remedy
        raise FileUnreadable(f"{place}: {error.cause}", remedy=hint) from error
    except OverBudget as error:
        raise OverBudget(
            f"{place}: {error.cause.removesuffix(' are read')} fit the ROM store"
        ) from error


def _code(config: Document, content: bytes) -> Entry:
    if not content:
        raise config.refuse("the application is empty", "code", "path")
    return Entry(Kind.CODE, APPLICATION_NAME, content)


def _picture(
    config: Document,
    tag: str,
    content: bytes,
    stated: PictureType,
    background: tuple[int, int],
    warnings: list[str],
) -> Entry:
    try:
        picture = recognise(content)
    except PictureRefused as error:
        place = config.place("images", tag, "path")
        raise PictureRefused(f"{place}: {tag}: {error.cause}", remedy=error.remedy) from error
    if picture.type is not stated:
        place = config.place("images", tag, "type")
        raise PictureRefused(f"{place}: {tag}: the file is {picture.type}, not {stated}")
    place = config.place("images", tag, key=True)
    if (picture.width, picture.height) != background:
        warnings.append(
            f"{place}: {tag} has {picture.width}x{picture.height} pixels;"
            f" a background has {background[0]}x{background[1]}"
        )
    if stated is PictureType.JPEG:
        warnings.append(
            f"{place}: {tag}: the SDK has no constant for JPEG; only image tokens can show it"
        )
    return Entry(Kind.IMG, tag, content, stated)


def _weighed(config: Document, entries: tuple[Entry, ...], rom_budget_bytes: int) -> Use:
    """Raw bytes only: how the volume packs is weighed when it is built (Q2)."""
    try:
        return weigh(entries, packed_bytes=0, budget_bytes=rom_budget_bytes)
    except OverBudget as error:
        raise OverBudget(f"{config.name}: {error.cause}", remedy=error.remedy) from error
