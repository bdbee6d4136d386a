"""``station bundle``: build, look into, prove and keep sealed bundles."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from station.application.gate import ReleasedBundle
from station.cli.answer import Answer, Grid
from station.cli.main import Session, pass_session
from station.cli.passphrase import Passphrase, asks_passphrase
from station.cli.verb import PATH, PRODUCT, Noun
from station.cli.wording import bundle_data, bundle_grid
from station.datastore.budget import Use
from station.domain.bundle import is_name
from station.domain.release import Version

ITEMS_SHOWN: Final = 10
"""Largest items a person is shown of a bundle; JSON has them all."""


class _NameType(click.ParamType[str]):
    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A name that a table and a report can carry."""
        if not is_name(str(value)):
            self.fail("a bundle has a name of 1 to 64 printable characters", param, ctx)
        return str(value)


class _VersionType(click.ParamType[Version]):
    name = "version"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Version:
        """A semantic version."""
        try:
            return value if isinstance(value, Version) else Version.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


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
            "warnings": list(built.warnings),
        },
        [
            f"built {built.bundle.title} for {statement.product}: {built.path}",
            f"  {len(built.bundle.manifest.parts)} parts, {statement.common_bytes:,} bytes",
            f"  SHA-256 {built.bundle.sha256.hex()}",
            *(f"  warning: {warning}" for warning in built.warnings),
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
    rows = tuple(
        (
            part.kind.value,
            _shown(part.name),
            part.picture.value if part.picture else "",
            f"{part.size_bytes:,}",
            part.sha256.hex()[:16],
        )
        for part in found.manifest.parts
    )
    return Answer(
        {**bundle_data(found), "contents": _contents(found)},
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


@bundle.command("import", example="station bundle import config.yaml --product DK-7F")
@click.argument("file", type=PATH)
@click.option(
    "--product",
    type=PRODUCT,
    metavar="P",
    help="Product of a source that states none; the only one this station knows if not given.",
)
@click.option(
    "--name",
    type=_NameType(),
    metavar="N",
    help="Name of a source that states none; its folder's if not given.",
)
@click.option(
    "--version",
    type=_VersionType(),
    metavar="V",
    help="Version of a source that states none; 0.0.0 if not given.",
)
@click.option(
    "--out", type=PATH, metavar="FILE", help="Write the sealed bundle there, too; a new file."
)
@asks_passphrase
@pass_session
def take(
    session: Session,
    *,
    file: Path,
    product: str | None,
    name: str | None,
    version: Version | None,
    out: Path | None,
    ask: Passphrase,
) -> Answer:
    """Keep a bundle at this station.

    FILE is a sealed bundle, or its source: an SDK configuration or bundle.yaml (*.yaml, *.yml),
    or a folder. A source is built and signed first, with the release key. Nothing is kept that
    has not passed the gate.
    """
    if session.station.is_source(file):
        stated = session.stated(product or "", name or "", version)
        built = session.station.import_source(file, stated, out=out, ask=ask)
        return _imported(
            built.bundle,
            built.use,
            file=built.path,
            config=built.source.config,
            warnings=built.warnings,
        )
    if product or name or version or out:
        raise click.UsageError(
            "--product, --name, --version and --out are for a source; a sealed bundle says itself"
        )
    taken = session.station.import_bundle(file)
    return Answer(bundle_data(taken), [f"kept {taken.title} for {taken.statement.product}"])


def _imported(
    found: ReleasedBundle, use: Use, *, file: Path, config: Path, warnings: Sequence[str]
) -> Answer:
    """What a source became."""
    return Answer(
        {
            **bundle_data(found),
            "file": str(file),
            "config": str(config),
            "warnings": list(warnings),
            "contents": _contents(found),
            "use": _use_data(use),
        },
        [
            f"kept {found.title} for {found.statement.product}, built from {config}",
            *_about(found)[2:],
            f"  file      {file}",
            f"  takes     {use.used_bytes:,} of {use.budget_bytes:,} bytes, {use.percent} %",
            _largest(use, found),
            *(f"warning: {warning}" for warning in warnings),
        ],
    )


def _use_data(use: Use) -> dict[str, Any]:
    return {
        "used_bytes": use.used_bytes,
        "raw_bytes": use.raw_bytes,
        "packed_bytes": use.packed_bytes,
        "budget_bytes": use.budget_bytes,
        "percent": use.percent,
        "items": [
            {"kind": one.kind, "name": one.name, "size": one.size_bytes} for one in use.items
        ],
    }


def _largest(use: Use, found: ReleasedBundle) -> Grid:
    """Items by size, names counted in; what they were provisioned as."""
    types = {(part.kind, part.name): part.picture for part in found.manifest.parts}
    rows = [
        (
            one.kind.value,
            _shown(one.name),
            types[one.kind, one.name] or "",
            f"{one.size_bytes:,}",
            f"{100 * one.size_bytes / use.budget_bytes:.1f} %",
        )
        for one in use.items[:ITEMS_SHOWN]
    ]
    if rest := use.items[ITEMS_SHOWN:]:
        size_bytes = sum(one.size_bytes for one in rest)
        share = f"{100 * size_bytes / use.budget_bytes:.1f} %"
        rows.append(("", f"({len(rest)} smaller)", "", f"{size_bytes:,}", share))
    return Grid(("KIND", "NAME", "TYPE", "BYTES", "OF ROM"), tuple(rows))


def _shown(name: str) -> str:
    """A name as a terminal may have it."""
    return name if name.isprintable() else repr(name)


def _contents(found: ReleasedBundle) -> list[Mapping[str, Any]]:
    """Every part of a bundle."""
    return [
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


def _about(found: ReleasedBundle) -> list[str]:
    statement = found.statement
    return [
        f"  bundle    {found.title}, security counter {statement.security_counter}",
        f"  product   {statement.product}",
        f"  released  by {found.certificate.holder}, key {found.certificate.key_id.hex()[:16]}",
        f"  SHA-256   {found.sha256.hex()}",
        f"  common    {statement.common_bytes:,} bytes in {len(found.manifest.parts)} parts",
    ]
