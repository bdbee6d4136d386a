"""A bench of docks in memory, as the demo's hands use one."""

from dataclasses import dataclass, field

from station.application.demo import DemoUnit


@dataclass
class FakeBench:
    """`application.demo.VirtualBench`.

    plugged: slot to the dock that is in it. log: what was done, in order, as
    ``plug SERIAL SLOT FAULT`` and ``pull SERIAL``.
    """

    plugged: dict[int, DemoUnit] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def plug(self, unit: DemoUnit, slot: int, *, fault: str) -> str:
        """See `VirtualBench`."""
        assert slot not in self.plugged, "one nest, one dock"
        self.plugged[slot] = unit
        self.log.append(f"plug {unit.serial} {slot} {fault}".rstrip())
        return f"/dev/slot-{slot}"

    def pull(self, unit: DemoUnit) -> None:
        """See `VirtualBench`."""
        self.plugged = {slot: held for slot, held in self.plugged.items() if held != unit}
        self.log.append(f"pull {unit.serial}")
