"""Reads dock-model profiles: those the program brings along, and those people write."""

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from station.adapters.files import strict_yaml
from station.adapters.files.schemas import Schema, check
from station.adapters.files.strict_yaml import Document
from station.domain.errors import FileUnreadable
from station.domain.profile import (
    Assurance,
    Framing,
    Link,
    Product,
    Profile,
    Stage,
    UnknownImage,
    UsbFilter,
)

BUILT_IN: Final = ("dl7450-virtual",)
"""Names of the profiles inside the package."""


def read_profile(path: Path) -> Profile:
    """The profile in a YAML file.

    Raises FileUnreadable, or DocumentRefused naming line and column.
    """
    return _profile(strict_yaml.read(path))


def built_in_profile(name: str) -> Profile:
    """A profile of `BUILT_IN`. Raises FileUnreadable for another name."""
    if name not in BUILT_IN:
        raise FileUnreadable(
            f"no built-in profile {name[:64]!r}",
            remedy=f"Name a profile file, or one of: {', '.join(BUILT_IN)}.",
        )
    source = files("station.adapters.files") / "profiles" / f"{name}.yaml"
    return _profile(strict_yaml.parse(source.read_text(encoding="utf-8"), name=f"{name}.yaml"))


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
    if "link" in data:
        link = data["link"]
        given["link"] = Link(Framing(link["framing"]), link["baud"], link["frame_bytes"])
    try:
        return Profile(
            products=tuple(products),
            stage=Stage(data["stage"]),
            assurance=Assurance(data["assurance"]),
            **given,
        )
    except ValueError as error:
        raise document.refuse(
            str(error), "products" if "product" in str(error) else "slot_bytes"
        ) from error


_SAME_NAME: Final = (
    "name",
    "model",
    "slots",
    "slot_bytes",
    "rom_budget_bytes",
    "runtime_budget_bytes",
    "ephemeral_budget_bytes",
)
