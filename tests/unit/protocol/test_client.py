from collections.abc import Callable, Iterator
from typing import Any

import pytest

from station.domain.errors import LinkError, NoAnswer, NoDock, TooSlow
from station.protocol import client, smp
from station.protocol import datastore_group as store
from station.protocol.client import NOISE_BASE, NOISE_SHARE, Connection, Pipeline
from station.protocol.datastore_group import Read, Slot, Write, read_requests, write_requests
from station.protocol.errors import BadReply, DockRefused
from station.protocol.framing import CobsDecoder, Framing, frame
from station.protocol.os_group import Echo, EchoAnswer, Parameters, ParametersAnswer
from station.protocol.smp import Body, Message, Op
from tests.unit.protocol.memory_dock import Line, MemoryDock, connected, converse

CONTENT = bytes(range(256)) * 1000


def ready(*, buf_count: int = 8, buf_size: int = 4096) -> Connection:
    connection = Connection(line_rate=1e9)
    connection.learn(ParametersAnswer(buf_size, buf_count))
    return connection


def writes(count: int) -> Iterator[Write]:
    return (Write(number * 100, b"x" * 100) for number in range(count))


def only(data: bytes) -> Message:
    (message,) = sent(data)
    return message


def sent(data: bytes) -> list[Message]:
    return [smp.decode(octets) for octets in CobsDecoder().feed(data)]


def reply(to: Message, body: Body | None = None, **other: Any) -> bytes:
    """A frame that answers `to`; a write with its own offset unless told otherwise."""
    if body is None:
        body = {"off": to.body["off"]}
    message = to._replace(op=Op(to.op + 1), body=body)._replace(**other)
    return frame(Framing.COBS, smp.encode(message))


# -- a single request --------------------------------------------------------------------------


def test_a_single_request_is_a_window_of_one() -> None:
    dock = MemoryDock(0)
    connection = Connection()

    (event,) = converse(Pipeline(connection, [Echo("hi")], deadline_s=1.0), dock)

    assert event == (Echo("hi"), EchoAnswer("hi"))
    assert connection.heard


def test_no_requests_are_finished_at_once() -> None:
    talk: Pipeline[EchoAnswer] = Pipeline(Connection(), [], deadline_s=1.0)

    assert talk.finished


def test_the_first_bytes_end_what_others_left_half_said() -> None:
    connection = Connection()
    talk = Pipeline(connection, [Echo("a"), Echo("b")], deadline_s=1.0)

    first = talk.to_send(0.0)
    talk.receive(reply(only(first), body={"r": "a"}), 0.0)
    second = talk.to_send(0.0)

    assert first.startswith(b"\0")
    assert not second.startswith(b"\0")


def test_before_the_parameters_are_known_requests_are_small_and_single() -> None:
    connection = Connection()
    assert (connection.message_max, connection.window_max) == (256, 1)

    talk = Pipeline(connection, [Write(0, b"x" * 300)], deadline_s=1.0)
    with pytest.raises(ValueError, match="fit"):
        talk.to_send(0.0)


@pytest.mark.parametrize(
    ("buf_size", "buf_count", "message_max", "window"),
    [(4096, 8, 4092, 7), (384, 4, 384, 3), (8192, 1, 4092, 1), (256, 200, 256, 64)],
)
def test_the_servers_limits_are_obeyed(
    buf_size: int, buf_count: int, message_max: int, window: int
) -> None:
    connection = ready(buf_count=buf_count, buf_size=buf_size)

    assert (connection.message_max, connection.window_max) == (message_max, window)


@pytest.mark.parametrize(("buf_size", "buf_count"), [(255, 8), (4096, 0), (0, 0)])
def test_limits_nobody_can_work_in_are_refused(buf_size: int, buf_count: int) -> None:
    with pytest.raises(BadReply):
        Connection().learn(ParametersAnswer(buf_size, buf_count))


