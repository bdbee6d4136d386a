"""Where the station's things are, and what line IT may set."""

from pathlib import Path

import pytest

from station import config
from station.config import Settings, home, load
from station.domain.errors import DocumentRefused


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder, and no setting in the environment."""
    monkeypatch.setenv("STATION_HOME", str(tmp_path))
    for name in Settings.model_fields:
        monkeypatch.delenv(f"STATION_{name.upper()}", raising=False)
    return tmp_path


def refused() -> str:
    with pytest.raises(DocumentRefused) as found:
        load()
    return found.value.cause


def test_without_a_word_from_anybody_the_defaults_hold(folder: Path) -> None:
    found = load()

    assert found.home == folder
    assert found.settings == Settings(
        name="station-1", site="station.invalid", slots=4, operator="operator"
    )
    assert found.origin == "station.invalid/station-1"


def test_everything_a_station_keeps_is_below_its_folder(folder: Path) -> None:
    found = load()
    places = [
        *(found.ledger, found.keys, found.roots, found.bundles, found.templates),
        *(found.profiles, found.reports, found.docks),
    ]

    assert len(set(places)) == len(places)
    assert all(folder in place.parents for place in places)
    assert not list(folder.iterdir())


def test_the_file_is_obeyed_and_the_environment_wins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "station.toml").write_text('name = "L3-P2"\nslots = 8\nsite = "example.com/plant"\n')
    monkeypatch.setenv("STATION_SLOTS", "16")
    settings = load().settings

    assert (settings.name, settings.site, settings.slots) == ("L3-P2", "example.com/plant", 16)
    assert load().origin == "example.com/plant/L3-P2"


def test_settings_cannot_be_changed_later() -> None:
    settings = load().settings

    with pytest.raises(ValueError, match="frozen"):
        settings.slots = 5


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("slots = 0", "slots"),
        ("slots = 65", "slots"),
        ('slots = "many"', "slots"),
        ('name = ""', "name"),
        ('name = "-a"', "name"),
        ('site = "UPPER"', "site"),
        ('operator = "a b"', "operator"),
        ("slot = 4", "slot"),
    ],
)
def test_a_wrong_setting_is_named(folder: Path, text: str, where: str) -> None:
    (folder / "station.toml").write_text(text)

    assert refused().startswith(f"station.toml: {where}: ")


def test_a_wrong_setting_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATION_SLOTS", "none")

    assert "slots" in refused()


@pytest.mark.parametrize("content", [b"slots =", b"slots = 4\nslots = 5\n", b'name = "\xff"'])
def test_a_file_that_is_no_toml_is_refused(folder: Path, content: bytes) -> None:
    (folder / "station.toml").write_bytes(content)

    assert refused().startswith("station.toml: ")


def test_a_file_that_cannot_be_read_is_refused(folder: Path) -> None:
    (folder / "station.toml").symlink_to("/proc/self/mem")  # a file; reading its start fails

    assert refused().startswith("station.toml: ")


def test_the_state_folder_is_where_the_platform_keeps_such_things(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("STATION_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")

    assert home() == Path("/somewhere/dock-provisioning-station")


def test_a_state_folder_named_from_here_is_the_same_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATION_HOME", "state")

    assert home() == tmp_path / "state"


def test_samples_lie_beside_the_sources_or_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (load().samples / "firmware_bundles" / "welcome").is_dir()

    monkeypatch.setattr(config, "__file__", str(tmp_path / "station" / "config.py"))
    packaged = tmp_path / "station" / "samples"
    packaged.mkdir(parents=True)

    assert load().samples == packaged
