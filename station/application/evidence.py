"""The checks of a readback: each compares what the dock gave with what was planned.

Nothing here decides a verdict; every function returns a finding (`Check`) with one line of
evidence that holds no secret, and the code a person will see if it failed.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from station.application.expectation import Expected
from station.application.image_places import place_of
from station.application.ports import DockAnswers, ProvedDock, SlotState
from station.application.readback import Readback
from station.datastore.acceptance import AcceptedImage, VouchedImage, accept, vouch
from station.datastore.partitions import Datastore
from station.datastore.pictures import recognise
from station.datastore.plan import Part, Plan
from station.datastore.sealed_upd import Unseal
from station.datastore.segments import Segments
from station.datastore.vendor import VendorApi, open_vendor_api
from station.domain.bundle import EntryKey
from station.domain.device_proof import entry_proof
from station.domain.entries import Entry, Kind
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

Proofs = Mapping[EntryKey, tuple[str, bytes]]
"""Entries whose content a dock does not tell: type of a picture, else empty; proof (32 octets)."""

NO_PROOFS: Final[Proofs] = {}

SAID_CHARACTERS_MAX: Final = 200
"""Longest piece of an application's own words in a line of evidence."""


def proved(dock: ProvedDock) -> Check:
    """The dock proved its key before anything was reserved for it."""
    return Check(CheckName.PROVED, dock.how)


def proved_again(dock: ProvedDock) -> Check:
    """It proved the same key after the restart."""
    return Check(CheckName.PROVED_AGAIN, f"{dock.how}; the same after the restart")


def accepted(refusal: str | None) -> Check:
    """The dock's own loader took the image, or its word for why not."""
    if refusal is None:
        return Check(CheckName.ACCEPTED, "the dock's loader accepted the image")
    code = REFUSALS.get(refusal, SIGNATURE_BAD)
    return Check(CheckName.ACCEPTED, f"the dock refused the image: {refusal}", code)


def started(state: SlotState, image_sha256: bytes, signed_sha256: bytes) -> Check:
    """A stock dock's loader took the image: it does not say so before it has started it."""
    if _runs(state, image_sha256, signed_sha256):
        return Check(CheckName.ACCEPTED, "the dock's loader started the image")
    return Check(CheckName.ACCEPTED, "the dock's loader did not start the image", SIGNATURE_BAD)


def blocks_agree(readback: Readback, plan: Plan, *, proof: bool | None) -> Check:
    """Every block read back after the restart has its planned digest.

    proof: whether the dock's answer to the nonce challenge was the one the plan demands; None for
    a stock dock, which cannot be asked. Its image holds a fresh salt and signature, so that the
    readback of another time cannot pass for this one.
    """
    blocks = plan.parts
    differing = readback.differing(blocks)
    if differing:
        first = place_of(plan, _first_differing(readback, plan, differing[0]))
        return Check(
            CheckName.BLOCKS,
            f"{len(differing)} of {len(blocks)} blocks differ, first at offset {first}",
            DATA_DIFFERENT,
        )
    if proof is False:
        return Check(CheckName.BLOCKS, "wrong answer to the nonce challenge", DATA_DIFFERENT)
    size = sum(block.size_bytes for block in blocks)
    nonce = "nonce answered" if proof else "no nonce asked: a stock dock answers none"
    return Check(
        CheckName.BLOCKS,
        f"{size} bytes in {len(blocks)} blocks read back, all digests equal, {nonce}",
    )


def _first_differing(readback: Readback, plan: Plan, block: Part) -> int:
    """Offset in the image of the first byte of a block that is not as planned."""
    planned = plan.read(block.offset_bytes, block.size_bytes)
    found = readback.image.view(block.offset_bytes, block.offset_bytes + block.size_bytes)
    pairs = enumerate(zip(planned, found, strict=True), block.offset_bytes)
    return next((at for at, (wanted, has) in pairs if wanted != has), block.offset_bytes)


def image_holds(
    readback: Readback,
    *,
    authority: Authority,
    dock_id: DockId,
    product: str,
    counter_floor: int,
    at: datetime | None,
    unseal: Unseal | None = None,
) -> tuple[Check, AcceptedImage | None]:
    """The image, parsed from the bytes read back alone. unseal: see `acceptance.accept`."""
    try:
        image = accept(
            readback.image,
            authority=authority,
            dock_id=dock_id,
            product=product,
            counter_floor=counter_floor,
            at=at,
            unseal=unseal,
        )
    except ImageRefused as error:
        return Check(CheckName.IMAGE, error.cause, SIGNATURE_BAD), None
    sealed = "" if unseal is None else ", unique data sealed to this dock"
    return Check(CheckName.IMAGE, f"{_signed_by(image)}{sealed}"), image


def image_vouched(
    readback: Readback,
    *,
    authority: Authority,
    dock_id: DockId,
    product: str,
    at: datetime | None,
) -> tuple[Check, VouchedImage | None]:
    """The same of an image whose unique data only its dock can open, as far as it can be read."""
    try:
        image = vouch(
            readback.image,
            authority=authority,
            dock_id=dock_id,
            product=product,
            counter_floor=0,
            at=at,
        )
    except ImageRefused as error:
        return Check(CheckName.IMAGE, error.cause, SIGNATURE_BAD), None
    sealed = "unique data sealed to this dock, so that its content cannot be read here"
    if not image.sealed:
        return Check(CheckName.IMAGE, "unique data in clear on a sealed dock", SIGNATURE_BAD), None
    return Check(CheckName.IMAGE, f"{_signed_by(image)}, {sealed}"), image


