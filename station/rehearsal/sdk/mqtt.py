"""Module `mqtt`: a client of the bench's broker (`mqtt_session.py`, `mqtt_broker.py`).

`on_connect` is called at every attempt: with 0, or with -1 where there is no network or no broker,
and with -1, too, when the network goes. Then the client tries again, after 1, 2, 4 ... 32 seconds
and once a minute from there. `flags` is an empty dict.
Source: dock-sdk.md, 2.6; the vendor's page on `MqttClient`, for what a message and `granted_qos`
look like, and that `publish` answers what is no message with TypeError.
"""

from collections.abc import Sequence
from itertools import cycle
from typing import Any, ClassVar, Final

from station.rehearsal.machine import Machine
from station.rehearsal.sdk import arguments, urls
from station.rehearsal.sdk.arguments import Callback
from station.rehearsal.sdk.mqtt_broker import Broker
from station.rehearsal.sdk.mqtt_session import Session
from station.rehearsal.sdk.names import Names, bound

_DISCONNECTED: Final = -3
_BAD_UTF8: Final = -5
_NONE_GIVEN: Final = -6
_BAD_QOS: Final = -9
_BAD_SCHEME: Final = -14

_DESCRIPTIONS: Final = {
    0: "Connection accepted",
    1: "Connection refused, unacceptable MQTT protocol",
    2: "Connection refused, identifier rejected",
    3: "Connection refused, server unavailable",
    4: "Connection refused, bad user name or password",
    5: "Connection refused, not authorised",
    -1: "Failure",
    -2: "Persistence error",
    _DISCONNECTED: "Disconnected",
    -4: "Too many messages in flight",
    _BAD_UTF8: "Bad UTF-8 string",
    _NONE_GIVEN: "None given",
    _BAD_QOS: "Bad quality of service",
    -10: "No more message ids",
    _BAD_SCHEME: "Bad scheme of the broker's URL",
}
"""Numbers are the vendor's, words are ours."""

_SCHEMES: Final = frozenset({"tcp", "mqtt", "ssl", "mqtts", "ws", "wss"})
_QOS: Final = (0, 1, 2)

_OPTIONS: Final[dict[str, tuple[type, ...]]] = {
    "keep_alive": (int,),
    "username": (str,),
    "password": (str, bytes, bytearray),
    "will_topic": (str,),
    "will_qos": (int,),
    "will_message": (str, bytes, bytearray),
    "trust_store": (str, bytes, bytearray),
    "private_key": (str, bytes, bytearray),
    "key_store": (str, bytes, bytearray),
}
"""What they may be, besides None."""


class MqttError(Exception):
    """`mqtt.MqttError`. args: the number, and what it means."""

    def __init__(self, errno: int, message: str = "") -> None:
        super().__init__(errno, message or _description(errno))
        self.errno = errno