@pytest.mark.parametrize("buf_size", [256, 384, 1024, 4092, 4096, 8192])
def test_full_writes_and_reads_fill_a_message_exactly(buf_size: int) -> None:
    connection = ready(buf_size=buf_size)
    most = connection.message_max
    payload = store.range_payload_max(most)
    write = next(write_requests(70_000, CONTENT, message_max=most))
    read = next(read_requests(Slot.OTHER, 70_000, 100_000, message_max=most))
    answer = store.ReadAnswer(70_000, CONTENT[: read.length])

    sizes = [
        len(smp.encode(Message(Op.READ, 64, 0, 0, body.to_body()))) for body in (write, answer)
    ]

    assert (len(write.data), read.length) == (payload, payload)
    assert sizes == ([most, most] if payload > 255 else [most - 1, most - 1])


# -- the window --------------------------------------------------------------------------------


def test_stop_and_wait_until_the_first_answer_then_a_full_window() -> None:
    talk = Pipeline(ready(), writes(20), deadline_s=1.0)

    (first,) = sent(talk.to_send(0.0))
    assert talk.to_send(0.0) == b""
    talk.receive(reply(first), 0.0)

    assert len(sent(talk.to_send(0.0))) == 7


@pytest.mark.parametrize(
    ("buf_count", "wanted", "window"),
    [(8, 3, 3), (8, 99, 7), (8, 0, 1), (1, None, 1), (2, None, 1)],
)
def test_a_window_is_at_most_the_servers(buf_count: int, wanted: int | None, window: int) -> None:
    talk = Pipeline(ready(buf_count=buf_count), writes(20), deadline_s=1.0, window=wanted)
    talk.receive(reply(only(talk.to_send(0.0))), 0.0)

    assert len(sent(talk.to_send(0.0))) == window


def opened(count: int = 40, *, buf_count: int = 8) -> tuple[Pipeline[Any], list[Message]]:
    """A pipeline with a full window in flight."""
    talk: Pipeline[Any] = Pipeline(ready(buf_count=buf_count), writes(count), deadline_s=100.0)
    talk.receive(reply(only(talk.to_send(0.0))), 0.0)
    return talk, sent(talk.to_send(0.0))


def test_each_answer_makes_room_for_one_request() -> None:
    talk, flight = opened()

    for expected, message in enumerate(flight, start=8):
        talk.receive(reply(message), 0.0)
        (following,) = sent(talk.to_send(0.0))
        assert following.body["off"] == expected * 100


def test_no_memory_halves_the_window_down_to_stop_and_wait() -> None:
    talk, flight = opened()
    now_s, widths = 0.0, []
    for _ in range(3):
        talk.receive(b"".join(reply(message, {"rc": 2}) for message in flight), now_s)
        assert talk.to_send(now_s) == b""  # the server is left alone for a while
        now_s = talk.wake_at_s
        flight = sent(talk.to_send(now_s))
        widths.append(len(flight))

    assert widths == [3, 1, 1]
    talk.receive(reply(flight[0]), now_s)
    assert len(sent(talk.to_send(now_s))) == 1


def test_nothing_is_sent_again_before_the_flight_is_empty() -> None:
    talk, flight = opened()
    talk.receive(reply(flight[0], {"rc": 2}), 0.0)

    for message in flight[1:]:
        assert talk.to_send(0.2) == b""
        talk.receive(reply(message), 0.2)
    again = sent(talk.to_send(0.2))

    assert [message.body["off"] for message in again] == [flight[0].body["off"], 800, 900]


def test_no_memory_in_version_2_words_of_a_group_is_another_thing() -> None:
    talk, flight = opened()

    with pytest.raises(DockRefused) as caught:
        talk.receive(reply(flight[0], {"err": {"group": 64, "rc": 2}}), 0.0)

    assert (caught.value.group, caught.value.rc) == (64, 2)
    assert "bad range" in caught.value.cause


