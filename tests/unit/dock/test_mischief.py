"""Docks that turn deaf, are swapped or mean harm: from which request on, and what they say then."""

from math import inf
from typing import Any

import pytest

from station.dock.faults import Garbage, Mute, OtherDock
from station.dock.hostile import CHUNK_BYTES, Drip, Endless, Flood
from station.dock.server import SWAP_S, PulledOut
from station.dock.wrong_answers import LateAnswer, Which, Wrong, WrongAnswer
from station.protocol import datastore_group as store
from station.protocol import os_group, smp
from station.protocol.datastore_group import DatastoreCode, Slot
from station.protocol.framing import CobsDecoder, Framing, frame
from station.protocol.shape import Request
from tests.unit.dock.images import DOCK_ID, image_of, make_plan
from tests.unit.dock.memory_dock import Dock

IMAGE = image_of(make_plan())


def framed(request: Request[Any]) -> bytes:
    """As the line carries it."""
    message = smp.Message(request.OP, request.GROUP, request.COMMAND, 9, request.to_body())
    return frame(Framing.COBS, smp.encode(message))


IDENTIFY, SLOT_STATE = framed(store.Identify()), framed(store.SlotState())
BEGIN = framed(store.Begin(10_000))


def messages(frames: bytes) -> list[smp.Message]:
    decoder = CobsDecoder()
    found = [smp.decode(each) for each in decoder.feed(frames)]
    assert decoder.damaged == 0
    return found


def test_a_dock_without_faults_gives_nothing_unasked() -> None:
    dock = Dock()

    assert dock.server.unasked_at_s == inf
    assert dock.server.unasked(1.0) == b""


# -- turning deaf -----------------------------------------------------------------------------


def test_a_mute_dock_hears_nothing_at_all() -> None:
    assert Dock(Mute()).server.receive(IDENTIFY) == b""


def test_a_dock_falls_silent_at_a_request_that_it_does_not_carry_out() -> None:
    dock = Dock(Mute(Which("begin")))
    before = bytes(dock.cells)

    assert len(messages(dock.server.receive(IDENTIFY + SLOT_STATE))) == 2
    assert len(messages(dock.server.receive(SLOT_STATE + BEGIN + SLOT_STATE))) == 1
    assert dock.server.receive(IDENTIFY) == b""
    assert dock.server._firmware.slots.written is None
    assert bytes(dock.cells) == before


def test_a_number_says_which_time_a_request_is_meant() -> None:
    dock = Dock(Mute(Which("slot-state", 3)))

    assert len(messages(dock.server.receive(SLOT_STATE * 2 + IDENTIFY))) == 3
    assert dock.server.receive(SLOT_STATE) == b""


def test_garbage_comes_from_a_request_on_and_is_no_answer() -> None:
    dock = Dock(Garbage(Which("slot-state")))

    assert len(messages(dock.server.receive(IDENTIFY))) == 1
    for sent in (SLOT_STATE, IDENTIFY):
        said = dock.server.receive(sent)
        assert said
        assert CobsDecoder().feed(said + b"\0") == []
    assert Dock(Garbage()).server.receive(b"?")


# -- swapped ----------------------------------------------------------------------------------


def test_a_swapped_dock_is_another_one_that_knows_of_no_write() -> None:
    dock = Dock(OtherDock(Which("write", 2)))
    dock.ask(store.Begin(len(IMAGE)))
    dock.ask(store.Write(0, IMAGE[:1_000]))
    before = bytes(dock.cells)

    assert dock.server.receive(framed(store.Write(1_000, IMAGE[1_000:2_000]))) == b""
    assert dock.server.wants == PulledOut(SWAP_S)
    dock._connect()
    assert dock.ask(store.Identify()).dock_id != DOCK_ID.octets
    assert dock.refusal(store.Write(0, b"x")) is DatastoreCode.NOT_BEGUN
    assert bytes(dock.cells) == before


def test_a_dock_is_swapped_once() -> None:
    dock = Dock(OtherDock(Which("identify")))
    assert dock.server.receive(IDENTIFY) == b""
    dock.server.wants = None

    first, second = dock.ask(store.Identify()), dock.ask(store.Identify())

    assert first == second
    assert dock.server.wants is None


