"""Reads dock-model profiles: those the program brings along, and those people write."""

from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from station.adapters.files import strict_yaml
from station.adapters.files.reading import read_text
from station.adapters.files.schemas import Schema, check
from station.adapters.files.strict_yaml import Document
from station.domain.errors import FileUnreadable
from station.domain.limits import DOCUMENT_BYTES_MAX
from station.domain.profile import (
    BAUDS_PER_BYTE,
    Assurance,
    Compression,
    Framing,
    Link,
    Product,
    Profile,
    Stage,
    UnknownImage,
    UsbFilter,
)
from station.domain.verdict import CheckName

BUILT_IN: Final = ("dl7450-virtual", "dl7450-virtual-d1", "dl7450-virtual-d2")
"""Names of the profiles inside the package; the first that makes a product counts for it."""


def read_profile(path: Path) -> Profile:
    """The profile in a YAML file.

    Raises FileUnreadable, or DocumentRefused naming line and column.
    """
    return _parsed(read_text(path, limit_bytes=DOCUMENT_BYTES_MAX), str(path))


def built_in_profile(name: str) -> Profile:
    """A profile of `BUILT_IN`. Raises FileUnreadable for another name."""
    if name not in BUILT_IN:
        raise FileUnreadable(
            f"no built-in profile {name[:64]!r}",
            remedy=f"Name a profile file, or one of: {', '.join(BUILT_IN)}.",
        )
    source = files("station.adapters.files") / "profiles" / f"{name}.yaml"
    return _parsed(source.read_text(encoding="utf-8"), f"{name}.yaml")


@lru_cache(maxsize=64)
def _parsed(text: str, name: str) -> Profile:
    """Looked at for every run and every port, and the same nearly always: parsing takes 10 ms of
    every lane's time."""
    return _profile(strict_yaml.parse(text, name=name))


def profiles_in_use(folder: Path) -> tuple[Profile, ...]:
    """The station's own profiles, in `folder`; the built-in ones where it has none of its own.

    Raises FileUnreadable, DocumentRefused.
    """
    own = tuple(map(read_profile, sorted(folder.glob("*.yaml"))))
    return own or tuple(map(built_in_profile, BUILT_IN))


def usb_filters(folder: Path) -> tuple[UsbFilter, ...]:
    """Which USB devices may be docks. Raises what `profiles_in_use` raises."""
    return tuple(dict.fromkeys(profile.usb for profile in profiles_in_use(folder)))


def _profile(document: Document) -> Profile:
    check(document, Schema.PROFILE)
    data: Any = document.data
    products = []
    for number, item in enumerate(data["products"]):
        try:
            products.append(
                Product(
                    name=item["name"],
                    serial_pattern=item["serial_pattern"],
                    hardware_revisions=tuple(item.get("hardware_revisions", ())),
                    description=item.get("description", ""),
                )
            )
        except ValueError as error:
            raise document.refuse(str(error), "products", number, "serial_pattern") from error
    given = {key: data[key] for key in _SAME_NAME if key in data}
    if "background" in data:
        given["background_width"] = data["background"]["width"]
        given["background_height"] = data["background"]["height"]
    if "unknown_image" in data:
        given["unknown_image"] = UnknownImage(data["unknown_image"])
    if "usb" in data:
        product = data["usb"]["product"]
        given["usb"] = UsbFilter(
            int(data["usb"]["vendor"], 16), None if product == "any" else int(product, 16)
        )
    if "waive" in data:
        given["waived"] = frozenset(map(CheckName, data["waive"]))
    if "link" in data:
        given["link"] = _link(document, data["link"])
    try:
        return Profile(
            products=tuple(products),
            stage=Stage(data["stage"]),
            assurance=Assurance(data["assurance"]),
            **given,
        )
    except ValueError as error:
        named = (one for one in ("assurance", "products") if one.removesuffix("s") in str(error))
        raise document.refuse(str(error), next(named, "slot_bytes")) from error


def _link(document: Document, link: Any) -> Link:
    given = {key: link[key] for key in ("bytes_per_s", *_PATHS) if key in link}
    if link.get("uart", False):
        if "bytes_per_s" in given:
            raise document.refuse("a UART's speed is its baud", "link", "bytes_per_s")
        given["bytes_per_s"] = link["baud"] // BAUDS_PER_BYTE
    if "compression" in link:
        given["compression"] = Compression(link["compression"])
    return Link(Framing(link["framing"]), link["baud"], link["frame_bytes"], **given)


_PATHS: Final = ("identity_path", "rom_path")

_SAME_NAME: Final = (
    "name",
    "model",
    "slots",
    "slot_bytes",
    "rom_budget_bytes",
    "runtime_budget_bytes",
    "ephemeral_budget_bytes",
)
