"""Where a byte of an image lies, in words a person can look for: block, offset and entry."""

from station.datastore.plan import Part, Plan
from station.datastore.volume import Volume
from station.domain.entries import shown
from station.domain.errors import ImageRefused
from station.domain.limits import HEADER_BYTES


def place_of(plan: Plan, offset_bytes: int) -> str:
    """``0x11005 (block 1, img 'default')``; blocks are counted from 0 as the image lists them
    (docs/SPEC.md, "Image"). Raises ValueError outside the image."""
    for number, block in enumerate(plan.blocks):
        if _holds(block, offset_bytes):
            return f"{offset_bytes:#x} (block {number}, {_content_at(plan, offset_bytes)})"
    for name, parts in (("header", plan.header), ("trailer", plan.trailer)):
        if any(_holds(part, offset_bytes) for part in parts):
            return f"{offset_bytes:#x} ({name})"
    raise ValueError("outside the image")


def _holds(part: Part, offset_bytes: int) -> bool:
    return part.offset_bytes <= offset_bytes < part.offset_bytes + part.size_bytes


def _content_at(plan: Plan, offset_bytes: int) -> str:
    """Whose record it is; names are no secret, and nothing else of unique data is told."""
    common_end = HEADER_BYTES + plan.common.size_bytes
    if offset_bytes < common_end:
        volume, at = plan.common.volume, offset_bytes - HEADER_BYTES
    else:
        size_bytes = sum(block.size_bytes for block in plan.upd_blocks)
        try:
            volume = Volume.open_upd(plan.read(common_end, size_bytes))
        except ImageRefused:
            return "sealed unique data"
        at = offset_bytes - common_end
    if (key := volume.key_at(at)) is None:
        return "between entries"
    kind, name = key
    return f"{kind} {shown(name)}"
