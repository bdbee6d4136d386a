"""Composition root of `station dock push`: content onto a developer's dock, through a service.

Opens no key and takes nothing from a lot. What is sent is read and judged whole before anybody is
asked for credentials.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from station.adapters.cloud import DevelopmentCloud, Sent, crc_of
from station.adapters.files.bundle_source import read_bundle_source
from station.adapters.files.credentials import read_credentials
from station.adapters.files.reading import read_file
from station.adapters.files.templates import read_template
from station.application.ordering import refuse_clash
from station.application.previewing import example_of, preview
from station.bootstrap.naming import UNSTATED
from station.datastore.budget import weigh
from station.domain.bundle import Bundle, in_order
from station.domain.development_service import Credentials, Pushed, ServiceUrl
from station.domain.entries import Entry, Kind
from station.domain.errors import DocumentRefused
from station.domain.identity import DockId, Serial
from station.domain.limits import ROM_STORE_BYTES

TEXT: Final = b"t"
"""First octet of a text message (dock-sdk.md, section 4)."""


def credentials_in(file: Path) -> Credentials:
    """Those a file holds. Raises FileUnreadable, DocumentRefused."""
    return read_credentials(file)


class Pusher:
    """Sends to one dock behind one service. Each method reads first, then asks who is asking.

    credentials: asked for once there is something to send. ca: PEM to trust instead of the
    system's. Every method raises what reading its files raises, and what `DevelopmentCloud` does.
    """

    def __init__(
        self,
        url: ServiceUrl,
        dock_id: DockId,
        *,
        credentials: Callable[[], Credentials],
        ca: Path | None,
        sent: Sent,
    ) -> None:
        self._url = url
        self._dock_id = dock_id
        self._credentials = credentials
        self._ca = ca
        self._sent = sent

    def rom_store(
        self, source: Path, *, template: Path | None = None, serial: Serial | None = None
    ) -> Pushed:
        """All of ROM, from the source of a bundle. template, serial: both, or neither."""
        rom = _rom(source, template, serial, self._dock_id)
        with self._cloud() as cloud:
            cloud.replace_rom(self._dock_id, rom.entries)
        return rom.pushed

    def code(self, file: Path) -> Pushed:
        """An application to be run until the dock restarts."""
        code = read_file(file, limit_bytes=ROM_STORE_BYTES)
        if not code:
            raise DocumentRefused(f"{file}: the application is empty")
        with self._cloud() as cloud:
            cloud.run_code(self._dock_id, code)
        return Pushed(len(code), code_crc32=crc_of(code))

    def text(self, text: str) -> Pushed:
        """A text for the running application."""
        message = TEXT + text.encode("utf-8")
        with self._cloud() as cloud:
            cloud.deliver(self._dock_id, message)
        return Pushed(len(message))

    def _cloud(self) -> DevelopmentCloud:
        return DevelopmentCloud(self._url, self._credentials(), ca=self._ca, sent=self._sent)


@dataclass(frozen=True, slots=True)
class _Rom:
    """The content of ROM as it is to be."""

    entries: tuple[Entry, ...] = field(repr=False)
    warnings: tuple[str, ...]
    examples: tuple[str, ...] = ()

    @property
    def pushed(self) -> Pushed:
        """What is to be found on the dock."""
        code = next((entry.data for entry in self.entries if entry.kind is Kind.CODE), None)
        return Pushed(
            size_bytes=sum(len(entry.data) for entry in self.entries),
            code_crc32=None if code is None else crc_of(code),
            keys=tuple(entry.name for entry in self.entries if entry.kind is Kind.KV),
            tags=tuple(entry.name for entry in self.entries if entry.kind is Kind.IMG),
            warnings=self.warnings,
            examples=self.examples,
        )


def _rom(source: Path, named: Path | None, serial: Serial | None, dock_id: DockId) -> _Rom:
    """Common content, and over it what a template gives the dock with this serial."""
    template = read_template(named).template if named else None
    product = UNSTATED if template is None else template.product
    read = read_bundle_source(source, unstated_product=product)
    if template is None or serial is None:
        return _Rom(read.bundle.entries, read.warnings)
    refuse_clash(
        template,
        name=read.bundle.name,
        product=read.bundle.product,
        fixed={entry.key for entry in read.bundle.entries} - read.bundle.replaceable,
    )
    entries = _overlaid(read.bundle, example_of(template, serial, dock_id).entries)
    weigh(entries, packed_bytes=0, budget_bytes=ROM_STORE_BYTES)
    examples = tuple(one.name for one in preview(template, serial) if one.example)
    return _Rom(entries, read.warnings, examples)


def _overlaid(bundle: Bundle, unique: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Unique data over common data, as a dock looks them up (dock-sdk.md, Q19)."""
    merged = {entry.key: entry for entry in (*bundle.entries, *unique)}
    return tuple(sorted(merged.values(), key=lambda entry: in_order(entry.key)))
