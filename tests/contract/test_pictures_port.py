"""The pictures port, as every implementation keeps it: files in a folder, and memory."""

from hashlib import sha256
from pathlib import Path

import pytest

from station.adapters.files.pictures import FilePictures
from station.application.ports import Pictures
from tests.fakes.pictures import FakePictures

PICTURE = b"\x89PNG of a splash"


@pytest.fixture(params=["files", "memory"])
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Pictures:
    if request.param == "memory":
        return FakePictures()
    return FilePictures(tmp_path / "pictures", spare_bytes=0)


def test_a_picture_is_found_by_its_digest(pictures: Pictures) -> None:
    pictures.keep(PICTURE)
    pictures.keep(PICTURE)
    pictures.keep(b"another")

    assert pictures.find(sha256(PICTURE).digest()) == PICTURE
    assert pictures.find(sha256(b"another").digest()) == b"another"


def test_what_was_never_kept_is_not_found(pictures: Pictures) -> None:
    assert pictures.find(bytes(32)) is None
    pictures.keep(PICTURE)
    assert pictures.find(bytes(32)) is None
