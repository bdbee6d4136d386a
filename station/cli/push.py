"""``station dock push``: content onto a development dock, through a service like the vendor's."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from station.cli.answer import Answer
from station.cli.main import Session, pass_session
from station.cli.progress import upload_progress
from station.cli.verb import DOCK_ID, PATH, SERIAL, Verb
from station.domain.development_service import VENDOR_URL, Credentials, Pushed, ServiceUrl
from station.domain.errors import KeyRefused
from station.domain.identity import DockId, Serial
from station.domain.secret import Secret


class _ServiceType(click.ParamType[ServiceUrl]):
    name = "url"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ServiceUrl:
        """Where a service is."""
        try:
            return value if isinstance(value, ServiceUrl) else ServiceUrl.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _TextType(click.ParamType[str]):
    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """A text that can be sent."""
        try:
            str(value).encode("utf-8")
        except UnicodeEncodeError:
            self.fail("not a text", param, ctx)
        return str(value)


@click.command(
    "push",
    cls=Verb,
    example="station dock push firmware_bundles/welcome --rest http://127.0.0.1:8080/api"
    f" --dock-id {'5A' * 32} --credentials credentials.json",
)
@click.argument("source", type=PATH, required=False)
@click.option(
    "--rest",
    "url",
    type=_ServiceType(),
    required=True,
    metavar="URL",
    help=f"Base of the service; the vendor's is {VENDOR_URL}.",
)
@click.option("--dock-id", type=DOCK_ID, required=True, metavar="HEX", help="Which dock.")
@click.option(
    "--credentials",
    "file",
    type=PATH,
    metavar="FILE",
    help="JSON with clientId, clientSecret and enterpriseId; asked for if not given.",
)
@click.option("--ca", type=PATH, metavar="FILE", help="PEM to trust instead of the system's.")
@click.option(
    "--code", type=PATH, metavar="FILE", help="Run this application until the dock restarts."
)
@click.option(
    "--message", type=_TextType(), metavar="TEXT", help="Send this text to the application."
)
@click.option(
    "--template", type=PATH, metavar="T", help="Template of unique data to join; with --serial."
)
@click.option("--serial", type=SERIAL, metavar="S", help="Serial to render the template for.")
@pass_session
def push(
    session: Session,
    *,
    source: Path | None,
    url: ServiceUrl,
    dock_id: DockId,
    file: Path | None,
    ca: Path | None,
    code: Path | None,
    message: str | None,
    template: Path | None,
    serial: Serial | None,
) -> Answer:
    """Send content to a development dock.

    SOURCE is a bundle's folder, its bundle.yaml or an SDK configuration: everything in ROM is
    replaced by what it holds. Instead of it, --code or --message. What a template takes from a
    lot, a dock or a key is an example here.

    The service says that it accepted, not that the dock took it: compare what the dock reports
    with the answer of this command.
    """
    if [source, code, message].count(None) != 2:
        raise click.UsageError("name one thing to send: SOURCE, --code or --message")
    if (template is None) != (serial is None):
        raise click.UsageError("--template and --serial go together")
    if template is not None and source is None:
        raise click.UsageError("--template joins a SOURCE")
    with upload_progress("Sent", quiet=session.as_json) as sent:
        pusher = session.pusher(
            url, dock_id, credentials=lambda: _credentials(session, file), ca=ca, sent=sent
        )
        if source is not None:
            what, pushed = "romstore", pusher.rom_store(source, template=template, serial=serial)
        elif code is not None:
            what, pushed = "code", pusher.code(code)
        else:
            assert message is not None  # noqa: S101 (one of three was given)
            what, pushed = "message", pusher.text(message)
    return Answer(
        {
            "service": str(url),
            "dock_id": str(dock_id),
            "pushed": what,
            "accepted": True,
            "verified": False,
            **_expected(pushed),
        },
        [f"accepted, unverified: {what} for dock {dock_id}", *_lines(what, pushed)],
    )


def _credentials(session: Session, file: Path | None) -> Credentials:
    if file is not None:
        return session.read_credentials(file)
    if not sys.stdin.isatty():
        raise KeyRefused(
            "credentials are needed, and there is no terminal to ask on",
            remedy="Give them with --credentials.",
        )
    client_id: str = click.prompt("Client id (application key)", err=True)
    secret: str = click.prompt("Client secret", hide_input=True, err=True)
    enterprise_id: str = click.prompt("Enterprise id", err=True)
    try:
        return Credentials(client_id, Secret.from_text(secret), enterprise_id)
    except ValueError:
        raise KeyRefused(
            "these credentials cannot be sent", remedy="Type them again, or use --credentials."
        ) from None


def _expected(pushed: Pushed) -> Mapping[str, Any]:
    return {
        "size": pushed.size_bytes,
        "code_crc32": pushed.code_crc32,
        "keys": None if pushed.keys is None else list(pushed.keys),
        "tags": None if pushed.tags is None else list(pushed.tags),
        "warnings": list(pushed.warnings),
        "examples": list(pushed.examples),
    }


def _lines(what: str, pushed: Pushed) -> Iterator[str]:
    """What a check on the dock must report (dock-sdk.md, Q18)."""
    if what == "code":
        yield f"  runs until the dock restarts; CRC-32 {pushed.code_crc32}"
    if pushed.keys is not None and pushed.tags is not None:
        checksum = "no application" if pushed.code_crc32 is None else str(pushed.code_crc32)
        yield "  the dock has taken it when it reports:"
        yield f"  checksum {checksum}"
        yield f"  keys     {', '.join(pushed.keys) or 'none'}"
        yield f"  tags     {', '.join(pushed.tags) or 'none'}"
    for name in pushed.examples:
        yield f"  example: {name} stands in for what only a run can take"
    for warning in pushed.warnings:
        yield f"  warning: {warning}"
