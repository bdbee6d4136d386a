"""What a command line ends with: an answer, or one line of cause and one of remedy."""

import json

import click
import pytest

from station.cli.answer import Answer
from station.cli.main import COMMANDS, run
from station.cli.verb import Verb
from station.domain.errors import NoDock, NoTokens, StationError


def no_window(*_: object, **__: object) -> int:
    raise AssertionError("nobody asked for a window")


def ending(monkeypatch: pytest.MonkeyPatch, outcome: object) -> None:
    """Let ``station doctor`` answer `outcome`, or raise it."""

    def answer() -> object:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    verb = Verb("doctor", callback=answer, example="station doctor")
    monkeypatch.setitem(COMMANDS, "doctor", lambda: verb)


def test_an_answer_is_shown_and_its_status_returned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending(monkeypatch, Answer({"found": 3}, ["three of them"], status=10))

    assert run(["doctor"], open_window=no_window) == 10
    assert capsys.readouterr().out == "three of them\n"


def test_an_answer_is_one_json_object_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending(monkeypatch, Answer({"found": 3}, ["three of them"]))

    assert run(["doctor", "--json"], open_window=no_window) == 0
    assert json.loads(capsys.readouterr().out) == {"found": 3, "demo": False}


@pytest.mark.parametrize(
    "error", [NoDock("/dev/ttyACM9: no such port"), NoTokens("lot T-1 has no free record")]
)
def test_an_error_is_one_line_of_cause_one_of_remedy_and_the_status_of_its_class(
    error: StationError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending(monkeypatch, error)

    status = run(["doctor"], open_window=no_window)

    out, err = capsys.readouterr()
    assert status == error.exit_status
    assert out == ""
    assert err == f"{error.code}: {error.cause}\nwhat to do: {error.remedy}\n"


def test_an_error_is_a_json_object_too_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = NoDock("/dev/ttyACM9: no such port")
    gone.add_note("f.yaml:3:1: another")
    ending(monkeypatch, gone)

    status = run(["doctor", "--json"], open_window=no_window)

    out, err = capsys.readouterr()
    assert status == 11
    assert json.loads(out) == {
        "error": {
            "code": "E-LINK-01",
            "cause": gone.cause,
            "remedy": gone.remedy,
            "notes": ["f.yaml:3:1: another"],
        },
        "demo": False,
    }
    assert "  f.yaml:3:1: another\n" in err


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["bundel"], "No such command 'bundel'"),
        (["order", "show"], "Missing argument 'NAME'"),
        (["order", "show", "a/b"], "a work order's name has"),
        (["upd", "stock", "--lto", "T-1"], "No such option"),
        (
            ["order", "new", "W", "--quantity", "0", "--bundle", "b", "--template", "t"],
            "0 is not in the range",
        ),
        (["provision", "DK7F-00001"], "name the one port of the dock with --port"),
        (["key", "new", "1 2", "--from-file", "f"], "a letter, then letters"),
    ],
)
def test_a_wrong_command_line_is_refused_in_the_same_form(
    arguments: list[str], cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run([*arguments, "--json"], open_window=no_window)

    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert status == 2
    assert error["code"] == "E-USAGE-01"
    assert cause in error["cause"]
    assert error["remedy"].startswith("See: station")
    assert err.count("\n") == 2


def test_a_bad_serial_is_refused_before_the_station_is_touched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["unit", "show", "not/a/serial"], open_window=no_window) == 2
    assert capsys.readouterr().err.startswith("E-SCAN-01: ")


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), click.Abort()])
def test_a_person_who_stops_it_gets_130(
    stop: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ending(monkeypatch, stop)

    assert run(["doctor"], open_window=no_window) == 130
    assert "E-STOP-01: stopped by a person\n" in capsys.readouterr().err


def test_a_fault_of_the_program_is_raised_and_not_told_as_anything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ending(monkeypatch, ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        run(["doctor"], open_window=no_window)


def test_no_command_at_all_shows_help_and_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([], open_window=no_window) == 2
    assert "Usage: station" in capsys.readouterr().err
