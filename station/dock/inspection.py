"""What this dock demands of an image before it runs: a station made it for this dock, or it did."""

from collections.abc import Callable
from dataclasses import dataclass, field

from station.datastore.acceptance import AcceptedImage, accept
from station.datastore.sealed_upd import Unseal
from station.datastore.volume import Volume
from station.dock import development_image
from station.dock.boot import Inspect
from station.dock.development_image import Sealing, is_development_image
from station.domain.identity import DockId
from station.domain.trust import Authority


@dataclass(frozen=True, slots=True)
class DockImage:
    """An image that may run here. accepted: what a station's image proved; None for an image the
    dock made itself.
    """

    security_counter: int
    common: Volume = field(repr=False)
    upd: Volume = field(repr=False)
    accepted: AcceptedImage | None

    @property
    def made_here(self) -> bool:
        """See `boot.Inspected`."""
        return self.accepted is None


def inspection(
    authority: Authority,
    dock_id: DockId,
    product: str,
    *,
    development_key: Callable[[], bytes | None] = lambda: None,
    unseal: Unseal | None = None,
) -> Inspect[DockImage]:
    """Judges images for this dock. It has no clock it could trust: no date is judged.

    development_key: the key it seals its own images with; None where it makes none, and then it
    takes none either. unseal: opens what is sealed to this dock; None where it has no key, and then
    nothing may be.
    """

    def inspect(image: memoryview, counter_floor: int) -> DockImage:
        if is_development_image(image) and (key := development_key()) is not None:
            own = development_image.accept(
                image, Sealing(key, dock_id, product), counter_floor=counter_floor
            )
            return DockImage(own.security_counter, own.common, own.upd, None)
        accepted = accept(
            image,
            authority=authority,
            dock_id=dock_id,
            product=product,
            counter_floor=counter_floor,
            at=None,
            unseal=unseal,
        )
        return DockImage(accepted.security_counter, accepted.common, accepted.upd, accepted)

    return inspect
