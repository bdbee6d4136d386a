"""The bundles and templates this project ships: sound, and written for any dock of the SDK.

The applications run here on stand-ins that offer the documented names and nothing else; how they
look is the rehearsal's business.
"""

import ast
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from station.adapters.files.bundle_source import BundleSource, read_bundle_source
from station.adapters.files.templates import read_template
from station.application.rendering import lint_template
from station.domain.entries import Kind, PictureType
from station.domain.release import Version

ROOT = Path(__file__).resolve().parents[4]
BUNDLES = ("welcome", "signage")
TEMPLATES = ("basic", "azure-dps")

BUILTINS = (
    "abs all any bin bool bytearray bytes callable chr classmethod compile complex delattr dict"
    " dir divmod enumerate eval exec filter float frozenset getattr globals hasattr hash hex id"
    " input int isinstance issubclass iter len list locals map max memoryview min next object oct"
    " open ord pow print property range repr reversed round set setattr slice sorted staticmethod"
    " str sum super tuple type zip"
    " AssertionError AttributeError Exception ImportError IndexError KeyboardInterrupt KeyError"
    " MemoryError NameError NotImplementedError OSError RuntimeError StopIteration SyntaxError"
    " SystemExit TypeError ValueError ZeroDivisionError"
)
"""Builtins and exceptions of the dock (SDK reference, section 2.7)."""

MAC_METHODS = ("mac_address", "mac")


def source(name: str) -> BundleSource:
    return read_bundle_source(ROOT / "firmware_bundles" / name, unstated_product="none")


class Stage:
    """A dock on which one application runs: what it drew, and its timers."""

    def __init__(
        self,
        name: str,
        *,
        values: dict[str, str] | None = None,
        tags: list[str] | None = None,
        unknown: str = "raise",
        mac: str = "mac_address",
        zone_known: bool = True,
    ) -> None:
        entries = source(name).bundle.entries
        self.code = next(bytes(one.data) for one in entries if one.kind is Kind.CODE)
        self.values = {
            one.name: bytes(one.data).decode() for one in entries if one.kind is Kind.KV
        } | (values or {})
        self.tags = [one.name for one in entries if one.kind is Kind.IMG] if tags is None else tags
        self.address = ""
        self.backgrounds: list[str] = []
        self.boxes: dict[tuple[int, int], str] = {}
        self.zones: list[str] = []
        self.tasks: list[tuple[Callable[[], None], int, int]] = []
        self._unknown = unknown
        self._mac = mac
        self._zone_known = zone_known

    def run(self) -> dict[str, Any]:
        offered: dict[str, Any] = {one: __builtins__[one] for one in BUILTINS.split()}  # type: ignore[index]
        modules = self._modules()
        offered["__import__"] = lambda name, *_: modules[name]
        scope: dict[str, Any] = {"__builtins__": offered, "__name__": "__main__"}
        exec(compile(self.code, "main.py", "exec"), scope)  # our own file
        return scope

    def _modules(self) -> dict[str, Any]:
        stage = self

        class KvStore:
            def list(self) -> list[str]:
                return sorted(stage.values)

            def get(self, key: str) -> str:
                return stage.values.get(key, "")

        class ImageStore:
            def list(self) -> list[str]:
                return sorted(stage.tags)

            def get_token(self, image_tag: str) -> object:
                if image_tag not in stage.tags:
                    if stage._unknown == "raise":
                        raise KeyError(image_tag)
                    return None
                return SimpleNamespace(tag=image_tag)

        class DockInfo:
            def dock_id(self) -> str:
                return "AB" * 32

        class DockControl:
            def set_timezone(self, timezone: str) -> None:
                if not stage._zone_known:
                    raise ValueError(timezone)
                stage.zones.append(timezone)

        class Splashscreen:
            def set_background(self, background: Any, image_type: int = 1) -> None:
                stage.backgrounds.append(background.tag)

            def add_text_box(self, text: str, attributes: dict[str, Any]) -> None:
                assert set(attributes) <= {"x", "y", "alignment"}
                stage.boxes[attributes["x"], attributes["y"]] = text

            def remove_text_box(self, x: int, y: int) -> None:
                del stage.boxes[x, y]

        def wakeup(task: Callable[[], None], time_ms: int, repeat_ms: int = 0) -> object:
            stage.tasks.append((task, time_ms, repeat_ms))
            return object()

        lan = type(
            "LAN",
            (),
            {
                "ifconfig": lambda _: (stage.address, "", "", ""),
                stage._mac: lambda _: "02-00-5e-10-00-0a",
            },
        )
        alignment = SimpleNamespace(LEFT=0, RIGHT=1, MIDDLE=2)
        return {
            "datastore": SimpleNamespace(KvStore=KvStore, ImageStore=ImageStore),
            "dock": SimpleNamespace(DockInfo=DockInfo, DockControl=DockControl),
            "network": SimpleNamespace(LAN=lan),
            "splashscreen": SimpleNamespace(Splashscreen=Splashscreen, Alignment=alignment),
            "wakeup": SimpleNamespace(wakeup=wakeup),
        }

    @property
    def text(self) -> str:
        return "\n".join(self.boxes.values())


