"""Where the station keeps things, and how this one is set up. Read once; nobody else knows paths.

The state folder is `STATION_HOME`, or the platform's place for user data. Its `station.toml` may
set any field of `Settings`; an environment variable `STATION_FIELD` wins over the file.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from station.domain.errors import DocumentRefused

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Settings(BaseSettings):
    """What line IT may set. name: of this station. site: origin of its log, a domain of theirs.

    slots: places for docks on this bench. operator: recorded where nobody has badged in.
    """

    model_config = SettingsConfigDict(env_prefix="STATION_", extra="forbid", frozen=True)

    name: Name = "station-1"
    site: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9./-]{0,127}$")] = "station.invalid"
    slots: Annotated[int, Field(ge=1, le=64)] = 4
    operator: Name = "operator"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        file = TomlConfigSettingsSource(settings_cls, home() / "station.toml")
        return init_settings, env_settings, file


@dataclass(frozen=True, slots=True)
class Config:
    """Frozen settings and every folder and file of one station."""

    home: Path
    settings: Settings

    @property
    def ledger(self) -> Path:
        """The ledger file."""
        return self.home / "ledger.db"

    @property
    def keys(self) -> Path:
        """Sealed key files and public certificates."""
        return self.home / "keys"

    @property
    def roots(self) -> Path:
        """PEM of the pinned product roots."""
        return self.keys / "product-root.pem"

    @property
    def device_roots(self) -> Path:
        """PEM of the pinned roots that certify docks' own keys."""
        return self.keys / "device-root.pem"

    @property
    def bundles(self) -> Path:
        """Released bundles, each named by its digest."""
        return self.home / "bundles"

    @property
    def templates(self) -> Path:
        """Templates in use, each named by its digest."""
        return self.home / "templates"

    @property
    def profiles(self) -> Path:
        """Dock-model profiles beside those that come with the program."""
        return self.home / "profiles"

    @property
    def slot_map(self) -> Path:
        """Which slot of the bench is wired to which port."""
        return self.home / "slots.yaml"

    @property
    def pictures(self) -> Path:
        """Splash screens of rehearsed first boots, each named by its digest."""
        return self.home / "pictures"

    @property
    def reports(self) -> Path:
        """Reports of the demo; others go where the command says."""
        return self.home / "reports"

    @property
    def samples(self) -> Path:
        """Where the bundles and templates that come with the program are."""
        packaged = Path(__file__).parent / "samples"
        return packaged if packaged.is_dir() else Path(__file__).parent.parent

    @property
    def docks(self) -> Path:
        """Flash files and ports of virtual docks."""
        return self.home / "docks"

    @property
    def origin(self) -> str:
        """Origin line of this station's log (promises: one log per station)."""
        return f"{self.settings.site}/{self.settings.name}"


def home() -> Path:
    """The state folder; it need not exist yet."""
    named = os.environ.get("STATION_HOME")
    return Path(named).absolute() if named else user_data_path("dock-provisioning-station")


def load() -> Config:
    """The configuration of the station this process serves.

    Raises DocumentRefused where `station.toml` or the environment sets something wrong.
    """
    try:
        return Config(home(), Settings())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DocumentRefused(f"station.toml: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise DocumentRefused(f"station.toml: {error}") from error
