"""``station slot``: where the slots of the bench are, and what is plugged into them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import click

from station.application.slot_mapping import Says, Word
from station.cli.answer import Answer, Grid
from station.cli.main import Session, pass_session
from station.cli.progress import count_progress
from station.cli.stopping import stoppable
from station.cli.verb import Noun
from station.domain.errors import EXIT_LINK, Interrupted, StationError
from station.domain.slot_map import SLOT_MAX, SlotPlace, UsbTty

ECHOES: Final = 200

PATIENCE_S: Final = 600.0
"""How long the wizard waits for one dock: a person may have to fetch it."""

number_argument = click.argument("number", type=click.IntRange(1, SLOT_MAX), metavar="N")


@click.group(cls=Noun)
def slot() -> None:
    """Where the slots of the bench are, and what is in them."""


@slot.command("map", example="station slot map --count 8")
@click.option(
    "--count",
    type=click.IntRange(1, SLOT_MAX),
    metavar="N",
    help="How many slots the bench has; else what the settings of the station say.",
)
@click.option(
    "--slot",
    "numbers",
    multiple=True,
    type=click.IntRange(1, SLOT_MAX),
    metavar="N",
    help="Learn this slot again; may be given more than once.",
)
@click.option(
    "--wait",
    "patience_s",
    type=click.FloatRange(0, min_open=True),
    default=PATIENCE_S,
    show_default=True,
    metavar="S",
    help="Seconds to wait for each dock.",
)
@pass_session
def learn(
    session: Session, *, count: int | None, numbers: tuple[int, ...], patience_s: float
) -> Answer:
    """Learn where the slots are.

    Plug a dock into each when it is asked for. Every slot is kept as soon as it is known. Ctrl-C
    ends it, and the next time it goes on with the first slot that is missing.
    """
    if count is not None and numbers:
        raise click.UsageError("--count and --slot exclude each other")
    bench = session.station.bench
    known = {place.number for place in bench.mapped()}
    wanted = range(1, (count or session.station.config.settings.slots) + 1)
    missing = list(dict.fromkeys(numbers)) or [one for one in wanted if one not in known]
    learned: list[int] = []

    def tell(word: Word) -> None:
        if word.says is Says.LEARNED:
            learned.append(word.slot)
        click.echo(WORDS[word.says](word), err=True)

    with stoppable() as cancel:
        try:
            bench.learn(missing, patience_s=patience_s, tell=tell, cancel=cancel)
        except Interrupted as error:
            left = next(one for one in missing if one not in learned)
            raise Interrupted(
                error.cause, remedy=f"Give the command again; it goes on with slot {left}."
            ) from error
    places = bench.mapped()
    return Answer(
        {"learned": learned, "slots": [_place_data(one) for one in places]},
        [
            Grid(("slot", "port", ""), tuple(map(_place_row, places))),
            *([] if missing else ["Every slot has its place; --slot N learns one again."]),
        ],
    )


def _device(word: Word) -> str:
    return _title(word.device) if word.device else ""


WORDS: Final[Mapping[Says, Callable[[Word], str]]] = {
    Says.PLUG_IN: lambda word: (
        f"slot {word.slot}: plug a dock in now; if it is in already, unplug it first"
    ),
    Says.FOREIGN: lambda word: f"  {_device(word)} at {word.port} is no dock: not taken",
    Says.TAKEN: lambda word: f"  {word.port} is the place of slot {word.other}: not taken",
    Says.UNCLEAR: lambda word: (
        f"  {_device(word)} at {word.port} has several serial ports, and not exactly one answers"
        " as a dock: not taken"
    ),
    Says.LEARNED: lambda word: f"  {word.port}, {_device(word)}",
}
"""For the person at the bench, who looks at a terminal."""


@slot.command("list", example="station slot list")
@pass_session
def list_slots(session: Session) -> Answer:
    """Show every slot and what is plugged in. Nothing is sent to anything."""
    found = session.station.bench.look()
    return Answer(
        {
            "slots": [
                _place_data(one.place)
                | {
                    "connected": one.there,
                    "device": _device_data(one.device),
                    "error": _error_data(one.trouble),
                }
                for one in found
            ]
        },
        [
            Grid(
                ("slot", "port", "", "connected"),
                tuple(
                    (*_place_row(one.place), _connected(one.device, one.trouble, there=one.there))
                    for one in found
                ),
            )
        ],
    )


@slot.command("test", example="station slot test 7")
@number_argument
@click.option(
    "--echoes",
    type=click.IntRange(1, 1_000_000),
    default=ECHOES,
    show_default=True,
    metavar="N",
    help="How many texts are sent there and back.",
)
@pass_session
def test(session: Session, *, number: int, echoes: int) -> Answer:
    """Test the cable of a slot.

    With the dock that is in it, on which nothing is changed.

    Exit status: 0 if every echo came back at once, 11 if one was lost or damaged.
    """
    bench = session.station.bench
    place = bench.place(number)
    with (
        stoppable() as cancel,
        count_progress("Echoes", echoes, quiet=session.as_json) as done,
    ):
        try:
            identity, found = bench.sound(place, echoes=echoes, done=done, cancel=cancel)
        except Interrupted as error:
            raise Interrupted(error.cause, remedy="Give the command again.") from error
    counts = f"{found.lost} lost, {found.damaged} damaged, {found.stray} stray"
    times = f"{found.median_s * 1000:.1f} ms, at worst {found.worst_s * 1000:.1f} ms"
    return Answer(
        {
            "slot": number,
            "port": place.port,
            "dock_id": str(identity.dock_id),
            "label": identity.label,
            "echoes": found.echoes,
            "lost": found.lost,
            "damaged": found.damaged,
            "stray": found.stray,
            "median_ms": round(found.median_s * 1000, 3),
            "worst_ms": round(found.worst_s * 1000, 3),
            "clean": found.clean,
        },
        [
            f"slot {number}  {place.port}  {identity.label or '(no label)'}  {identity.dock_id}",
            f"{found.echoes} echoes: {counts}; {times}",
            *([] if found.clean else ["Change the cable, then test again."]),
        ],
        status=0 if found.clean else EXIT_LINK,
    )


@slot.command("enable", example="station slot enable 7")
@number_argument
@pass_session
def enable(session: Session, *, number: int) -> Answer:
    """Let runs start in a slot.

    The operator screen takes it up when it is opened again.
    """
    return _switched(session.station.bench.switch(number, enabled=True))


@slot.command("disable", example="station slot disable 7")
@number_argument
@pass_session
def disable(session: Session, *, number: int) -> Answer:
    """Keep runs out of a slot.

    The operator screen shows it as OFF when it is opened again.
    """
    return _switched(session.station.bench.switch(number, enabled=False))


def _switched(place: SlotPlace) -> Answer:
    return Answer(_place_data(place), [" ".join(_place_row(place))])


def _place_data(place: SlotPlace) -> dict[str, Any]:
    return {"slot": place.number, "port": place.port, "enabled": place.enabled}


def _place_row(place: SlotPlace) -> tuple[str, str, str]:
    return str(place.number), place.port, "" if place.enabled else "OFF"


def _device_data(device: UsbTty | None) -> dict[str, Any] | None:
    if device is None:
        return None
    return {"name": device.device, "ids": device.ids, "title": device.title}


def _error_data(trouble: StationError | None) -> dict[str, str] | None:
    if trouble is None:
        return None
    return {"code": trouble.code, "cause": trouble.cause, "remedy": trouble.remedy}


def _connected(device: UsbTty | None, trouble: StationError | None, *, there: bool) -> str:
    if trouble is not None:
        return f"{trouble.code}: {trouble.cause}"
    if device is not None:
        return _title(device)
    return "port" if there else "-"


def _title(device: UsbTty) -> str:
    return " ".join(filter(None, (device.device, device.ids, device.title)))
