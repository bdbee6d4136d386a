"""What the window of a virtual dock says and offers, decided without Qt."""

from dataclasses import dataclass
from typing import Final

from station.gui.dock_port import DockLook
from station.gui.marks import Mark
from station.gui.signs import Sign
from station.gui.texts import Speaker, Text, printable
from station.gui.tokens import Token
from station.protocol.datastore_group import Running

STATES: Final[dict[Running, tuple[Text, Mark]]] = {
    Running.ABSENT: (Text.APP_ABSENT, Mark(Sign.DASHED_RING, Token.TEXT2, Token.SURFACE)),
    Running.STARTING: (Text.APP_STARTING, Mark(Sign.CLOCK, Token.RUN, Token.SURFACE)),
    Running.RUNNING: (Text.APP_RUNNING, Mark(Sign.RING_DOT, Token.RUN, Token.SURFACE)),
    Running.ENDED: (Text.APP_ENDED, Mark(Sign.DOT, Token.TEXT2, Token.SURFACE)),
    Running.FAILED: (Text.APP_FAILED, Mark(Sign.OCTAGON_CROSS, Token.FAIL, Token.ON_FAIL)),
}


@dataclass(frozen=True, slots=True)
class DockPanel:
    """Below the picture. mark, state: of the application. detail: of a failure, or empty.

    plugged: what the cable's button would undo. sure: the next press on reset resets.
    """

    title: str
    path: str
    mark: Mark
    state: str
    detail: str
    restart: str
    reset: str
    cable: str
    plugged: bool
    sure: bool
    enabled: bool


def dock_panel(
    label: str,
    path: str,
    look: DockLook | None,
    say: Speaker,
    *,
    trouble: str = "",
    sure: bool = False,
) -> DockPanel:
    """The panel of this moment.

    look: None until the dock has been looked at. trouble: why something that was asked of it did
    not happen. sure: somebody has pressed reset once.
    """
    state, mark = STATES[Running.STARTING if look is None else look.state]
    plugged = look is None or look.plugged
    words = [say(state)] if plugged else [say(state), say(Text.CABLE_OUT)]
    raised = look.trace.rstrip().rpartition("\n")[2] if look else ""
    return DockPanel(
        title=say(Text.VIRTUAL_DOCK, label=label),
        path=path,
        mark=mark,
        state=" · ".join(words),
        detail=printable(trouble or raised),
        restart=say(Text.RESTART),
        reset=say(Text.RESET_SURE if sure else Text.FACTORY_RESET),
        cable=say(Text.UNPLUG if plugged else Text.PLUG_IN),
        plugged=plugged,
        sure=sure,
        enabled=look is not None,
    )
