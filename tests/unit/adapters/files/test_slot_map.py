"""The slot map: each number once, each port once."""

from pathlib import Path

import pytest

from station.adapters.files.slot_map import read_slot_map, write_slot_map
from station.domain.errors import DocumentRefused, FileUnreadable
from station.domain.slot_map import SlotPlace


def read(folder: Path, text: str) -> tuple[SlotPlace, ...]:
    (folder / "m.yaml").write_text(text)
    return read_slot_map(folder / "m.yaml")


def test_slots_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    second = "  - {slot: 2, port: /dev/ttyACM1, enabled: false}\n"
    text = f'slots:\n{second}  - {{slot: 1, port: "usb:1-1.4"}}\n'

    assert read(tmp_path, text) == (
        SlotPlace(1, "usb:1-1.4"),
        SlotPlace(2, "/dev/ttyACM1", enabled=False),
    )


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("slots: []", "1:8: slots: an empty list"),
        ("slots:\n  - {slot: 0, port: a}", "2:12: slots[1].slot: 0 is given; expected: the number"),
        ("slots:\n  - {slot: 1, port: a b}", "2:21: slots[1].port: a b is given; expected"),
        ("slots:\n  - {slot: 1}", "2:5: slots[1]: the key 'port' is missing"),
        ('slots:\n  - {slot: 1, port: "usb:1"}', "2:21: usb:1 is no place on USB; one looks"),
        ("slots:\n  - {slot: 1, port: a}\n  - {slot: 1, port: b}", "3:12: slot 1 twice"),
        ("slots:\n  - {slot: 1, port: a}\n  - {slot: 2, port: a}", "3:21: port a is slot 1's al"),
    ],
)
def test_a_wrong_map_is_refused_at_its_place(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        read(tmp_path, text)

    assert caught.value.cause.removeprefix(f"{tmp_path}/m.yaml:").startswith(cause)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    places = (
        SlotPlace(1, "usb:1-2.3:1.0"),
        SlotPlace(2, 'odd"port#:\\', enabled=False),
        SlotPlace(30, "/dev/ttyS1"),
    )
    path = tmp_path / "slots.yaml"
    write_slot_map(path, reversed(places))
    write_slot_map(path, places)

    assert read_slot_map(path) == places
    assert [one.name for one in tmp_path.iterdir()] == ["slots.yaml"]


def test_a_map_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable):
        write_slot_map(tmp_path / "none" / "slots.yaml", [SlotPlace(1, "a")])

    assert list(tmp_path.iterdir()) == []
