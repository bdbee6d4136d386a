from zlib import crc32

import pytest

from station.datastore.partitions import Datastore, PartitionName, RomPartition
from station.datastore.vendor import ImageToken, VendorApi, open_vendor_api
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.domain.entries import Entry, Kind, PictureType
from station.domain.profile import UnknownImage
from tests.golden.rom_store.make import DOT
from tests.unit.datastore.made_images import SALT
from tests.unit.datastore.test_partitions import Held

COMMON = build_common_volume(
    [
        Entry(Kind.CODE, "main.py", b"print('x')\r\n"),
        Entry(Kind.IMG, "default", DOT, PictureType.PNG),
        Entry(Kind.IMG, "old", b"BM", PictureType.BMP),
        Entry(Kind.IMG, "photo", b"\xff\xd8\xff", PictureType.JPEG),
        Entry(Kind.KV, "cacert", b"-----BEGIN\n"),
        Entry(Kind.KV, "empty", b""),
    ]
)
UPD = build_upd_volume([Entry(Kind.KV, "dock_name", "Süd 7".encode())], salt=SALT)
ROM = RomPartition(Volume.open(UPD), Volume.open(COMMON))
API = open_vendor_api(Datastore((ROM,)))


def test_key_values_are_text() -> None:
    store = API.KvStore()

    assert store.list() == ["cacert", "dock_name", "empty"]
    assert store.get("dock_name") == "Süd 7"
    assert store.get("cacert") == "-----BEGIN\n"


def test_a_missing_key_looks_like_an_empty_value() -> None:
    assert API.KvStore().get("nothing") == API.KvStore().get("empty") == ""


def test_images_are_files_with_a_constant() -> None:
    store, image = API.ImageStore(), API.image

    assert store.list() == ["default", "old", "photo"]
    assert store.get("default") == (bytearray(DOT), image.PNG)
    assert store.get("old") == (bytearray(b"BM"), image.BMP)
    assert type(store.get("default")[0]) is bytearray


def test_a_jpeg_has_no_constant() -> None:
    assert API.ImageStore().get("photo") == (bytearray(b"\xff\xd8\xff"), API.image.NONE)


def test_the_constants_differ() -> None:
    assert len({API.image.NONE, API.image.PNG, API.image.BMP}) == 3


def test_what_an_application_does_to_its_copy_stays_there() -> None:
    data, _ = API.ImageStore().get("default")
    data[:] = bytes(len(data))

    assert API.ImageStore().get("default")[0] == DOT


def test_an_unknown_image_raises_or_gives_nothing_by_profile() -> None:
    lenient = open_vendor_api(Datastore((ROM,)), UnknownImage.NONE)

    with pytest.raises(KeyError):
        API.ImageStore().get("nothing")
    with pytest.raises(KeyError):
        API.ImageStore().get_token("nothing")
    assert lenient.ImageStore().get("nothing") == (bytearray(), lenient.image.NONE)
    assert lenient.ImageStore().get_token("nothing") is None


def test_a_token_resolves_without_a_copy() -> None:
    token = API.ImageStore().get_token("default")

    assert isinstance(token, API.image.ImageToken)
    entry = API.resolve(token)
    assert entry is not None
    assert entry.picture is PictureType.PNG
    assert isinstance(entry.data, memoryview)
    assert entry.data.obj is COMMON


def test_a_token_resolves_to_what_is_there_then() -> None:
    token = API.ImageStore().get_token("default")
    runtime = Held(PartitionName.RUNTIME, (Entry(Kind.IMG, "default", b"BM", PictureType.BMP),))
    assert token is not None

    found = open_vendor_api(Datastore((runtime, ROM))).resolve(token)

    assert found == runtime.entries[0]
    assert open_vendor_api(Datastore(())).resolve(token) is None


def test_nobody_constructs_a_token() -> None:
    with pytest.raises(TypeError):
        ImageToken()


def test_info_is_the_crc_of_the_application_in_rom_byte_for_byte() -> None:
    newer = Held(PartitionName.RUNTIME, (Entry(Kind.CODE, "main.py", b"print('y')"),))
    api = open_vendor_api(Datastore((newer, ROM)))

    assert API.CodeStore().info() == {"checksum": crc32(b"print('x')\r\n")}
    assert api.CodeStore().info() == API.CodeStore().info()


def test_info_without_an_application_is_the_crc_of_nothing() -> None:
    bare = RomPartition(Volume.open(UPD), Volume.open(build_common_volume([])))

    assert open_vendor_api(Datastore((bare,))).CodeStore().info() == {"checksum": 0}
    assert open_vendor_api(Datastore(())).CodeStore().info() == {"checksum": 0}


def test_two_docks_do_not_see_each_others_data() -> None:
    other = build_upd_volume([Entry(Kind.KV, "dock_name", b"Dock 8")], salt=SALT)
    second = open_vendor_api(Datastore((RomPartition(Volume.open(other), Volume.open(COMMON)),)))

    assert second.KvStore().get("dock_name") == "Dock 8"
    assert API.KvStore().get("dock_name") == "Süd 7"


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("KvStore", {"list", "get"}),
        ("ImageStore", {"list", "get", "get_token"}),
        ("CodeStore", {"info"}),
    ],
)
def test_the_vendors_classes_have_the_vendors_members_alone(name: str, members: set[str]) -> None:
    public = {member for member in dir(getattr(API, name)) if not member.startswith("_")}

    assert public == members
    assert isinstance(API, VendorApi)
