"""What an imported bundle is called and for: its bundle.yaml says so, or a person, or there is one
answer only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from station.adapters.files.bundle_source import BundleSource
from station.domain.errors import DocumentRefused
from station.domain.release import Version

UNSTATED: Final = "(unstated)"
"""Stands for the product of a bundle source while it is being read."""

_NAMED_MAX: Final = 5
"""How many of several products a refusal names."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a person says of a bundle whose source has no bundle.yaml; empty where they do not."""

    product: str = ""
    name: str = ""
    version: Version | None = None


def called(read: BundleSource, stated: Stated, *, known: Sequence[str]) -> BundleSource:
    """The source, called what is stated; for the only known product where none is.

    known: products of the station's profiles. Raises DocumentRefused where bundle.yaml says
    something else, and where no product can be told.
    """
    bundle = read.bundle
    if read.head is None:
        named = replace(
            bundle,
            product=stated.product or _only(known, read),
            name=stated.name or bundle.name,
            version=stated.version or bundle.version,
        )
        return replace(read, bundle=named)
    for what, found, wanted in (
        ("product", bundle.product, stated.product),
        ("name", bundle.name, stated.name),
        ("version", bundle.version, stated.version),
    ):
        if wanted and wanted != found:
            raise DocumentRefused(
                f"{read.head}: {what} is {found}, not {wanted}",
                remedy=f"Leave --{what} out, or change it there.",
            )
    return read


def _only(known: Sequence[str], read: BundleSource) -> str:
    if len(known) == 1:
        return known[0]
    raise DocumentRefused(
        f"{read.config}: no bundle.yaml beside it states the product, and this station knows"
        f" {len(known)}: {', '.join(known[:_NAMED_MAX])}",
        remedy="Give it with --product.",
    )
