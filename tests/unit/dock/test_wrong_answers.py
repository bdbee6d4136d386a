"""Answers that are wrong in exactly one way, and as often as was ordered."""

from math import inf
from random import Random

import pytest

from station.dock.stock_groups import ALL_GROUPS, requests_of
from station.dock.wrong_answers import (
    COMMANDS,
    AnswerFault,
    LateAnswer,
    Which,
    Wrong,
    WrongAnswer,
    WrongAnswers,
)
from station.protocol import datastore_group as store
from station.protocol import smp
from station.protocol.framing import Framing, decoder, frame

READ = Which("read")


def answer(offset: int, data: bytes = b"data", *, sequence: int = 7) -> bytes:
    """A message that answers a read."""
    body = store.ReadAnswer(offset, data).to_body()
    return smp.encode(smp.Message(smp.Op.READ_ANSWER, 64, store.Read.COMMAND, sequence, body))


def identity(sequence: int) -> bytes:
    body: smp.Body = {"id": bytes(32), "label": "DK7F-1", "comp": ["lz4"], "in": [bytes(2)]}
    return smp.encode(smp.Message(smp.Op.READ_ANSWER, 64, 0, sequence, body))


class Bad:
    """A server with these faults."""

    def __init__(self, *faults: AnswerFault, framing: Framing = Framing.COBS) -> None:
        self.answers = WrongAnswers(faults, Random(1))
        self._framing = framing

    def says(self, *messages: bytes, now_s: float = 0.0) -> list[bytes]:
        """What arrives instead, as whole messages of whatever length they claim."""
        framed = b"".join(frame(self._framing, each) for each in messages)
        return self._whole(self.answers.instead_of(framed, self._framing, now_s))

    def says_late(self, now_s: float) -> list[bytes]:
        return self._whole(self.answers.due(now_s))

    def _whole(self, frames: bytes) -> list[bytes]:
        return decoder(self._framing).feed(frames)


def wrong(kind: Wrong, which: Which = READ) -> Bad:
    return Bad(WrongAnswer(kind, which))


@pytest.mark.parametrize("framing", [Framing.COBS, Framing.CONSOLE, Framing.RAW])
def test_answers_to_other_requests_stay_right_in_every_framing(framing: Framing) -> None:
    messages = [answer(0), answer(4), answer(8)]

    for kind in Wrong:
        bad = Bad(WrongAnswer(kind, Which("write")), WrongAnswer(kind, Which(None, 9)))
        assert bad.says(*messages) == messages
    assert Bad(framing=framing).says(*messages) == messages
    assert Bad(WrongAnswer(Wrong.LOST, Which("read", 2)), framing=framing).says(*messages) == [
        messages[0],
        messages[2],
    ]


def test_an_answer_is_lost_or_comes_twice() -> None:
    assert wrong(Wrong.LOST).says(answer(0), identity(1)) == [identity(1)]
    assert wrong(Wrong.TWICE).says(answer(0), identity(1)) == [answer(0), answer(0), identity(1)]


def test_a_number_counts_answers_of_that_command_and_any_counts_all() -> None:
    third = Bad(WrongAnswer(Wrong.LOST, Which("read", 2)))
    any_third = Bad(WrongAnswer(Wrong.LOST, Which(None, 3)))
    messages = [identity(0), answer(0), answer(4), answer(8)]

    assert third.says(*messages) == [identity(0), answer(0), answer(8)]
    assert any_third.says(*messages) == [identity(0), answer(0), answer(8)]


def test_a_stale_answer_is_the_one_before_octet_for_octet() -> None:
    bad = wrong(Wrong.STALE, Which("read", 2))

    assert bad.says(answer(0, sequence=1), answer(4, sequence=2)) == [answer(0, sequence=1)] * 2


def test_a_replayed_answer_has_the_last_body_under_the_right_sequence_number() -> None:
    bad = wrong(Wrong.REPLAYED, Which("read", 2))

    found = bad.says(answer(0, sequence=1), identity(2), answer(4, b"more", sequence=3))

    assert found[2] == answer(0, sequence=3)


def test_a_foreign_answer_has_its_shape_and_other_octets_in_every_byte_string() -> None:
    (found,) = wrong(Wrong.FOREIGN, Which("identify")).says(identity(1))

    right, body = smp.decode(identity(1)).body, smp.decode(found).body
    assert body["label"] == right["label"] and body["comp"] == right["comp"]
    assert isinstance(body["id"], bytes) and len(body["id"]) == 32 and body["id"] != right["id"]
    assert body["in"] != right["in"]
    assert smp.decode(found).sequence == 1


