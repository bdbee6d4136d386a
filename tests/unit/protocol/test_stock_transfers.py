"""Images to stock servers and files from them: in order, whatever the line does."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.errors import LinkError, NoAnswer
from station.protocol import smp
from station.protocol.client import Connection, Pipeline
from station.protocol.errors import BadReply, DockRefused
from station.protocol.filesystem_group import (
    Digest,
    Download,
    HashProperties,
    HashTypesAnswer,
    download_payload_max,
    download_requests,
)
from station.protocol.framing import CobsDecoder, Framing, frame
from station.protocol.image_group import (
    DATA_STEP,
    BeginUpload,
    Upload,
    UploadAnswer,
    begin_upload,
    upload_requests,
)
from station.protocol.os_group import ParametersAnswer
from station.protocol.shape import OtherShape, Request, Shape
from station.protocol.smp import Message, Op
from tests.unit.protocol.memory_dock import Line, connected, converse
from tests.unit.protocol.stock_memory_dock import StockMemoryDock

IMAGE = bytes((number * 7 + number // 251) % 256 for number in range(60_000))
DIGEST = sha256(IMAGE).digest()


def read(offset: int, size: int) -> memoryview:
    found = memoryview(IMAGE)[offset : offset + size]
    assert len(found) == size
    return found


def first(message_max: int = 4_092) -> BeginUpload:
    return begin_upload(read, len(IMAGE), digest=DIGEST, message_max=message_max)


def rest(offset: int, message_max: int = 4_092) -> list[Upload]:
    return list(upload_requests(read, len(IMAGE), offset, message_max=message_max))


def upload(connection: Connection, dock: StockMemoryDock, line: Line | None = None) -> None:
    """As a station does it: the first part alone, then a window."""
    begun = Pipeline(connection, [first(connection.message_max)], deadline_s=600.0)
    (answered,) = converse(begun, dock, line)
    requests = upload_requests(
        read, len(IMAGE), answered.answer.offset, message_max=connection.message_max
    )
    for _ in converse(Pipeline(connection, requests, deadline_s=600.0), dock, line):
        pass


def message_bytes(shape: Shape) -> int:
    return len(smp.encode(Message(Op.WRITE, 1, 1, 0, shape.to_body())))


# -- cut into parts ----------------------------------------------------------------------------


@pytest.mark.parametrize("most", [256, 384, 1_024, 2_048, 4_092, 8_192])
def test_parts_fit_their_message_and_a_step_more_would_not(most: int) -> None:
    begun = first(most)
    parts = rest(len(begun.data), most)
    more = begin_upload(read, len(IMAGE), digest=DIGEST, message_max=most + DATA_STEP)

    assert message_bytes(begun) <= most
    assert all(message_bytes(each) <= most for each in parts)
    assert len(more.data) == len(begun.data) + DATA_STEP
    assert message_bytes(more) > most - DATA_STEP
    assert b"".join(bytes(each.data) for each in (begun, *parts)) == IMAGE
    assert all(len(each.data) % DATA_STEP == 0 for each in (begun, *parts[:-1]))


def test_only_the_first_part_says_what_is_to_come() -> None:
    begun = first()

    assert (begun.offset, begun.size, begun.digest) == (0, len(IMAGE), DIGEST)
    assert all(each.size is None and each.digest is None for each in rest(4_000))


def test_an_image_shorter_than_a_message_is_one_part() -> None:
    begun = begin_upload(read, 100, digest=DIGEST, message_max=4_092)

    assert len(begun.data) == 100
    assert list(upload_requests(read, 100, 100, message_max=4_092)) == []


def test_the_next_part_begins_where_the_server_says() -> None:
    assert [each.offset for each in rest(59_000, 256)] == [59_000, 59_224, 59_448, 59_672, 59_896]


# -- what an answer means ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "done"), [(1_000, False), (1_100, True), (5_000, True), (500, False)]
)
def test_a_part_is_done_once_the_server_expects_what_is_behind_it(offset: int, done: bool) -> None:
    part = Upload(1_000, bytes(100))
    answer = part.answered_by({"off": offset})

    assert part.done_by(answer) is done


@pytest.mark.parametrize("offset", [1_001, 1_099, 0])
def test_an_offset_no_part_begins_at_is_a_bad_reply(offset: int) -> None:
    with pytest.raises(BadReply):
        Upload(1_000, bytes(100)).answered_by({"off": offset})


@pytest.mark.parametrize("offset", [1, 100, 5_000, len(IMAGE)])
def test_any_offset_of_the_image_answers_the_first_part(offset: int) -> None:
    begun = first()
    answer = begun.answered_by({"off": offset})

    assert answer == UploadAnswer(offset)
    assert begun.done_by(answer)


@pytest.mark.parametrize("offset", [0, len(IMAGE) + 1])
def test_none_and_one_past_the_end_do_not(offset: int) -> None:
    with pytest.raises(BadReply):
        first().answered_by({"off": offset})


# -- the window --------------------------------------------------------------------------------


def ready(buf_count: int = 8) -> Connection:
    connection = Connection(line_rate=1e9)
    connection.learn(ParametersAnswer(1_024, buf_count))
    return connection


def sent(data: bytes) -> list[Message]:
    return [smp.decode(octets) for octets in CobsDecoder().feed(data)]


def expects(offset: int, to: Message) -> bytes:
    return frame(Framing.COBS, smp.encode(to._replace(op=Op(to.op + 1), body={"off": offset})))


def offsets(messages: list[Message]) -> list[object]:
    return [each.body["off"] for each in messages]


def opened() -> tuple[Pipeline[UploadAnswer], list[Message]]:
    """A pipeline whose first part has been answered, and the window sent then."""
    talk = Pipeline(ready(), rest(0, 1_024), deadline_s=100.0)
    (alone,) = sent(talk.to_send(0.0))
    talk.receive(expects(992, alone), 0.0)
    return talk, sent(talk.to_send(0.0))


def test_parts_go_out_in_a_window() -> None:
    _, flight = opened()

    assert offsets(flight) == [992 * number for number in range(1, 8)]


def test_what_a_server_dropped_goes_again_with_what_it_missed_in_order() -> None:
    talk, flight = opened()
    missed_the_first = b"".join(expects(992, each) for each in flight[1:])

    assert talk.receive(missed_the_first, 0.0) == []
    again = sent(talk.to_send(0.0))

    assert offsets(again) == offsets(flight)
    assert talk._connection.tally.resent == len(flight)


def test_nothing_goes_again_before_the_flight_is_empty() -> None:
    talk, flight = opened()

    talk.receive(expects(992, flight[1]), 0.0)
    early = talk.to_send(0.0)
    talk.receive(b"".join(expects(992, each) for each in flight[2:]), 0.0)
    again = sent(talk.to_send(0.0))

    assert early == b""
    assert offsets(again) == offsets(flight)


def test_an_answer_that_was_lost_is_made_up_for_by_a_later_one() -> None:
    talk, flight = opened()
    talk.receive(b"".join(expects(992 * 8, each) for each in flight[1:]), 0.0)
    again = sent(talk.to_send(0.0))
    assert offsets(again)[0] == 992

    events = talk.receive(expects(992 * 8, again[0]), 0.0)

    assert [event.request.offset for event in events if isinstance(event.request, Upload)] == [992]


def test_a_server_that_never_comes_to_it_is_given_up() -> None:
    talk = Pipeline(ready(), rest(992, 1_024), deadline_s=1e9)
    now_s = 0.0

    def stubborn() -> None:
        nonlocal now_s
        while not talk.finished:
            for message in sent(talk.to_send(now_s)):
                talk.receive(expects(992, message), now_s)
            now_s = max(now_s, talk.wake_at_s)

    with pytest.raises(NoAnswer, match="Upload in 8 tries"):
        stubborn()
    assert talk.finished


def test_an_upload_goes_through_and_goes_on_after_a_break() -> None:
    dock = StockMemoryDock(buf_size=1_024)
    connection = connected(dock)
    upload(connection, dock)
    assert dock.uploaded == IMAGE

    calls = len(dock.calls)
    del dock.uploaded[30_000:]
    upload(connection, dock)

    assert dock.uploaded == IMAGE
    assert min(each.offset for each in dock.calls[calls + 1 :] if isinstance(each, Upload)) == (
        30_000
    )


@pytest.mark.parametrize("keeps", [4, 8, 16, 32])
def test_servers_that_keep_whole_words_only_keep_every_part(keeps: int) -> None:
    dock = StockMemoryDock(buf_size=512, keeps=keeps)

    upload(connected(dock), dock)

    assert dock.uploaded == IMAGE


def test_a_server_that_keeps_less_of_a_part_is_found_out() -> None:
    dock = StockMemoryDock(buf_size=512, keeps=7)

    with pytest.raises(BadReply):
        upload(connected(dock), dock)


def test_a_server_that_has_forgotten_the_upload_is_found_out() -> None:
    dock = StockMemoryDock(buf_size=1_024)
    connection = connected(dock)
    list(converse(Pipeline(connection, [first(1_024)], deadline_s=10.0), dock))
    dock.forget()

    with pytest.raises(BadReply, match="lost the upload"):
        list(converse(Pipeline(connection, rest(928, 1_024), deadline_s=10.0), dock))


chances = st.sampled_from([0.0, 0.0, 0.01, 0.1, 0.5])
lines = st.builds(
    Line,
    seed=st.integers(0, 2**32),
    drop=chances,
    double=chances,
    flip=chances,
    cut=chances,
)
docks = st.builds(
    StockMemoryDock,
    buf_size=st.sampled_from([256, 1_024, 4_096]),
    buf_count=st.sampled_from([1, 2, 4, 8]),
)


@given(docks, lines)
def test_an_upload_ends_with_the_right_content_or_a_named_error(
    dock: StockMemoryDock, line: Line
) -> None:
    connection = connected(dock)
    try:
        upload(connection, dock, line)
    except LinkError:
        assert IMAGE.startswith(dock.uploaded)
    else:
        assert dock.uploaded == IMAGE


@pytest.mark.parametrize("seed", range(10))
def test_a_bad_line_still_gets_an_upload_through(seed: int) -> None:
    dock = StockMemoryDock(buf_size=1_024, buf_count=4)
    connection = connected(dock)

    upload(connection, dock, Line(seed=seed, drop=0.01, double=0.02, flip=0.01))

    assert dock.uploaded == IMAGE


# -- files -------------------------------------------------------------------------------------


def file(dock: StockMemoryDock, line: Line | None = None) -> bytes:
    """As a station reads it: the first piece alone tells how long pieces are."""
    connection = connected(dock)
    (begun,) = converse(Pipeline(connection, [Download(0, "/file")], deadline_s=600.0), dock, line)
    size, step = begun.answer.size, len(begun.answer.data)
    assert size is not None
    requests = download_requests("/file", size, step, step=step)
    found = {0: bytes(begun.answer.data)}
    for _, answer in converse(Pipeline(connection, requests, deadline_s=600.0), dock, line):
        found[answer.offset] = bytes(answer.data)
    return b"".join(found[offset] for offset in sorted(found))


@pytest.mark.parametrize("chunk", [1_000, 4_000, 60_000])
def test_a_file_is_read_in_the_pieces_the_server_gives(chunk: int) -> None:
    dock = StockMemoryDock(buf_size=16_384, content=IMAGE[:16_000], chunk=min(chunk, 16_000))

    assert file(dock) == IMAGE[:16_000]


@given(lines)
def test_a_file_comes_right_or_the_end_has_a_name(line: Line) -> None:
    dock = StockMemoryDock(content=IMAGE, chunk=1_000)
    try:
        found = file(dock, line)
    except LinkError:
        return

    assert found == IMAGE


def test_a_file_that_is_not_there_is_a_refusal() -> None:
    dock = StockMemoryDock()
    talk = Pipeline(connected(dock), [Download(0, "/other")], deadline_s=1.0)

    with pytest.raises(DockRefused, match="file not found"):
        list(converse(talk, dock))


@pytest.mark.parametrize("most", [256, 1_024, 4_092])
def test_a_piece_with_the_length_of_its_file_fits_its_message(most: int) -> None:
    data = bytes(download_payload_max(most))
    body: dict[str, object] = {"off": 0xFFFF_FFFF, "data": data, "len": 0xFFFF_FFFF}

    assert most - 2 <= len(smp.encode(Message(Op.READ_ANSWER, 8, 0, 0, body))) <= most


BAD_ANSWERS: list[tuple[Request[Any], dict[str, object]]] = [
    (Download(0, "/f"), {"off": 1, "data": b"", "len": 5}),
    (Download(0, "/f"), {"off": 0, "data": b"x"}),
    (Download(3, "/f"), {"off": 0, "data": b"x"}),
    (Download(0, "/f"), {"off": 0, "data": b"xxx", "len": 2}),
    (Digest("/f", "crc32"), {"type": "sha256", "len": 5, "output": bytes(32)}),
    (Digest("/f", "sha256"), {"type": "sha256", "len": 5, "output": bytes(31)}),
    (Digest("/f", "sha256"), {"type": "sha256", "len": 5, "output": 5}),
    (Digest("/f", None, 3), {"type": "crc32", "len": 5, "output": 5}),
    (Digest("/f"), {"type": "crc32", "len": 5, "output": 5, "off": 3}),
    (Digest("/f", None, 3, 4), {"type": "crc32", "len": 5, "output": 5, "off": 3}),
]


@pytest.mark.parametrize(("request_", "body"), BAD_ANSWERS)
def test_an_answer_about_something_else_is_a_bad_reply(
    request_: Request[Any], body: dict[str, object]
) -> None:
    with pytest.raises(BadReply):
        request_.answered_by(body)


def test_a_server_lists_a_bounded_number_of_digests_by_name() -> None:
    types = {f"kind-{number}": HashProperties(0, 4) for number in range(17)}
    body = {name: {"format": 0, "size": 4} for name in types}

    with pytest.raises(OtherShape):
        HashTypesAnswer(types).to_body()
    with pytest.raises(OtherShape):
        HashTypesAnswer.from_body({"types": body})
    with pytest.raises(OtherShape):
        HashTypesAnswer.from_body({"types": {5: {"format": 0, "size": 4}}})