def test_what_was_passed_over_three_times_is_sent_again_at_once() -> None:
    talk, flight = opened()
    for message in flight[1:3]:
        talk.receive(reply(message), 0.0)
    assert [message.body["off"] for message in sent(talk.to_send(0.0))] == [800, 900]
    talk.receive(reply(flight[3]), 0.0)

    again = sent(talk.to_send(0.0))

    assert [message.body["off"] for message in again] == [flight[0].body["off"], 1000]
    assert again[0].sequence not in {message.sequence for message in flight}


def test_the_answer_to_an_earlier_try_is_dropped_and_counted() -> None:
    connection = ready()
    talk = Pipeline(connection, writes(1), deadline_s=100.0)
    (first,) = sent(talk.to_send(0.0))
    (second,) = sent(talk.to_send(talk.wake_at_s))

    assert talk.receive(reply(first), 1.0) == []
    assert connection.tally.stray == 1
    assert len(talk.receive(reply(second), 1.0)) == 1
    assert talk.receive(reply(second), 1.0) == []
    assert talk.finished


def test_silence_halves_the_window_and_sends_all_again_with_doubled_patience() -> None:
    talk, flight = opened()
    waits, now_s, again = [], 0.0, b""
    for _ in range(3):
        waits.append(talk.wake_at_s - now_s)
        assert talk.to_send(talk.wake_at_s - 0.001) == b""
        now_s = talk.wake_at_s
        again = talk.to_send(now_s)
        assert again.startswith(b"\0")  # ends a frame that was cut short

    assert waits == pytest.approx([0.3, 0.6, 1.2], abs=0.001)
    assert sent(again)[0].body == flight[0].body


def test_an_answer_restarts_the_patience_but_a_stray_message_does_not() -> None:
    talk, flight = opened()
    before = talk.wake_at_s

    talk.receive(reply(flight[0], group=1), 0.2)
    assert talk.wake_at_s == before
    talk.receive(reply(flight[0]), 0.2)
    assert talk.wake_at_s == pytest.approx(0.5, abs=0.001)


def test_patience_grows_with_what_the_line_has_to_carry() -> None:
    connection = Connection(line_rate=11_520)
    connection.learn(ParametersAnswer(4096, 8))
    reads = read_requests(Slot.OTHER, 0, 100_000, message_max=connection.message_max)
    talk = Pipeline(connection, reads, deadline_s=100.0)
    talk.to_send(0.0)

    # 4,092 bytes at 11,520 bytes per second take 355 ms
    assert talk.wake_at_s == pytest.approx(0.3 + 0.36, abs=0.01)


def test_slow_commands_have_more_patience() -> None:
    talk = Pipeline(ready(), [store.Begin(1)], deadline_s=100.0)
    talk.to_send(0.0)

    assert talk.wake_at_s == pytest.approx(10.0, abs=0.01)


def test_one_lost_frame_does_not_narrow_the_window() -> None:
    talk: Pipeline[Any] = Pipeline(ready(), writes(20), deadline_s=100.0)
    talk.to_send(0.0)
    again = only(talk.to_send(talk.wake_at_s))
    talk.receive(reply(again), 1.0)

    assert len(sent(talk.to_send(1.0))) == 7


def test_the_first_sequence_number_is_given() -> None:
    talk = Pipeline(Connection(first_sequence=255), [Echo("a"), Echo("b")], deadline_s=1.0)
    first = only(talk.to_send(0.0))
    talk.receive(reply(first, {"r": "a"}), 0.0)

    assert (first.sequence, only(talk.to_send(0.0)).sequence) == (255, 0)


