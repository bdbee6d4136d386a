"""The reader of bundle sources: one group of tests per requirement Y1 to Y13, named after it."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from station.adapters.files.bundle_source import BundleSource, read_bundle_source
from station.domain.entries import Entry, Kind, PictureType
from station.domain.errors import (
    DocumentRefused,
    FileUnreadable,
    OverBudget,
    PictureRefused,
    StationError,
)
from station.domain.release import Version


def picture(form: str, size: tuple[int, int] = (1920, 1080)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (10, 120, 110)).save(file, form)
    return file.getvalue()


PNG, BMP, JPEG = picture("PNG"), picture("BMP", (32, 18)), picture("JPEG")
CODE = b"from splashscreen import Splashscreen\r\nSplashscreen().add_text_box('\xc3\xa9', {})\n"
GOOD = """\
images:
  banner: {path: "${CONFIG_PATH}/art/banner.png", type: png}
kv_store:
  content_url: "https://content.example/"
code: {path: "${CONFIG_PATH}/main.py"}
"""
HEAD = """\
name: welcome
version: 1.2.3-rc.1
product: DK-7F
security_counter: 4
config: config.yaml
replaceable:
  - kv: content_url
  - img: banner
"""


def source(folder: Path, config: str = GOOD, **files: bytes) -> Path:
    (folder / "art").mkdir(parents=True, exist_ok=True)
    (folder / "art/banner.png").write_bytes(PNG)
    (folder / "main.py").write_bytes(CODE)
    for name, content in files.items():
        (folder / name.replace("_dot_", ".")).write_bytes(content)
    path = folder / "config.yaml"
    path.write_bytes(config.encode("utf-8"))
    return path


def read(path: Path, *, budget: int = 13_000_000) -> BundleSource:
    return read_bundle_source(path, unstated_product="DK-7F", rom_budget_bytes=budget)


def refused(
    folder: Path, config: str, error: type[StationError] = DocumentRefused, **files: bytes
) -> str:
    """The cause, without the path of the file; nothing in the folder has changed."""
    path = source(folder, config, **files)
    before = {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    with pytest.raises(error) as caught:
        read(path)
    assert before == {one: one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    assert caught.value.cause.startswith(f"{path}:")
    return caught.value.cause.removeprefix(f"{path}:").replace(f"{folder}/", "")


def kv(**values: str) -> str:
    lines = "".join(f"  {key}: {value}\n" for key, value in values.items())
    return f"kv_store:\n{lines}"


# -- as its users have it ----------------------------------------------------------------------


def test_an_sdk_configuration_builds_unchanged(tmp_path: Path) -> None:
    found = read(source(tmp_path / "my dock"))

    assert found.bundle.name == "my dock"
    assert found.bundle.version == Version(0, 0, 0)
    assert found.bundle.security_counter == 0
    assert found.bundle.product == "DK-7F"
    assert found.bundle.replaceable == frozenset()
    assert found.bundle.entries == (
        Entry(Kind.CODE, "main.py", CODE),
        Entry(Kind.IMG, "banner", PNG, PictureType.PNG),
        Entry(Kind.KV, "content_url", b"https://content.example/"),
    )
    assert found.warnings == ()
    assert found.config == tmp_path / "my dock/config.yaml"


def test_a_bundle_yaml_names_and_versions_it(tmp_path: Path) -> None:
    path = source(tmp_path, bundle_dot_yaml=HEAD.encode())

    for given in (tmp_path, tmp_path / "bundle.yaml", path):
        bundle = read(given).bundle
        assert (bundle.name, str(bundle.version)) == ("welcome", "1.2.3-rc.1")
        assert bundle.security_counter == 4
        assert bundle.replaceable == {(Kind.KV, "content_url"), (Kind.IMG, "banner")}


def test_a_configuration_that_bundle_yaml_does_not_name_is_read_alone(tmp_path: Path) -> None:
    source(tmp_path, bundle_dot_yaml=HEAD.encode(), other_dot_yaml=b"kv_store: {a: b}")

    assert read(tmp_path / "other.yaml").bundle.name == tmp_path.name


def test_a_folder_without_bundle_yaml_needs_exactly_one_configuration(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="no configuration"):
        read(tmp_path)
    source(tmp_path)
    assert read(tmp_path).bundle.version == Version(0, 0, 0)
    (tmp_path / "second.yml").write_text(GOOD)
    with pytest.raises(FileUnreadable, match=r"several configurations: config\.yaml, second\.yml"):
        read(tmp_path)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"none\.yaml: no such file"):
        read(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("1.2.3-rc.1", "1.2", "2:10: version: YAML reads 1.2 as a number"),
        ("1.2.3-rc.1", "1.2.3.4", "2:10: version: 1.2.3.4 is given; expected: a semantic version"),
        ("1.2.3-rc.1", "256.0.0", "2:10: '256.0.0' does not fit an image header"),
        ("counter: 4", 'counter: "4"', "4:19: security_counter: text is given"),
        ("counter: 4", "counter: -1", "4:19: security_counter: -1 is given; expected: a whole"),
        ("counter: 4", "counter: 4294967296", "4:19: security_counter: 4294967296 is given"),
        ("counter: 4", "counter: true", "4:19: security_counter: expected: a whole number"),
        ("product: DK-7F\n", "", "1:1: the document: the key 'product' is missing"),
        ("product:", "produkt:", "1:1: the document: the key 'product' is missing (and 1 more)"),
        ("name: welcome", "name: a/b", "1:7: name: a/b is given; expected: a name"),
        ("config: config.yaml", "config: ../x.yaml", "5:9: config: ../x.yaml is given"),
        ("- kv: content_url", "- kv: other", "7:9: the bundle has no kv 'other'"),
        ("- img: banner", "- kv: content_url", "8:9: kv 'content_url' stands here twice"),
        ("- img: banner", "- code: main.py", "8:5: replaceable[2]: unknown key 'code'"),
        ("- img: banner", "- {img: banner, kv: a}", "8:5: replaceable[2]: exactly one of kv, img"),
        ("- img: banner", "- {}", "8:5: replaceable[2]: exactly one of kv, img"),
    ],
)
def test_a_wrong_bundle_yaml_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, cause: str
) -> None:
    assert old in HEAD
    source(tmp_path, bundle_dot_yaml=HEAD.replace(old, new).encode())

    with pytest.raises(DocumentRefused) as caught:
        read(tmp_path)
    assert caught.value.cause.startswith(f"{tmp_path}/bundle.yaml:{cause}")


def test_a_bundle_yaml_whose_configuration_is_missing_says_so(tmp_path: Path) -> None:
    (tmp_path / "bundle.yaml").write_text(HEAD)

    with pytest.raises(FileUnreadable, match=r"bundle\.yaml:5:9: .*config\.yaml: no such file"):
        read(tmp_path)


# -- Y1 to Y13 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('touch pwned')", "!!python/object/apply:os.getcwd []", '\'"""\''],
)
def test_y1_text_is_never_evaluated(tmp_path: Path, text: str) -> None:
    refused(tmp_path, text)

    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    "name",
    [r"C:\Users", r"C:\new\table", "it's", 'a "b"', "ünï 中文", " spaced ", "$$ ${HOME}", "a\nb"],
)
def test_y2_any_folder_name_works(tmp_path: Path, name: str) -> None:
    found = read(source(tmp_path / name))

    assert len(found.bundle.entries) == 3
    assert found.bundle.name == name.strip().replace("\n", "_")


