import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smp import packet
from smpclient.transport.serial.framing.cobs import Cobs

from station.protocol import smp
from station.protocol.framing import (
    CobsDecoder,
    ConsoleDecoder,
    DetectingDecoder,
    FrameDecoder,
    Framing,
    RawDecoder,
    decoder,
    frame,
    resync,
)
from tests.unit.protocol.golden_frames import GOLDEN, Golden

ONE = GOLDEN["echo request"].message
LONG = GOLDEN["long echo on a console"].message
THREE = [ONE, LONG, GOLDEN["parameters request"].message]

ALL = pytest.mark.parametrize("framing", list(Framing))
SURE = pytest.mark.parametrize("framing", [Framing.COBS, Framing.CONSOLE])

messages = st.binary(min_size=8, max_size=1200)


def is_message(octets: bytes) -> bool:
    try:
        smp.decode(octets)
    except smp.Malformed:
        return False
    return True


def stream(framing: Framing, some: list[bytes]) -> bytes:
    return b"".join(frame(framing, message) for message in some)


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN)
def test_golden_frames_are_made_and_read_byte_for_byte(golden: Golden) -> None:
    assert frame(golden.framing, golden.message) == golden.line
    assert decoder(golden.framing).feed(golden.line) == [golden.message]


@ALL
def test_messages_survive_any_cut(framing: Framing) -> None:
    line = stream(framing, THREE)
    for cut in range(len(line) + 1):
        reader = decoder(framing)

        found = [*reader.feed(line[:cut]), *reader.feed(line[cut:])]

        assert found == THREE
        assert reader.damaged == 0


@ALL
def test_messages_survive_byte_by_byte(framing: Framing) -> None:
    reader = decoder(framing)

    found = [message for byte in stream(framing, THREE) for message in reader.feed(bytes([byte]))]

    assert found == THREE


@given(st.lists(messages, min_size=1, max_size=4))
def test_smpclient_reads_our_cobs_and_we_read_its(some: list[bytes]) -> None:
    peer = Cobs()
    theirs = b"".join(b"".join(peer.encode(message)) for message in some)
    peer.feed(stream(Framing.COBS, some))

    assert [peer.take() for _ in some] == some
    assert CobsDecoder().feed(theirs) == some


@given(messages)
def test_smp_reads_our_console_lines_and_we_read_its(message: bytes) -> None:
    peer = packet.decode()
    next(peer)
    found = None
    for line in frame(Framing.CONSOLE, message).splitlines(keepends=True):
        assert len(line) <= 127
        try:
            peer.send(line)
        except StopIteration as whole:
            found = whole.value

    assert found == message
    assert ConsoleDecoder().feed(b"".join(packet.encode(message))) == [message]


@SURE
def test_a_flipped_bit_costs_its_frame_and_at_most_the_next(framing: Framing) -> None:
    line = stream(framing, [ONE, THREE[2]])
    for position in range(len(frame(framing, ONE))):
        for bit in range(8):
            reader = decoder(framing)
            hurt = bytearray(line)
            hurt[position] ^= 1 << bit

            found = reader.feed(bytes(hurt) + frame(framing, LONG))

            # Two frames may be taken for one; its header then says another length.
            assert [message for message in found if is_message(message)] in (
                [THREE[2], LONG],
                [LONG],
            )


@SURE
@given(st.binary(max_size=400))
def test_any_noise_before_a_resync_is_only_noise(framing: Framing, noise: bytes) -> None:
    reader = decoder(framing)

    found = reader.feed(noise + resync(framing) + frame(framing, ONE))

    assert found[-1:] == [ONE]


@SURE
@pytest.mark.parametrize("size", [100, 300])
def test_a_message_of_the_most_is_taken_and_one_more_byte_is_damage(
    framing: Framing, size: int
) -> None:
    reader = decoder(framing, message_max=size)

    assert reader.feed(frame(framing, b"\x01" * size)) == [b"\x01" * size]
    if framing is Framing.CONSOLE:
        assert reader.feed(frame(framing, b"\x01" * (size + 1))) == []
        assert reader.damaged == 1
    assert reader.feed(frame(framing, b"\x01" * (size + 600))) == []
    assert reader.damaged >= 1
    assert reader.feed(frame(framing, ONE)) == [ONE]


def test_a_bare_message_longer_than_the_most_is_dropped() -> None:
    reader = RawDecoder(message_max=20)

    assert reader.feed(b"\x08\x00\x00\x0c" + bytes(16)) == [b"\x08\x00\x00\x0c" + bytes(16)]
    assert reader.feed(b"\x08\x00\x00\x0d" + bytes(17)) == []
    assert reader.damaged == 1
    assert reader.feed(ONE) == [ONE]


