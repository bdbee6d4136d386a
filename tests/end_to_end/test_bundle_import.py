"""`station bundle import` of what dock users already have: an SDK configuration and its files.

Every requirement Y1 to Y13 of the dock SDK reference through the real command line. What is
refused leaves the state folder and the place of the output as they were.
"""

import tempfile
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import pytest

from tests.end_to_end.small_line import PROFILE, furnish, made_once
from tests.end_to_end.test_command_line import Desk
from tests.golden.rom_store.make import DOT

CODE: Final = (
    b"from splashscreen import Splashscreen\r\nSplashscreen().add_text_box('\xc3\xa9')\r\n"
)
"""With Windows line ends: its checksum is over raw bytes, so they must arrive as they are."""

EXAMPLE: Final = """\
images:
  banner: {path: "${CONFIG_PATH}/art/banner.png", type: png}
kv_store:
  content_url: "https://content.example/"
code: {path: "${CONFIG_PATH}/main.py"}
"""
"""As the reference has it (dock-sdk.md, section 3)."""

HEAD: Final = """\
name: welcome
version: 1.2.3
product: DK-7F
security_counter: 4
config: config.yaml
replaceable:
  - kv: content_url
"""


@pytest.fixture
def desk(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    """At a station that knows one product; its temporary files and working folder are watched."""
    folder = tmp_path / "desk"
    copytree(made_once(tmp_path_factory, "bundle-import", furnish), folder)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("STATION_HOME", str(folder / "home"))
    return Desk(folder, capsys)


def source(desk: Desk, config: str | bytes = EXAMPLE, *, folder: str = "source") -> Path:
    """An SDK configuration in a folder of this name, with the files of the example beside it."""
    here = desk.folder / folder
    (here / "art").mkdir(parents=True)
    (here / "art" / "banner.png").write_bytes(DOT)
    (here / "main.py").write_bytes(CODE)
    path = here / "config.yaml"
    path.write_bytes(config if isinstance(config, bytes) else config.encode())
    return path


def take(desk: Desk, path: Path, *options: object) -> dict[str, Any]:
    """What the import answers; nothing else is left behind."""
    taken = desk.ask("bundle", "import", path, desk.passphrase, *options)
    assert list((desk.folder.parent / "tmp").iterdir()) == []
    return taken


def refused(desk: Desk, path: Path, *options: object, code: str, status: int = 2) -> str:
    """The line of cause; neither shelf nor output has changed."""
    out = desk.folder / "refused.bundle"
    command = ("bundle", "import", path, "--out", out, desk.passphrase, *options)
    said = desk.refused(*command, code=code, status=status)
    assert not out.exists()
    assert list((desk.folder.parent / "tmp").iterdir()) == []
    return said.err.splitlines()[0]


def contents(taken: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["kind"], one["name"]) for one in taken["contents"]}


# -- as its users have it ------------------------------------------------------------------------


def test_an_sdk_configuration_becomes_a_bundle_of_this_station(desk: Desk) -> None:
    taken = take(desk, source(desk))

    assert (taken["bundle"], taken["version"], taken["product"]) == ("source", "0.0.0", "DK-7F")
    assert [(one["kind"], one["name"], one["type"], one["size"]) for one in taken["contents"]] == [
        ("code", "main.py", None, len(CODE)),
        ("img", "banner", "PNG", len(DOT)),
        ("kv", "content_url", None, 24),
    ]
    assert taken["contents"][0]["sha256"] == sha256(CODE).hexdigest()
    (listed,) = desk.ask("bundle", "list")["bundles"]
    kept = Path(taken["file"])
    assert listed["sha256"] == taken["sha256"] == sha256(kept.read_bytes()).hexdigest()
    assert kept.is_relative_to(desk.home)
    assert desk.ask("bundle", "verify", kept)["valid"] is True


def test_its_keys_are_stable(desk: Desk) -> None:
    taken = take(desk, source(desk))

    sealed = desk.ask("bundle", "import", desk.folder / "new.bundle")
    assert set(sealed) == {
        *("bundle", "version", "product", "security_counter", "sha256", "common_bytes"),
        *("common_sha256", "released_by", "key_id", "parts", "demo"),
    }
    assert set(taken) == {*sealed, "file", "config", "warnings", "contents", "use"}
    assert set(taken["use"]) == {
        *("used_bytes", "raw_bytes", "packed_bytes", "budget_bytes", "percent", "items")
    }
    assert set(taken["use"]["items"][0]) == {"kind", "name", "size"}
    assert set(taken["contents"][0]) == {*("kind", "name", "type", "size", "sha256", "replaceable")}