def test_y3_the_variable_is_expanded_only_where_a_path_begins(tmp_path: Path) -> None:
    text = GOOD + "  # more\n"
    text = text.replace("content_url", '"${CONFIG_PATH}"').replace(
        "https://content.example/", "${CONFIG_PATH} costs $$5 ${HOME}"
    )

    entry = read(source(tmp_path, text)).bundle.entries[-1]

    assert entry.name == "${CONFIG_PATH}"
    assert entry.data == b"${CONFIG_PATH} costs $$5 ${HOME}"


def test_y3_a_dollar_in_a_path_stays(tmp_path: Path) -> None:
    text = 'code: {path: "${CONFIG_PATH}/$$main$.py"}'
    found = read(source(tmp_path, text, **{"$$main$.py": CODE}))

    assert found.bundle.entries[0].data == CODE


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("${HOME}/main.py", "1:14: only ${CONFIG_PATH} is replaced"),
        ("art/${CONFIG_PATH}/main.py", "1:14: only ${CONFIG_PATH} is replaced"),
        ("${CONFIG_PATH}/${X}.py", "1:14: only ${CONFIG_PATH} is replaced"),
        ("${CONFIG_PATH}main.py", "1:14: a / is expected after ${CONFIG_PATH}"),
    ],
)
def test_y3_other_variables_in_a_path_are_refused(tmp_path: Path, path: str, cause: str) -> None:
    assert refused(tmp_path, f'code: {{path: "{path}"}}').startswith(cause)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "1:1: the file is empty"),
        ("---\n", "2:1: the document: nothing is given; expected: keys and values"),
        ("hello\n", "1:1: the document: expected: keys and values"),
        ("- a\n", "1:1: the document: expected: keys and values"),
        ("{}\n", "1:1: the document: nothing in it; expected: images, kv_store, code"),
        ("images: {}\nkv_store: {}\n", "1:1: nothing to write"),
    ],
)
def test_y4_nothing_to_write_is_refused(tmp_path: Path, text: str, cause: str) -> None:
    assert refused(tmp_path, text).startswith(cause)