def test_sequence_numbers_run_on_and_skip_those_in_flight() -> None:
    connection = ready()
    used = []
    for _ in range(3):
        talk = Pipeline(connection, writes(100), deadline_s=1.0)
        while not talk.finished:
            for message in sent(talk.to_send(0.0)):
                used.append(message.sequence)
                talk.receive(reply(message), 0.0)

    assert used == [number % 256 for number in range(300)]

    talk = Pipeline(connection, writes(300), deadline_s=1e9)
    (kept,) = sent(talk.to_send(0.0))
    talk.receive(reply(kept), 0.0)
    kept = sent(talk.to_send(0.0))[0]
    connection._sequence = kept.sequence
    talk.receive(b"", 0.0)
    talk.receive(reply(kept._replace(sequence=(kept.sequence + 1) % 256), {"off": 200}), 0.0)
    assert kept.sequence not in {message.sequence for message in sent(talk.to_send(0.0))}


def test_requests_are_drawn_lazily() -> None:
    drawn = []

    def source() -> Iterator[Write]:
        for write in writes(1000):
            drawn.append(write)
            yield write

    talk = Pipeline(ready(), source(), deadline_s=1.0)
    talk.receive(reply(only(talk.to_send(0.0))), 0.0)
    talk.to_send(0.0)

    assert len(drawn) == 9  # one answered, seven in flight, one ahead


def test_writes_share_the_memory_of_what_they_write() -> None:
    content = bytearray(b"a" * 100_000)
    (write, *_) = write_requests(0, memoryview(content), message_max=4092)
    content[0] = ord("b")

    assert bytes(write.data[:2]) == b"ba"


# -- giving up ---------------------------------------------------------------------------------


def silence(talk: Pipeline[Any]) -> float:
    """Let time pass without a byte until the talk raises; the moment it was at."""
    now_s = 0.0
    while not talk.finished:
        talk.to_send(now_s)
        now_s = max(now_s, talk.wake_at_s)
        talk.receive(b"", now_s)
    return now_s


def test_silence_from_the_start_is_no_dock() -> None:
    with pytest.raises(NoDock):
        silence(Pipeline(Connection(), [Parameters()], deadline_s=1e9))
    with pytest.raises(NoDock):
        silence(Pipeline(Connection(), [Parameters()], deadline_s=0.1))


def test_silence_after_an_answer_is_no_answer() -> None:
    talk, _ = opened()
    with pytest.raises(NoAnswer) as caught:
        silence(talk)

    assert caught.value.code == "E-LINK-02"
    assert talk.finished


def test_a_request_is_sent_eight_times() -> None:
    connection = Connection()
    talk = Pipeline(connection, [Echo("x")], deadline_s=1e9)
    with pytest.raises(NoDock):
        silence(talk)

    assert connection.tally.resent == client.TRIES_MAX


def test_a_server_that_makes_more_noise_than_any_cable_is_given_up() -> None:
    talk, flight = opened()
    noise = reply(flight[0], sequence=255)
    allowed = NOISE_BASE + NOISE_SHARE  # one request has been answered
    talk.receive(noise * allowed, 0.0)

    with pytest.raises(NoAnswer, match=f"{allowed + 1} frames that nobody asked for, 1 answers"):
        talk.receive(noise, 0.0)

    assert talk.finished


def test_all_tries_together_are_bounded() -> None:
    connection = ready()
    talk: Pipeline[Any] = Pipeline(connection, writes(1000), deadline_s=1e9)
    now_s, turn = 0.0, 0
    with pytest.raises(NoAnswer, match="lost"):
        while not talk.finished:
            # every request is answered at its third try: none alone exhausts its tries
            for message in sent(talk.to_send(now_s)):
                turn += 1
                if turn % 3 == 0:
                    talk.receive(reply(message), now_s)
            now_s = max(now_s, talk.wake_at_s)

    assert connection.tally.resent <= 33 + connection.tally.answered // 4


@pytest.mark.parametrize("by", ["to_send", "receive"])
def test_the_deadline_holds_whatever_progress_there_is(by: str) -> None:
    talk: Pipeline[Any] = Pipeline(ready(), writes(10**9), deadline_s=5.0)
    now_s = 0.0
    with pytest.raises(TooSlow):
        while True:
            for message in sent(talk.to_send(now_s)):
                if by == "receive":
                    now_s += 0.01
                talk.receive(reply(message), now_s)
            now_s += 0.01

    assert talk.finished
    assert now_s == pytest.approx(5.0, abs=0.02)


