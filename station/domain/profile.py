"""A dock-model profile: what the station may assume of one dock model and the products made of it.

Everything the vendor leaves open or may change is a field here, so that a new model or a new
answer is an edit of a file (dock-sdk.md, section 6: "Setting").
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from station.domain.bundle import is_name
from station.domain.limits import (
    EPHEMERAL_BYTES,
    HEADER_BYTES,
    ROM_STORE_BYTES,
    RUNTIME_BYTES,
)
from station.domain.verdict import WAIVABLE, CheckName

TRAILER_BYTES_MAX: Final = 2 * 65_536
"""Room kept for the image's two TLV areas, each with a 16-bit length (MCUboot image format)."""

DISPLAYLINK_VENDOR_ID: Final = 0x17E9
"""USB vendor id of the dock family (measured by third parties; dock-sdk.md, Q22)."""


class Assurance(StrEnum):
    """How a dock can prove who it is; every report states it."""

    D0 = "D0"
    """No key of its own."""

    D1 = "D1"
    """A key shared by fixture or bootloader."""

    D2 = "D2"
    """A key per dock; unique data can be sealed to it."""

    def covers(self, demanded: "Assurance") -> bool:
        """Whether a dock of this level will do where `demanded` is asked for."""
        levels = list(Assurance)
        return levels.index(self) >= levels.index(demanded)


class UnknownImage(StrEnum):
    """What ImageStore does for a tag it does not hold (Q3)."""

    RAISE = "raise"
    NONE = "none"


class Stage(StrEnum):
    """Whether development liberties (plain key import and the like) are allowed."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Framing(StrEnum):
    """How SMP frames travel on the serial line."""

    COBS = "cobs"
    CONSOLE = "console"
    RAW = "raw"


class Compression(StrEnum):
    """How blocks that many docks share may travel, where the dock can inflate them."""

    NONE = "none"
    ZLIB = "zlib"
    LZ4 = "lz4"


USB_BYTES_PER_S: Final = 600_000
"""What a USB full-speed dock carries at least; its port's baud means nothing."""

BAUDS_PER_BYTE: Final = 10
"""A UART frames every eight bits with a start and a stop bit (8N1)."""

FRAME_BYTES_MIN: Final = 256
"""The shortest frame any SMP server is asked to take (docs/SPEC.md, "The client")."""

PATH_BYTES_MAX: Final = 64
"""Longest path on a dock: Zephyr's default for its file group."""


@dataclass(frozen=True, slots=True)
class UsbFilter:
    """Which USB devices may be docks. product_id: None for any product of the vendor."""

    vendor_id: int = DISPLAYLINK_VENDOR_ID
    product_id: int | None = None

    def __post_init__(self) -> None:
        if not all(0 <= one <= 0xFFFF for one in (self.vendor_id, self.product_id or 0)):
            raise ValueError("USB ids have 16 bits")

    def accepts(self, vendor_id: int, product_id: int) -> bool:
        """Whether a device with these ids may be a dock."""
        return vendor_id == self.vendor_id and self.product_id in {None, product_id}


def _is_path(path: str) -> bool:
    """Whether a dock's file group is sure to take it."""
    plain = path.isascii() and path.isprintable() and " " not in path
    return plain and path.startswith("/") and len(path) <= PATH_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Link:
    """What the wire can be expected to do, and where a stock server keeps things.

    frame_bytes: longest SMP frame, header included. bytes_per_s: what the line carries at least,
    each way; every deadline is reckoned from it. identity_path, rom_path: files that a dock
    without our own group gives away: who it is, and the image it runs; an empty rom_path where
    there is none. Raises ValueError for a number or path nobody can work with.
    """

    framing: Framing = Framing.COBS
    baud: int = 115_200
    frame_bytes: int = 4_092
    bytes_per_s: int = USB_BYTES_PER_S
    compression: Compression = Compression.NONE
    identity_path: str = "/dock/identity"
    rom_path: str = "/rom/active"

    def __post_init__(self) -> None:
        if self.baud < 1 or self.bytes_per_s < 1 or self.frame_bytes < FRAME_BYTES_MIN:
            raise ValueError("a link that carries nothing")
        if not _is_path(self.identity_path) or (self.rom_path and not _is_path(self.rom_path)):
            raise ValueError(f"a path on a dock begins with / and has {PATH_BYTES_MAX} characters")


@dataclass(frozen=True, slots=True)
class Product:
    """What is sold. serial_pattern: regular expression of its label serials, matched whole.

    hardware_revisions: as the dock reports them; empty for any.
    """

    name: str
    serial_pattern: str
    hardware_revisions: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        if not is_name(self.name):
            raise ValueError("a product has a name of 1 to 64 printable characters")
        try:
            re.compile(self.serial_pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"serial_pattern of {self.name}: {error}") from error


@dataclass(frozen=True, slots=True)
class Profile:
    """One dock model. Budgets and sizes in bytes; slots: image slots in its flash, 1 or 2.

    waived: checks a PASS does without where a dock has no way to make them; the record says so.

    Raises ValueError where an image within the ROM budget could not fit a slot.
    """

    name: str
    model: str
    products: tuple[Product, ...]
    stage: Stage
    assurance: Assurance
    slots: int
    slot_bytes: int
    rom_budget_bytes: int = ROM_STORE_BYTES
    runtime_budget_bytes: int = RUNTIME_BYTES
    ephemeral_budget_bytes: int = EPHEMERAL_BYTES
    unknown_image: UnknownImage = UnknownImage.RAISE
    background_width: int = 1_920
    background_height: int = 1_080
    usb: UsbFilter = UsbFilter()
    link: Link = Link()
    waived: frozenset[CheckName] = frozenset()

    def __post_init__(self) -> None:
        if not is_name(self.name) or not is_name(self.model):
            raise ValueError("a profile and its model have names of 1 to 64 characters")
        names = [product.name for product in self.products]
        if not names or len(set(names)) < len(names):
            raise ValueError("a profile has at least one product, each once")
        if not self.waived <= WAIVABLE:
            raise ValueError(f"no profile waives {', '.join(sorted(self.waived - WAIVABLE))}")
        if self.slots not in {1, 2}:
            raise ValueError("a dock has 1 or 2 image slots")
        if self.assurance is Assurance.D2 and self.stage is Stage.DEVELOPMENT:
            raise ValueError("a development dock tells what it shows, so its assurance is not D2")
        if self.slot_bytes < (needed := self.rom_budget_bytes + HEADER_BYTES + TRAILER_BYTES_MAX):
            raise ValueError(
                f"a slot of {self.slot_bytes:,} bytes cannot hold a full image:"
                f" {needed:,} bytes are needed for this ROM budget"
            )

    def product(self, name: str) -> Product:
        """The product called `name`. Raises KeyError."""
        return {product.name: product for product in self.products}[name]