def test_y4_an_empty_application_is_refused(tmp_path: Path) -> None:
    path = source(tmp_path, main_dot_py=b"")

    with pytest.raises(DocumentRefused, match=r"config\.yaml:5:14: the application is empty"):
        read(path)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("kvstore: {a: b}\n", "1:1: the document: unknown key 'kvstore'; did you mean 'kv_store'?"),
        (GOOD + "fonts: {}\n", "6:1: the document: unknown key 'fonts'; known keys: code, images"),
        (GOOD.replace("type: png", "type: png, size: '1'"), "2:62: images.banner: unknown key"),
        (GOOD.replace('main.py"', 'main.py", name: x'), "5:40: code: unknown key 'name'"),
    ],
)
def test_y5_unknown_keys_are_refused_at_every_level(tmp_path: Path, text: str, cause: str) -> None:
    assert refused(tmp_path, text).startswith(cause)


def test_y6_duplicate_keys_are_refused_with_line_numbers(tmp_path: Path) -> None:
    assert refused(tmp_path, GOOD + "kv_store: {a: b}\n") == (
        "6:1: the key 'kv_store' appears twice: lines 3 and 6"
    )
    assert "lines 2 and 3" in refused(tmp_path, 'kv_store:\n  a: x\n  "a": x\n')


@pytest.mark.parametrize(
    ("spelled", "reading"),
    [
        ("NO", "a truth value"),
        ("true", "a truth value"),
        ("0010", "a number"),
        ("10", "a number"),
        ("12:30:00", "a number"),
        ("1.0", "a number"),
        (".inf", "a number"),
        ("~", "nothing (null)"),
        ("null", "nothing (null)"),
        ("2026-11-02", "a date"),
    ],
)
def test_y7_values_must_be_strings_and_advice_names_the_key(
    tmp_path: Path, spelled: str, reading: str
) -> None:
    assert refused(tmp_path, kv(a="x", flag=spelled)) == (
        f'3:9: kv_store.flag: YAML reads {spelled} as {reading}; put it in quotes: "{spelled}"'
    )
    quoted = read(source(tmp_path, kv(flag=f'"{spelled}"'))).bundle.entries[0]
    assert quoted.data == spelled.encode()