def test_what_is_finished_at_its_deadline_is_not_too_slow() -> None:
    talk = Pipeline(ready(), writes(1), deadline_s=5.0)
    (message,) = sent(talk.to_send(0.0))

    assert len(talk.receive(reply(message), 6.0)) == 1
    assert talk.finished


def test_waking_never_passes_the_deadline() -> None:
    talk = Pipeline(ready(), [store.Begin(1)], deadline_s=1.0)
    talk.to_send(0.0)

    assert talk.wake_at_s == 1.0


# -- answers that are none ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {"group": 1},
        {"group": 0},
        {"command": 7},
        {"sequence": 200},
        {"op": Op.READ_ANSWER},
        {"op": Op.WRITE},
    ],
)
def test_answers_to_nothing_are_dropped_and_counted(other: dict[str, Any]) -> None:
    talk, flight = opened()
    connection = talk._connection

    assert talk.receive(reply(flight[0], **other), 0.0) == []
    assert connection.tally.stray == 1
    assert len(talk.receive(reply(flight[0]), 0.0)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"off": 0},
        {"off": 101},
        {"off": "100"},
        {"off": -1},
        {"off": 100, "more": 1},
        {"off": 2**32},
        {"rc": "2"},
        {"err": 7},
    ],
)
def test_another_shape_or_offset_is_a_bad_reply(body: Body) -> None:
    talk, flight = opened()
    with pytest.raises(BadReply):
        talk.receive(reply(flight[0], body), 0.0)

    assert talk.finished


@pytest.mark.parametrize("data", [b"", b"x" * 99, b"x" * 101])
def test_a_read_of_another_length_is_a_bad_reply(data: bytes) -> None:
    talk = Pipeline(ready(), [Read(Slot.OTHER, 7, 100)], deadline_s=1.0)
    (message,) = sent(talk.to_send(0.0))
    with pytest.raises(BadReply, match="bytes instead of 100"):
        talk.receive(reply(message, {"off": 7, "data": data}), 0.0)


def test_success_may_be_said_with_rc_0() -> None:
    talk, flight = opened()

    assert len(talk.receive(reply(flight[0], {"rc": 0, "off": 100}), 0.0)) == 1


def test_a_frame_without_a_message_is_counted_and_the_request_sent_again() -> None:
    talk, flight = opened()
    broken = frame(Framing.COBS, smp.encode(flight[0])[:-1])

    assert talk.receive(broken, 0.0) == []
    assert talk._connection.tally.malformed == 1
    assert talk.to_send(talk.wake_at_s) != b""


@pytest.mark.parametrize(
    ("body", "group", "rc", "words"),
    [
        ({"err": {"group": 64, "rc": 9}}, 64, 9, "other image"),
        ({"err": {"group": 64, "rc": 99}}, 64, 99, "code 99 of group 64"),
        ({"err": {"group": 1, "rc": 3}}, 1, 3, "no image"),
        ({"err": {"group": 1, "rc": 99}}, 1, 99, "code 99 of group 1"),
        ({"err": {"group": 8, "rc": 3}}, 8, 3, "file not found"),
        ({"err": {"group": 10, "rc": 4}}, 10, 4, "index too large"),
        ({"err": {"group": 2, "rc": 3}}, 2, 3, "code 3 of group 2"),
        ({"rc": 8}, None, 8, "not supported"),
        ({"rc": 300, "rsn": "why-not"}, None, 300, "code 300 (why-not)"),
    ],
)
def test_a_refusal_is_an_answer_and_no_silence(
    body: Body, group: int | None, rc: int, words: str
) -> None:
    talk = Pipeline(ready(), [store.Confirm(bytes(32))], deadline_s=1.0)
    (message,) = sent(talk.to_send(0.0))
    with pytest.raises(DockRefused) as caught:
        talk.receive(reply(message, body), 0.0)

    assert (caught.value.group, caught.value.rc) == (group, rc)
    assert words in caught.value.cause
    assert not isinstance(caught.value, NoAnswer)
    assert talk.finished


