"""What one run is to make, and what it may be made from."""

from dataclasses import dataclass
from typing import Protocol, Self

from station.application.gate import ReleasedBundle
from station.application.ports import DockIdentity
from station.domain.errors import (
    BundleRefused,
    DockChanged,
    LabelMismatch,
    NoWayToProve,
    WrongHardware,
)
from station.domain.identity import DockId, Serial
from station.domain.order import WorkOrder
from station.domain.profile import Assurance, Profile
from station.domain.template import Template
from station.domain.verdict import CheckName, required_checks


class Shelf(Protocol):
    """What has been released to this station, and what it may be written to."""

    def bundle(self, digest: bytes) -> ReleasedBundle:
        """The bundle with this file digest, through the gate. Raises BundleRefused."""

    def template(self, digest: bytes) -> Template:
        """The template with this digest. Raises FileUnreadable."""

    def profile(self, product: str) -> Profile:
        """The dock model a product is made of. Raises FileUnreadable."""


@dataclass(frozen=True, slots=True)
class Job:
    """One unit to make. order: name of its work order. slot: as on its sticker.

    rehearse: whether it passes only with a rehearsed first boot; the bundle has an application
    then. dock_id: of the dock that was met in the slot; None where whoever is there is meant.
    """

    serial: Serial
    order: str
    slot: str
    port: str
    operator: str
    bundle: ReleasedBundle
    template: Template
    profile: Profile
    rehearse: bool = False
    dock_id: DockId | None = None

    def required(self, identity: DockIdentity) -> frozenset[CheckName]:
        """The checks without which this unit does not pass on a dock that says this of itself."""
        has_key = Assurance(identity.assurance) is not Assurance.D0
        return required_checks(rehearse=self.rehearse, proved=has_key)

    @classmethod
    def under(
        cls,
        order: WorkOrder,
        serial: Serial,
        *,
        shelf: Shelf,
        slot: str,
        port: str,
        operator: str,
        dock_id: DockId | None = None,
    ) -> Self:
        """A unit of `order`. Raises what `shelf` raises."""
        return cls(
            serial=serial,
            order=order.name,
            slot=slot,
            port=port,
            operator=operator,
            bundle=shelf.bundle(order.bundle_sha256),
            template=shelf.template(order.template_sha256),
            profile=shelf.profile(order.product),
            rehearse=order.rehearse,
            dock_id=dock_id,
        )

    def demand_match(self, identity: DockIdentity) -> None:
        """Refuse a dock this job cannot be for, before a run is opened.

        Raises DockChanged for another dock than the one that was met, LabelMismatch or
        WrongHardware where label, dock and job contradict each other, BundleRefused for a bundle
        older than the dock accepts, NoWayToProve for a stock dock that could not pass.
        """
        if self.dock_id is not None and identity.dock_id != self.dock_id:
            raise DockChanged(f"dock {identity.dock_id} answers in place of {self.dock_id}")
        if identity.label and identity.label != self.serial.text:
            raise LabelMismatch(f"label {self.serial}, but the dock says {identity.label}")
        product = self.bundle.statement.product
        if identity.product != product:
            raise WrongHardware(f"a {identity.product} dock; the job makes {product}")
        revisions = self.profile.product(product).hardware_revisions
        known = not revisions or identity.hardware in revisions
        if identity.model != self.profile.model or not known:
            raise WrongHardware(
                f"a {identity.model} {identity.hardware} dock; the job needs {self.profile.model}"
                f" {' or '.join(revisions)}"
            )
        level = Assurance(identity.assurance)
        if not level.covers(self.profile.assurance):
            raise WrongHardware(
                f"a dock of assurance {level}; the job needs {self.profile.assurance}"
            )
        if identity.stock:
            self._demand_waivers(level)
        counter = self.bundle.statement.security_counter
        if counter < identity.counter:
            raise BundleRefused(
                f"security counter {counter}; this dock accepts {identity.counter} and above"
            )

    def _demand_waivers(self, level: Assurance) -> None:
        """Before anything is spent on it: a stock dock passes only where its profile says so."""
        if CheckName.DOCK_ANSWERS not in self.profile.waived:
            raise NoWayToProve(
                "a stock dock does not answer for its datastore, and profile"
                f" {self.profile.name} does not waive that"
            )
        if not self.profile.link.rom_path:
            raise NoWayToProve(
                f"a stock dock, and profile {self.profile.name} knows no file to read it back by"
            )
        if level is not Assurance.D0:
            raise NoWayToProve(f"a stock dock of assurance {level} has no way to prove its key")
