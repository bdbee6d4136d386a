"""``station key``: the ceremony, keys for derivations, and what keys there are."""

from pathlib import Path

import click

from station.cli.answer import Answer, Grid
from station.cli.main import Session, pass_session
from station.cli.passphrase import Passphrase, asks_passphrase, read_secret
from station.cli.verb import PATH, PRODUCT, Noun
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
    "--from-file",
    type=PATH,
    required=True,
    metavar="F",
    help="File with the group key in base64, as the cloud shows it.",
)
@asks_passphrase
@pass_session
def new(session: Session, *, name: str, from_file: Path, ask: Passphrase) -> Answer:
    """Seal a cloud's group key under a name.

    Templates refer to it by NAME, and a run derives one key per dock from it.
    """
    if FIELD_NAME.fullmatch(name) is None:
        raise click.BadParameter(
            "a letter, then letters, digits, _ and - (templates refer to it)", param_hint="NAME"
        )
    made = session.station.keys.new_derivation_key(name, read_secret(from_file), ask.new())
    return Answer(
        {
            "name": made.holder,
            "purpose": made.purpose,
            "key_id": made.key_id.hex(),
            "file": str(made.path),
        },
        [f"sealed {made.holder}: {made.path}", f"Destroy {from_file} now."],
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
