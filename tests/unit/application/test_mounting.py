"""What is mounted for a rehearsal is what the dock would mount, and nobody vouches for it."""

import pytest

from station.application.mounting import mounted, mounted_image
from station.datastore.partitions import Datastore
from station.datastore.rom_image import RomImage
from station.datastore.volume import Volume
from station.domain.entries import APPLICATION_NAME, Kind
from station.domain.errors import DocumentRefused, ImageRefused
from station.domain.trust import Usage
from tests.fakes.trust import fake_signer
from tests.unit.datastore.made_images import (
    COMMON,
    COMMON_ENTRIES,
    REPLACEABLE,
    UPD_ENTRIES,
    Forgery,
)


def value(datastore: Datastore, key: str) -> bytes | None:
    entry = datastore.get(Kind.KV, key)
    return None if entry is None else bytes(entry.data)


def test_entries_are_mounted_as_the_volumes_of_an_image_would_be() -> None:
    for common in (COMMON_ENTRIES, Volume.open_common(COMMON)):
        datastore = mounted(common, UPD_ENTRIES, REPLACEABLE)

        assert value(datastore, "dock_name") == b"Dock 7"
        assert value(datastore, "url") == b"https://content.example/"
        assert datastore.names(Kind.CODE) == [APPLICATION_NAME]


def test_without_unique_data_there_is_the_common_content_alone() -> None:
    assert value(mounted(COMMON_ENTRIES), "dock_name") == b"none yet"


def test_unique_data_may_hide_only_what_is_replaceable() -> None:
    with pytest.raises(ImageRefused, match="not replaceable"):
        mounted(COMMON_ENTRIES, UPD_ENTRIES)


def test_an_image_is_mounted_whoever_signed_it() -> None:
    stranger = fake_signer(Usage.RELEASE, secret=bytes(32))
    image = Forgery(releaser=stranger, sealed_by=stranger).image()
    datastore = mounted_image(RomImage.parse(memoryview(image)))

    assert value(datastore, "dock_name") == b"Dock 7"


def test_an_image_with_a_damaged_volume_or_release_is_refused() -> None:
    damaged = bytearray(COMMON)
    damaged[-1] ^= 1
    with pytest.raises(ImageRefused):
        mounted_image(RomImage.parse(memoryview(Forgery(common=bytes(damaged)).image())))
    with pytest.raises(DocumentRefused):
        mounted_image(RomImage.parse(memoryview(Forgery(envelope=b"{}").image())))
