"""Modules `datastore` and `image` (dock-sdk.md, 2.1): one implementation for all of the project."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.application.mounting import mounted
from station.datastore.vendor import open_vendor_api
from station.domain.entries import Entry, Kind, PictureType
from station.domain.profile import UnknownImage
from station.rehearsal.sdk.modules import dock_modules
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, value

CODE = Entry(Kind.CODE, "main.py", b"pass\r\n")
IMAGES = (
    Entry(Kind.IMG, "b", b"octets", PictureType.PNG),
    Entry(Kind.IMG, "a", b"BM", PictureType.BMP),
    Entry(Kind.IMG, "photo", b"\xff\xd8\xff", PictureType.JPEG),
)
HELD = (CODE, *IMAGES, value("name", "Süd 7"), value("empty", ""))


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine(entries=HELD)


def test_2_1_a_value_is_text(machine: FakeMachine) -> None:
    assert module("datastore", machine).KvStore().get("name") == "Süd 7"


def test_2_1_a_missing_key_gives_the_empty_string(machine: FakeMachine) -> None:
    store = module("datastore", machine).KvStore()

    assert store.get("nothing") == store.get("empty") == ""
    assert store.list() == ["empty", "name"]


def test_2_1_an_image_is_a_bytearray_and_a_constant(machine: FakeMachine) -> None:
    image, store = module("image", machine), module("datastore", machine).ImageStore()
    content, kind = store.get("b")

    assert (type(content), content, kind) == (bytearray, b"octets", image.PNG)
    assert store.get("a")[1] == image.BMP
    assert store.get("photo")[1] == image.NONE
    assert store.list() == ["a", "b", "photo"]


def test_2_1_the_checksum_is_that_of_the_application_in_rom(machine: FakeMachine) -> None:
    assert module("datastore", machine).CodeStore().info() == {"checksum": crc32(b"pass\r\n")}
    assert module("datastore").CodeStore().info() == {"checksum": 0}


def test_2_1_a_token_is_made_without_its_content(machine: FakeMachine) -> None:
    modules = dock_modules(machine)
    token = modules["datastore"].ImageStore().get_token("photo")

    assert isinstance(token, modules["image"].ImageToken)
    assert machine.fetched == []


def test_2_1_nobody_constructs_a_token() -> None:
    with pytest.raises(TypeError):
        module("image").ImageToken()


def test_q3_an_unknown_tag_raises(machine: FakeMachine) -> None:
    store = module("datastore", machine).ImageStore()

    for asked in (store.get, store.get_token):
        with pytest.raises(KeyError) as raised:
            asked("nothing")
        assert raised.value.args == ("nothing",)


def test_q3_or_gives_nothing_where_the_profile_says_so() -> None:
    modules = dock_modules(FakeMachine(entries=HELD, unknown_image=UnknownImage.NONE))
    store = modules["datastore"].ImageStore()

    assert store.get("nothing") == (bytearray(), modules["image"].NONE)
    assert store.get_token("nothing") is None


@pytest.mark.parametrize("odd", [None, 5, b"name", ["name"]])
def test_2_1_what_is_no_name_is_a_type_error(machine: FakeMachine, odd: object) -> None:
    datastore = module("datastore", machine)

    for asked in (datastore.KvStore().get, datastore.ImageStore().get):
        with pytest.raises(TypeError):
            asked(odd)
    with pytest.raises(TypeError):
        datastore.ImageStore().get_token(odd)


def test_2_1_what_was_asked_for_is_told_and_no_value(machine: FakeMachine) -> None:
    datastore = module("datastore", machine)
    datastore.KvStore().list()
    datastore.KvStore().get("name")
    datastore.ImageStore().list()
    datastore.ImageStore().get("b")
    datastore.ImageStore().get_token("a")
    datastore.CodeStore().info()

    assert machine.calls == [
        ("datastore.KvStore.list", ""),
        ("datastore.KvStore.get", "name"),
        ("datastore.ImageStore.list", ""),
        ("datastore.ImageStore.get", "b"),
        ("datastore.ImageStore.get_token", "a"),
        ("datastore.CodeStore.info", ""),
    ]


letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
names = st.text(letters, min_size=1, max_size=20)
values = st.dictionaries(names, st.text(letters, max_size=20), max_size=5)
pictures = st.dictionaries(
    names, st.tuples(st.binary(max_size=20), st.sampled_from(PictureType)), max_size=5
)


@given(values, pictures, st.sampled_from(UnknownImage), st.lists(names, max_size=3))
def test_2_1_an_application_sees_what_the_verification_of_a_readback_sees(
    texts: dict[str, str],
    images: dict[str, tuple[bytes, PictureType]],
    unknown: UnknownImage,
    others: list[str],
) -> None:
    entries = [
        *(Entry(Kind.KV, name, text.encode()) for name, text in texts.items()),
        *(Entry(Kind.IMG, name, data, kind) for name, (data, kind) in images.items()),
        CODE,
    ]
    reference = open_vendor_api(mounted(entries), unknown)
    rehearsed = module("datastore", FakeMachine(entries=entries, unknown_image=unknown))

    def outcome(asked: object, name: str) -> object:
        try:
            return asked(name)  # type: ignore[operator]
        except KeyError as error:
            return error.args

    assert rehearsed.KvStore().list() == reference.KvStore().list()
    assert rehearsed.ImageStore().list() == reference.ImageStore().list()
    assert rehearsed.CodeStore().info() == reference.CodeStore().info()
    for name in {*texts, *images, *others}:
        assert rehearsed.KvStore().get(name) == reference.KvStore().get(name)
        ours, theirs = rehearsed.ImageStore(), reference.ImageStore()
        assert outcome(ours.get, name) == outcome(theirs.get, name)
        assert type(outcome(ours.get_token, name)) is type(outcome(theirs.get_token, name))
