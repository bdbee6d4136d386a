"""The SPEC made executable: files another program made are what ours makes and accepts."""

from pathlib import Path

import pytest

from station.datastore.plan import CommonPart, assemble
from station.datastore.sealed_upd import Binding, SealedUpd
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.dock.device_key import OwnKey
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import ImageRefused, Reason
from station.domain.identity import DockId
from station.domain.trust import Usage
from tests.fakes.trust import fake_signer
from tests.golden.rom_store import hexdump, make
from tests.unit.datastore.made_images import accepted

ROOT = Path(__file__).resolve().parents[3]
FILES = {
    name: hexdump.load((make.HERE / f"{name}.hexdump").read_text(encoding="utf-8"))
    for name in ("common-volume", "upd-volume", "image", "sealed-image")
}

RELEASE = fake_signer(Usage.RELEASE, secret=make.RELEASE_SECRET, der=make.RELEASE_CERTIFICATE)
STATION = fake_signer(Usage.STATION, secret=make.STATION_SECRET, der=make.STATION_CERTIFICATE)


def entries(named: list[make.Named]) -> list[Entry]:
    return [
        Entry(Kind(kind), name, content, PictureType(picture) if picture else None)
        for kind, name, picture, content in named
    ]


def test_tinycdb_and_imgtool_make_the_golden_files() -> None:
    assert make.files() == FILES


def test_our_volumes_are_the_golden_ones() -> None:
    assert build_common_volume(entries(make.COMMON)) == FILES["common-volume"]
    assert build_upd_volume(entries(make.UPD), salt=make.SALT) == FILES["upd-volume"]


def test_the_golden_volumes_hold_what_they_were_made_of() -> None:
    assert list(Volume.open(FILES["common-volume"]).entries()) == entries(make.COMMON)
    assert list(Volume.open(FILES["upd-volume"]).entries()) == entries(make.UPD)


def test_our_image_is_the_golden_one() -> None:
    common = FILES["common-volume"]
    part = CommonPart(common, make.release_envelope(common), make.RELEASE_CERTIFICATE)

    plan = assemble(part, FILES["upd-volume"], DockId(make.DOCK_ID), STATION)

    assert bytes(plan.segments) == FILES["image"]


def test_the_golden_image_is_accepted_by_its_dock_alone() -> None:
    image = accepted(FILES["image"], RELEASE, STATION, dock_id=DockId(make.DOCK_ID))

    assert str(image.release.version) == "1.2.3"
    assert image.security_counter == 7
    with pytest.raises(ImageRefused):
        accepted(FILES["image"], RELEASE, STATION)


def test_our_sealed_image_is_the_golden_one() -> None:
    """The key and the dice are the golden file's; all around them is ours."""
    common = FILES["common-volume"]
    part = CommonPart(common, make.release_envelope(common), make.RELEASE_CERTIFICATE)
    key, content = make.sealed(FILES["upd-volume"], common)
    bindings: list[Binding] = []

    def seal(volume: bytes, binding: Binding) -> SealedUpd:
        assert volume == FILES["upd-volume"]
        bindings.append(binding)
        return SealedUpd(key, content)

    plan = assemble(part, FILES["upd-volume"], DockId(make.DOCK_ID), STATION, seal=seal)

    assert bytes(plan.segments) == FILES["sealed-image"]
    assert bindings == [Binding.of(DockId(make.DOCK_ID), part.statement)]


def test_the_golden_sealed_image_is_opened_by_the_key_of_its_dock() -> None:
    dock_id = DockId(make.DOCK_ID)
    key = OwnKey(make.DOCK_SECRET, b"not asked for")

    image = accepted(FILES["sealed-image"], RELEASE, STATION, dock_id=dock_id, unseal=key.unseal)

    assert list(image.upd.entries()) == entries(make.UPD)
    assert image.upd.salt == make.SALT
    for unseal in (None, OwnKey(bytes(range(32)), b"another").unseal):
        with pytest.raises(ImageRefused) as refused:
            accepted(FILES["sealed-image"], RELEASE, STATION, dock_id=dock_id, unseal=unseal)
        assert refused.value.reason is Reason.SEALED


def test_the_specification_quotes_the_golden_files() -> None:
    """Every block of a document that is marked ``hexdump NAME`` stands in the file of that name."""
    quoted = 0
    for document in (ROOT / "docs").rglob("*.md"):
        blocks = document.read_text(encoding="utf-8").split("```hexdump ")[1:]
        for block in blocks:
            name, _, lines = block.partition("```")[0].strip().partition("\n")
            golden = (make.HERE / f"{name}.hexdump").read_text(encoding="utf-8")
            assert f"\n{lines}\n" in f"\n{golden}", f"{document.name}: {name}"
            quoted += 1

    assert quoted
