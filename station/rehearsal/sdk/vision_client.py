"""Module `vision_client`: messages the development service sends to the dock.

Source: dock-sdk.md, 2.6; sending is not available there, and `VisionClient` has no name for it.
"""

from typing import ClassVar

from station.rehearsal.machine import Machine
from station.rehearsal.sdk import arguments
from station.rehearsal.sdk.arguments import Callback
from station.rehearsal.sdk.names import Names, bound


class VisionClient:
    """`vision_client.VisionClient`; the callback that was set last gets every message."""

    _machine: ClassVar[Machine]

    def on_message(self, callback: Callback) -> None:
        """Call it with every message from now on, a bytearray. Raises TypeError."""
        wanted = arguments.callback(callback, "callback")
        self._machine.called("vision_client.VisionClient.on_message")
        self._machine.on_message(lambda message: wanted(bytearray(message)))


def vision_client_names(machine: Machine) -> Names:
    """Of module `vision_client`."""
    return {"VisionClient": bound("VisionClient", VisionClient, _machine=machine)}