def test_a_person_sees_what_it_takes_and_what_is_doubtful(desk: Desk) -> None:
    path = source(desk)

    said = desk.type("bundle", "import", path, desk.passphrase)

    assert said.status == 0, said
    lines = said.out.splitlines()
    assert f"kept source 0.0.0 for DK-7F, built from {path}" in lines
    assert any(line.startswith("  takes ") and "of 250,000 bytes, 1 %" in line for line in lines)
    assert any(
        line.split() == ["code", "main.py", str(len(CODE) + 7), "0.0", "%"] for line in lines
    ), lines
    assert any("warning: " in line and "1x1 pixels" in line for line in lines)


def test_only_the_largest_items_are_shown_and_json_has_all(desk: Desk) -> None:
    values = "".join(f'  key{number:02d}: "{"v" * number}"\n' for number in range(1, 31))
    path = source(desk, f"kv_store:\n{values}")

    said = desk.type("bundle", "import", path, desk.passphrase)

    rows = [line.split() for line in said.out.splitlines() if line.startswith("kv ")]
    assert [row[1] for row in rows] == [f"key{number}" for number in range(30, 20, -1)]
    assert "(20 smaller)" in said.out
    items = take(desk, path)["use"]["items"]
    assert len(items) == 30
    assert items[0] == {"kind": "kv", "name": "key30", "size": 35}


def test_the_same_source_gives_the_same_bundle_and_is_kept_once(desk: Desk) -> None:
    path = source(desk)

    first, again, by_folder = take(desk, path), take(desk, path), take(desk, path.parent)

    assert first["sha256"] == again["sha256"] == by_folder["sha256"]
    assert len(desk.ask("bundle", "list")["bundles"]) == 1


def test_the_sealed_file_may_be_written_too(desk: Desk) -> None:
    path, out = source(desk), desk.folder / "out.bundle"

    taken = take(desk, path, "--out", out)

    kept = desk.home / "bundles" / f"{taken['sha256']}.bundle"
    assert taken["file"] == str(out)
    assert out.read_bytes() == kept.read_bytes()
    said = desk.refused(
        *("bundle", "import", path, "--out", out, desk.passphrase), code="E-FILE-05", status=2
    )
    assert str(out) in said.err


def test_a_work_order_takes_the_imported_bundle(desk: Desk) -> None:
    taken = take(desk, source(desk))
    template = desk.folder / "template.yaml"
    template.write_text(
        "name: tokens\nversion: 1.0.0\nproduct: DK-7F\nentries:\n"
        "  - {name: label, source: {scan: serial}, target: {kv: label}}\n",
        encoding="utf-8",
    )

    order = desk.ask(
        *("order", "new", "WO-7", "--quantity", 1),
        *("--bundle", taken["file"], "--template", template),
    )

    assert order["bundle_sha256"] == taken["sha256"]


