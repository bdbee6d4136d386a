"""Shapes of message bodies: one frozen dataclass per map, one `Key` per field.

A class that derives from `Shape` and annotates its fields

    offset: Annotated[int, Key("off", Uint())]

can be made from a body and turned into one. Strict: a missing key, a value of another type or
out of bounds, and (unless `OPEN`) a key nobody asked for are refused. The same classes serve both
ends; docs/SPEC.md gives the maps in CDDL.
"""

from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from typing import (
    Any,
    ClassVar,
    Final,
    Generic,
    NamedTuple,
    Protocol,
    Self,
    TypeVar,
    get_type_hints,
)

from station.protocol.errors import BadReply
from station.protocol.smp import Body, Op

A = TypeVar("A", bound="Shape")


class OtherShape(ValueError):
    """A body that has not the shape asked for."""


class Item(Protocol):
    """What may stand behind a key; both ways check bounds."""

    def parse(self, value: object) -> Any:
        """The field's value. Raises OtherShape."""

    def build(self, value: Any) -> object:
        """What is sent. Raises OtherShape."""


@dataclass(frozen=True, slots=True)
class Uint:
    """An unsigned number up to `most`."""

    most: int = 0xFFFF_FFFF

    def parse(self, value: object) -> int:
        """A number within bounds; true and false are none."""
        if type(value) is int and 0 <= value <= self.most:
            return value
        raise OtherShape(f"not a number from 0 to {self.most}")

    build = parse


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def parse(self, value: object) -> bool:
        """Only the two CBOR values; 0 and 1 are none."""
        if type(value) is bool:
            return value
        raise OtherShape("not true or false")

    build = parse


@dataclass(frozen=True, slots=True)
class Text:
    """Text of `least` to `most` octets of UTF-8, without NUL."""

    most: int
    least: int = 0

    def parse(self, value: object) -> str:
        """Text within bounds."""
        if type(value) is str and "\0" not in value:
            try:
                size = len(value.encode("utf-8"))
            except UnicodeEncodeError:
                size = -1
            if self.least <= size <= self.most:
                return value
        raise OtherShape(f"not a text of {self.least} to {self.most} octets")

    build = parse


@dataclass(frozen=True, slots=True)
class Octets:
    """A byte string of `least` to `most` octets; whatever has a buffer can be sent."""

    most: int
    least: int = 0

    def parse(self, value: object) -> bytes:
        """A byte string within bounds."""
        if type(value) is bytes and self.least <= len(value) <= self.most:
            return value
        raise OtherShape(f"not {self.least} to {self.most} octets")

    def build(self, value: bytes | memoryview) -> bytes:
        """A copy in `bytes`: the encoder would spell a memoryview as a list of numbers."""
        return self.parse(bytes(value))


@dataclass(frozen=True, slots=True)
class OneOf:
    """A text out of an enumeration."""

    words: type[StrEnum]

    def parse(self, value: object) -> StrEnum:
        """The member so spelled."""
        for word in self.words:
            if word == value:
                return word
        raise OtherShape(f"none of {', '.join(self.words)}")

    def build(self, value: StrEnum) -> str:
        """Its spelling."""
        return self.parse(value).value


@dataclass(frozen=True, slots=True)
class Many:
    """A list of at most `most` items; a tuple on our side."""

    item: Item
    most: int

    def parse(self, value: object) -> tuple[Any, ...]:
        """The parsed items in order."""
        if not isinstance(value, list | tuple) or len(value) > self.most:
            raise OtherShape(f"not a list of at most {self.most}")
        return tuple(map(self.item.parse, value))

    def build(self, value: tuple[Any, ...]) -> list[object]:
        """The built items in order."""
        if len(value) > self.most:
            raise OtherShape(f"more than {self.most} items")
        return list(map(self.item.build, value))


@dataclass(frozen=True, slots=True)
class Named:
    """A map of at most `most` items by name (a text within `name`'s bounds); a dict on our side."""

    name: Text
    item: Item
    most: int

    def parse(self, value: object) -> dict[str, Any]:
        """The parsed items by name."""
        if not isinstance(value, dict) or len(value) > self.most:
            raise OtherShape(f"not a map of at most {self.most}")
        return {self.name.parse(name): self.item.parse(one) for name, one in value.items()}

    def build(self, value: dict[str, Any]) -> Body:
        """The built items by name."""
        if len(value) > self.most:
            raise OtherShape(f"more than {self.most} items")
        return {self.name.build(name): self.item.build(one) for name, one in value.items()}


