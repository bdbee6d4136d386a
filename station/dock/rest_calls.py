"""What a body of the development service asks for: JSON octets in, one call out, or a refusal.

Knows the documented bodies and nothing of HTTP, tokens or docks. Whatever is not exactly a
documented body is refused with the place where it differs, and no value is ever repeated.
Source: dock-sdk.md, section 4; docs/SPEC.md, "Bodies".
"""

import json
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Never

from station.datastore.pictures import recognise
from station.domain.bundle import in_order
from station.domain.development_service import Credentials
from station.domain.entries import (
    APPLICATION_NAME,
    NAME_MAX_BYTES,
    Entry,
    Kind,
    PictureType,
)
from station.domain.errors import BadScan, OperatorError, PictureRefused
from station.domain.identity import DockId
from station.domain.limits import ENTRIES_MAX
from station.domain.secret import Secret

DOCK_ID_CHARACTERS: Final = 64

TEXT: Final = b"t"
PICTURE: Final = b"i"
"""First octet of a message: what the vendor's sample applications tell text and image by."""

_POINTER_CHARACTERS_MAX: Final = 200


class BadBody(OperatorError):
    """A body that is none of the documented ones. pointer: where it differs (RFC 6901)."""

    code = "E-REST-400"
    remedy = "Send the documented body."

    def __init__(self, cause: str, *, pointer: str = "") -> None:
        super().__init__(cause)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody says who they are."""

    credentials: Credentials


@dataclass(frozen=True, slots=True)
class RunCode:
    """Run this application at once, until the next restart."""

    dock_id: DockId
    code: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReplaceRom:
    """Put these in place of all of ROM. entries: in the order of `in_order`; none erases it."""

    dock_id: DockId
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Deliver:
    """Give the running application this message, its first octet included."""

    dock_id: DockId
    message: bytes = field(repr=False)


DockCall = RunCode | ReplaceRom | Deliver
"""What is asked of one dock."""


def login(body: bytes) -> Login:
    """`isvApplicationLogin`. Raises BadBody."""
    attributes = _attributes(body, "isvApplicationLogin")
    key, secret, enterprise = attributes.members("clientId", "clientSecret", "enterpriseId")
    return Login(Credentials(key.word(), Secret(secret.word().encode("utf-8")), enterprise.word()))


def run_code(body: bytes) -> RunCode:
    """`applicationCode`. Raises BadBody."""
    dock_id, code = _attributes(body, "applicationCode").members("dockId", "code")
    content = code.base64()
    if not content:
        raise code.refusal("the application is empty")
    return RunCode(dock_id.dock_id(), content)


def replace_rom(body: bytes) -> ReplaceRom:
    """`applicationRomStore`. Empty code means no application. Raises BadBody."""
    dock_id, code, values, images = _attributes(body, "applicationRomStore").members(
        "dockId", "code", "kvStore", "images"
    )
    (content,) = code.members("code")
    entries = [
        *_application(content),
        *(_key_value(name, value) for name, value in values.named()),
        *(_picture(name, image) for name, image in images.named()),
    ]
    if len(entries) > ENTRIES_MAX:
        raise BadBody(f"{len(entries):,} entries; at most {ENTRIES_MAX:,}")
    entries.sort(key=lambda entry: in_order(entry.key))
    return ReplaceRom(dock_id.dock_id(), tuple(entries))


def deliver(body: bytes) -> Deliver:
    """`applicationMessage`. A message is any octets, but what says it is text or a picture must be
    that. Raises BadBody."""
    dock_id, message = _attributes(body, "applicationMessage").members("dockId", "message")
    content = message.base64()
    kind, rest = content[:1], content[1:]
    if not kind:
        raise message.refusal("the message is empty")
    if kind == TEXT and not _is_text(rest):
        raise message.refusal("a message of kind t is UTF-8 text")
    if kind == PICTURE:
        _demand_picture(message, rest, PictureType.PNG)
    return Deliver(dock_id.dock_id(), content)


PARSERS: Final[Mapping[str, Callable[[bytes], DockCall]]] = {
    "/docks/application/code": run_code,
    "/docks/application/romstore": replace_rom,
    "/docks/application/message": deliver,
}
"""Paths that ask something of a dock, below the base."""

LOGIN_PATH: Final = "/isv/application/login"


def _application(content: "_Place") -> Iterator[Entry]:
    if code := content.base64():
        yield Entry(Kind.CODE, APPLICATION_NAME, code)


def _key_value(name: str, value: "_Place") -> Entry:
    octets = value.octets()
    if b"\0" in octets:
        raise value.refusal("the value holds a NUL character")
    return Entry(Kind.KV, name, octets)


def _picture(tag: str, image: "_Place") -> Entry:
    stated, data = image.members("type", "data")
    try:
        type_ = PictureType(stated.text())
    except ValueError as error:
        known = ", ".join(PictureType)
        raise stated.refusal(f"the type of an image is one of {known}") from error
    content = data.base64()
    _demand_picture(data, content, type_)
    return Entry(Kind.IMG, tag, content, type_)


def _demand_picture(place: "_Place", content: bytes, type_: PictureType) -> None:
    try:
        found = recognise(content)
    except PictureRefused as error:
        raise place.refusal(error.cause) from error
    if found.type is not type_:
        raise place.refusal(f"the bytes are {found.type}, not {type_}")


def _is_text(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# -- walking through a body ------------------------------------------------------------------------


def _attributes(body: bytes, type_: str) -> "_Place":
    """What stands under `attributes` of a body of this type."""
    (data,) = _Place(_parsed(body), "").members("data")
    stated, attributes = data.members("type", "attributes")
    if stated.text() != type_:
        raise stated.refusal(f"the type of this call is {type_}")
    return attributes


def _parsed(body: bytes) -> object:
    try:
        parsed: object = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise BadBody("the body is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise BadBody(
            f"the body is not JSON: {error.msg.lower()} (line {error.lineno}, column {error.colno})"
        ) from error
    except ValueError as error:  # a number of too many digits
        raise BadBody("the body is not JSON that is taken here") from error
    except RecursionError as error:
        raise BadBody("the body is nested too deep") from error
    return parsed


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadBody("a member stands twice in one object of the body")
    return members


def _no_constant(_text: str) -> Never:
    raise BadBody("the body holds a number that JSON does not have")


class _Place:
    """A value of a body, and where it stands."""

    def __init__(self, value: object, pointer: str) -> None:
        self._value = value
        self._pointer = pointer

    def members(self, *names: str) -> "list[_Place]":
        """The members of an object that has these and no others."""
        value = self._object()
        for name in names:
            if name not in value:
                raise self.refusal(f"{name} is missing")
        for name in value:
            if name not in names:
                raise self._at(name).refusal("no such member is documented")
        return [self._at(name) for name in names]

    def named(self) -> "Iterator[tuple[str, _Place]]":
        """The members of an object whose names are names of entries."""
        for name in self._object():
            place = self._at(name)
            octets = _encoded(name, place)
            if not octets or b"\0" in octets or len(octets) > NAME_MAX_BYTES:
                raise place.refusal(
                    f"a name is 1 to {NAME_MAX_BYTES:,} octets of UTF-8, none of them NUL"
                )
            yield name, place

    def text(self) -> str:
        """A string."""
        if not isinstance(self._value, str):
            raise self.refusal("a string is expected")
        return self._value

    def word(self) -> str:
        """A string that says something, and can be encoded."""
        if not self.octets():
            raise self.refusal("a string that is not empty is expected")
        return self.text()

    def octets(self) -> bytes:
        """The UTF-8 octets of a string."""
        return _encoded(self.text(), self)

    def dock_id(self) -> DockId:
        """64 hexadecimal digits of either case."""
        text = self.text()
        try:
            if len(text) == DOCK_ID_CHARACTERS:
                return DockId.parse(text)
        except BadScan:
            pass
        raise self.refusal(f"a dock id has {DOCK_ID_CHARACTERS} hexadecimal digits")

    def base64(self) -> bytes:
        """What a string in the standard alphabet, padded, on one line, stands for."""
        text = self.text()
        try:
            octets = a2b_base64(text, strict_mode=True)
        except ValueError as error:
            raise self.refusal("not base64: standard alphabet, padded, on one line") from error
        # The decoder lets padding behind whole groups pass, and stray bits in the last group.
        last = octets[-(len(octets) % 3 or 3) :]
        if not text.endswith(b2a_base64(last, newline=False).decode("ascii")):
            raise self.refusal("not base64: standard alphabet, padded, on one line")
        return octets

    def refusal(self, cause: str) -> BadBody:
        """The complaint about this place."""
        return BadBody(cause, pointer=self._pointer)

    def _object(self) -> dict[str, object]:
        if not isinstance(self._value, dict):
            raise self.refusal("an object is expected")
        return self._value

    def _at(self, name: str) -> "_Place":
        step = name.replace("~", "~0").replace("/", "~1")
        pointer = f"{self._pointer}/{step}"
        if len(pointer) > _POINTER_CHARACTERS_MAX:
            pointer = pointer[:_POINTER_CHARACTERS_MAX] + "…"
        return _Place(self._object()[name], pointer)


def _encoded(text: str, place: _Place) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise place.refusal("half of a surrogate pair is no character") from error