# -- bundles and templates -------------------------------------------------------------------------


def test_the_bundles_are_what_they_say() -> None:
    welcome, signage = (source(name).bundle for name in BUNDLES)

    assert (welcome.name, welcome.version) == ("welcome", Version(1, 0, 0))
    assert (signage.name, signage.version) == ("signage", Version(2, 1, 0))
    assert {welcome.product, signage.product} == {"DK-7F"}
    assert {welcome.security_counter, signage.security_counter} == {1}
    assert [one.picture for one in welcome.entries if one.picture] == [PictureType.PNG]
    assert {one.picture for one in signage.entries if one.picture} == set(PictureType)
    assert 4 * 1024 * 1024 < source("signage").use.raw_bytes < 6_000_000


def test_the_only_warnings_are_those_about_jpeg() -> None:
    assert source("welcome").warnings == ()
    assert [("JPEG" in one) for one in source("signage").warnings] == [True, True]


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_templates_fit_both_bundles(name: str) -> None:
    template = read_template(ROOT / "upd_templates" / f"{name}.yaml").template

    assert template.name == name
    assert [lint_template(template, source(one).bundle) for one in BUNDLES] == [(), ()]


# -- applications ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUNDLES)
def test_an_application_imports_only_modules_of_the_dock(name: str) -> None:
    tree = ast.parse(Stage(name).code)
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.JoinedStr)]
    assert modules <= {"datastore", "dock", "network", "splashscreen", "wakeup"}


@pytest.mark.parametrize("unknown", ["raise", "none"])
@pytest.mark.parametrize("tags", [None, []])
@pytest.mark.parametrize("name", BUNDLES)
def test_an_application_runs_whatever_an_unknown_image_gives(
    name: str, tags: list[str] | None, unknown: str
) -> None:
    stage = Stage(name, tags=tags, unknown=unknown)
    stage.run()

    assert stage.backgrounds == (["default"] if tags is None else [])


@pytest.mark.parametrize("name", BUNDLES)
def test_an_application_runs_without_any_key(name: str) -> None:
    stage = Stage(name)
    stage.values.clear()
    stage.run()

    assert stage.backgrounds == ["default"]
    assert stage.zones == []


@pytest.mark.parametrize("name", BUNDLES)
def test_an_application_survives_a_zone_the_dock_does_not_know(name: str) -> None:
    stage = Stage(name, zone_known=False)
    stage.run()

    assert stage.tasks


@pytest.mark.parametrize("name", BUNDLES)
def test_an_application_escapes_what_it_shows_and_keeps_its_timers(name: str) -> None:
    stage = Stage(name, values={"dock_name": "A & B <b>"})
    scope = stage.run()

    assert "A &amp; B &lt;b&gt;" in stage.text
    assert "A & B" not in stage.text
    assert len(scope["timers"]) == len(stage.tasks) == 1


@pytest.mark.parametrize("method", MAC_METHODS)
def test_welcome_shows_name_address_and_mac_however_the_dock_tells_it(method: str) -> None:
    stage = Stage("welcome", values={"dock_name": "Room 7", "serial": "DK7F-00001"}, mac=method)
    stage.run()
    assert "Waiting for the network" in stage.text

    stage.address = "192.0.2.17"
    ((refresh, first_ms, repeat_ms),) = stage.tasks
    refresh()

    assert (first_ms, repeat_ms) == (2000, 2000)
    for shown in ("Room 7", "192.0.2.17", "02:00:5E:10:00:0A", "DK7F-00001"):
        assert shown in stage.text
    assert "Waiting" not in stage.text


def test_welcome_names_a_dock_without_a_name_by_its_id() -> None:
    stage = Stage("welcome", values={"dock_name": ""})
    stage.run()

    assert "Dock ABABABAB" in stage.text


def test_signage_shows_its_screens_in_turn_with_their_captions() -> None:
    stage = Stage("signage")
    stage.run()
    ((advance, first_ms, repeat_ms),) = stage.tasks
    assert "Good morning" in stage.text
    for _ in range(4):
        advance()

    assert (first_ms, repeat_ms) == (12_000, 12_000)
    assert stage.backgrounds == ["default", "screen_2", "screen_3", "screen_4", "default"]
    advance()
    assert "Workshops &amp; labs" in stage.text


@pytest.mark.parametrize(("text", "expected_ms"), [("30", 30_000), ("0", 2_000), ("x", 10_000)])
def test_signage_reads_its_interval(text: str, expected_ms: int) -> None:
    stage = Stage("signage", values={"interval_s": text})
    stage.run()

    assert stage.tasks[0][1:] == (expected_ms, expected_ms)


def test_signage_leaves_out_screens_and_captions_that_are_not_there() -> None:
    stage = Stage("signage", tags=["default", "screen_3"], values={"caption.screen_3": ""})
    stage.run()
    stage.tasks[0][0]()

    assert stage.backgrounds == ["default", "screen_3"]
    assert "Good morning" not in stage.text
    stage.tags.append("added_in_the_field")
    stage.values["screens"] = ""
    stage.tasks[0][0]()
    assert stage.backgrounds[-1] == "screen_3"  # third of added_in_the_field, default, screen_3