class MqttClient:
    """`mqtt.MqttClient`."""

    _machine: ClassVar[Machine]
    _broker: ClassVar[Broker]

    def __init__(self, broker_url: str, client_id: str) -> None:
        """Raises TypeError, and MqttError for an address that is none."""
        arguments.text(client_id, "client_id")
        parts = urls.split(arguments.text(broker_url, "broker_url"))
        self._machine.called("mqtt.MqttClient", urls.told(broker_url))
        if parts is None or parts.scheme not in _SCHEMES:
            raise MqttError(_BAD_SCHEME)
        self._session = Session(self._machine, self._broker)
        self._message_ids = cycle(range(1, 65_536))

    def connect(self, on_connect: Callback, options: dict[str, object] | None = None) -> None:
        """Connect, and stay connected; called again, begin anew.

        Raises TypeError for an option that is none.
        """
        wanted = arguments.callback(on_connect, "on_connect")
        given = _checked({} if options is None else options)
        self._machine.called("mqtt.MqttClient.connect", ", ".join(given))
        self._session.on_connect = wanted
        self._session.begin()

    def publish(self, topic: str, message: str | bytes | bytearray, qos: int) -> int:
        """Send a message as soon as the client is connected; its number.

        Raises TypeError for what is no message.
        """
        if not arguments.text(topic, "topic"):
            raise TypeError("topic: it is empty")
        if not isinstance(message, str | bytes | bytearray):
            raise TypeError(f"message: {type(message).__name__} is none")
        if qos not in _QOS:
            raise TypeError("qos: 0, 1 or 2 is needed")
        content = arguments.octets(message, "message")
        self._machine.called(
            "mqtt.MqttClient.publish", f"{topic}, {len(content):,} bytes, qos {qos}"
        )
        self._session.publish(topic, content)
        return next(self._message_ids)

    def subscribe(self, topics: Any) -> int:
        """Ask for messages; the number of the request, or an error, which is below zero.

        Raises TypeError for what is no pair, or list of pairs.
        """
        wanted = topics if isinstance(topics, list) else [topics]
        if not wanted or not all(isinstance(one, tuple) and len(one) == 2 for one in wanted):
            raise TypeError("topics: a pair of topic and qos is needed, or a list of them")
        told = ", ".join(f"{topic} qos {qos}" for topic, qos in wanted)
        self._machine.called("mqtt.MqttClient.subscribe", told)
        error = _refusal(wanted)
        if error is None and not self._session.connected:
            error = _DISCONNECTED
        if error is not None:
            return error
        message_id = next(self._message_ids)
        self._session.subscribe(message_id, wanted)
        return message_id

    def on_message(self, callback: Callback) -> None:
        """Call it with the topic and the message, a bytearray. Raises TypeError."""
        self._session.on_message = arguments.callback(callback, "callback")
        self._machine.called("mqtt.MqttClient.on_message")

    def on_subscribe(self, callback: Callback) -> None:
        """Call it with the number of a request and a list of what was granted. Raises TypeError."""
        self._session.on_subscribe = arguments.callback(callback, "callback")
        self._machine.called("mqtt.MqttClient.on_subscribe")


def mqtt_names(machine: Machine) -> Names:
    """Of module `mqtt`."""
    client = bound("MqttClient", MqttClient, _machine=machine, _broker=Broker(machine))
    return {
        "MqttClient": client,
        "MqttError": MqttError,
        "QOS0": 0,
        "QOS1": 1,
        "QOS2": 2,
        "ErrorDescription": _description,
    }


def _description(errno: int) -> str:
    return _DESCRIPTIONS.get(arguments.whole(errno, "errno"), "Unknown error")


def _checked(options: object) -> list[str]:
    """Names of the options that are given. Raises TypeError."""
    if not isinstance(options, dict):
        raise TypeError(f"options: a dict is needed, not {type(options).__name__}")
    for name, value in options.items():
        if name not in _OPTIONS:
            raise TypeError(f"options: {name!r} is none")
        if value is not None and not isinstance(value, _OPTIONS[name]):
            raise TypeError(f"options: {name} cannot be {type(value).__name__}")
    if options.get("will_qos") not in {None, *_QOS}:
        raise TypeError("options: will_qos is 0, 1 or 2")
    given = sorted(name for name, value in options.items() if value is not None)
    if "password" in given and "username" not in given:
        raise TypeError("options: a password without username")
    return given


def _refusal(wanted: Sequence[tuple[object, object]]) -> int | None:
    """Why these topics cannot be asked for, as a number; None where they can."""
    for topic, qos in wanted:
        if topic is None:
            return _NONE_GIVEN
        if not isinstance(topic, str) or not _is_utf8(topic):
            return _BAD_UTF8
        if qos not in _QOS:
            return _BAD_QOS
    return None


def _is_utf8(topic: str) -> bool:
    """Whether MQTT can carry it: some text, no half of a surrogate pair."""
    try:
        return bool(topic.encode("utf-8"))
    except UnicodeEncodeError:
        return False