@pytest.mark.parametrize(
    "folder",
    [
        *("my dock", "Bürodock größer", "ドック", "it's a dock", 'so "called"', "100 % $HOME"),
        *("C:\\new\\Users", "a'b\\x41", "${CONFIG_PATH}", "#yaml: [", " trimmed "),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_folders_and_line_ends_as_people_have_them(desk: Desk, folder: str, line_end: str) -> None:
    """Y2: the folder's name is never text of the document."""
    path = source(desk, EXAMPLE.replace("\n", line_end).encode(), folder=folder)

    taken = take(desk, path)

    assert taken["bundle"] == folder.strip()
    assert taken["contents"][0]["sha256"] == sha256(CODE).hexdigest()
    assert contents(taken) == {("code", "main.py"), ("img", "banner"), ("kv", "content_url")}


def test_what_the_vendors_programs_read_is_taken(desk: Desk) -> None:
    """Keys and tags of the vendor's samples, a certificate of several lines, a byte order mark."""
    config = """\ufeff\
images:
  default: {path: "${CONFIG_PATH}/art/banner.png", type: PNG}
  screen_2: {path: art/banner.png, type: Png}
  screen_3: {path: "./art/banner.png", type: png}
kv_store:
  dock_name: "Südflügel, 3. Stock"
  timezone: "CET"
  cacert: |
    -----BEGIN CERTIFICATE-----
    MIIB
    -----END CERTIFICATE-----
code: {path: '${CONFIG_PATH}\\main.py'}
"""

    taken = take(desk, source(desk, config))

    assert contents(taken) == {
        *(("code", "main.py"), ("img", "default"), ("img", "screen_2"), ("img", "screen_3")),
        *(("kv", "cacert"), ("kv", "dock_name"), ("kv", "timezone")),
    }


# -- who says what it is called -------------------------------------------------------------------


def test_a_person_names_what_has_no_bundle_yaml(desk: Desk) -> None:
    stated = ["--product", "DK-7F", "--name", "lobby signs", "--version", "2.5.0-rc.1"]

    taken = take(desk, source(desk), *stated)

    assert (taken["bundle"], taken["version"]) == ("lobby signs", "2.5.0-rc.1")


def test_bundle_yaml_is_taken_at_its_word(desk: Desk) -> None:
    path = source(desk)
    path.with_name("bundle.yaml").write_text(HEAD, encoding="utf-8")

    for given in (path, path.parent, path.with_name("bundle.yaml")):
        taken = take(desk, given, "--name", "welcome", "--product", "DK-7F", "--version", "1.2.3")
        assert (taken["bundle"], taken["version"]) == ("welcome", "1.2.3")
        assert taken["security_counter"] == 4
        replaceable = [one["name"] for one in taken["contents"] if one["replaceable"]]
        assert replaceable == ["content_url"]


@pytest.mark.parametrize(
    ("option", "value"), [("--product", "DK-8"), ("--name", "goodbye"), ("--version", "1.2.4")]
)
def test_a_person_who_says_otherwise_than_bundle_yaml_is_refused(
    desk: Desk, option: str, value: str
) -> None:
    path = source(desk)
    path.with_name("bundle.yaml").write_text(HEAD, encoding="utf-8")

    cause = refused(desk, path, option, value, code="E-FILE-02")

    assert "bundle.yaml: " in cause
    assert f"not {value}" in cause


def test_a_station_that_knows_several_products_asks_for_one(desk: Desk) -> None:
    other = PROFILE.replace("small-virtual", "other").replace("DK-7F", "DK-9")
    (desk.home / "profiles" / "other.yaml").write_text(other, encoding="utf-8")
    path = source(desk)

    cause = refused(desk, path, code="E-FILE-02")

    assert "knows 2: DK-7F, DK-9" in cause
    assert take(desk, path, "--product", "DK-7F")["product"] == "DK-7F"


def test_a_station_without_profiles_of_its_own_knows_the_built_in_product(desk: Desk) -> None:
    (desk.home / "profiles" / "small.yaml").unlink()

    taken = take(desk, source(desk))

    assert (taken["product"], taken["use"]["budget_bytes"]) == ("DK-7F", 13_000_000)


@pytest.mark.parametrize(
    "options",
    [
        *(["--name", ""], ["--name", " x"], ["--name", "n" * 65], ["--name", "a\nb"]),
        *(["--version", "1"], ["--version", "1.0.0+b"], ["--version", "256.0.0"]),
        ["--product", ""],
    ],
)
def test_names_and_versions_that_cannot_be_are_refused(desk: Desk, options: list[str]) -> None:
    refused(desk, source(desk), *options, code="E-USAGE-01")


def test_a_sealed_bundle_says_itself_what_it_is(desk: Desk) -> None:
    for options in (
        ["--product", "DK-7F"],
        ["--name", "x"],
        ["--version", "1.0.0"],
        ["--out", "x"],
    ):
        desk.refused(
            *("bundle", "import", desk.folder / "new.bundle", *options),
            code="E-USAGE-01",
            status=2,
        )


# -- keys ----------------------------------------------------------------------------------------


def test_without_a_release_key_it_says_where_to_go(desk: Desk) -> None:
    release = next(
        one["file"] for one in desk.ask("key", "list")["keys"] if one["purpose"] == "release"
    )
    (desk.home / "keys" / release).unlink()

    said = desk.refused(
        *("bundle", "import", source(desk), desk.passphrase), code="E-KEY-01", status=14
    )

    assert "this station has no release key" in said.err
    assert "import the sealed bundle" in said.err


def test_a_wrong_passphrase_and_none_at_all(desk: Desk) -> None:
    path, wrong = source(desk), desk.folder / "wrong"
    wrong.write_text("another passphrase", encoding="utf-8")

    desk.refused(
        *("bundle", "import", path, "--passphrase-file", wrong), code="E-KEY-01", status=14
    )
    desk.refused("bundle", "import", path, code="E-KEY-01", status=14)


def test_a_release_key_for_another_product_signs_nothing(desk: Desk) -> None:
    refused(desk, source(desk), "--product", "DK-8", code="E-KEY-01", status=14)


# -- refusals, requirement by requirement ---------------------------------------------------------


def kv(value: str) -> str:
    return f"kv_store:\n  key: {value}\n"


def banner(**fields: str) -> str:
    inner = ", ".join(f"{key}: {value}" for key, value in fields.items())
    return f"images:\n  banner: {{{inner}}}\n"


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        pytest.param('!!python/object/apply:os.mkdir ["pwned"]', ":1:1: ", id="Y1 a call"),
        pytest.param(kv('!!python/object/apply:os.mkdir ["pwned"]'), ":2:8: ", id="Y1 in a value"),
        pytest.param("__import__('os').mkdir('pwned')", ":1:1: ", id="Y1 a bare scalar"),
        pytest.param("a: &a {b: *a}", ":1:", id="Y1 an alias"),
        pytest.param(banner(path='"${HOME}/x.png"', type="png"), "${CONFIG_PATH}", id="Y3 another"),
        pytest.param(
            banner(path='"art/${CONFIG_PATH}/x.png"', type="png"), "beginning", id="Y3 inside"
        ),
        pytest.param(banner(path='"${CONFIG_PATH}x.png"', type="png"), "a / is", id="Y3 no slash"),
        pytest.param("", "", id="Y4 empty"),
        pytest.param("# nothing\n", "", id="Y4 a comment"),
        pytest.param("[]", "", id="Y4 a list"),
        pytest.param("{}", "nothing in it", id="Y4 nothing"),
        pytest.param("kv_store: {}\nimages: {}\n", "nothing to write", id="Y4 nothing in it"),
        pytest.param("kvstore: {a: b}\n", "kvstore", id="Y5 at the top"),
        pytest.param(banner(path="a", type="png", tpye="png"), "tpye", id="Y5 in an image"),
        pytest.param('code: {path: "main.py", file: "x"}\n', "file", id="Y5 in code"),
        pytest.param('kv_store:\n  a: "1"\n  a: "2"\n', ":3:3: ", id="Y6 a key"),
        pytest.param('code: {path: "main.py"}\ncode: {path: "main.py"}\n', ":2:1: ", id="Y6 code"),
        *(
            pytest.param(kv(value), "key", id=f"Y7 {value}")
            for value in ("NO", "0010", "12:30:00", "1.0", "~", "2026-01-01", ".inf", "7")
        ),
        pytest.param("kv_store: {NO: b}\n", "NO", id="Y7 a name"),
        pytest.param("kv_store: {key: {path: main.py}}\n", "key", id="Y8 a path in a value"),
        pytest.param(banner(path="art/banner.png"), "type", id="Y9 no type"),
        pytest.param("images:\n", "images", id="Y9 a null section"),
        pytest.param(banner(path='""', type="png"), "path", id="Y9 no path"),
        pytest.param(banner(path="art/banner.png", type="jpg"), "jpeg", id="Y10 jpg"),
        pytest.param(banner(path="art/banner.png", type="gif"), "gif", id="Y10 gif"),
        pytest.param(kv('"a\\0b"'), "NUL", id="Q8 NUL"),
        pytest.param('kv_store: {"": "x"}\n', "", id="Q8 no name"),
        pytest.param(f"kv_store:\n  {'é' * 513}: x\n", "1024 octets", id="Q8 a long name"),
    ],
)
def test_a_configuration_that_breaks_a_rule_is_refused_at_its_place(
    desk: Desk, config: str, complaint: str
) -> None:
    path = source(desk, config)

    cause = refused(desk, path, code="E-FILE-02")

    assert f"{path}:" in cause
    assert complaint in cause
    assert list((desk.folder.parent / "elsewhere").iterdir()) == []  # no code was run


