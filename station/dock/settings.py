"""What a virtual dock is to be: values, and what it says of itself when it is there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from station.dock.device_key import DeviceKey
from station.dock.factory import FactoryInfo
from station.dock.faults import Fault
from station.dock.nor_timing import Nor
from station.dock.stock_groups import ALL_GROUPS, demand_groups
from station.domain.errors import OperatorError
from station.domain.identity import DockId, Serial
from station.domain.profile import Profile
from station.domain.trust import Authority
from station.protocol.server import BUFFER_BYTES

HARDWARE: Final = "A"
"""Revision a dock reports where its product names none."""


class NoSuchProduct(OperatorError):
    """The profile has no product of this name."""

    code = "E-DOCK-04"
    remedy = "Name one of the products of the profile."


@dataclass(frozen=True, slots=True)
class Settings:
    """A virtual dock to be.

    flash: the file that is its chip, made if missing. port: path of the symlink to its port.
    hardware: revision it reports; empty for the first one of its product. seed: of everything
    random its faults do. line_bytes_per_s, line_latency_s: of the cable, each way; None for as
    fast as it goes. nor: how long its flash takes. groups: SMP groups it serves. rom_file: whether
    it serves the image that runs as a file, where its profile knows a path for it. device_key: that
    a new chip is made with; a chip that has one needs none. buffer_bytes: of each of its buffers,
    as it tells its clients. Raises NoSuchGroup.
    """

    flash: Path
    port: Path
    dock_id: DockId
    label: Serial
    profile: Profile
    product: str
    authority: Authority
    hardware: str = ""
    faults: tuple[Fault, ...] = ()
    seed: int = 1
    line_bytes_per_s: float | None = None
    line_latency_s: float = 0.0
    nor: Nor = Nor.NONE
    groups: tuple[int, ...] = ALL_GROUPS
    rom_file: bool = True
    device_key: DeviceKey | None = None
    buffer_bytes: int = BUFFER_BYTES

    def __post_init__(self) -> None:
        demand_groups(self.groups)

    @property
    def info(self) -> FactoryInfo:
        """What the factory leaves in it. Raises NoSuchProduct."""
        try:
            product = self.profile.product(self.product)
        except KeyError as error:
            raise NoSuchProduct(
                f"the profile {self.profile.name} has no product {self.product!r}"
            ) from error
        return FactoryInfo(
            dock_id=self.dock_id,
            label=self.label,
            model=self.profile.model,
            hardware=self.hardware or next(iter(product.hardware_revisions), HARDWARE),
            product=product.name,
        )

    @property
    def announcement(self) -> dict[str, str]:
        """How it is found; keys are stable."""
        return {
            "port": str(self.port),
            "dock_id": str(self.dock_id),
            "label": self.label.text,
            "profile": self.profile.name,
        }
