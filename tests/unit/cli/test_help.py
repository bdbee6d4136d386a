"""Every command explains itself, with an example that is a valid command line."""

import shlex
from collections.abc import Iterator

import click
import pytest

from station.cli.main import COMMANDS, Session, root, run
from station.cli.verb import Verb


def no_window(*_: object, **__: object) -> int:
    raise AssertionError("nobody asked for a window")


def verbs() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, and the words that name it."""
    for name, load in COMMANDS.items():
        command = load()
        if isinstance(command, click.Group):
            for verb, inner in command.commands.items():
                yield (name, verb), inner
        else:
            yield (name,), command


VERBS = dict(verbs())


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_command_shows_help_with_an_example(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status = run([*words, "--help"], open_window=no_window)

    out = capsys.readouterr().out
    assert status == 0
    assert f"Example:\n  station {' '.join(words)}" in out
    assert "--json" in out


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_the_example_of_every_command_is_a_valid_command_line(words: tuple[str, ...]) -> None:
    command = VERBS[words]
    assert isinstance(command, Verb)
    program, *arguments = shlex.split(command.example)

    with command.make_context(
        words[-1], arguments[len(words) :], obj=Session(no_window)
    ) as context:
        assert program == "station"
        assert tuple(arguments[: len(words)]) == words
        assert not context.args


@pytest.mark.parametrize("group", [name for name, load in COMMANDS.items()])
def test_every_group_and_the_program_itself_show_help(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([group, "--help"], open_window=no_window) == 0
    assert run(["--help"], open_window=no_window) == 0

    assert f"  {group} " in capsys.readouterr().out


def test_no_short_help_is_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    for group in ([], *({words[0]} for words in VERBS if len(words) > 1)):
        run([*group, "--help"], open_window=no_window)

        _, commands = capsys.readouterr().out.split("Commands:")
        assert "..." not in commands


def test_no_option_takes_a_secret_itself() -> None:
    names = {
        option
        for command in VERBS.values()
        for parameter in command.params
        for option in parameter.opts
        if "pass" in option
    }

    assert names == {"--passphrase-file", "--passphrase-fd"}
    assert root.params
