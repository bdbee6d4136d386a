"""The serial ports of the bench, and which kind of dock is behind each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from station.adapters.serial_link.conversation import IDENTIFY_S, Conversation
from station.adapters.serial_link.dock import SerialDock, not_supported
from station.adapters.serial_link.packed_blocks import PackedBlocks
from station.adapters.serial_link.stock import StockDock
from station.application.ports import Chance, Clock
from station.domain.errors import LinkError, NoAnswer, NoWayToProve, TooSlow
from station.domain.profile import Link
from station.protocol import datastore_group as ds
from station.protocol.enumeration_group import Groups
from station.protocol.errors import DockRefused


class SerialDocks:
    """`application.ports.Docks`, on serial ports named by path; made once for all lanes.

    resolve: see `Conversation`.
    """

    def __init__(
        self, *, clock: Clock, chance: Chance, resolve: Callable[[str], str] = str
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._resolve = resolve
        self._packed = PackedBlocks()

    @contextmanager
    def talk(self, port: str, link: Link) -> Iterator[Conversation]:
        """A conversation on `port` with whoever is there, closed on leaving.

        Raises NoDock, PortBusy, and what `resolve` raises.
        """
        conversation = Conversation(
            port, link, clock=self._clock, chance=self._chance, resolve=self._resolve
        )
        try:
            yield conversation
        finally:
            conversation.close()

    @contextmanager
    def open(self, port: str, link: Link) -> Iterator[SerialDock | StockDock]:
        """The dock on `port`, let go on leaving. Raises NoDock, PortBusy, LinkError."""
        with self.talk(port, link) as conversation:
            yield self.behind(conversation)

    @contextmanager
    def open_own(self, port: str, link: Link) -> Iterator[SerialDock]:
        """The same with a dock that serves our own group. Raises NoWayToProve for any other."""
        with self.open(port, link) as dock:
            if isinstance(dock, StockDock):
                raise NoWayToProve(f"the dock on {port} serves nothing but what stock docks do")
            yield dock

    def behind(self, conversation: Conversation) -> SerialDock | StockDock:
        """Whoever answers there: by our own group, or by none that is ours. Raises LinkError."""
        own = SerialDock(conversation, self._packed)
        try:
            own.identify()
        except DockRefused as refused:
            if not not_supported(refused):
                raise
        except (NoAnswer, TooSlow):
            if _lists_our_group(conversation):
                raise
        else:
            return own
        return StockDock(conversation)


def _lists_our_group(conversation: Conversation) -> bool:
    """Whether the server says that it serves group 64; so may one that does not tell."""
    try:
        found = conversation.ask(Groups(), until_s=conversation.until_s(IDENTIFY_S))
    except LinkError:
        return True
    return ds.GROUP in found.groups
