"""Module `iperf`: seen in vendor samples only; no server answers on the bench.

Source: dock-sdk.md, 2.6. When and how it fails is ours: after a second, with `error` and no
interval.
"""

from typing import Any, ClassVar, Final

from station.rehearsal.machine import Machine
from station.rehearsal.sdk import arguments
from station.rehearsal.sdk.arguments import Callback
from station.rehearsal.sdk.names import Names, bound

GIVES_UP_MS: Final = 1_000


class IperfClient:
    """`iperf.IperfClient`."""

    _machine: ClassVar[Machine]

    def __init__(self, hostname: str, port: int) -> None:
        """Raises TypeError."""
        self._server = f"{arguments.text(hostname, 'hostname')}:{arguments.whole(port, 'port')}"

    def run(self, on_complete: Callback) -> None:
        """Measure, and call with the result, a dict. Raises TypeError."""
        wanted = arguments.callback(on_complete, "on_complete")
        self._machine.called("iperf.IperfClient.run", self._server)

        def give_up() -> None:
            result: dict[str, Any] = {"intervals": [], "error": "unable to connect to server"}
            wanted(result)

        self._machine.call_at(self._machine.now_ms() + GIVES_UP_MS, give_up)


def iperf_names(machine: Machine) -> Names:
    """Of module `iperf`."""
    return {"IperfClient": bound("IperfClient", IperfClient, _machine=machine)}
