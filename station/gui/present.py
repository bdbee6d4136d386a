"""What the operator sees, decided without Qt: from one snapshot to everything on the screen."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from station.application.snapshot import LineSnapshot, Result, SlotPhase
from station.gui.drawer import Drawer, drawer_for
from station.gui.marks import MARKS, Mark
from station.gui.prompt import Prompt, prompt_for
from station.gui.texts import Speaker, Text, printable
from station.gui.tiles import Tile, tile_for

RESULTS_SHOWN: Final = 6
DIGEST_HEX_SHOWN: Final = 8
SHORT_SERIAL: Final = 6
"""Most characters of a serial in the list of last results; its end tells units apart."""


class Level(Enum):
    """How much a lamp wants to be seen."""

    CALM = auto()
    WARNING = auto()
    TROUBLE = auto()


@dataclass(frozen=True, slots=True)
class Lamp:
    """One of the four lamps. word: empty while all is well, for what is wrong is not a colour."""

    label: str
    word: str = ""
    level: Level = Level.CALM


@dataclass(frozen=True, slots=True)
class Status:
    """The top bar; ribbon and hint are empty outside a demo."""

    title: str
    station: str
    lamps: tuple[Lamp, ...]
    operator: str
    clock: str
    ribbon: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled value of the order bar; note: set in the font of identifiers."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class OrderHeader:
    """The order bar. fraction: GOOD of the target, 0.0 to 1.0."""

    facts: tuple[Fact, ...]
    good_label: str
    good: str
    target: str
    fraction: float
    figures: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class ResultMark:
    """A finished run in the list of the last ones. name: for a screen reader."""

    short: str
    mark: Mark
    name: str


@dataclass(frozen=True, slots=True)
class Actions:
    """The bottom bar."""

    results_label: str
    results: tuple[ResultMark, ...]
    pause: str
    help: str
    help_called: bool
    provision: str
    provision_enabled: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """The scan box."""

    label: str
    last: str
    nothing: str


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything on the screen. working: slots that must not be left; empty: may be closed.

    drawer: None while it is closed.
    """

    status: Status
    order: OrderHeader
    prompt: Prompt
    code_label: str
    scan: Scan
    tiles: tuple[Tile, ...]
    actions: Actions
    working: tuple[int, ...]
    drawer: Drawer | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What only the window knows. close_refused: somebody tried to close while a slot works.

    drawer: number of the slot whose drawer is open, 0 for none.
    """

    clock: str = ""
    help_called: bool = False
    close_refused: bool = False
    drawer: int = 0


def present(line: LineSnapshot, desk: Desk | None = None, say: Speaker | None = None) -> Screen:
    """The screen of this moment."""
    desk, say = desk or Desk(), say or Speaker()
    working = tuple(slot.number for slot in line.slots if slot.phase is SlotPhase.WORKING)
    return Screen(
        status=_status(line, desk, say),
        order=_order(line, say),
        prompt=_prompt(line, desk, say, working),
        code_label=say(Text.CODE),
        scan=Scan(say(Text.LAST_SCAN), printable(line.last_scan), say(Text.NO_SCAN)),
        tiles=tuple(tile_for(slot, say, stopped=bool(line.stop)) for slot in line.slots),
        actions=_actions(line, desk, say),
        working=working,
        drawer=next(
            (drawer_for(one, say) for one in line.slots if one.number == desk.drawer), None
        ),
    )


def means_binding(line: LineSnapshot, number: int) -> bool:
    """Whether a press on this slot's tile answers a waiting scan; else it asks for the drawer."""
    slot = next(one for one in line.slots if one.number == number)
    return bool(line.pending_scan) and slot.phase is SlotPhase.READY


def _prompt(line: LineSnapshot, desk: Desk, say: Speaker, working: tuple[int, ...]) -> Prompt:
    prompt = prompt_for(line, say)
    if not (desk.close_refused and working):
        return prompt
    detail = say(Text.STILL_WORKING, slots=", ".join(map(str, working)))
    return Prompt(prompt.tone, prompt.sign, prompt.headline, detail, prompt.code)


