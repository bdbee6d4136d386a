"""Keys for tests: cheap to open, made once per session, in folders nobody writes to again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from station.adapters.keys.ceremony import Ceremony, Keeper, hold_ceremony
from station.adapters.keys.sealed_file import CHEAP_COST
from station.domain.secret import Secret
from station.domain.trust import Algorithm

PASSPHRASE = b"c4n4ry passphrase of tests"
NOW = datetime(2026, 11, 25, 8, 0, 0, 500_000, tzinfo=UTC)
PRODUCT = "DL-7450-demo"


def make_ceremony(folder: Path, *, algorithm: Algorithm, demo: bool) -> Ceremony:
    passphrase = Secret(PASSPHRASE)
    return hold_ceremony(
        folder,
        root=Keeper("Product root", passphrase),
        release=Keeper("Release key 1", passphrase),
        station=Keeper("line-3", passphrase),
        lot=Keeper("Lots of line-3", passphrase),
        products=[PRODUCT, "DL-7450-other"],
        now=NOW,
        algorithm=algorithm,
        demo=demo,
        cost=CHEAP_COST,
    )


@pytest.fixture(scope="session", params=list(Algorithm))
def ceremony(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ceremony:
    """A real (not demo) ceremony, once per algorithm."""
    folder = tmp_path_factory.mktemp("keys") / "real"
    return make_ceremony(folder, algorithm=request.param, demo=False)


@pytest.fixture(scope="session")
def demo_ceremony(tmp_path_factory: pytest.TempPathFactory) -> Ceremony:
    folder = tmp_path_factory.mktemp("keys") / "demo"
    return make_ceremony(folder, algorithm=Algorithm.ED25519, demo=True)


@pytest.fixture
def passphrase() -> Secret:
    return Secret(PASSPHRASE)
