"""The applications of the sample bundles, a minute long, on a machine of this process."""

from pathlib import Path

import pytest

from station.adapters.files.bundle_source import read_bundle_source
from station.domain.entries import Entry, Kind, PictureType
from station.domain.profile import UnknownImage
from station.domain.scenario import DEFAULT
from station.rehearsal import dialect
from tests.fakes.machine import DOCK, FakeMachine
from tests.unit.rehearsal.sdk.desk import scene

BUNDLES = Path(__file__).parents[4] / "firmware_bundles"


def minute_of(name: str, unknown_image: UnknownImage, *more: Entry) -> FakeMachine:
    """A bundle's application, with more entries than its own, after a minute at a desk."""
    entries = read_bundle_source(BUNDLES / name, unstated_product="any").bundle.entries
    held = {entry.key: entry for entry in (*entries, *more)}.values()
    code = next(entry for entry in entries if entry.kind is Kind.CODE)
    desk = scene(network=DEFAULT.network, monitors=DEFAULT.monitors)
    machine = FakeMachine(desk, held, unknown_image)
    dialect.run(bytes(code.data), machine)
    machine.run(60_000)
    return machine


@pytest.mark.parametrize("unknown_image", UnknownImage)
@pytest.mark.parametrize("name", ["welcome", "signage"])
def test_a_sample_runs_for_a_minute_and_nothing_is_wrong_with_it(
    name: str, unknown_image: UnknownImage
) -> None:
    machine = minute_of(name, unknown_image)

    assert machine.findings == []
    assert machine.background is not None
    assert machine.boxes


def test_welcome_shows_name_address_and_mac() -> None:
    machine = minute_of("welcome", UnknownImage.RAISE, Entry(Kind.KV, "serial", b"A & B"))
    texts = "\n".join(machine.texts())

    assert "192.0.2.17" in texts
    assert "02:00:00:0D:0C:01" in texts
    assert "A &amp; B" in texts


def test_welcome_without_its_keys_falls_back_to_the_dock_id() -> None:
    machine = minute_of("welcome", UnknownImage.RAISE, Entry(Kind.KV, "dock_name", b""))

    assert f"Dock {str(DOCK)[:8]}" in "\n".join(machine.texts())


def test_signage_shows_what_came_in_the_field() -> None:
    machine = minute_of(
        "signage",
        UnknownImage.RAISE,
        Entry(Kind.KV, "screens", b"gone mine"),
        Entry(Kind.IMG, "mine", b"octets", PictureType.PNG),
    )

    assert machine.background == "mine"
    assert machine.findings == []
