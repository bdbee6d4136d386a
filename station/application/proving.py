"""Whether a dock is who it says, as far as its level lets it prove that.

Asked before anything is reserved for a dock, and again after its restart. What a dock claims above
level D0 it must prove; what it cannot prove it does not get by claiming less.
"""

from datetime import datetime
from typing import Final

from station.application.ports import (
    Chance,
    DeviceKeys,
    DeviceQuestion,
    Dock,
    DockIdentity,
    ProvedDock,
)
from station.domain.device_proof import NONCE_BYTES
from station.domain.errors import KeyRefused
from station.domain.profile import Assurance

UNPROVED: Final = ProvedDock(Assurance.D0, "D0: the dock has no key")


class NoDeviceKeys:
    """`DeviceKeys` of a station that was told of none: it works with docks of level D0 alone."""

    def question(self, identity: DockIdentity, product: str, nonce: bytes) -> DeviceQuestion:
        """Raises KeyRefused."""
        raise KeyRefused(
            f"this station judges no device keys, and the dock claims {identity.assurance}"
        )


NO_DEVICE_KEYS: Final = NoDeviceKeys()


def ask(
    identity: DockIdentity, product: str, chance: Chance, *, keys: DeviceKeys
) -> DeviceQuestion | None:
    """The question that proves what `identity` claims; None at level D0.

    Raises KeyRefused where this station cannot judge the answer.
    """
    if Assurance(identity.assurance) is Assurance.D0:
        return None
    return keys.question(identity, product, chance.octets(NONCE_BYTES))


def proved(dock: Dock, question: DeviceQuestion | None, *, at: datetime) -> ProvedDock:
    """What the dock proves when it is asked. at: now. Raises DockNotProved and LinkError."""
    if question is None:
        return UNPROVED
    return question.judge(dock.prove(question.nonce, question.public_key), at=at)
