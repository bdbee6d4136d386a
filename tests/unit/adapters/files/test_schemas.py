"""The published schemas: what docs/ shows is what the program holds documents to."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from station.adapters.files import schemas, strict_yaml
from station.adapters.files.schemas import Schema
from station.domain.errors import DocumentRefused

ROOT = Path(__file__).resolve().parents[4]
INSIDE = ROOT / "station/adapters/files/schemas"

SCENARIO = """\
name: cafe
run_ms: 60000
start: "2026-11-02T08:00:00Z"
dock_id: "{id}"
mac: "02:00:5e:10:00:01"
network:
  - {{at_ms: 0, ip: ""}}
  - {{at_ms: 3000, ip: 192.0.2.17, subnet: 255.255.255.0, gateway: 192.0.2.1, dns: 192.0.2.1}}
monitors:
  - {{name: Left, width: 1920, height: 1080, serial_number: 7}}
host: connected
usb:
  - {{vendor: "17e9", product: "7000", name: Dock}}
pins:
  - {{at_ms: 5000, pin: JOYSTICK_CENTER, active: true}}
http:
  - {{method: get, url: "https://content.example/", status: 200, headers: {{a: b}}, body: hello}}
mqtt:
  - {{at_ms: 9000, topic: site/news, message: hello}}
expect:
  texts: ["192.0.2.17"]
  images: [default]
""".format(id="ab" * 32)


def test_there_is_a_file_for_every_schema_and_no_other() -> None:
    assert {file.name for file in INSIDE.iterdir()} == {f"{one}.schema.json" for one in Schema}


@pytest.mark.parametrize("schema", Schema)
def test_the_published_schema_is_the_one_in_use(schema: Schema) -> None:
    name = f"{schema}.schema.json"

    assert (ROOT / "docs/schemas" / name).read_bytes() == (INSIDE / name).read_bytes()


@pytest.mark.parametrize("schema", Schema)
def test_every_schema_is_a_closed_and_valid_schema(schema: Schema) -> None:
    text = (INSIDE / f"{schema}.schema.json").read_text(encoding="utf-8")
    body = json.loads(text)

    Draft202012Validator.check_schema(body)
    assert text == json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    for part in _parts(body):
        if part.get("type") == "object":
            assert "additionalProperties" in part
        if isinstance(pattern := part.get("pattern"), str):
            assert pattern.startswith("^")
            assert pattern.endswith("$")


def _parts(value: object) -> list[dict[str, object]]:
    if isinstance(value, dict):
        return [value, *(part for one in value.values() for part in _parts(one))]
    if isinstance(value, list):
        return [part for one in value for part in _parts(one)]
    return []


def test_a_whole_scenario_fits() -> None:
    schemas.check(strict_yaml.parse(SCENARIO, name="s"), Schema.SCENARIO)


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        (
            "run_ms: 60000",
            'run_ms: "60000"',
            "s:2:9: run_ms: text is given; expected: milliseconds",
        ),
        (
            'start: "2026-11-02T08:00:00Z"',
            "start: 2026-11-02T08:00:00Z",
            "s:3:8: start: YAML reads",
        ),
        ("host: connected", "host: on", "s:11:7: host: YAML reads on as a truth value; put it"),
        ("host: connected", "host: off-line", "s:11:7: host: off-line is given; expected: not-con"),
        ("active: true", "active: 1", "s:15:49: pins[1].active: expected: true or false"),
        ("status: 200", "status: 0", "s:17:60: http[1].status: 0 is given; expected: 1 to 599"),
        ("  images: [default]", "  images: [1]", "s:22:12: expect.images[1]: YAML reads 1 as a"),
        ("expect:", "expected:", "s:20:1: the document: unknown key 'expected'; did you mean 'exp"),
    ],
)
def test_a_complaint_names_its_place_and_what_is_expected(old: str, new: str, cause: str) -> None:
    assert old in SCENARIO
    with pytest.raises(DocumentRefused) as caught:
        schemas.check(strict_yaml.parse(SCENARIO.replace(old, new), name="s"), Schema.SCENARIO)

    assert caught.value.cause.startswith(cause)


def test_a_list_that_is_too_long_or_repeats_itself_is_refused() -> None:
    expect = "  images: [default]"
    long = "  images: [" + ", ".join(["default"] * 65) + "]"
    profile = (ROOT / "station/adapters/files/profiles/dl7450-virtual.yaml").read_text()

    with pytest.raises(DocumentRefused, match=r"expect\.images: more than 64 items"):
        schemas.check(strict_yaml.parse(SCENARIO.replace(expect, long), name="s"), Schema.SCENARIO)
    with pytest.raises(DocumentRefused, match="hardware_revisions: the same item twice"):
        schemas.check(
            strict_yaml.parse(profile.replace("[C]", "[C, D, C]"), name="p"), Schema.PROFILE
        )


def test_complaints_are_bounded() -> None:
    text = "name: cafe\n" + "".join(f"k{number}: x\n" for number in range(500))

    with pytest.raises(DocumentRefused, match=rf"and {schemas.COMPLAINTS_MAX - 1} more"):
        schemas.check(strict_yaml.parse(text, name="s"), Schema.SCENARIO)


def test_a_newline_does_not_slip_past_the_end_of_a_pattern() -> None:
    text = SCENARIO.replace("name: cafe", 'name: "cafe\\n"')

    with pytest.raises(DocumentRefused, match=r"s:1:7: name: "):
        schemas.check(strict_yaml.parse(text, name="s"), Schema.SCENARIO)