@pytest.mark.parametrize("make", [CobsDecoder, ConsoleDecoder, RawDecoder, DetectingDecoder])
@pytest.mark.parametrize(
    "chunk", [b"\x55", b"\x06\x09", b"\n", b"\x06\x09AAAA\n\x04\x14AAAA", b"\0"]
)
def test_endless_output_takes_no_memory(make: Callable[[int], FrameDecoder], chunk: bytes) -> None:
    reader, bite = make(4096), chunk * (1024 // len(chunk))
    reader.feed(bite * 20)
    tracemalloc.start()
    try:
        for _ in range(300):
            assert not any(map(is_message, reader.feed(bite)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2 * 4096 + 65_536


def test_empty_frames_are_fill_and_no_damage() -> None:
    reader = CobsDecoder()

    assert reader.feed(b"\0\0\0" + frame(Framing.COBS, ONE) + b"\0") == [ONE]
    assert reader.damaged == 0


def test_a_reset_forgets_the_frame_begun() -> None:
    for framing in Framing:
        reader = decoder(framing)
        reader.feed(frame(framing, LONG)[:50])
        reader.reset()

        assert reader.feed(frame(framing, ONE)) == [ONE]


def test_a_delimiter_damaged_into_a_zero_byte_makes_no_message() -> None:
    one, other = frame(Framing.COBS, ONE), frame(Framing.COBS, THREE[2])

    (merged,) = CobsDecoder().feed(one[:-1] + b"\x01" + other)

    assert len(merged) > len(ONE) + len(THREE[2])
    assert not is_message(merged)


# -- console -----------------------------------------------------------------------------------


def test_console_text_around_frames_is_passed_over() -> None:
    reader = ConsoleDecoder()
    framed = frame(Framing.CONSOLE, LONG)

    found = reader.feed(b"*** Booting Zephyr ***\r\nuart:~$ " + framed + b"[00:00] <inf>\r\n")

    assert found == [LONG]
    assert reader.damaged == 0


def test_console_lines_may_end_in_cr_lf() -> None:
    framed = frame(Framing.CONSOLE, LONG).replace(b"\n", b"\r\n")

    assert ConsoleDecoder().feed(framed) == [LONG]


@pytest.mark.parametrize(
    "line",
    [
        b"\x06\x09AA\n",
        b"\x06\x09!!!!\n",
        b"\x06\x09//8A\n",
        b"\x06\x09AAIAAA==\n",
        b"\x06\x09AAMAAAAA\n",
        b"\x06\x09" + b"A" * 128 + b"\n",
        b"\x06\x09AEAA\n\x04\x14!\n",
    ],
)
def test_console_damage_is_counted_and_passed(line: bytes) -> None:
    reader = ConsoleDecoder(1024)

    assert reader.feed(line) == []
    assert reader.damaged == 1
    assert reader.feed(frame(Framing.CONSOLE, ONE)) == [ONE]


def test_a_new_console_frame_gives_up_the_one_before() -> None:
    reader = ConsoleDecoder()
    first_line = frame(Framing.CONSOLE, LONG).splitlines(keepends=True)[0]

    assert reader.feed(first_line + frame(Framing.CONSOLE, ONE)) == [ONE]
    assert reader.damaged == 1


def test_a_console_line_that_continues_nothing_is_passed_over() -> None:
    reader = ConsoleDecoder()

    assert reader.feed(b"\x06\x09\n\x04\x14AAAA\n" + frame(Framing.CONSOLE, ONE)) == [ONE]


# -- recognising -------------------------------------------------------------------------------


@ALL
def test_the_framing_is_recognised_at_any_cut(framing: Framing) -> None:
    line = stream(framing, THREE)
    for cut in range(len(line) + 1):
        reader = DetectingDecoder()
        assert reader.framing is None

        found = [*reader.feed(line[:cut]), *reader.feed(line[cut:])]

        assert found == THREE
        assert reader.framing is framing
        assert reader.damaged == 0


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.endswith("request")])
@pytest.mark.parametrize("version", [1, 2])
@ALL
def test_every_first_request_is_recognised(framing: Framing, name: str, version: int) -> None:
    message = bytearray(GOLDEN[name].message)
    message[0] = message[0] & 7 | (version - 1) << 3
    for before in (b"", resync(framing), resync(framing) * 2):
        reader = DetectingDecoder()

        assert reader.feed(before + frame(framing, bytes(message))) == [bytes(message)]
        assert reader.framing is framing


def test_a_second_client_may_speak_another_framing() -> None:
    reader = DetectingDecoder()
    for framing in (Framing.COBS, Framing.CONSOLE, Framing.COBS):
        assert reader.feed(resync(framing) + frame(framing, ONE)) == [ONE]
        assert reader.framing is framing


def test_bare_messages_are_recognised_only_at_the_start() -> None:
    reader = DetectingDecoder()
    reader.feed(b"AT+GMM\r\n")

    assert reader.feed(frame(Framing.RAW, ONE)) == []
    reader.reset()
    assert reader.feed(frame(Framing.RAW, ONE)) == [ONE]
    assert reader.feed(frame(Framing.RAW, LONG)) == [LONG]
    assert reader.damaged == 0


def test_a_length_no_buffer_takes_is_no_bare_message() -> None:
    reader = DetectingDecoder(64)

    assert reader.feed(b"\x08\x00\xff\xff") == []
    assert reader.feed(b"\0" + frame(Framing.COBS, ONE)) == [ONE]
    assert reader.framing is Framing.COBS


def test_damage_is_counted_in_the_framing_recognised() -> None:
    for framing in (Framing.COBS, Framing.CONSOLE):
        reader = DetectingDecoder()
        hurt = bytearray(frame(framing, ONE))
        hurt[6] ^= 1

        reader.feed(bytes(hurt))
        assert reader.damaged == 1
        reader.feed(frame(framing, ONE))
        assert reader.damaged == 1
