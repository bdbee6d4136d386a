"""What a worker takes for a command is what the published schema says, and nothing else is done."""

import json
from importlib.resources import files
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from station.application.worker_commands import LINE_MAX_BYTES, Command, Do, Lines
from station.domain.errors import BadCommand

SCHEMA: Final = json.loads(
    (files("station.adapters.files") / "schemas" / "worker-command.schema.json").read_text("utf-8")
)
VALID: Final = Draft202012Validator(SCHEMA)

COMMANDS: Final[list[tuple[dict[str, Any], Command]]] = [
    ({"do": "scan", "text": "DK7F-00001"}, Command(Do.SCAN, text="DK7F-00001")),
    ({"do": "order", "name": "WO-1"}, Command(Do.ORDER, text="WO-1")),
    ({"do": "provision"}, Command(Do.PROVISION)),
    ({"do": "choose-slot", "slot": 3}, Command(Do.CHOOSE_SLOT, slot=3)),
    ({"do": "start", "slot": 3}, Command(Do.START, slot=3)),
    ({"do": "cancel", "slot": 3}, Command(Do.CANCEL, slot=3)),
    ({"do": "pause"}, Command(Do.PAUSE)),
    ({"do": "undo"}, Command(Do.UNDO)),
    ({"do": "snapshot"}, Command(Do.SNAPSHOT)),
    ({"do": "quit"}, Command(Do.QUIT)),
]

KEYS = st.sampled_from(["do", "text", "name", "slot", "more"])
VALUES = (
    st.sampled_from([str(do) for do in Do])
    | st.integers(-2, 2)
    | st.booleans()
    | st.none()
    | st.text(max_size=3)
    | st.lists(st.integers(), max_size=1)
)


def test_every_command_is_read() -> None:
    assert [Command.read(plain) for plain, _ in COMMANDS] == [read for _, read in COMMANDS]
    assert {read.do for _, read in COMMANDS} == set(Do)


@given(
    st.dictionaries(KEYS, VALUES, max_size=3)
    | st.tuples(st.sampled_from([plain for plain, _ in COMMANDS]), KEYS, VALUES).map(
        lambda one: {**one[0], one[1]: one[2]}
    )
    | VALUES
)
def test_what_is_taken_is_what_the_schema_allows(plain: Any) -> None:
    try:
        Command.read(plain)
        taken = True
    except BadCommand:
        taken = False

    assert taken == VALID.is_valid(plain)


@pytest.mark.parametrize("plain", [{"do": "scan", "text": 1}, {"do": "k7-93-ax"}, {"k7-93-ax": 1}])
def test_a_refusal_says_what_is_expected_and_repeats_nothing(plain: Any) -> None:
    with pytest.raises(BadCommand) as caught:
        Command.read(plain)

    assert caught.value.code == "E-WORKER-01"
    assert "k7-93-ax" not in caught.value.cause


@given(st.lists(st.binary(max_size=40).filter(lambda one: b"\n" not in one)), st.data())
def test_lines_are_the_same_however_they_arrive(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    found: list[tuple[int, bytes | None]] = []
    reader, at = Lines(), 0
    while at < len(stream):
        size = data.draw(st.integers(1, 20))
        found += reader.feed(stream[at : at + size])
        at += size

    assert found == list(enumerate(lines, start=1))


def test_a_line_that_is_too_long_is_told_once_and_not_kept() -> None:
    reader = Lines()
    found = list(reader.feed(b"a" * (LINE_MAX_BYTES - 1) + b"\n" + b"b" * LINE_MAX_BYTES))
    found += reader.feed(b"b" * 10 * LINE_MAX_BYTES)

    assert len(reader._begun) <= LINE_MAX_BYTES

    found += reader.feed(b"\nquit\n")

    assert found == [(1, b"a" * (LINE_MAX_BYTES - 1)), (2, None), (3, b"quit")]