@dataclass(frozen=True, slots=True)
class Nested:
    """A map inside a map."""

    shape: "type[Shape]"

    def parse(self, value: object) -> "Shape":
        """The inner shape."""
        if not isinstance(value, dict):
            raise OtherShape("not a map")
        return self.shape.from_body(value)

    def build(self, value: "Shape") -> Body:
        """The inner body."""
        return value.to_body()


@dataclass(frozen=True, slots=True)
class Key:
    """Name and content of a field on the wire."""

    name: str
    item: Item


class Shape:
    """Base of every body; fields with a default of None are left out when None."""

    __slots__ = ()

    OPEN: ClassVar[bool] = False
    """Whether keys nobody asked for are passed over: so in groups that others specify."""

    @classmethod
    def from_body(cls, body: Body) -> Self:
        """The value of a body. Raises OtherShape, naming the key."""
        values = {}
        for attribute, name, parse, _, required in _keys(cls):
            if name not in body:
                if required:
                    raise OtherShape(f"{cls.__name__}: no {name!r}")
                continue
            try:
                values[attribute] = parse(body[name])
            except OtherShape as error:
                raise OtherShape(f"{cls.__name__} {name!r}: {error}") from error
        if len(values) != len(body) and not cls.OPEN:
            raise OtherShape(f"{cls.__name__}: keys nobody asked for")
        return cls(**values)

    def to_body(self) -> dict[str, object]:
        """The map to send. Raises OtherShape for a value out of bounds."""
        body = {}
        for attribute, name, _, build, required in _keys(type(self)):
            value = getattr(self, attribute)
            if required or value is not None:
                body[name] = build(value)
        return body


class Request(Shape, Generic[A]):
    """A request, and what it asks of its answer `A`."""

    __slots__ = ()

    OP: ClassVar[Op]
    GROUP: ClassVar[int]
    COMMAND: ClassVar[int]
    ANSWER: ClassVar[type[Shape]]
    """The class of `A` (which a class variable may not name)."""

    PATIENCE_S: ClassVar[float] = 0.3
    """Shortest time to wait for the answer of a dock that need not work for it."""

    def answer_bytes(self) -> int:
        """About how many bytes the answer has; only for judging when it is late."""
        return 128

    def why_not(self, answer: A) -> str:
        """Why `answer`, of the right shape, cannot be the answer to this request; empty: it is."""
        return ""

    def done_by(self, answer: A) -> bool:
        """Whether the request is done. If not, it is sent again after those sent before it: the
        server takes them in order only, and has missed one."""
        return True

    def answered_by(self, body: Body) -> A:
        """The answer in `body`. Raises BadReply for another shape or another subject."""
        try:
            answer: A = self.ANSWER.from_body(body)  # type: ignore[assignment]
        except OtherShape as error:
            raise BadReply(f"the dock answered in another shape: {error}") from error
        if why_not := self.why_not(answer):
            raise BadReply(f"the dock answered {type(self).__name__} with {why_not}")
        return answer


@dataclass(frozen=True, slots=True)
class Done(Shape):
    """The empty answer of a request that only reports success."""


@dataclass(frozen=True, slots=True)
class DoneByOthers(Shape):
    """The same in groups that others specify: whatever else it says is passed over."""

    OPEN = True


class _Field(NamedTuple):
    attribute: str
    name: str
    parse: Callable[[object], Any]
    build: Callable[[Any], object]
    required: bool


_KNOWN: Final[dict[type[Shape], tuple[_Field, ...]]] = {}


def _keys(shape: type[Shape]) -> tuple[_Field, ...]:
    known = _KNOWN.get(shape)
    if known is None:
        known = _KNOWN[shape] = tuple(_fields_of(shape))
    return known


def _fields_of(shape: type[Shape]) -> Iterator[_Field]:
    hints = get_type_hints(shape, include_extras=True)
    for each in fields(shape):  # type: ignore[arg-type]
        (key,) = (note for note in hints[each.name].__metadata__ if isinstance(note, Key))
        required = each.default is MISSING
        yield _Field(each.name, key.name, key.item.parse, key.item.build, required)
