"""A slot is a path: whatever appears there came, whatever vanishes left, each told once."""

from pathlib import Path

from station.adapters.hotplug import PortWatch


def test_docks_come_and_leave(tmp_path: Path) -> None:
    told: list[tuple[object, ...]] = []
    ports = [tmp_path / "one", tmp_path / "two"]
    watch = PortWatch(
        [str(port) for port in ports],
        came=lambda number, port: told.append(("came", number, port)),
        left=lambda number: told.append(("left", number)),
    )

    watch.look()
    assert told == []

    ports[1].touch()
    watch.look()
    watch.look()
    assert told == [("came", 2, str(ports[1]))]

    ports[0].touch()
    ports[1].unlink()
    watch.look()
    assert told[1:] == [("came", 1, str(ports[0])), ("left", 2)]