def common_agrees(answers: DockAnswers, common: Expected, *, replaceable: Set[EntryKey]) -> Check:
    """The dock's own runtime tells of what all docks have alike what the bundle says.

    replaceable: what may be unique instead, and is withheld then.
    """
    hidden = answers.withheld & common.entries.keys()
    if hidden - replaceable:
        return Check(CheckName.DOCK_ANSWERS, "the dock withholds common entries", DATA_DIFFERENT)
    shown = {key: content for key, content in common.entries.items() if key not in hidden}
    told = replace(answers, withheld=frozenset())
    for difference in _answered_differences(
        told, Expected(ChainMap(shown), common.code_checksum), NO_PROOFS
    ):
        return Check(CheckName.DOCK_ANSWERS, difference, DATA_DIFFERENT)
    return Check(
        CheckName.DOCK_ANSWERS,
        f"the dock's datastore answered {len(answers.values)} key-values,"
        f" {len(answers.pictures)} images and the code checksum alike;"
        f" {len(answers.withheld)} unique entries it does not tell",
    )


def _signed_by(image: AcceptedImage | VouchedImage) -> str:
    return (
        f"release {image.release.name} {image.release.version} by"
        f" {image.release_certificate.holder}, image by {image.station_certificate.holder},"
        " both signatures good"
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


def entry_proofs(unique: Iterable[Entry], *, salt: bytes, nonce: bytes) -> Proofs:
    """What a dock that does not tell its unique data answers for each of it."""
    return {
        one.key: (one.picture or "", entry_proof(salt, *one.key, one.data, nonce)) for one in unique
    }


def dock_agrees(answers: DockAnswers, expected: Expected, *, proofs: Proofs = NO_PROOFS) -> Check:
    """The dock's own runtime tells the same as the plan.

    proofs: of what it does not tell (`entry_proofs`).
    """
    for difference in _answered_differences(answers, expected, proofs):
        return Check(CheckName.DOCK_ANSWERS, difference, DATA_DIFFERENT)
    proved = f"{len(proofs)} unique entries by proof, " if proofs else ""
    return Check(
        CheckName.DOCK_ANSWERS,
        f"the dock's datastore answered {proved}{len(answers.values)} key-values,"
        f" {len(answers.pictures)} images and the code checksum alike",
    )


def not_answered(profile: str) -> Check:
    """What takes the place of `dock_agrees` where a dock has no way to answer, and its profile
    lets it pass without."""
    return Check(
        CheckName.DOCK_ANSWERS,
        f"not made: a stock dock does not answer for its datastore, nor empty what the field left"
        f" in it; waived by profile {profile}",
        waived=True,
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


def stays(state: SlotState, image_sha256: bytes, signed_sha256: bytes = b"") -> Check:
    """The dock runs this image and will keep it. signed_sha256: by which a stock dock names it."""
    if not _runs(state, image_sha256, signed_sha256):
        return Check(CheckName.CONFIRMED, "the dock runs another image", DATA_DIFFERENT)
    if not state.confirmed:
        return Check(CheckName.CONFIRMED, "the dock would go back at its next start", WRITE_FAILED)
    return Check(CheckName.CONFIRMED, f"active and confirmed, SHA-256 {image_sha256.hex()[:16]}…")


def _runs(state: SlotState, image_sha256: bytes, signed_sha256: bytes) -> bool:
    """By the digest of all its bytes, or where the dock has none, by the hash it names."""
    if state.image_sha256:
        return state.image_sha256 == image_sha256
    return bool(state.signed_sha256) and state.signed_sha256 == signed_sha256


def _differences(api: VendorApi, expected: Expected) -> list[str]:
    found: list[str] = []
    keys = expected.names(Kind.KV)
    if sorted(api.KvStore().list()) != keys:
        return ["the list of key-values differs"]
    for key in keys:
        if api.KvStore().get(key).encode("utf-8") != expected.entries[Kind.KV, key].data:
            found.append(f"key-value {key} differs")
    tags = expected.names(Kind.IMG)
    if sorted(api.ImageStore().list()) != tags:
        return [*found, "the list of images differs"]
    for tag in tags:
        data, _ = api.ImageStore().get(tag)
        wanted = expected.entries[Kind.IMG, tag].data
        try:
            same = Segments.of(wanted).are(data) and recognise(data) == recognise(wanted)
        except PictureRefused:
            same = False
        if not same:
            found.append(f"image {tag} differs")
    if api.CodeStore().info()["checksum"] != (expected.code_checksum or 0):
        found.append("the application's checksum differs")
    return found


def _answered_differences(answers: DockAnswers, expected: Expected, proofs: Proofs) -> list[str]:
    if answers.withheld:
        return ["the dock does not tell all of its datastore"]
    if answers.proofs.keys() != proofs.keys():
        return ["the dock proves other entries"]
    for key, proof in proofs.items():
        if answers.proofs[key] != proof:
            return [f"the dock does not prove {key[0]} {key[1]}"]
    values = {
        key: bytes(expected.entries[Kind.KV, key].data).decode("utf-8")
        for key in expected.names(Kind.KV)
        if (Kind.KV, key) not in proofs
    }
    if answers.values.keys() != values.keys():
        return ["the dock lists other key-values"]
    found = [
        f"the dock answers key-value {key} differently"
        for key, value in values.items()
        if answers.values[key] != value
    ]
    pictures = {
        tag: expected.entries[Kind.IMG, tag]
        for tag in expected.names(Kind.IMG)
        if (Kind.IMG, tag) not in proofs
    }
    if answers.pictures.keys() != pictures.keys():
        return [*found, "the dock lists other images"]
    found += [
        f"the dock answers image {tag} differently"
        for tag, content in pictures.items()
        if answers.pictures[tag] != (content.picture, content.size_bytes, content.digest)
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
