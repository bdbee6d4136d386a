"""Shapes of both groups: strict in what they take, exact in what they fill."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.protocol import datastore_group as store
from station.protocol import smp
from station.protocol.datastore_group import Listed, NamesAnswer, ScreenForm, Slot
from station.protocol.errors import BadReply
from station.protocol.shape import OtherShape, Request, Shape
from station.protocol.smp import Message, Op
from tests.unit.protocol.golden_frames import VALUES

BODIES = {
    f"{name} {side}": value
    for name, pair in VALUES.items()
    for side, value in zip(("request", "answer"), pair, strict=True)
}

each_body = pytest.mark.parametrize("value", BODIES.values(), ids=BODIES)


@each_body
def test_a_body_comes_back_as_it_went(value: Shape) -> None:
    assert type(value).from_body(value.to_body()) == value


@each_body
def test_a_key_too_many_is_refused_where_we_specify(value: Shape) -> None:
    body = {**value.to_body(), "nobody": 1}
    if type(value).OPEN:
        assert type(value).from_body(body) == value
    elif isinstance(value, Request) and value.GROUP == 0:
        with pytest.raises(OtherShape):
            type(value).from_body(body)
    else:
        with pytest.raises(OtherShape, match="nobody asked for"):
            type(value).from_body(body)


@each_body
def test_a_key_missing_is_refused_unless_it_has_a_default(value: Shape) -> None:
    body = value.to_body()
    for key in body:
        less = {name: item for name, item in body.items() if name != key}
        try:
            again = type(value).from_body(less)
        except OtherShape as error:
            assert repr(key) in str(error)
        else:
            assert set(again.to_body()) >= set(less)


@each_body
@pytest.mark.parametrize(
    "wrong", [None, -1, 2**32, 1.0, "\0", "x" * 20_000, b"x" * 20_000, [[]], {"x": 1}, [1] * 5_000]
)
def test_a_value_out_of_bounds_is_refused(value: Shape, wrong: object) -> None:
    body = value.to_body()
    for key in body:
        with pytest.raises(OtherShape, match=key):
            type(value).from_body({**body, key: wrong})


def test_true_is_no_number_and_one_is_not_true() -> None:
    with pytest.raises(OtherShape):
        store.Begin.from_body({"size": True})
    with pytest.raises(OtherShape):
        store.CommitAnswer.from_body({"accepted": 1})


def test_what_is_out_of_bounds_is_not_sent_either() -> None:
    wrong: list[Shape] = [
        store.Begin(-1),
        store.Write(0, bytes(store.DATA_BYTES_MAX + 1)),
        store.Copy(0, 1, (b"",) * 1),
        store.Copy(0, 1, (bytes(32),) * (store.DIGESTS_MAX + 1)),
        store.Names(Listed.IMAGE, "x" * 1025),
        store.Names(Listed.IMAGE, "\ud800"),
        store.Entry(Listed.IMAGE, ""),
    ]
    for each in wrong:
        with pytest.raises(OtherShape):
            each.to_body()


@pytest.mark.parametrize(("key", "value"), [("label", "-x"), ("label", "a b"), ("id", bytes(31))])
def test_an_identity_has_an_id_and_a_serial(key: str, value: object) -> None:
    body = {**VALUES["identify"][1].to_body(), key: value}
    with pytest.raises(OtherShape):
        store.Identity.from_body(body)


def test_a_nested_map_must_be_one() -> None:
    with pytest.raises(OtherShape, match="active"):
        store.SlotStateAnswer.from_body({"active": 1})


# -- answers about something else --------------------------------------------------------------

MISMATCHES: list[tuple[Request[Any], dict[str, object]]] = [
    (store.BlockDigests(Slot.ACTIVE, 0, 100, 64), {"off": 64, "digests": [bytes(32)] * 2}),
    (store.BlockDigests(Slot.ACTIVE, 0, 100, 64), {"off": 0, "digests": [bytes(32)]}),
    (store.BlockDigests(Slot.ACTIVE, 0, 100, 0), {"off": 0, "digests": [bytes(32)]}),
    (store.Copy(0, 64, (bytes(32),)), {"off": 64, "held": [True]}),
    (store.Copy(0, 64, (bytes(32),)), {"off": 0, "held": []}),
    (store.Read(Slot.ACTIVE, 0, 4), {"off": 4, "data": bytes(4)}),
    (store.Read(Slot.ACTIVE, 0, 4), {"off": 0, "data": bytes(3)}),
    (store.Write(4, b"x"), {"off": 5}),
    (store.Names(Listed.IMAGE, "b"), {"names": ["a"], "more": False}),
    (store.Names(Listed.IMAGE, "b"), {"names": ["b"], "more": False}),
    (store.Names(Listed.IMAGE), {"names": ["b", "a"], "more": False}),
    (store.Names(Listed.IMAGE), {"names": [], "more": True}),
    (
        store.Entry(Listed.IMAGE, "a", 0, 5),
        {"size": 9, "sha256": bytes(32), "off": 1, "data": bytes(5)},
    ),
    (
        store.Entry(Listed.IMAGE, "a", 0, 5),
        {"size": 9, "sha256": bytes(32), "off": 0, "data": bytes(4)},
    ),
    (
        store.Entry(Listed.IMAGE, "a", 7, 5),
        {"size": 9, "sha256": bytes(32), "off": 7, "data": bytes(5)},
    ),
    (
        store.Screen(ScreenForm.PNG, 7, 5),
        {"size": 9, "sha256": bytes(32), "off": 0, "data": bytes(2)},
    ),
    (
        store.Screen(ScreenForm.PNG, 7, 5),
        {"size": 9, "sha256": bytes(32), "off": 7, "data": bytes(5)},
    ),
    (VALUES["echo"][0], {"r": "ho"}),
]


@pytest.mark.parametrize(("request_", "body"), MISMATCHES)
def test_an_answer_about_something_else_is_a_bad_reply(
    request_: Request[Any], body: dict[str, object]
) -> None:
    with pytest.raises(BadReply):
        request_.answered_by(body)


def test_the_last_page_of_an_entry_is_short_and_beyond_it_is_nothing() -> None:
    body: dict[str, object] = {"size": 9, "sha256": bytes(32), "off": 7, "data": bytes(2)}
    assert store.Entry(Listed.IMAGE, "a", 7, 5).answered_by(body).data == bytes(2)
    body = {"size": 9, "sha256": bytes(32), "off": 20, "data": b""}
    assert store.Entry(Listed.IMAGE, "a", 20, 5).answered_by(body).data == b""


# -- as much as a message takes ----------------------------------------------------------------


def message_size(shape: Shape) -> int:
    return len(smp.encode(Message(Op.READ, 64, 0, 0, shape.to_body())))


@pytest.mark.parametrize("most", [256, 384, 1024, 4092, 9000])
def test_pages_fit_their_message_and_one_item_more_would_not(most: int) -> None:
    far = 0xFFFF_FFFF
    digests = (bytes(32),) * store.digests_max(most)
    answer = store.BlockDigestsAnswer(far, digests)
    assert message_size(store.Copy(far, far, digests)) <= most
    assert message_size(answer) <= most
    assert message_size(store.Copy(far, far, (*digests, bytes(32)))) > most

    data = bytes(store.entry_payload_max(most))
    assert message_size(store.EntryAnswer(far, bytes(32), far, data, "x" * 16)) <= most
    assert message_size(store.EntryAnswer(far, bytes(32), far, data + b"xx", "x" * 16)) > most

    data = bytes(store.range_payload_max(most))
    assert message_size(store.Write(far, data)) <= most
    assert message_size(store.Write(far, data + b"xx")) > most


@given(
    st.sets(
        st.text(min_size=1, max_size=60).filter(
            lambda name: "\0" not in name and name.isprintable()
        )
    ),
    st.integers(256, 1024),
)
def test_names_come_page_by_page_and_all(names: set[str], most: int) -> None:
    wanted = sorted(names)
    found: list[str] = []
    while True:
        request = store.Names(Listed.KEY_VALUE, found[-1] if found else "")
        page = NamesAnswer.page(wanted, request.after, most)
        assert message_size(page) <= most
        answer = request.answered_by(page.to_body())
        found += answer.names
        if not answer.more:
            break

    assert found == wanted


@pytest.mark.parametrize("length", [0, 1, 230, 231, 65_536, 100_001])
def test_ranges_are_covered_once_and_in_order(length: int) -> None:
    content = bytes(number % 251 for number in range(length))
    written = list(store.write_requests(5, content, message_max=256))
    reads = list(store.read_requests(Slot.OTHER, 5, length, message_max=256))

    assert b"".join(bytes(each.data) for each in written) == content
    assert [each.offset for each in written] == [each.offset for each in reads]
    assert [len(each.data) for each in written] == [each.length for each in reads]


def test_digests_are_asked_for_and_offered_block_by_block() -> None:
    asked = list(store.digest_requests(Slot.OTHER, 4096, 13_000_000, 65_536, message_max=4092))
    digests = [bytes([number]) * 32 for number in range(199)]
    offered = list(store.copy_requests(4096, digests, 65_536, message_max=4092))

    assert sum(each.blocks() for each in asked) == 199
    assert [each.offset for each in asked] == [each.offset for each in offered]
    assert [digest for each in offered for digest in each.digests] == digests
    assert asked[-1].offset + asked[-1].length == 4096 + 13_000_000


@pytest.mark.parametrize("name", VALUES)
def test_the_size_guessed_of_an_answer_is_enough(name: str) -> None:
    request, answer = VALUES[name]

    assert message_size(answer) <= request.answer_bytes() <= 4096 + message_size(answer)
