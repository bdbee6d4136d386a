"""``station key``: the ceremony, keys for derivations, and what keys there are."""

from pathlib import Path

import click

from station.cli.answer import Answer, Grid
from station.cli.main import Session, pass_session
from station.cli.passphrase import Passphrase, asks_passphrase, read_secret
from station.cli.verb import DOCK_ID, PATH, PRODUCT, Noun
from station.domain.identity import DockId
from station.domain.template import FIELD_NAME
from station.domain.wall_time import utc_text


@click.group(cls=Noun)
def key() -> None:
    """Keys in sealed files; only public halves are ever shown."""


@key.command(
    "ceremony",
    example="station key ceremony --product DK-7F --release-name 'ACME release'",
)
@click.option(
    "--product",
    "products",
    type=PRODUCT,
    multiple=True,
    required=True,
    metavar="P",
    help="Product the keys may sign for; give it once per product.",
)
@click.option(
    "--release-name",
    required=True,
    metavar="N",
    help="Who releases bundles, as certificates and reports name it.",
)
@click.option("--demo", is_flag=True, hidden=True, help="Throw-away keys; marks the state folder.")
@asks_passphrase
@pass_session
def ceremony(
    session: Session,
    *,
    products: tuple[str, ...],
    release_name: str,
    demo: bool,
    ask: Passphrase,
) -> Answer:
    """Make the keys of a product and its station.

    They are product root, release key, station key and lot key, all under one passphrase. Once
    per station. A passphrase that is prompted for is asked twice.
    """
    if demo:
        session.turn_demo()
    made = session.station.keys.hold_ceremony(
        products=products, release_name=release_name, passphrase=ask.new()
    )
    entries = (made.root, made.release, made.station, made.lot)
    return Answer(
        {
            "products": list(products),
            "trust": str(made.trust),
            "keys": [
                {
                    "purpose": one.purpose,
                    "holder": one.holder,
                    "key_id": one.key_id.hex(),
                    "file": str(one.path),
                }
                for one in entries
            ],
        },
        [
            Grid(
                ("PURPOSE", "HOLDER", "KEY ID", "FILE"),
                tuple(
                    (one.purpose.value, one.holder, one.key_id.hex()[:16], str(one.path))
                    for one in entries
                ),
            ),
            f"docks and stations trust: {made.trust}",
            "Keep the root key offline: copy its file to two safe places, then remove it here.",
        ],
    )


@key.command("new", example="station key new dps-group --from-file group-key.txt")
@click.argument("name")
@click.option(
    "--purpose",
    type=click.Choice(["derivation", "fixture"]),
    default="derivation",
    show_default=True,
    help="A cloud's group key; or, with a product as NAME, the key its docks share.",
)
@click.option(
    "--from-file",
    type=PATH,
    required=True,
    metavar="F",
    help="File with the key in base64: a group key as the cloud shows it, or 32 octets.",
)
@asks_passphrase
@pass_session
def new(session: Session, *, name: str, purpose: str, from_file: Path, ask: Passphrase) -> Answer:
    """Seal a group or fixture key under a name.

    Templates refer to a group key by NAME, and a run derives one key per dock from it. Docks of
    assurance D1 prove that they know the fixture key of their product.
    """
    if purpose == "derivation" and FIELD_NAME.fullmatch(name) is None:
        raise click.BadParameter(
            "a letter, then letters, digits, _ and - (templates refer to it)", param_hint="NAME"
        )
    keys = session.station.keys
    seal = keys.new_fixture_key if purpose == "fixture" else keys.new_derivation_key
    made = seal(name, read_secret(from_file), ask.new())
    return Answer(
        {
            "name": made.holder,
            "purpose": made.purpose,
            "key_id": made.key_id.hex(),
            "file": str(made.path),
        },
        [f"sealed {made.holder}: {made.path}", f"Destroy {from_file} now."],
    )


@key.command("device-root", example="station key device-root 'ACME docks'")
@click.argument("name")
@asks_passphrase
@pass_session
def device_root(session: Session, *, name: str, ask: Passphrase) -> Answer:
    """Make a root that certifies the keys of docks.

    For whoever makes the docks; stations pin its certificate alone, and docks of assurance D2
    prove to them that they have a key it certified.
    """
    made = session.station.keys.new_device_root(name, ask.new())
    pinned = session.station.config.device_roots
    return Answer(
        {
            "name": made.holder,
            "purpose": made.purpose,
            "key_id": made.key_id.hex(),
            "file": str(made.path),
            "trust": str(pinned),
        },
        [
            f"sealed {made.holder}: {made.path}",
            f"stations believe the docks it certifies: {pinned}",
            "Keep the root key where docks are made: move its file there.",
        ],
    )


@key.command(
    "device",
    example=f"station key device --dock-id {'00112233445566778899AABBCCDDEEFF' * 2}"
    " --product DK-7F --out dock.pem",
)
@click.option(
    "--dock-id", type=DOCK_ID, required=True, metavar="HEX", help="The dock's id: 64 hex digits."
)
@click.option(
    "--product", type=PRODUCT, required=True, metavar="P", help="Product the dock is made as."
)
@click.option(
    "--out", type=PATH, required=True, metavar="F", help="File to put into the dock; a new one."
)
@asks_passphrase
@pass_session
def device(
    session: Session, *, dock_id: DockId, product: str, out: Path, ask: Passphrase
) -> Answer:
    """Make the key of one dock, certified by the device root.

    It is the dock's secret: make the dock with it (dock run --device-key), then destroy the file.
    """
    session.station.keys.new_device_key(dock_id, product, out, ask)
    return Answer(
        {"dock_id": str(dock_id), "product": product, "file": str(out)},
        [f"key and certificate of dock {dock_id}: {out}", f"Destroy {out} once the dock has it."],
    )


@key.command("list", example="station key list")
@pass_session
def list_keys(session: Session) -> Answer:
    """List every key by its public half."""
    found = session.station.keys.listed()
    rows = tuple(
        (
            one.purpose.value,
            one.holder,
            one.key_id.hex()[:16],
            f"{one.created_at:%Y-%m-%d}",
            "DEMO" if one.demo else "",
        )
        for one in found.keys
    )
    return Answer(
        {
            "keys": [
                {
                    "purpose": one.purpose,
                    "holder": one.holder,
                    "key_id": one.key_id.hex(),
                    "created_utc": utc_text(one.created_at),
                    "demo_key": one.demo,
                    "file": str(one.path),
                }
                for one in found.keys
            ],
            "refused": [{"code": one.code, "cause": one.cause} for one in found.refused],
        },
        [
            Grid(("PURPOSE", "HOLDER", "KEY ID", "MADE", ""), rows)
            if rows
            else "no key yet: station key ceremony",
            *(f"{one.code}: {one.cause}" for one in found.refused),
        ],
    )
