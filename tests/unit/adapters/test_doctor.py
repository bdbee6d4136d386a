"""Each check of the doctor, sound and sick; a sick one always says what to do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from station.adapters import doctor
from station.adapters.doctor import EXPIRES_SOON, MADE_AT, KeyFact, Probes, examine
from station.domain.diagnosis import Health
from station.domain.errors import FileUnreadable, KeyRefused, LedgerRefused, RehearsalImpossible

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
KEYS = (
    KeyFact("root", "product root", NOW + timedelta(days=7000)),
    KeyFact("release", "ACME", NOW + timedelta(days=1000)),
    KeyFact("station", "line-3", NOW + timedelta(days=300)),
    KeyFact("lot", "lots", None),
)


def sound() -> Probes:
    return Probes(
        sqlite=lambda: "3.53.4",
        root=lambda: "root.pem",
        keys=lambda: KEYS,
        ledger=lambda: "opens",
        confinement=lambda: "seccomp",
    )


def test_a_sound_station_has_no_bad_check(tmp_path: Path) -> None:
    found = examine(tmp_path, sound(), now_at=NOW, free_bytes_min=1)

    assert [one for one in found if one.health is Health.BAD] == []
    assert {"Python", "PySide6", "SQLite", "clock", "state folder", "ledger"} <= {
        one.check for one in found
    }
    assert all(bool(one.remedy) == (one.health is not Health.OK) for one in found)


def test_what_a_probe_refuses_is_bad_with_its_code_and_remedy(tmp_path: Path) -> None:
    refusal = LedgerRefused("the ledger has schema 9, this program knows 1")

    def refuse() -> str:
        raise refusal

    probes = replace(sound(), sqlite=refuse, root=refuse, ledger=refuse)
    found = examine(tmp_path, probes, now_at=NOW, free_bytes_min=1)

    sick = [one for one in found if one.health is Health.BAD]
    assert [one.check for one in sick] == ["SQLite", "product root", "ledger"]
    assert {one.found for one in sick} == {f"E-LOG-02 {refusal.cause}"}
    assert {one.remedy for one in sick} == {refusal.remedy}


def test_a_machine_that_cannot_confine_is_warned_of_and_told_what_to_install() -> None:
    def refuse() -> str:
        raise RehearsalImpossible("the library libseccomp.so.2 is missing")

    found = doctor.confinement(refuse)

    assert found.health is Health.WARN
    assert "libseccomp.so.2 is missing" in found.found
    assert "libseccomp2" in found.remedy


def test_a_station_before_its_ceremony_is_warned_and_not_condemned() -> None:
    root = doctor.product_root(lambda: None)
    keys = list(doctor.keys(list, NOW))

    assert root.health is Health.WARN
    assert [one.health for one in keys] == [Health.WARN] * 3


def health_of(keys: Sequence[KeyFact], purpose: str) -> Health:
    (found,) = (one for one in doctor.keys(lambda: keys, NOW) if one.check == f"{purpose} key")
    return found.health


@pytest.mark.parametrize(
    ("left", "health"),
    [
        (EXPIRES_SOON + timedelta(seconds=1), Health.OK),
        (EXPIRES_SOON, Health.WARN),
        (timedelta(seconds=1), Health.WARN),
        (timedelta(0), Health.BAD),
        (timedelta(days=-1), Health.BAD),
    ],
)
def test_a_key_is_told_of_before_it_expires(left: timedelta, health: Health) -> None:
    keys = (KeyFact("station", "line-3", NOW + left),)

    assert health_of(keys, "station") is health


def test_a_damaged_key_file_is_bad() -> None:
    def damaged() -> Sequence[KeyFact]:
        raise KeyRefused("station.key: not a key file, or a damaged one")

    (found,) = doctor.keys(damaged, NOW)

    assert (found.check, found.health) == ("keys", Health.BAD)


@pytest.mark.parametrize(
    ("now_at", "health"),
    [
        (MADE_AT, Health.OK),
        (MADE_AT - timedelta(seconds=1), Health.BAD),
        (datetime(1970, 1, 1, tzinfo=UTC), Health.BAD),
        (datetime(2099, 1, 1, tzinfo=UTC), Health.BAD),
    ],
)
def test_a_clock_behind_the_program_cannot_be_right(now_at: datetime, health: Health) -> None:
    assert doctor.clock(now_at).health is health


@pytest.mark.parametrize(
    ("found", "health"), [((3, 10, 9), Health.BAD), ((3, 11, 0), Health.OK), ((3, 14), Health.OK)]
)
def test_python_is_new_enough(found: tuple[int, ...], health: Health) -> None:
    assert doctor.python(found).health is health


@pytest.mark.parametrize(
    ("found", "health"),
    [("6.11.2", Health.WARN), ("6.11.3", Health.OK), ("6.12.0", Health.WARN)],
)
def test_only_proved_versions_of_qt_pass(
    found: str, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "version", lambda _name: found)

    assert doctor.qt().health is health


def test_a_station_without_qt_still_has_its_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", missing)

    assert doctor.qt().health is Health.WARN


def test_missing_libraries_are_named_by_their_packages() -> None:
    found = doctor.window_libraries(lambda name: None if name == "xcb-cursor" else "lib.so")

    assert found.health is Health.WARN
    assert found.remedy == "sudo apt-get install libxcb-cursor0"


def test_a_state_folder_that_is_a_file_is_bad_and_a_missing_one_can_be_made(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()

    assert doctor.state_folder(tmp_path / "file").health is Health.BAD
    assert doctor.state_folder(tmp_path / "new" / "deep").health is Health.OK
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("free_bytes_min", "health"), [(1, Health.OK), (2**60, Health.BAD)])
def test_disk_space_is_held_against_the_reserve(
    tmp_path: Path, free_bytes_min: int, health: Health
) -> None:
    assert doctor.disk_space(tmp_path, free_bytes_min).health is health


def test_a_missing_root_file_is_what_the_authority_says() -> None:
    def unreadable() -> str | None:
        raise FileUnreadable("root.pem: permission denied")

    assert doctor.product_root(unreadable).health is Health.BAD
