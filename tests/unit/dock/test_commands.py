"""What may be said on the command channel."""

import pytest

from station.dock.commands import Command, Word


@pytest.mark.parametrize("word", Word)
def test_every_word_is_for_one_dock_or_for_all(word: Word) -> None:
    assert Command.parse(b'{"command": "%s"}' % word.value.encode()) == Command(word)
    line = b'{"dock": "DK7F-00001", "command": "%s"}\r' % word.value.encode()
    assert Command.parse(line) == Command(word, "DK7F-00001")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"quit",
        b"[]",
        b"\xff",
        b'{"command": 1}',
        b'{"command": "explode"}',
        b'{"command": "quit", "dock": 1}',
        b'{"command": "quit", "and": "more"}',
        b"[" * 100_000,
    ],
)
def test_anything_else_is_no_command(line: bytes) -> None:
    with pytest.raises(ValueError):
        Command.parse(line)
