"""``station bundle``: build, look into, prove and keep sealed bundles."""

from pathlib import Path

import click

from station.application.gate import ReleasedBundle
from station.cli.answer import Answer, Grid
from station.cli.main import Session, pass_session
from station.cli.passphrase import Passphrase, asks_passphrase
from station.cli.verb import PATH, PRODUCT, Noun
from station.cli.wording import bundle_data, bundle_grid


@click.group(cls=Noun)
def bundle() -> None:
    """Firmware bundles: what every dock of a product gets."""


@bundle.command(
    "build", example="station bundle build firmware_bundles/welcome --out welcome.bundle"
)
@click.argument("source", type=PATH)
@click.option(
    "--out", type=PATH, required=True, metavar="FILE", help="Sealed bundle to write; a new file."
)
@click.option(
    "--product", type=PRODUCT, metavar="P", help="Product of a source that does not state one."
)
@asks_passphrase
@pass_session
def build(
    session: Session, *, source: Path, out: Path, product: str | None, ask: Passphrase
) -> Answer:
    """Build a bundle and sign it.

    SOURCE is a folder, a bundle.yaml or an SDK configuration. The release key is opened for it;
    the finished file has passed the gate.
    """
    built = session.station.build_bundle(source, out, product=product or "", ask=ask)
    statement = built.bundle.statement
    return Answer(
        {
            **bundle_data(built.bundle),
            "file": str(built.path),
            "config": str(built.source.config),
            "warnings": list(built.source.warnings),
        },
        [
            f"built {built.bundle.title} for {statement.product}: {built.path}",
            f"  {len(built.bundle.manifest.parts)} parts, {statement.common_bytes:,} bytes",
            f"  SHA-256 {built.bundle.sha256.hex()}",
            *(f"  warning: {warning}" for warning in built.source.warnings),
        ],
    )


@bundle.command("info", example="station bundle info welcome.bundle")
@click.argument("file", type=PATH)
@pass_session
def info(session: Session, *, file: Path) -> Answer:
    """Show every part of a sealed bundle.

    Nothing unproved is shown: the bundle passes the gate first.
    """
    found = session.station.shelf.admit(file)
    parts = [
        {
            "kind": part.kind,
            "name": part.name,
            "type": part.picture,
            "size": part.size_bytes,
            "sha256": part.sha256.hex(),
            "replaceable": (part.kind, part.name) in found.statement.replaceable,
        }
        for part in found.manifest.parts
    ]
    rows = tuple(
        (
            part.kind.value,
            part.name,
            part.picture.value if part.picture else "",
            f"{part.size_bytes:,}",
            part.sha256.hex()[:16],
        )
        for part in found.manifest.parts
    )
    return Answer(
        {**bundle_data(found), "contents": parts},
        [*_about(found), Grid(("KIND", "NAME", "TYPE", "BYTES", "SHA-256"), rows)],
    )


@bundle.command("verify", example="station bundle verify welcome.bundle")
@click.argument("file", type=PATH)
@pass_session
def verify(session: Session, *, file: Path) -> Answer:
    """Prove every byte of a sealed bundle.

    In this order: certificate, signature, lengths, digests, manifest, volume.
    """
    found = session.station.shelf.admit(file)
    return Answer(
        {**bundle_data(found), "valid": True},
        [f"{file}: every byte is what {found.certificate.holder} released", *_about(found)],
    )


@bundle.command("list", example="station bundle list")
@pass_session
def list_bundles(session: Session) -> Answer:
    """List the bundles this station keeps."""
    found = session.station.shelf.bundles()
    return Answer(
        {"bundles": [bundle_data(one) for one in found]},
        [bundle_grid(found)] if found else ["no bundle yet; take one: station bundle import FILE"],
    )


@bundle.command("import", example="station bundle import welcome.bundle")
@click.argument("file", type=PATH)
@pass_session
def take(session: Session, *, file: Path) -> Answer:
    """Keep a sealed bundle at this station, once it has passed the gate."""
    taken = session.station.import_bundle(file)
    return Answer(bundle_data(taken), [f"kept {taken.title} for {taken.statement.product}"])


def _about(found: ReleasedBundle) -> list[str]:
    statement = found.statement
    return [
        f"  bundle    {found.title}, security counter {statement.security_counter}",
        f"  product   {statement.product}",
        f"  released  by {found.certificate.holder}, key {found.certificate.key_id.hex()[:16]}",
        f"  SHA-256   {found.sha256.hex()}",
        f"  common    {statement.common_bytes:,} bytes in {len(found.manifest.parts)} parts",
    ]
