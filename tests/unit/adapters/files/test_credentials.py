"""Credentials of a development service are three texts, and a wrong file shows none of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from station.adapters.files.credentials import read_credentials
from station.domain.errors import DocumentRefused, FileUnreadable
from station.domain.secret import Secret

GIVEN = {"clientId": "kanary-1", "clientSecret": "kanary-2", "enterpriseId": "kanary-3"}


def test_the_three_texts_are_read(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps(GIVEN), encoding="utf-8")

    found = read_credentials(tmp_path / "c.json")

    assert (found.client_id, found.enterprise_id) == ("kanary-1", "kanary-3")
    assert found.client_secret == Secret(b"kanary-2")


@pytest.mark.parametrize(
    "changed",
    [
        {"clientId": ""},
        {"clientSecret": ""},
        {"enterpriseId": ""},
        {"clientSecret": 5},
        {"clientSecret": "\ud800kanary"},
        {"clientId": "\ud800kanary"},
        {"enterpriseId": "\ud800kanary"},
        {"secret": "kanary"},
    ],
)
def test_anything_else_is_refused_and_not_repeated(tmp_path: Path, changed: dict[str, Any]) -> None:
    (tmp_path / "c.json").write_text(json.dumps(GIVEN | changed), encoding="utf-8")

    with pytest.raises(DocumentRefused) as caught:
        read_credentials(tmp_path / "c.json")

    assert "kanary" not in f"{caught.value} {caught.value.remedy} {caught.value.__context__!r}"


@pytest.mark.parametrize("text", ["", "[]", '{"clientId": "kanary"}', '{"clientId": "kanary'])
def test_half_a_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text, encoding="utf-8")

    with pytest.raises(DocumentRefused) as caught:
        read_credentials(tmp_path / "c.json")

    assert "kanary" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"c\.json"):
        read_credentials(tmp_path / "c.json")