# -- hostile docks -----------------------------------------------------------------------------


def endless_zeros(_: bytes) -> bytes:
    return bytes(4096)


def endless_text(_: bytes) -> bytes:
    return b"login: " * 600


def echo_of_everything(data: bytes) -> bytes:
    return data


def another_groups_answers(data: bytes) -> bytes:
    return b"".join(reply(each, group=each.group ^ 1) for each in sent(data))


def wrong_sequences(data: bytes) -> bytes:
    return b"".join(reply(each, sequence=each.sequence ^ 0x80) for each in sent(data))


def wrong_lengths(data: bytes) -> bytes:
    return b"".join(
        frame(Framing.COBS, bytes([9, 0, 0xFF, 0xFF]) + smp.encode(each)[4:]) for each in sent(data)
    )


def another_offset(data: bytes) -> bytes:
    return b"".join(reply(each, {"off": 5, "data": b"y" * 100}) for each in sent(data))


def always_no_memory(data: bytes) -> bytes:
    return b"".join(reply(each, {"rc": 2}) for each in sent(data))


HOSTILE = [
    endless_zeros,
    endless_text,
    echo_of_everything,
    another_groups_answers,
    wrong_sequences,
    wrong_lengths,
    another_offset,
    always_no_memory,
]


@pytest.mark.parametrize("dock", HOSTILE)
@pytest.mark.parametrize("known", [False, True])
def test_a_hostile_dock_ends_in_a_named_error_in_time(
    dock: Callable[[bytes], bytes], known: bool
) -> None:
    connection = ready()
    connection.heard = known
    reads = (Read(Slot.OTHER, number * 100, 100) for number in range(1000))
    talk = Pipeline(connection, reads, deadline_s=30.0)
    now_s, events = 0.0, []
    with pytest.raises(LinkError) as caught:
        while not talk.finished:
            events += talk.receive(dock(talk.to_send(now_s)), now_s)
            now_s += 0.01
            assert now_s < 30.1

    assert events == []
    if known:
        assert not isinstance(caught.value, NoDock)


# -- whole transfers ---------------------------------------------------------------------------


@pytest.mark.parametrize("buf_count", [1, 2, 4, 8])
@pytest.mark.parametrize("buf_size", [256, 1000, 4096])
def test_content_is_written_and_read_whole(buf_size: int, buf_count: int) -> None:
    dock = MemoryDock(len(CONTENT), buf_size=buf_size, buf_count=buf_count)
    connection = connected(dock)
    most = connection.message_max

    talk = Pipeline(connection, write_requests(0, CONTENT, message_max=most), deadline_s=1e3)
    for _ in converse(talk, dock):
        pass
    assert dock.slots[Slot.OTHER] == CONTENT

    found = bytearray(len(CONTENT))
    reads = read_requests(Slot.OTHER, 0, len(CONTENT), message_max=most)
    for _, answer in converse(Pipeline(connection, reads, deadline_s=1e3), dock):
        found[answer.offset : answer.offset + len(answer.data)] = answer.data
    assert found == CONTENT
    assert connection.tally.resent == connection.tally.stray == connection.damaged == 0


def test_lost_frames_in_a_full_window_cost_a_round_trip_and_no_silence() -> None:
    dock = MemoryDock(1_000_000)
    connection = connected(dock)
    content = CONTENT * 3
    talk = Pipeline(
        connection, write_requests(0, content, message_max=connection.message_max), deadline_s=1e3
    )
    line = Line(seed=1, flip=0.02)
    for _ in converse(talk, dock, line):
        pass

    assert dock.slots[Slot.OTHER][: len(content)] == content
    assert connection.tally.resent > 4
    assert line.now_s < 2 * client.PATIENCE_S
