"""Modules `vision_client` and `iperf` (dock-sdk.md, 2.6)."""

import pytest

from station.rehearsal.sdk.iperf import GIVES_UP_MS
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module


def test_2_6_a_message_is_a_bytearray() -> None:
    machine, got = FakeMachine(), list[bytearray]()
    module("vision_client", machine).VisionClient().on_message(got.append)
    machine.deliver(b"tHello")

    assert [type(message) for message in got] == [bytearray]
    assert bytes(got[0]) == b"tHello"
    assert machine.calls == [("vision_client.VisionClient.on_message", "")]


def test_2_6_the_callback_that_was_set_last_gets_every_message() -> None:
    machine, first, second = FakeMachine(), list[bytearray](), list[bytearray]()
    client = module("vision_client", machine).VisionClient
    client().on_message(first.append)
    client().on_message(callback=second.append)
    machine.deliver(b"x")

    assert first == []
    assert bytes(second[0]) == b"x"


def test_2_6_sending_is_not_available() -> None:
    assert not hasattr(module("vision_client").VisionClient(), "send_message")


@pytest.mark.parametrize("odd", [None, 5])
def test_2_6_a_callback_can_be_called(odd: object) -> None:
    with pytest.raises(TypeError):
        module("vision_client").VisionClient().on_message(odd)
    with pytest.raises(TypeError):
        module("iperf").IperfClient("server", 5001).run(odd)


def test_2_6_a_measurement_without_server_ends_with_an_error_and_no_interval() -> None:
    machine, results = FakeMachine(), list[dict[str, object]]()
    module("iperf", machine).IperfClient("server", 5001).run(on_complete=results.append)
    machine.run(GIVES_UP_MS - 1)
    before = list(results)
    machine.run(GIVES_UP_MS)

    assert before == []
    assert results == [{"intervals": [], "error": "unable to connect to server"}]
    assert machine.calls == [("iperf.IperfClient.run", "server:5001")]


@pytest.mark.parametrize("arguments", [(None, 5001), ("server", "5001"), (b"server", 5001)])
def test_2_6_a_server_is_a_name_and_a_number(arguments: tuple[object, object]) -> None:
    with pytest.raises(TypeError):
        module("iperf").IperfClient(*arguments)