def _status(line: LineSnapshot, desk: Desk, say: Speaker) -> Status:
    lamps = (_signer(line, say), _tokens(line, say), Lamp(say(Text.LAMP_SCANNER)))
    calls = (Lamp(say(Text.HELP_CALLED), level=Level.WARNING),) if desk.help_called else ()
    return Status(
        title=say(Text.APPLICATION),
        station=line.station,
        lamps=(*calls, *lamps, _ledger(line, say)),
        operator=line.operator or say(Text.NO_BADGE),
        clock=desk.clock,
        ribbon=say(Text.RIBBON) if line.demo else "",
        hint=say(Text.RIBBON_HINT) if line.demo else "",
    )


def _signer(line: LineSnapshot, say: Speaker) -> Lamp:
    if line.stop == "E-SIGN-01":
        return Lamp(say(Text.LAMP_SIGNER), say(Text.LAMP_OFFLINE), Level.TROUBLE)
    return Lamp(say(Text.LAMP_SIGNER))


def _tokens(line: LineSnapshot, say: Speaker) -> Lamp:
    """LOW: the free records do not cover what the order still needs."""
    label = say(Text.LAMP_TOKENS)
    if line.stop == "E-TOKEN-01" or line.stock == 0:
        return Lamp(label, say(Text.LAMP_NONE_LEFT), Level.TROUBLE)
    if line.stock is None:
        return Lamp(label)
    counted = f"{label} {_grouped(line.stock)}"
    if line.order and line.stock < line.order.quantity - line.counts.good:
        return Lamp(counted, say(Text.LAMP_LOW), Level.WARNING)
    return Lamp(counted)


def _ledger(line: LineSnapshot, say: Speaker) -> Lamp:
    if line.stop.startswith("E-LOG-"):
        return Lamp(say(Text.LAMP_LEDGER), say(Text.LAMP_NOT_SAVING), Level.TROUBLE)
    return Lamp(say(Text.LAMP_LEDGER))


def _order(line: LineSnapshot, say: Speaker) -> OrderHeader:
    nothing = say(Text.NONE)
    order, counts = line.order, line.counts
    quantity = order.quantity if order else 0
    digest = line.bundle_sha256.hex()[:DIGEST_HEX_SHOWN]
    half = DIGEST_HEX_SHOWN // 2
    first_pass = f"{100 * counts.first_pass / counts.judged:.1f}" if counts.judged else ""
    return OrderHeader(
        facts=(
            Fact(say(Text.WORK_ORDER), order.name if order else nothing),
            Fact(say(Text.PRODUCT), order.product if order else nothing),
            Fact(
                say(Text.FIRMWARE),
                line.bundle or nothing,
                f"{digest[:half]} {digest[half:]}".strip(),
            ),
        ),
        good_label=say(Text.GOOD),
        good=_grouped(counts.good),
        target=say(Text.TARGET, target=_grouped(quantity)) if order else "",
        fraction=min(1.0, counts.good / quantity) if quantity else 0.0,
        figures=(
            Fact(
                say(Text.FIRST_PASS),
                say(Text.PERCENT, percent=first_pass) if first_pass else nothing,
            ),
            Fact(say(Text.HOLDS), _grouped(counts.hold)),
            Fact(say(Text.PACE), say(Text.PER_HOUR, units=line.pace_per_h)),
        ),
    )


def _actions(line: LineSnapshot, desk: Desk, say: Speaker) -> Actions:
    """Provision is on whenever the line may start a run; the line decides which."""
    newest_first = line.results[: -RESULTS_SHOWN - 1 : -1]
    return Actions(
        results_label=say(Text.LAST_RESULTS),
        results=tuple(_mark(result) for result in newest_first),
        pause=say(Text.CONTINUE if line.paused else Text.PAUSE),
        help=say(Text.CANCEL_HELP if desk.help_called else Text.CALL_HELP),
        help_called=desk.help_called,
        provision=say(Text.PROVISION),
        provision_enabled=bool(line.order and line.operator and not line.stop and not line.paused),
    )


def _mark(result: Result) -> ResultMark:
    short = result.serial.rpartition("-")[2][-SHORT_SERIAL:]
    return ResultMark(short, MARKS[result.verdict], f"{result.serial} {result.verdict}")


def _grouped(number: int) -> str:
    """Thousands apart by a narrow space, which no line breaks at."""
    return f"{number:,}".replace(",", "\u202f")