@pytest.mark.parametrize("kind", [Wrong.SHORT_LENGTH, Wrong.LONG_LENGTH, Wrong.HUGE_LENGTH])
def test_a_header_of_another_length_is_no_message(kind: Wrong) -> None:
    (found,) = wrong(kind).says(answer(0))

    claimed, is_there = int.from_bytes(found[2:4], "big"), len(answer(0)) - smp.HEADER_BYTES
    assert found[:2] + found[4:] == answer(0)[:2] + answer(0)[4:]
    assert (
        claimed
        == {
            Wrong.SHORT_LENGTH: is_there - 1,
            Wrong.LONG_LENGTH: is_there + 1,
            Wrong.HUGE_LENGTH: 0xFFFF,
        }[kind]
    )
    with pytest.raises(smp.Malformed):
        smp.decode(found)


@pytest.mark.parametrize("kind", [Wrong.HUGE_DATA, Wrong.NO_CBOR])
def test_a_body_that_is_none_is_no_message_although_its_length_is_right(kind: Wrong) -> None:
    (found,) = wrong(kind).says(answer(0))

    assert int.from_bytes(found[2:4], "big") == len(found) - smp.HEADER_BYTES
    with pytest.raises(smp.Malformed, match="no CBOR"):
        smp.decode(found)


def test_short_data_lacks_an_octet() -> None:
    assert wrong(Wrong.SHORT_DATA).says(answer(4, b"data")) == [answer(4, b"dat")]


def test_another_offset_is_the_next_one_and_what_has_none_stays_right() -> None:
    bad = wrong(Wrong.OTHER_OFFSET, Which())

    assert bad.says(answer(4), identity(1)) == [answer(5), identity(1)]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (Wrong.OTHER_GROUP, "group"),
        (Wrong.OTHER_SEQUENCE, "sequence"),
        (Wrong.OTHER_COMMAND, "command"),
    ],
)
def test_one_field_of_the_header_is_another(kind: Wrong, field: str) -> None:
    (found,) = wrong(kind).says(answer(0, sequence=255))

    right = smp.decode(answer(0, sequence=255))
    expected = (getattr(right, field) + 1) % 256
    assert smp.decode(found) == right._replace(**{field: expected})


def test_no_memory_is_a_refusal() -> None:
    (found,) = wrong(Wrong.NO_MEMORY).says(answer(0))

    assert smp.refusal(smp.decode(found).body) == smp.Refusal(None, smp.ReturnCode.NO_MEMORY, "")


def test_late_answers_leave_later_in_the_order_they_are_due_and_others_pass_them() -> None:
    late = Bad(LateAnswer(Which("read", 1), 5.0), LateAnswer(Which("read", 2), 1.0))

    assert late.says(answer(0), answer(4), answer(8), now_s=10.0) == [answer(8)]
    assert late.answers.due_at_s == 11.0
    assert late.says_late(10.9) == []
    assert late.says_late(11.0) == [answer(4)]
    assert late.answers.due_at_s == 15.0
    assert late.says_late(15.0) == [answer(0)]
    assert late.answers.due_at_s == inf


def test_what_is_late_when_the_dock_starts_again_comes_no_more() -> None:
    late = Bad(LateAnswer(READ, 5.0))
    late.says(answer(0))
    late.answers.forget()

    assert late.answers.due_at_s == inf
    assert late.says_late(100.0) == []


def test_an_answer_may_be_wrong_and_late() -> None:
    bad = Bad(WrongAnswer(Wrong.OTHER_OFFSET, READ), LateAnswer(READ, 1.0))

    assert bad.says(answer(4)) == []
    assert bad.says_late(1.0) == [answer(5)]


def test_every_request_a_dock_serves_has_a_name_of_its_own() -> None:
    served = [(each.GROUP, each.COMMAND, each.OP) for each in requests_of(ALL_GROUPS)]

    assert sorted(COMMANDS.values()) == sorted(served)
    assert COMMANDS["slot-state"] == (64, 2, smp.Op.READ)
    assert COMMANDS["reset"] == (0, 5, smp.Op.WRITE)
