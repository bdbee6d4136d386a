"""The checks of a readback: each compares what the dock gave with what was planned.

Nothing here decides a verdict; every function returns a finding (`Check`) with one line of
evidence that holds no secret, and the code a person will see if it failed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final
from zlib import crc32

from station.application.ports import DockAnswers, SlotState
from station.application.readback import Readback
from station.datastore.acceptance import AcceptedImage, accept
from station.datastore.partitions import Datastore
from station.datastore.pictures import recognise
from station.datastore.plan import Part
from station.datastore.vendor import VendorApi, open_vendor_api
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import ImageRefused, PictureRefused
from station.domain.identity import DockId
from station.domain.rehearsal import Rehearsal
from station.domain.trust import Authority
from station.domain.verdict import Check, CheckName

DATA_DIFFERENT: Final = "E-VERIFY-02"
SIGNATURE_BAD: Final = "E-VERIFY-03"
APPLICATION_FAILED: Final = "E-VERIFY-04"
WRITE_FAILED: Final = "E-WRITE-01"
LOCKED_DOCK: Final = "E-LOCK-01"

REFUSALS: Final = {
    "digest": WRITE_FAILED,
    "format": WRITE_FAILED,
    "size": WRITE_FAILED,
    "flash": WRITE_FAILED,
    "locked": LOCKED_DOCK,
}
"""Codes for a dock's reasons to refuse an image; any other reason is about trust."""

SAID_CHARACTERS_MAX: Final = 200
"""Longest piece of an application's own words in a line of evidence."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the dock must hold, by entry: the overlay of unique data over the common volume.

    entries: (kind, name) to (size in bytes, SHA-256). pictures: tag to the type an image is
    declared as. No evidence line tells more of a content than the name it has.
    """

    entries: Mapping[tuple[Kind, str], tuple[int, bytes]]
    pictures: Mapping[str, PictureType]
    code_checksum: int | None
    content: Callable[[tuple[Kind, str]], bytes | memoryview] = field(repr=False)

    def names(self, kind: Kind) -> list[str]:
        """Sorted names of one kind."""
        return sorted(name for of, name in self.entries if of is kind)


def expected_content(common: Sequence[Entry], unique: Sequence[Entry]) -> Expected:
    """The overlay that template and bundle promise."""
    overlay = {entry.key: entry for entry in (*common, *unique)}
    code = [entry for key, entry in overlay.items() if key[0] is Kind.CODE]
    return Expected(
        entries={key: (len(entry.data), entry.digest) for key, entry in overlay.items()},
        pictures={entry.name: entry.picture for entry in overlay.values() if entry.picture},
        code_checksum=crc32(code[0].data) if code else None,
        content=lambda key: overlay[key].data,
    )


def accepted(refusal: str | None) -> Check:
    """The dock's own loader took the image, or its word for why not."""
    if refusal is None:
        return Check(CheckName.ACCEPTED, "the dock's loader accepted the image")
    code = REFUSALS.get(refusal, SIGNATURE_BAD)
    return Check(CheckName.ACCEPTED, f"the dock refused the image: {refusal}", code)


def blocks_agree(readback: Readback, blocks: Sequence[Part], *, proof: bool) -> Check:
    """Every block read back after the restart has its planned digest.

    proof: whether the dock's answer to the nonce challenge was the one the plan demands.
    """
    differing = readback.differing(blocks)
    if differing:
        first = differing[0]
        return Check(
            CheckName.BLOCKS,
            f"{len(differing)} of {len(blocks)} blocks differ,"
            f" first at offset {first.offset_bytes:#x}",
            DATA_DIFFERENT,
        )
    if not proof:
        return Check(CheckName.BLOCKS, "wrong answer to the nonce challenge", DATA_DIFFERENT)
    size = sum(block.size_bytes for block in blocks)
    return Check(
        CheckName.BLOCKS,
        f"{size} bytes in {len(blocks)} blocks read back, all digests equal, nonce answered",
    )


def image_holds(
    readback: Readback,
    *,
    authority: Authority,
    dock_id: DockId,
    product: str,
    counter_floor: int,
    at: datetime | None,
) -> tuple[Check, AcceptedImage | None]:
    """The image, parsed from the bytes read back alone."""
    try:
        image = accept(
            readback.image,
            authority=authority,
            dock_id=dock_id,
            product=product,
            counter_floor=counter_floor,
            at=at,
        )
    except ImageRefused as error:
        return Check(CheckName.IMAGE, error.cause, SIGNATURE_BAD), None
    return (
        Check(
            CheckName.IMAGE,
            f"release {image.release.name} {image.release.version} by"
            f" {image.release_certificate.holder}, image by {image.station_certificate.holder},"
            " both signatures good",
        ),
        image,
    )