def test_y7_an_absent_value_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, kv(a="x", flag="")).startswith("3:8: kv_store.flag: nothing is given")


def test_y7_keys_must_be_strings_too(tmp_path: Path) -> None:
    assert refused(tmp_path, 'kv_store:\n  1.0: "x"\n').startswith(
        "2:3: YAML reads the key 1.0 as a number"
    )


def test_y7_every_complaint_is_kept_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = source(tmp_path, kv(a="1", b="x", c="~", d="NO"))
    with pytest.raises(DocumentRefused) as caught:
        read(path)

    assert caught.value.cause.startswith(f"{path}:2:6: kv_store.a")
    assert caught.value.cause.endswith("(and 2 more)")
    assert [note.split(": ")[1] for note in caught.value.__notes__] == ["kv_store.c", "kv_store.d"]


def test_y8_path_is_a_file_only_where_the_schema_has_it(tmp_path: Path) -> None:
    text = (
        'images:\n  path: {path: "art/banner.png", type: png}\nkv_store:\n  path: "/etc/passwd"\n'
    )

    found = {entry.key: entry.data for entry in read(source(tmp_path, text)).bundle.entries}

    assert found == {(Kind.IMG, "path"): PNG, (Kind.KV, "path"): b"/etc/passwd"}


def test_y9_relative_paths_follow_the_folder_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "code: {path: main.py}\nimages:\n  a: {path: ./art/../art/banner.png, type: png}\n"
    path = source(tmp_path / "bundle", text)
    monkeypatch.chdir("/")

    assert len(read(path).bundle.entries) == 2


@pytest.mark.parametrize(
    ("text", "error", "cause"),
    [
        ("code: {path: art}", FileUnreadable, "1:14: art: a folder"),
        ("code: {path: none.py}", FileUnreadable, "1:14: none.py: no such file"),
        ("code: {path: main.py/x}", FileUnreadable, "1:14: main.py/x: no such file"),
        ("code: {path: pipe}", FileUnreadable, "1:14: pipe: not a regular file"),
        (r"code: {path: sub\main.py}", FileUnreadable, r"1:14: sub\main.py: no such file"),
        ('code: {path: "a\\0b"}', DocumentRefused, "1:14: code.path: "),
        ('code: {path: ""}', DocumentRefused, "1:14: code.path: "),
        ("code: {}", DocumentRefused, "1:7: code: the key 'path' is missing"),
        ("code:", DocumentRefused, "1:6: code: nothing is given; expected: the application"),
        ("code: main.py", DocumentRefused, "1:7: code: expected: the application"),
        ("kv_store:", DocumentRefused, "1:10: kv_store: nothing is given; expected: keys and"),
        ("images:", DocumentRefused, "1:8: images: nothing is given; expected: tags and"),
        ("images: {a: {path: main.py}}", DocumentRefused, "1:13: images.a: the key 'type' is"),
        ("images: {a: {type: png}}", DocumentRefused, "1:13: images.a: the key 'path' is"),
        ("images: {a: art/banner.png}", DocumentRefused, "1:13: images.a: expected: keys and"),
    ],
)
def test_y9_only_regular_readable_files_and_whole_sections(
    tmp_path: Path, text: str, error: type[StationError], cause: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = source(tmp_path, text)
    with pytest.raises(error) as caught:
        read(path)

    shown = caught.value.cause.removeprefix(f"{path}:").replace(f"{tmp_path}/", "")
    assert shown.startswith(cause)


def test_y9_a_backslash_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable) as caught:
        read(source(tmp_path, r"code: {path: sub\main.py}"))

    assert caught.value.remedy == "Write / between folders."


