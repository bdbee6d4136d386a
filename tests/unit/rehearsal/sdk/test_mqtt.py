"""Module `mqtt` (dock-sdk.md, 2.6)."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.scenario import MqttMessage, NetworkChange
from station.rehearsal.sdk.mqtt_broker import ANSWER_MS, matches
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, scene

URL = "mqtts://broker.example:8883"
NEWS = MqttMessage(10_000, "dock/news", b"\0news")
ONLINE = (NetworkChange(0, "192.0.2.1"),)


def bench(*messages: MqttMessage, network: tuple[NetworkChange, ...] = ONLINE) -> FakeMachine:
    return FakeMachine(scene(mqtt=messages or (NEWS,), network=network))


class Client:
    """A client that remembers what it was told. beside: another one of the same application."""

    def __init__(self, machine: FakeMachine, *, beside: "Client | None" = None) -> None:
        self.machine = machine
        self.mqtt: Any = module("mqtt", machine) if beside is None else beside.mqtt
        self.client = self.mqtt.MqttClient(URL, "dock-1")
        self.connects: list[tuple[float, int]] = []
        self.flags: list[object] = []
        self.messages: list[tuple[float, str, bytes]] = []
        self.granted: list[tuple[int, list[int]]] = []
        self.topics: list[tuple[str, int]] = []
        self.client.on_message(self._message)
        self.client.on_subscribe(lambda mid, qos: self.granted.append((mid, qos)))

    def connect(self, *topics: tuple[str, int], **options: object) -> None:
        self.topics = list(topics)
        self.client.connect(self._connected, dict(options))

    def _connected(self, rc: int, flags: object) -> None:
        self.connects.append((self.machine.now_ms(), rc))
        self.flags.append(flags)
        if rc == 0 and self.topics:
            self.client.subscribe(self.topics)

    def _message(self, topic: str, message: bytearray) -> None:
        assert type(message) is bytearray
        self.messages.append((self.machine.now_ms(), topic, bytes(message)))


@pytest.mark.parametrize("scheme", ["tcp", "mqtt", "ssl", "mqtts", "ws", "wss"])
def test_2_6_these_schemes_are_known(scheme: str) -> None:
    mqtt = module("mqtt")

    assert mqtt.MqttClient(f"{scheme}://broker.example", "dock-1")
    assert mqtt.MqttClient(broker_url=f"{scheme}://192.0.2.1:1", client_id="dock-1")


@pytest.mark.parametrize(
    "url", ["http://broker.example", "broker.example:1883", "mqtt://", "", "mqtt://host:port"]
)
def test_2_6_a_bad_address_is_error_minus_14(url: str) -> None:
    mqtt = module("mqtt")
    with pytest.raises(mqtt.MqttError) as raised:
        mqtt.MqttClient(url, "dock-1")

    assert raised.value.errno == -14
    assert raised.value.args == (-14, mqtt.ErrorDescription(-14))


@pytest.mark.parametrize("arguments", [(None, "dock-1"), (URL, None), (URL, b"dock-1")])
def test_2_6_address_and_client_id_are_text(arguments: tuple[object, object]) -> None:
    with pytest.raises(TypeError):
        module("mqtt").MqttClient(*arguments)


def test_2_6_a_connection_is_told_of_with_0_and_an_empty_dict() -> None:
    client = Client(bench())
    client.connect()
    client.machine.run(60_000)

    assert client.connects == [(ANSWER_MS, 0)]
    assert client.flags == [{}]


def test_2_6_without_a_broker_it_tries_again_after_1_2_4_to_32_seconds_and_then_every_minute() -> (
    None
):
    client = Client(FakeMachine(scene(network=ONLINE)))
    client.connect()
    client.machine.run(200_000)
    moments = [at_ms for at_ms, _ in client.connects]

    assert {rc for _, rc in client.connects} == {-1}
    assert [after - before for before, after in pairwise(moments)] == [
        1_000,
        2_000,
        4_000,
        8_000,
        16_000,
        32_000,
        60_000,
        60_000,
    ]


def test_2_6_without_network_it_connects_once_there_is_one() -> None:
    client = Client(bench(network=(NetworkChange(3_000, "192.0.2.1"),)))
    client.connect()
    client.machine.run(60_000)

    assert [rc for _, rc in client.connects] == [-1, -1, 0]


def test_2_6_a_lost_connection_is_told_of_and_made_again() -> None:
    changes = (*ONLINE, NetworkChange(5_000, ""), NetworkChange(8_000, "192.0.2.2"))
    client = Client(bench(network=changes))
    client.connect()
    client.machine.run(60_000)

    assert client.connects == [(ANSWER_MS, 0), (5_000, -1), (6_000, -1), (8_000, 0)]


def test_2_6_waiting_begins_anew_after_a_connection() -> None:
    changes = (NetworkChange(3_000, "192.0.2.1"), NetworkChange(5_000, ""))
    client = Client(bench(network=changes))
    client.connect()
    client.machine.run(13_000)

    assert client.connects[-4:] == [(5_000, -1), (6_000, -1), (8_000, -1), (12_000, -1)]


def test_2_6_to_connect_again_begins_anew() -> None:
    client = Client(FakeMachine(scene(network=ONLINE)))
    client.connect()
    client.machine.run(7_000)
    client.connects.clear()
    client.connect()
    client.machine.run(8_500)

    assert client.connects == [(7_000 + ANSWER_MS, -1), (8_000 + ANSWER_MS, -1)]


@pytest.mark.parametrize(
    "options",
    [
        {"clean_session": 1},
        {"Username": "x"},
        {"username": b"x"},
        {"keep_alive": "60"},
        {"password": "x"},
        {"username": None, "password": "x"},
        {"will_qos": 3},
        {"trust_store": 5},
    ],
)
def test_2_6_an_option_that_is_none_is_a_type_error(options: dict[str, object]) -> None:
    client = Client(bench())
    with pytest.raises(TypeError):
        client.connect(**options)
    client.machine.run(60_000)

    assert client.connects == []


def test_2_6_every_documented_option_is_taken_and_none_of_them_told() -> None:
    client = Client(bench())
    client.connect(
        keep_alive=60,
        username="user",
        password=b"secret",
        will_topic="dock/will",
        will_qos=1,
        will_message="secret",
        trust_store="certificate",
        private_key=bytearray(b"secret"),
        key_store=None,
    )

    name, detail = client.machine.calls[-1]
    assert name == "mqtt.MqttClient.connect"
    assert detail == (
        "keep_alive, password, private_key, trust_store, username, will_message, will_qos,"
        " will_topic"
    )


@pytest.mark.parametrize("odd", [5, ["username"], "username"])
def test_2_6_options_are_a_dict_or_none(odd: object) -> None:
    client = module("mqtt").MqttClient(URL, "dock-1")
    client.connect(print)
    client.connect(print, None)
    with pytest.raises(TypeError):
        client.connect(print, odd)


@pytest.mark.parametrize("name", ["connect", "on_message", "on_subscribe"])
def test_2_6_a_callback_can_be_called(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(module("mqtt").MqttClient(URL, "dock-1"), name)(5)


# -- messages ------------------------------------------------------------------------------------


def test_2_6_a_scripted_message_reaches_whoever_subscribed_to_its_topic() -> None:
    machine = bench(NEWS, MqttMessage(11_000, "dock/other", b"x"))
    client = Client(machine)
    stranger = Client(machine, beside=client)
    client.connect(("dock/news", 1))
    stranger.connect(("else/#", 2))
    machine.run(60_000)

    assert client.messages == [(10_000, "dock/news", b"\0news")]
    assert stranger.messages == []


def test_2_6_a_subscription_is_granted_as_a_list() -> None:
    client = Client(bench())
    client.connect()
    client.machine.run(1_000)
    first = client.client.subscribe(("a/+", 2))
    second = client.client.subscribe([("b", 0), ("c/#", 1)])
    client.machine.run(2_000)

    assert 0 < first != second > 0
    assert client.granted == [(first, [2]), (second, [0, 1])]


@pytest.mark.parametrize(
    ("topics", "error"),
    [
        ((None, 0), -6),
        (("", 0), -5),
        (("\ud800", 0), -5),
        ((b"topic", 0), -5),
        (("topic", 3), -9),
        (("topic", None), -9),
        ([("topic", 0), ("other", -1)], -9),
    ],
)
def test_2_6_a_subscription_that_cannot_be_is_a_number_below_zero(
    topics: object, error: int
) -> None:
    client = Client(bench())
    client.connect()
    client.machine.run(1_000)

    assert client.client.subscribe(topics) == error


def test_2_6_nobody_subscribes_without_a_connection() -> None:
    assert Client(bench()).client.subscribe(("topic", 0)) == -3


@pytest.mark.parametrize("odd", ["topic", None, [], [("topic",)], ("topic", 0, 1)])
def test_2_6_topics_are_pairs(odd: object) -> None:
    with pytest.raises(TypeError):
        Client(bench()).client.subscribe(odd)


def test_2_6_what_is_published_without_connection_is_sent_when_there_is_one() -> None:
    machine = bench(network=(NetworkChange(3_000, "192.0.2.1"),))
    sender = Client(machine)
    receiver = Client(machine, beside=sender)
    receiver.connect(("dock/#", 0))
    numbers = [
        sender.client.publish("dock/a", "text ä", 0),
        sender.client.publish(topic="dock/b", message=bytearray(b"octets"), qos=2),
    ]
    machine.run(5_000)
    before = list(receiver.messages)
    sender.connect()
    machine.run(9_000)

    assert before == []
    assert [message for _, _, message in receiver.messages] == ["text ä".encode(), b"octets"]
    assert numbers[0] != numbers[1]
    assert min(numbers) > 0


def test_2_6_the_session_keeps_what_a_disconnected_subscriber_missed() -> None:
    changes = (*ONLINE, NetworkChange(9_000, ""), NetworkChange(12_000, "192.0.2.2"))
    machine = bench(network=changes)
    sure = Client(machine)
    unsure = Client(machine, beside=sure)
    sure.connect(("dock/news", 1))
    unsure.connect(("dock/news", 0))
    machine.run(60_000)

    assert sure.messages == [(12_000, "dock/news", b"\0news")]
    assert unsure.messages == []


@pytest.mark.parametrize(
    "message",
    [
        ("", b"x", 0),
        (None, b"x", 0),
        (b"topic", b"x", 0),
        ("topic", None, 0),
        ("topic", 5, 0),
        ("topic", b"x", 3),
        ("topic", b"x", None),
    ],
)
def test_2_6_what_is_no_message_is_a_type_error(message: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        Client(bench()).client.publish(*message)


def test_2_6_message_numbers_have_16_bits_and_are_never_0() -> None:
    client = Client(bench()).client
    numbers = [client.publish("t", b"", 0) for _ in range(65_536)]

    assert numbers == [*range(1, 65_536), 1]


def test_2_6_a_client_without_callbacks_is_content() -> None:
    machine = bench()
    client = module("mqtt", machine).MqttClient(URL, "dock-1")
    client.connect(lambda rc, flags: client.subscribe(("#", 0)))
    machine.run(60_000)

    assert machine.findings == []


def test_2_6_errors_have_a_description() -> None:
    mqtt = module("mqtt")
    codes = (-1, -2, -3, -4, -5, -6, -9, -10, -14, *range(6))
    words = {mqtt.ErrorDescription(code) for code in codes}

    assert len(words) == len(codes)
    assert mqtt.ErrorDescription(-99) == "Unknown error"
    assert mqtt.MqttError(-3).errno == -3
    with pytest.raises(TypeError):
        mqtt.ErrorDescription("x")


def test_2_6_the_qualities_of_service_are_numbers() -> None:
    mqtt = module("mqtt")

    assert (mqtt.QOS0, mqtt.QOS1, mqtt.QOS2) == (0, 1, 2)


def test_what_is_told_of_a_client_holds_no_message() -> None:
    machine = bench()
    client = module("mqtt", machine).MqttClient("mqtts://user:secret@broker.example", "secret")
    client.publish("dock/status", b"secret", 1)
    client.subscribe([("dock/#", 1), ("other", 0)])

    assert machine.calls == [
        ("mqtt.MqttClient", "mqtts://broker.example"),
        ("mqtt.MqttClient.publish", "dock/status, 6 bytes, qos 1"),
        ("mqtt.MqttClient.subscribe", "dock/# qos 1, other qos 0"),
    ]


# -- topics (MQTT 3.1.1, 4.7) --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "topic", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/#", "sport", True),
        ("#", "anything/at/all", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/monitor", False),
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/monitor", True),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", True),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
        ("A", "a", False),
    ],
)
def test_the_examples_of_the_standard_hold(wanted: str, topic: str, expected: bool) -> None:
    assert matches(topic, wanted) is expected


@given(st.text("ab/", min_size=1))
def test_a_topic_matches_itself(topic: str) -> None:
    assert matches(topic, topic)
