import pytest
from hypothesis import given
from hypothesis import strategies as st
from smp import error, image_management, os_management
from smp.header import Version as PeerVersion

from station.protocol import datastore_group as store
from station.protocol import enumeration_group, filesystem_group, image_group, os_group, smp
from station.protocol.framing import Framing, decoder, frame
from station.protocol.server import Call, ServerPort
from station.protocol.smp import Body, Message, Op, Version
from tests.unit.protocol.golden_frames import GOLDEN, VALUES

SERVED = [
    request
    for group in (os_group, image_group, filesystem_group, enumeration_group, store)
    for request in group.REQUESTS
]

ALL = pytest.mark.parametrize("framing", list(Framing))


def asked(port: ServerPort, message: Message, framing: Framing = Framing.COBS) -> list[Call]:
    return list(port.receive(frame(framing, smp.encode(message))))


def said(port: ServerPort, framing: Framing = Framing.COBS) -> list[Message]:
    return [smp.decode(octets) for octets in decoder(framing).feed(port.to_send())]


@pytest.mark.parametrize("name", sorted(set(VALUES) - {"parameters"}))
@ALL
def test_every_request_arrives_and_its_answer_has_the_golden_bytes(
    name: str, framing: Framing
) -> None:
    request, answer = VALUES[name]
    port = ServerPort(SERVED)

    (call,) = port.receive(frame(framing, GOLDEN[f"{name} request"].message))
    port.answer(call, answer)

    assert call.request == request
    assert port.framing is framing
    assert port.to_send() == frame(framing, GOLDEN[f"{name} answer"].message)
    assert port.to_send() == b""


@ALL
def test_the_port_tells_its_limits_itself(framing: Framing) -> None:
    port = ServerPort([], buf_size=4096, buf_count=8)

    assert list(port.receive(frame(framing, GOLDEN["parameters request"].message))) == []
    assert port.to_send() == frame(framing, GOLDEN["parameters answer"].message)


def test_version_1_is_answered_in_version_1() -> None:
    port = ServerPort([])
    list(port.receive(GOLDEN["parameters request, version 1"].line))

    (answer,) = said(port)

    assert answer.version is Version.V1


def test_stock_messages_understand_the_answers() -> None:
    port = ServerPort(os_group.REQUESTS)
    list(port.receive(GOLDEN["parameters request"].line))
    octets = decoder(Framing.COBS).feed(port.to_send())[0]
    parameters = os_management.MCUMgrParametersReadResponse.loads(octets)
    assert (parameters.buf_size, parameters.buf_count) == (4096, 8)

    peer = image_management.ImageStatesReadRequest(sequence=9, version=PeerVersion.V2)
    list(port.receive(frame(Framing.COBS, bytes(peer))))
    octets = decoder(Framing.COBS).feed(port.to_send())[0]
    refusal = image_management.ImageManagementErrorV1.loads(octets)
    assert refusal.rc == error.MGMT_ERR.ENOTSUP


@pytest.mark.parametrize(
    ("version", "group", "reason", "body"),
    [
        (Version.V2, 64, "", {"err": {"group": 64, "rc": 9}}),
        (Version.V2, 64, "why", {"err": {"group": 64, "rc": 9}, "rsn": "why"}),
        (Version.V2, 1, "why", {"err": {"group": 1, "rc": 9}}),
        (Version.V2, None, "", {"rc": 9}),
        (Version.V1, 64, "why", {"rc": 1, "rsn": "why"}),
        (Version.V1, None, "x" * 300, {"rc": 9, "rsn": "x" * 100}),
    ],
)
def test_errors_are_spelled_as_the_clients_version_has_them(
    version: Version, group: int | None, reason: str, body: Body
) -> None:
    port = ServerPort(SERVED)
    request = Message(Op.WRITE, 64, 8, 5, {"sha256": bytes(32)}, version)
    (call,) = asked(port, request)

    port.refuse(call, 9, group=group, reason=reason)

    assert said(port) == [request._replace(op=Op.WRITE_ANSWER, body=body)]


@pytest.mark.parametrize(
    ("message", "rc"),
    [
        (Message(Op.READ, 64, 200, 1, {}), 8),
        (Message(Op.WRITE, 64, 0, 1, {}), 8),
        (Message(Op.READ, 2, 0, 1, {}), 8),
        (Message(Op.WRITE, 64, 6, 1, {"off": 1}), 3),
        (Message(Op.WRITE, 64, 6, 1, {"off": -1, "data": b""}), 3),
        (Message(Op.READ, 64, 0, 1, {"what": 1}), 3),
    ],
)
def test_what_is_not_served_or_has_another_shape_is_refused(message: Message, rc: int) -> None:
    port = ServerPort(SERVED)

    assert asked(port, message) == []
    (answer,) = said(port)
    assert answer.body["rc"] == rc
    assert (answer.op, answer.sequence) == (message.op + 1, 1)


def test_an_answer_longer_than_the_buffer_is_refused_as_too_large() -> None:
    port = ServerPort(SERVED, buf_size=256)
    read = Message(Op.READ, 64, 9, 1, {"slot": "active", "off": 70_000, "len": 300})
    for length, fits in ((230, True), (231, True), (232, False)):
        (call,) = asked(port, read)
        port.answer(call, store.ReadAnswer(70_000, bytes(length)))
        (answer,) = said(port)
        assert ("data" in answer.body) is fits
        assert fits or answer.body == {"rc": 7}


def test_a_request_longer_than_the_buffer_is_damage() -> None:
    port = ServerPort(SERVED, buf_size=256)

    assert asked(port, Message(Op.WRITE, 64, 6, 1, {"off": 0, "data": bytes(600)})) == []
    assert port.damaged == 1
    assert len(asked(port, Message(Op.READ, 64, 0, 1, {}))) == 1


def test_answers_and_broken_messages_are_counted_and_not_answered() -> None:
    port = ServerPort(SERVED)
    asked(port, Message(Op.WRITE_ANSWER, 64, 6, 1, {}))
    list(port.receive(frame(Framing.COBS, b"\x08\x00\x00\x01\x00\x00\x00\x06\xff")))

    assert port.malformed == 2
    assert port.to_send() == b""


def test_a_reset_owes_nothing() -> None:
    port = ServerPort(SERVED)
    list(port.receive(GOLDEN["parameters request"].line))
    port.reset()

    assert port.to_send() == b""
    assert port.framing is None


@given(st.lists(st.binary(max_size=300), max_size=5), st.booleans())
def test_any_bytes_leave_a_server_that_answers(noise: list[bytes], framed: bool) -> None:
    port = ServerPort(SERVED)
    for each in noise:
        for call in port.receive(frame(Framing.COBS, each) if framed else each):
            port.refuse(call, 1)
    port.to_send()

    list(port.receive(b"\0" + GOLDEN["parameters request"].line))
    if port.framing is not Framing.RAW:
        assert port.to_send() == GOLDEN["parameters answer"].line