def datastore_agrees(datastore: Datastore, expected: Expected) -> Check:
    """In the image as it is mounted, every entry is what was promised, and nothing more."""
    api = open_vendor_api(datastore)
    for difference in _differences(api, expected):
        return Check(CheckName.DATASTORE, difference, DATA_DIFFERENT)
    code = "the application" if expected.code_checksum is not None else "no application"
    return Check(
        CheckName.DATASTORE,
        f"{len(expected.names(Kind.KV))} key-values, {len(expected.names(Kind.IMG))} images and"
        f" {code} equal through the vendor API",
    )


def dock_agrees(answers: DockAnswers, expected: Expected) -> Check:
    """The dock's own runtime tells the same as the plan."""
    for difference in _answered_differences(answers, expected):
        return Check(CheckName.DOCK_ANSWERS, difference, DATA_DIFFERENT)
    return Check(
        CheckName.DOCK_ANSWERS,
        f"the dock's datastore answered {len(answers.values)} key-values,"
        f" {len(answers.pictures)} images and the code checksum alike",
    )


def rehearsed(told: Rehearsal, scenario: str) -> Check:
    """The first boot of the application in the readback came to its end.

    told: as it may be told (`rehearsing.discreet`). scenario: name of the bench.
    """
    if told.error:
        return Check(CheckName.REHEARSED, _last_line(told.error), APPLICATION_FAILED)
    found = [f"{one.kind}: {one.detail}" for one in told.findings]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return Check(
        CheckName.REHEARSED,
        f"{told.ran_ms / 1000:g} s on the bench {scenario}, nothing raised"
        + (f"; {_said(found[0])}{more}" if found else ""),
    )


def stays(state: SlotState, image_sha256: bytes) -> Check:
    """The dock runs this image and will keep it."""
    if state.image_sha256 != image_sha256:
        return Check(CheckName.CONFIRMED, "the dock runs another image", DATA_DIFFERENT)
    if not state.confirmed:
        return Check(CheckName.CONFIRMED, "the dock would go back at its next start", WRITE_FAILED)
    return Check(CheckName.CONFIRMED, f"active and confirmed, SHA-256 {image_sha256.hex()[:16]}…")


def _differences(api: VendorApi, expected: Expected) -> list[str]:
    found: list[str] = []
    keys = expected.names(Kind.KV)
    if sorted(api.KvStore().list()) != keys:
        return ["the list of key-values differs"]
    for key in keys:
        if api.KvStore().get(key).encode("utf-8") != bytes(expected.content((Kind.KV, key))):
            found.append(f"key-value {key} differs")
    tags = expected.names(Kind.IMG)
    if sorted(api.ImageStore().list()) != tags:
        return [*found, "the list of images differs"]
    for tag in tags:
        data, _ = api.ImageStore().get(tag)
        wanted = expected.content((Kind.IMG, tag))
        try:
            same = recognise(data) == recognise(wanted) and bytes(data) == bytes(wanted)
        except PictureRefused:
            same = False
        if not same:
            found.append(f"image {tag} differs")
    if api.CodeStore().info()["checksum"] != (expected.code_checksum or 0):
        found.append("the application's checksum differs")
    return found


def _answered_differences(answers: DockAnswers, expected: Expected) -> list[str]:
    values = {
        key: bytes(expected.content((Kind.KV, key))).decode("utf-8")
        for key in expected.names(Kind.KV)
    }
    if answers.values.keys() != values.keys():
        return ["the dock lists other key-values"]
    found = [
        f"the dock answers key-value {key} differently"
        for key, value in values.items()
        if answers.values[key] != value
    ]
    pictures = {tag: expected.entries[Kind.IMG, tag] for tag in expected.names(Kind.IMG)}
    if answers.pictures.keys() != pictures.keys():
        return [*found, "the dock lists other images"]
    found += [
        f"the dock answers image {tag} differently"
        for tag, content in pictures.items()
        if answers.pictures[tag] != (expected.pictures[tag], *content)
    ]
    if answers.code_checksum != expected.code_checksum:
        found.append("the dock answers another code checksum")
    return found


def _last_line(text: str) -> str:
    """Where a trace says what was raised."""
    lines = [_said(line) for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "it raised something without a word")


def _said(line: str) -> str:
    """An application's words, as a line of evidence may hold them."""
    printable = "".join(one if one.isprintable() else " " for one in line).strip()
    cut = len(printable) > SAID_CHARACTERS_MAX
    return f"{printable[: SAID_CHARACTERS_MAX - 1]}…" if cut else printable


def challenge_answer(nonce: bytes, ranges: Sequence[bytes | memoryview]) -> bytes:
    """What a dock holding exactly these ranges answers to `nonce` (docs/SPEC.md, "Group 64")."""
    digest = sha256(nonce)
    for content in ranges:
        digest.update(content)
    return digest.digest()
