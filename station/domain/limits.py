"""Numeric limits on everything that comes from outside, in one place.

Each limit is tested at its value and one above. Sizes are in bytes.
"""

from typing import Final

ROM_STORE_BYTES: Final = 13_000_000
"""Default budget of the ROM store: the smaller reading of "13 MB" (a setting of the profile)."""

RUNTIME_BYTES: Final = 13_000_000
EPHEMERAL_BYTES: Final = 128_000_000

BUDGET_WARNING_PERCENT: Final = 90

BLOCK_BYTES: Final = 65_536
"""Size of the blocks a plan is cut into from the start of the common volume."""

HEADER_BYTES: Final = 4_096
"""Size of the image header, padding included; the common volume starts here."""

IMAGE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Longest image a dock may claim to hold; no model has a larger slot."""

ENTRIES_MAX: Final = 100_000
DOCUMENT_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest YAML or JSON document read whole."""

DOCUMENT_DEPTH_MAX: Final = 16
LOT_BYTES_MAX: Final = 64 * 1024 * 1024
LOT_RECORDS_MAX: Final = 1_000_000
LOT_VALUE_CHARACTERS_MAX: Final = 8_192
SCAN_CHARACTERS_MAX: Final = 256
