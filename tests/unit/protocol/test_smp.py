import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.protocol import smp
from station.protocol.smp import Malformed, Message, Op, Refusal, Version
from tests.unit.protocol.golden_frames import GOLDEN, VALUES, Golden

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.text(max_size=20)
    | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def with_body(body: bytes) -> bytes:
    return bytes([0x09, 0, len(body) >> 8, len(body) & 0xFF, 0, 64, 1, 0]) + body


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN)
def test_golden_messages_are_read_and_made_byte_for_byte(golden: Golden) -> None:
    assert smp.encode(smp.decode(golden.message)) == golden.message


@pytest.mark.parametrize("name", VALUES)
def test_golden_messages_carry_what_their_name_says(name: str) -> None:
    request, answer = VALUES[name]
    asked = smp.decode(GOLDEN[f"{name} request"].message)
    answered = smp.decode(GOLDEN[f"{name} answer"].message)

    assert asked[:3] == (request.OP, request.GROUP, request.COMMAND)
    assert answered[:3] == (request.OP + 1, request.GROUP, request.COMMAND)
    assert asked.sequence == answered.sequence
    assert type(request).from_body(asked.body) == request
    assert request.answered_by(answered.body) == answer


@given(
    st.sampled_from(Op),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFF),
    st.integers(0, 0xFF),
    st.dictionaries(st.text(max_size=8), st.integers(0, 2**32) | st.binary(max_size=300)),
    st.sampled_from(Version),
)
def test_what_is_encoded_is_decoded(
    op: Op, group: int, command: int, sequence: int, body: dict[str, object], version: Version
) -> None:
    message = Message(op, group, command, sequence, body, version)

    assert smp.decode(smp.encode(message)) == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    for octets in (data, with_body(data)):
        try:
            message = smp.decode(octets)
        except Malformed:
            continue
        assert all(type(key) is str for key in message.body)


@given(values)
def test_only_a_map_with_text_keys_is_a_body(value: object) -> None:
    data = with_body(cbor2.dumps(value))
    if isinstance(value, dict) and depth(value) <= smp.DEPTH_MAX:
        assert smp.decode(data).body == value
    else:
        with pytest.raises(Malformed):
            smp.decode(data)


def depth(value: object) -> int:
    match value:
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case list():
            return 1 + max(map(depth, value), default=0)
    return 0


@pytest.mark.parametrize(
    "body",
    [
        "",  # nothing
        "80",  # a list
        "a1616100616101",  # cut: one pair promised, more follow, is a map; see below
        "a2616100616101",  # a key twice
        "a100f6",  # a number for a key
        "a1416100",  # bytes for a key
        "a161615b7fffffffffffffff",  # more bytes than there are
        "a161619b7fffffffffffffff",  # more items than there are
        "a16161818181818181818100",  # too deep
        "a16161",  # no value
        "a16161ff",  # a break that ends nothing
        "a161617f6161",  # an open text
    ],
)
def test_other_bodies_are_malformed(body: str) -> None:
    if body == "a1616100616101":
        assert smp.decode(with_body(bytes.fromhex(body))).body == {"a": 0}
        return
    with pytest.raises(Malformed):
        smp.decode(with_body(bytes.fromhex(body)))


def test_maps_of_open_length_are_read_as_zephyr_writes_them() -> None:
    assert smp.decode(with_body(bytes.fromhex("bf62726300ff"))).body == {"rc": 0}


def test_no_tag_is_accepted() -> None:
    tags = [*range(70_000), 2**32, 2**64 - 1]
    for tag in tags:
        data = bytearray(cbor2.dumps(cbor2.CBORTag(tag, 0)))
        with pytest.raises(Malformed):
            smp.decode(with_body(b"\xa1\x61a" + bytes(data)))


def test_references_that_unfold_are_refused_unread() -> None:
    # d81c: shareable; d81d: a reference to it (cbor2 follows them unless told otherwise)
    bomb = bytes.fromhex("a16161" + "d81c82" + "d81d00" * 2)

    with pytest.raises(Malformed):
        smp.decode(with_body(bomb))


@pytest.mark.parametrize("size", range(8))
def test_less_than_a_header_is_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        smp.decode(GOLDEN["echo request"].message[:size])


def test_another_length_than_the_header_says_is_malformed() -> None:
    whole = GOLDEN["echo request"].message
    for data in (whole + b"\0", whole[:-1]):
        with pytest.raises(Malformed):
            smp.decode(data)


@pytest.mark.parametrize("first", range(256))
def test_operation_and_version_are_checked_and_reserved_bits_ignored(first: int) -> None:
    data = bytes([first, 0xFF]) + GOLDEN["echo request"].message[2:]
    if first & 7 <= 3 and first >> 3 & 3 <= 1:
        message = smp.decode(data)
        assert (message.op, message.version) == (first & 7, first >> 3 & 3)
    else:
        with pytest.raises(Malformed):
            smp.decode(data)


def test_a_body_takes_65535_bytes_and_no_more() -> None:
    most = {"d": b"\0" * (0xFFFF - 6)}
    assert len(smp.encode(Message(Op.READ, 0, 0, 0, most))) == 8 + 0xFFFF
    with pytest.raises(ValueError, match="at most"):
        smp.encode(Message(Op.READ, 0, 0, 0, {"d": b"\0" * (0xFFFF - 5)}))


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, None),
        ({"off": 1}, None),
        ({"rc": 0}, None),
        ({"err": {"group": 64, "rc": 0}}, None),
        ({"rc": 2}, Refusal(None, 2, "")),
        ({"rc": 1, "rsn": "why"}, Refusal(None, 1, "why")),
        ({"rc": 1, "rsn": 7}, Refusal(None, 1, "")),
        ({"rc": 1, "rsn": "x" * 500}, Refusal(None, 1, "x" * 200)),
        ({"err": {"group": 64, "rc": 9}}, Refusal(64, 9, "")),
        ({"err": {"group": 64, "rc": 9, "more": 1}, "rsn": "why"}, Refusal(64, 9, "why")),
    ],
)
def test_refusals_of_both_versions_are_understood(body: smp.Body, refusal: Refusal | None) -> None:
    assert smp.refusal(body) == refusal


@pytest.mark.parametrize(
    "body",
    [{"rc": "2"}, {"rc": True}, {"rc": None}, {"err": 2}, {"err": {}}, {"err": {"group": 64}}],
)
def test_a_refusal_of_another_shape_is_malformed(body: smp.Body) -> None:
    with pytest.raises(Malformed):
        smp.refusal(body)