@pytest.mark.parametrize(
    ("config", "code", "complaint"),
    [
        pytest.param(banner(path="none.png", type="png"), "E-FILE-01", "none.png", id="Y9 missing"),
        pytest.param(banner(path="art", type="png"), "E-FILE-01", "a folder", id="Y9 a folder"),
        pytest.param(
            banner(path="'art\\banner.png'", type="png"), "E-FILE-01", ":2:", id="Y2 backslash"
        ),
        pytest.param(banner(path="/dev/zero", type="png"), "E-FILE-01", "regular", id="Y9 device"),
        pytest.param(
            banner(path="art/banner.png", type="bmp"), "E-FILE-03", "PNG, not BMP", id="Y10 another"
        ),
        pytest.param(banner(path="main.py", type="png"), "E-FILE-03", "neither", id="Y10 none"),
        pytest.param(banner(path="cut.png", type="png"), "E-FILE-03", "cut short", id="Y10 cut"),
        pytest.param(banner(path="big.png", type="png"), "E-FILE-04", "big.png", id="Y11 a file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_line_that_names_it(
    desk: Desk, config: str, code: str, complaint: str
) -> None:
    path = source(desk, config)
    path.with_name("cut.png").write_bytes(DOT[:-20])
    path.with_name("big.png").write_bytes(DOT + bytes(13_000_001))

    cause = refused(desk, path, code=code)

    assert f"{path}:2:" in cause or "big.png" in cause
    assert complaint in cause


def test_what_does_not_fit_the_rom_store_is_refused_with_the_largest_items(desk: Desk) -> None:
    """Y11, of this product's own dock model: 250,000 bytes."""
    values = "".join(f'  key{number}: "{"v" * number * 30_000}"\n' for number in range(1, 6))

    cause = refused(desk, source(desk, f"kv_store:\n{values}"), code="E-FILE-04")

    assert "250,000" in cause
    assert "largest: kv key5 150,004, kv key4 120,004, kv key3 90,004" in cause


def test_a_document_that_is_not_utf_8_is_refused(desk: Desk) -> None:
    """Y13."""
    cause = refused(desk, source(desk, b'kv_store: {a: "\xe9"}\n'), code="E-FILE-02")

    assert ":1:16: not UTF-8" in cause


def test_a_source_that_is_not_there(desk: Desk) -> None:
    empty = desk.folder / "empty"
    empty.mkdir()

    assert "nowhere.yaml" in refused(desk, desk.folder / "nowhere.yaml", code="E-FILE-01")
    assert "no configuration" in refused(desk, empty, code="E-FILE-01")


# -- taken, perhaps with a warning ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "warning"),
    [
        pytest.param(kv('"$$5 and ${HOME}"'), "", id="Y3 dollars elsewhere"),
        pytest.param('kv_store: {path: "x"}\n', "", id="Y8 a key called path"),
        pytest.param('kv_store: {timezone: "CST"}\n', "no time zone", id="Y12"),
        pytest.param(kv('""'), "looks like a missing key", id="Q4"),
        pytest.param('kv_store: {"my key": "x"}\n', "no plain name", id="Q8"),
        pytest.param(banner(path="art/banner.png", type="png"), "1x1 pixels", id="Q7"),
        pytest.param(kv(f'"{"v" * 230_000}"'), "93 % of the ROM store, packed", id="Q2"),
    ],
)
def test_what_is_only_doubtful_is_taken_with_a_warning(
    desk: Desk, config: str, warning: str
) -> None:
    taken = take(desk, source(desk, config))

    assert warning in "\n".join(taken["warnings"])
    assert bool(taken["warnings"]) == bool(warning)


def test_paths_follow_the_folder_of_the_configuration(desk: Desk) -> None:
    """Y9: wherever the command is given."""
    path = source(desk, "code: {path: main.py}\n")
    Path("main.py").write_text("print('the wrong one')", encoding="utf-8")

    taken = take(desk, path)

    assert taken["contents"][0]["sha256"] == sha256(CODE).hexdigest()


def test_values_arrive_as_they_are_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"a": "$$", "b": "${CONFIG_PATH}/x", "c": "  ü\t", "d": "NO", "e": "line\nline\n"}
    lines = "".join(f"  {key}: {_quoted(value)}\n" for key, value in values.items())

    taken = take(desk, source(desk, f"kv_store:\n{lines}"))

    assert {one["name"]: one["sha256"] for one in taken["contents"]} == {
        key: sha256(value.encode()).hexdigest() for key, value in values.items()
    }


def _quoted(value: str) -> str:
    escaped = value.replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