@pytest.mark.parametrize("spelled", ["png", "PNG", "pNg"])
def test_y10_types_are_taken_in_any_case_and_become_upper_case(
    tmp_path: Path, spelled: str
) -> None:
    found = read(source(tmp_path, GOOD.replace("type: png", f"type: {spelled}")))

    assert found.bundle.entries[1].picture is PictureType.PNG
    assert found.bundle.entries[1].picture.value == "PNG"


@pytest.mark.parametrize("spelled", ["jpg", "JPG", "gif", "image/png"])
def test_y10_other_types_are_refused_and_jpg_gets_a_hint(tmp_path: Path, spelled: str) -> None:
    assert refused(tmp_path, GOOD.replace("type: png", f"type: {spelled}")) == (
        f"2:57: images.banner.type: {spelled} is given; expected: png, bmp or jpeg,"
        " in any case (jpg is written jpeg)"
    )


@pytest.mark.parametrize("content", [JPEG, BMP])
def test_y10_the_bytes_must_be_of_the_stated_type(tmp_path: Path, content: bytes) -> None:
    path = source(tmp_path)
    (tmp_path / "art/banner.png").write_bytes(content)

    with pytest.raises(PictureRefused, match=r"config\.yaml:2:57: banner: the file is .*, not PNG"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"hello", PNG[:20]])
def test_y10_bytes_without_dimensions_are_refused(tmp_path: Path, content: bytes) -> None:
    path = source(tmp_path)
    (tmp_path / "art/banner.png").write_bytes(content)

    with pytest.raises(PictureRefused, match=r"config\.yaml:2:18: banner: "):
        read(path)


def test_y11_the_budget_is_exact_and_the_refusal_names_the_largest_items(tmp_path: Path) -> None:
    path = source(tmp_path)
    used = read(path).use.used_bytes
    content = len(PNG) + len(CODE) + len("https://content.example/")
    assert used == content + len("banner") + len("main.py") + len("content_url")

    assert len(read(path, budget=used).bundle.entries) == 3
    with pytest.raises(OverBudget) as caught:
        read(path, budget=used - 1)
    assert f"{used:,} bytes; the ROM store takes {used - 1:,}" in caught.value.cause
    assert f"largest: img banner {len(PNG) + 6:,}, code main.py" in caught.value.cause


def test_y11_use_is_reported_per_item_largest_first(tmp_path: Path) -> None:
    items = read(source(tmp_path)).use.items

    assert [item.name for item in items] == ["banner", "main.py", "content_url"]


def test_y11_one_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    path = source(tmp_path)
    with (tmp_path / "main.py").open("wb") as file:
        file.truncate(50_000_000_000)

    with pytest.raises(OverBudget, match=r"config\.yaml:5:14: .*main\.py: 50,000,000,000 bytes"):
        read(path)


def test_y11_nine_tenths_of_the_budget_give_a_warning(tmp_path: Path) -> None:
    path = source(tmp_path)
    used = read(path).use.used_bytes
    budget = used * 10 // 9  # the largest budget of which this is nine tenths

    assert read(path, budget=budget).warnings == (
        f"{path}: takes 90 % of the ROM store, unique data not counted",
    )
    assert read(path, budget=budget + 2).warnings == ()


@pytest.mark.parametrize("zone", ["CST", "Europe/Berlin", "utc", "Etc/UTC"])
def test_y12_an_unknown_time_zone_is_a_warning(tmp_path: Path, zone: str) -> None:
    path = source(tmp_path, kv(timezone=f'"{zone}"'))

    assert read(path).warnings == (f"{path}:2:13: '{zone}' is no time zone the dock accepts",)


@pytest.mark.parametrize("zone", ["UTC", "W-SU", "EST", "CST6CDT"])
def test_y12_the_docks_own_time_zones_pass(tmp_path: Path, zone: str) -> None:
    assert read(source(tmp_path, kv(timezone=zone))).warnings == ()


