"""The datastore a dock would mount, made from what is at hand: a bundle's entries, or an image.

For rehearsals. Proves nothing: whoever wants to know whose content it is asks the gate or
`acceptance`. The rule of the overlay is kept as in an image.
"""

from collections.abc import Iterable, Set
from typing import Final

from station.datastore.partitions import Datastore, RomPartition
from station.datastore.rom_image import RomImage, padded_bytes
from station.datastore.volume import (
    SALT_BYTES,
    Volume,
    build_common_volume,
    build_upd_volume,
    demand_overlay,
)
from station.domain import dsse
from station.domain.bundle import EntryKey
from station.domain.entries import Entry
from station.domain.errors import ImageRefused, Reason
from station.domain.release import ReleaseStatement

NO_SALT: Final = bytes(SALT_BYTES)
"""Of a volume that is never written anywhere."""


def mounted(
    common: Volume | Iterable[Entry],
    unique: Iterable[Entry] = (),
    replaceable: Set[EntryKey] = frozenset(),
) -> Datastore:
    """ROM of a dock with this common and this unique content.

    Raises DocumentRefused and ValueError as volumes are built, ImageRefused for unique data that
    would hide what is not replaceable.
    """
    if not isinstance(common, Volume):
        common = Volume.open_common(build_common_volume(common))
    upd = Volume.open_upd(build_upd_volume(unique, salt=NO_SALT))
    demand_overlay(upd, common, replaceable)
    return Datastore((RomPartition(upd, common),))


def mounted_image(image: RomImage) -> Datastore:
    """ROM of a dock that runs this image; no signature is looked at.

    Raises ImageRefused for volumes that are none or sealed, DocumentRefused for a release that is
    none.
    """
    if image.protected.sealed_key:
        raise ImageRefused(
            "its unique data is sealed to its dock",
            reason=Reason.SEALED,
            remedy="Rehearse the bundle with a template instead.",
        )
    envelope = dsse.Envelope.decode(image.protected.release_envelope)
    statement = ReleaseStatement.decode(envelope.payload)
    payload, upd_at = image.payload, padded_bytes(statement.common_bytes)
    common = Volume.open_common(payload.view(0, statement.common_bytes))
    upd = Volume.open_upd(payload.view(upd_at, payload.size_bytes))
    demand_overlay(upd, common, statement.replaceable)
    return Datastore((RomPartition(upd, common),))
