"""Passphrases come from files and descriptors, once, and are never shown."""

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from station.cli.passphrase import SECRET_BYTES_MAX, Passphrase, asks_passphrase, read_secret
from station.cli.verb import Verb
from station.domain.errors import FileUnreadable, KeyRefused
from station.domain.secret import Secret

CANARY = b"c4n4ry passphrase"


@dataclass(frozen=True)
class Key:
    purpose: str = "station"
    holder: str = "line-3"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_file_is_read_without_its_line_end(tmp_path: Path, end: bytes) -> None:
    file = tmp_path / "pw"
    file.write_bytes(CANARY + end)

    assert Passphrase(file=file)(Key()) == Secret(CANARY)


def test_a_second_line_end_belongs_to_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_bytes(CANARY + b"\n\n")

    assert read_secret(file) == Secret(CANARY + b"\n")


def test_a_descriptor_is_read_to_its_end_and_closed() -> None:
    reader, writer = os.pipe()
    os.write(writer, CANARY[:5])
    os.write(writer, CANARY[5:] + b"\n")
    os.close(writer)

    assert Passphrase(descriptor=reader)(Key()) == Secret(CANARY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader)


def test_it_is_read_once_and_serves_every_key(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_bytes(CANARY)
    ask = Passphrase(file=file)

    first = ask(Key())
    file.unlink()

    assert ask(Key("lot", "lots")) is first
    assert ask.new() is first


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * (SECRET_BYTES_MAX + 1)])
def test_an_empty_or_endless_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "pw"
    file.write_bytes(content)

    with pytest.raises(FileUnreadable):
        read_secret(file)


def test_the_longest_secret_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_bytes(b"x" * SECRET_BYTES_MAX)

    assert read_secret(file).size_bytes == SECRET_BYTES_MAX


def test_a_missing_file_and_a_closed_descriptor_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="no such file"):
        read_secret(tmp_path / "none")
    with pytest.raises(FileUnreadable, match="descriptor 999"):
        Passphrase(descriptor=999)(Key())


def test_without_file_descriptor_and_terminal_it_says_what_to_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(CANARY.decode()))

    with pytest.raises(KeyRefused) as refusal:
        Passphrase()(Key())

    assert "--passphrase-file" in refusal.value.remedy


@pytest.mark.parametrize("twice", [False, True])
def test_a_person_is_asked_without_echo_and_twice_for_a_new_one(
    monkeypatch: pytest.MonkeyPatch, twice: bool
) -> None:
    asked: list[tuple[str, dict[str, object]]] = []

    def prompt(text: str, **how: object) -> str:
        asked.append((text, how))
        return CANARY.decode()

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(click, "prompt", prompt)
    ask = Passphrase()

    given = ask.new() if twice else ask(Key())

    ((text, how),) = asked
    assert given == Secret(CANARY)
    assert twice or "station key line-3" in text
    assert how == {"hide_input": True, "confirmation_prompt": twice, "err": True}


def test_file_and_descriptor_exclude_each_other() -> None:
    @click.command("x", cls=Verb, example="")
    @asks_passphrase
    def command(*, ask: Passphrase) -> None:
        raise AssertionError(ask)

    with pytest.raises(click.UsageError, match="exclude each other"):
        command.main(["--passphrase-file", "f", "--passphrase-fd", "3"], standalone_mode=False)
