"""``station template``: judge, preview and list templates of unique-per-dock data."""

from pathlib import Path
from typing import Final

import click

from station.application.previewing import PreviewedField, preview
from station.application.rendering import Level, lint_template
from station.cli.answer import Answer, Grid
from station.cli.main import Session, pass_session
from station.cli.verb import PATH, SERIAL, Noun
from station.cli.wording import template_data
from station.domain.errors import DocumentRefused
from station.domain.identity import Serial

MASK: Final = "●●●●●"
"""Stands for every secret, whatever its length."""

VALUE_SHOWN_CHARACTERS: Final = 60
EXAMPLES_NOTE: Final = "(example): stands in for what a run takes from a dock, a lot or a key"


@click.group(cls=Noun)
def template() -> None:
    """Templates: what is unique on each dock of a product."""


@template.command(
    "lint",
    example="station template lint upd_templates/basic.yaml --bundle firmware_bundles/welcome",
)
@click.argument("file", type=PATH)
@click.option(
    "--bundle",
    type=PATH,
    metavar="SRC",
    help="Source of the bundle it is to join: also look for collisions and the budget.",
)
@pass_session
def lint(session: Session, *, file: Path, bundle: Path | None) -> Answer:
    """Say what is wrong or doubtful about a template.

    Exit status: 2 if there is an error, 0 for warnings alone.
    """
    read = session.station.read_template(file)
    product = read.template.product
    joined = session.station.read_bundle(bundle, product=product).bundle if bundle else None
    found = [
        (one, read.place(one.entry, one.part) if one.entry else str(file))
        for one in lint_template(read.template, joined)
    ]
    errors = sum(one.level is Level.ERROR for one, _ in found)
    return Answer(
        {
            **template_data(read.template),
            "errors": errors,
            "warnings": len(found) - errors,
            "findings": [
                {
                    "level": one.level,
                    "entry": one.entry,
                    "part": one.part,
                    "place": place,
                    "message": one.message,
                }
                for one, place in found
            ],
        },
        [
            *(
                f"{place}: {one.level}: {one.entry + ': ' if one.entry else ''}{one.message}"
                for one, place in found
            ),
            f"{read.template.name} {read.template.version}, {len(read.template.entries)} entries",
            f"{errors} errors, {len(found) - errors} warnings",
        ],
        status=DocumentRefused.exit_status if errors else 0,
    )


@template.command(
    "render", example="station template render upd_templates/basic.yaml --serial DK7F-00001"
)
@click.argument("file", type=PATH)
@click.option("--serial", type=SERIAL, required=True, metavar="S", help="Serial to render for.")
@pass_session
def render(session: Session, *, file: Path, serial: Serial) -> Answer:
    """Show what a dock with this serial would get.

    Takes nothing from a lot and opens no key: what would come from there, or from the dock, is
    an example and marked as one. Secrets are masked.
    """
    read = session.station.read_template(file)
    fields = preview(read.template, serial)
    examples = any(one.example for one in fields)
    return Answer(
        {
            **template_data(read.template),
            "serial": serial.text,
            "fields": [
                {
                    "name": one.name,
                    "kind": one.key[0],
                    "key": one.key[1],
                    "value": one.shown,
                    "size": one.size_bytes,
                    "secret": one.secret,
                    "example": one.example,
                    "report": one.visibility,
                }
                for one in fields
            ],
        },
        [
            f"{read.template.name} {read.template.version} for {serial}",
            Grid(
                ("KIND", "KEY", "VALUE", "BYTES", "FROM"),
                tuple(
                    (
                        one.key[0].value,
                        one.key[1],
                        _value(one),
                        "?" if one.size_bytes is None else f"{one.size_bytes:,}",
                        one.origin + (" (example)" if one.example else ""),
                    )
                    for one in fields
                ),
            ),
            *([EXAMPLES_NOTE] if examples else []),
        ],
    )


@template.command("list", example="station template list")
@pass_session
def list_templates(session: Session) -> Answer:
    """List the templates this station keeps."""
    found = session.station.shelf.templates()
    rows = tuple(
        (one.name, str(one.version), one.product, str(len(one.entries)), one.digest.hex()[:16])
        for one in found
    )
    return Answer(
        {"templates": [template_data(one) for one in found]},
        [Grid(("TEMPLATE", "VERSION", "PRODUCT", "ENTRIES", "SHA-256"), rows)]
        if found
        else ["no template yet; a work order brings one along: station order new"],
    )


def _value(one: PreviewedField) -> str:
    if one.secret:
        return MASK
    if one.shown is None:
        return "(a picture)"
    text = one.shown
    if len(text) > VALUE_SHOWN_CHARACTERS:
        text = f"{text[:VALUE_SHOWN_CHARACTERS]}…"
    return text if text.isprintable() else repr(text)