def test_y13_the_configuration_is_utf8_and_code_passes_unchanged(tmp_path: Path) -> None:
    code = b"\xef\xbb\xbf# \xff\xfe not UTF-8\r\n\r"
    path = source(
        tmp_path, 'kv_store: {"grüß": "中文 🙂"}\ncode: {path: main.py}', main_dot_py=code
    )

    found = {entry.name: entry.data for entry in read(path).bundle.entries}

    assert found["main.py"] == code
    assert found["grüß"] == "中文 🙂".encode()


def test_y13_other_encodings_are_refused(tmp_path: Path) -> None:
    path = source(tmp_path)
    path.write_bytes('kv_store: {a: "ü"}'.encode("latin-1"))

    with pytest.raises(DocumentRefused, match=r"config\.yaml:1:16: not UTF-8"):
        read(path)


# -- Q4, Q6, Q7, Q8 --------------------------------------------------------------------------------


def test_q4_an_empty_value_is_a_warning(tmp_path: Path) -> None:
    path = source(tmp_path, kv(a='""'))

    assert read(path).warnings == (
        f"{path}:2:6: a: an empty value looks like a missing key on the dock",
    )


def test_q6_jpeg_is_accepted_with_a_warning(tmp_path: Path) -> None:
    text = GOOD.replace("banner.png", "b.jpg").replace("type: png", "type: jpeg")
    path = source(tmp_path, text)
    (tmp_path / "art/b.jpg").write_bytes(JPEG)
    found = read(path)

    assert found.bundle.entries[1].picture is PictureType.JPEG
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith(f"{path}:2:3: banner: the SDK has no constant for JPEG")


def test_q7_another_size_than_the_screen_is_a_warning(tmp_path: Path) -> None:
    path = source(tmp_path)
    (tmp_path / "art/banner.png").write_bytes(picture("PNG", (1280, 720)))

    assert read(path).warnings == (
        f"{path}:2:3: banner has 1280x720 pixels; a background has 1920x1080",
    )


@pytest.mark.parametrize("name", ['"a b"', "ä", "x" * 65, '"a/b"', '"$"'])
def test_q8_names_no_tool_is_sure_to_take_are_a_warning(tmp_path: Path, name: str) -> None:
    path = source(tmp_path, f"kv_store:\n  {name}: x\n")

    assert [one.split(": ")[0] for one in read(path).warnings] == [f"{path}:2:3"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('kv_store: {"": x}', "1:12: kv_store.'': a key is a name of at least one character"),
        ('kv_store: {"a\\0": x}', "1:12: kv_store.'a\\x00': a key is a name"),
        ('images: {"": {path: art/banner.png, type: png}}', "1:10: images.'': a key is a name"),
        ('kv_store: {a: "secret\\0"}', "1:15: kv_store.a: expected: text without NUL"),
        (f"kv_store:\n  ? {'x' * 1025}\n  : y\n", "2:5: a name of more than 1024 octets"),
        (f"kv_store:\n  ? {'ä' * 513}\n  : y\n", "2:5: a name of more than 1024 octets"),
    ],
)
def test_q8_empty_nul_and_endless_names_are_refused(tmp_path: Path, text: str, cause: str) -> None:
    assert refused(tmp_path, text).startswith(cause)


def test_q8_values_may_hold_newlines(tmp_path: Path) -> None:
    path = source(tmp_path, "kv_store:\n  cacert: |\n    -----BEGIN\n    x\n")

    assert read(path).bundle.entries[0].data == b"-----BEGIN\nx\n"
    assert read(path).warnings == ()


def test_y11_reading_stops_once_nothing_can_fit_any_more(tmp_path: Path) -> None:
    text = "".join(f"  i{n}: {{path: art/banner.png, type: png}}\n" for n in range(50))
    path = source(tmp_path, "images:\n" + text)

    with pytest.raises(OverBudget) as caught:
        read(path, budget=len(PNG))
    assert f"{3 * (len(PNG) + 2):,} bytes" in caught.value.cause


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(FileUnreadable, match="the folder cannot be read"):
        read(tmp_path)