def test_a_dock_that_is_to_be_swapped_later_is_itself_after_a_restart() -> None:
    dock = Dock(OtherDock(Which("confirm")))
    dock.install(IMAGE, confirmed=False)

    assert dock.ask(store.Identify()).dock_id == DOCK_ID.octets


# -- answers ----------------------------------------------------------------------------------


def test_a_write_whose_answer_is_lost_was_carried_out() -> None:
    dock = Dock(WrongAnswer(Wrong.LOST, Which("write")))
    dock.ask(store.Begin(len(IMAGE)))

    assert dock.server.receive(framed(store.Write(0, IMAGE[:1_000]))) == b""
    assert dock.read(Slot.OTHER, 0, 1_000) == IMAGE[:1_000]


def test_parameters_can_be_answered_wrongly_too() -> None:
    dock = Dock(WrongAnswer(Wrong.LOST, Which("parameters")))

    assert dock.server.receive(framed(os_group.Parameters())) == b""
    assert len(messages(dock.server.receive(IDENTIFY))) == 1


def test_refusals_can_be_late() -> None:
    dock = Dock(LateAnswer(Which("write"), 2.0))

    assert dock.server.receive(framed(store.Write(0, b"x")), 10.0) == b""
    assert dock.server.unasked_at_s == 12.0
    (late,) = messages(dock.server.unasked(12.0))
    assert late.body["err"] == {"group": 64, "rc": DatastoreCode.NOT_BEGUN}


def test_a_restart_forgets_what_was_late() -> None:
    dock = Dock(LateAnswer(Which("identify"), 2.0))
    dock.server.receive(IDENTIFY, 10.0)

    dock.server.restart()

    assert dock.server.unasked_at_s == inf


def test_what_was_answered_leaves_while_the_next_request_is_carried_out() -> None:
    dock, left = Dock(), list[int]()
    dock.flash.took_time = lambda *_: left.append(len(messages(dock.server.answered())))
    write = framed(store.Write(0, b"x" * 300))

    rest = dock.server.receive(IDENTIFY + BEGIN + write)

    assert left[0] == 2
    assert len(messages(rest)) == 1


# -- ill will ---------------------------------------------------------------------------------


def test_endless_output_begins_with_a_request_and_never_ends_a_frame() -> None:
    dock = Dock(Endless(Which("slot-state")))
    assert len(messages(dock.server.receive(IDENTIFY, 1.0))) == 1
    assert dock.server.unasked_at_s == inf

    assert dock.server.receive(SLOT_STATE, 2.0) == b""

    assert dock.server.unasked_at_s == 2.0
    for now_s in (2.0, 2.0, 3.0):
        said = dock.server.unasked(now_s)
        assert len(said) >= CHUNK_BYTES and b"\0" not in said
    assert dock.server.receive(IDENTIFY, 4.0) == b""


def test_a_dripping_dock_gives_an_octet_at_a_time() -> None:
    dock = Dock(Drip(every_s=0.5))
    assert dock.server.receive(IDENTIFY, 2.0) == b""

    assert [len(dock.server.unasked(2.0)), dock.server.unasked_at_s] == [1, 2.5]
    assert [len(dock.server.unasked(2.5)), dock.server.unasked_at_s] == [1, 3.0]


def test_a_flood_is_one_answer_under_every_sequence_number_and_others_are_still_given() -> None:
    dock = Dock(Flood(Which("identify")))
    (right,) = messages(dock.server.receive(IDENTIFY, 2.0))

    flood = [each for _ in range(60) for each in messages(dock.server.unasked(2.0))]

    assert {each.sequence for each in flood} == set(range(256))
    assert all(each._replace(sequence=9) == right for each in flood)
    assert len(messages(dock.server.receive(SLOT_STATE, 3.0))) == 1


@pytest.mark.parametrize("fault", [Endless(), Drip(), Flood()])
def test_ill_will_outlives_a_restart(fault: Endless | Drip | Flood) -> None:
    dock = Dock(fault)
    dock.server.receive(IDENTIFY, 1.0)

    dock.server.restart()

    assert dock.server.unasked_at_s == 1.0
    assert dock.server.unasked(5.0)
