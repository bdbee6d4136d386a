"""A running virtual dock, `station dock run`, and everything done to it from outside.

What a case needs is brought there the way it gets onto a dock: common content by the development
service, unique content in an image that a station signed, runtime entries into the flash file while
the dock is off. An application is pushed, or booted where the case has none; what came of it is
read from the screen over the serial line.
"""

import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from station.datastore.plan import CommonPart, Plan, assemble
from station.datastore.runtime_partition import RuntimePartition
from station.datastore.volume import SALT_BYTES, build_common_volume, build_upd_volume
from station.dock.field_partitions import FlashPart
from station.dock.flash import Flash, Geometry, flash_file
from station.domain import dsse
from station.domain.entries import APPLICATION_NAME, Entry, Kind
from station.domain.identity import DockId
from station.domain.release import PAYLOAD_TYPE, ReleaseStatement, Version
from station.domain.trust import Usage
from station.protocol import datastore_group as wire
from tests.conformance.case import Box, Case, Content, Outcome, seen
from tests.end_to_end.small_line import (
    PRODUCT,
    PROFILE,
    PROGRAM,
    RUNTIME_BYTES,
    layout,
    passphrase_of,
    station_at,
)
from tests.end_to_end.virtual_docks import ROOT, Client, until

DOCK_ID: Final = DockId(sha256(b"the dock of the conformance cases").digest())
LAYOUT: Final = layout()
PATIENCE_S: Final = 60.0
"""Longer than anything takes; who waits so long has failed."""


class VirtualDock:
    """See `case.Subject`. One process at a time; it is restarted where a content asks for that.

    folder: of a station whose keys the dock believes (`small_line.furnish`), and of the flash.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._content: Content | None = None
        self._process: subprocess.Popen[str] | None = None
        self._announced: Mapping[str, Any] = {}
        self._token = ""
        self.starts = 0

    def close(self) -> None:
        """Switch it off."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.communicate(timeout=20)
            finally:
                if self._process.poll() is None:
                    self._process.kill()
                    self._process.communicate()
            self._process = None

    def outcome(self, case: Case) -> Outcome:
        """See `case.Subject`."""
        self.provide(case.content)
        if case.application:
            self.push(case.source)
        else:
            self.restart()
        return self.came_of(case)

    def push(self, source: bytes) -> None:
        """Run this application at once, as a developer's tool does."""
        attributes = {"dockId": str(DOCK_ID), "code": _base64(source)}
        self._post("/docks/application/code", "applicationCode", attributes)

    def restart(self) -> None:
        """Whatever was pushed is gone then."""
        with self._client() as client:
            client.restart()

    def factory_reset(self) -> None:
        """Runtime and ephemeral are emptied, and the dock has restarted when this returns."""
        port = Path(self._announced["ports"][0])
        before = port.readlink()
        with self._client() as client:  # open until the new port is there: no name is used twice
            client.ask(wire.FactoryReset())
            until(lambda: port.is_symlink() and port.readlink() != before)
        self._content = None

    def came_of(self, case: Case) -> Outcome:
        """What there is to be seen of a case, as soon as there is."""
        found: list[Outcome] = []

        def come() -> bool:
            trace, boxes = _screen(client)
            if (outcome := seen(case, trace, boxes)) is not None:
                found.append(outcome)
            return bool(found)

        with self._client() as client:
            until(come, within_s=PATIENCE_S)
        return found[0]

    def boxes(self) -> list[Box]:
        """What its screen shows now."""
        with self._client() as client:
            return _screen(client)[1]

    # -- what it holds -------------------------------------------------------------------------

    def provide(self, content: Content) -> None:
        """Bring it there, unless it is there already."""
        if content == self._content:
            return
        before = self._content or Content("unknown")
        if self._process is None or (before.unknown_image, before.runtime) != (
            content.unknown_image,
            content.runtime,
        ):
            self.close()
            self._write_runtime(content.runtime)
            self._start(content)
        if (before.common, before.upd) != (content.common, content.upd):
            if content.upd:
                self._install(content)
            else:
                self._post("/docks/application/romstore", "applicationRomStore", _rom(content))
        self._content = content

    def _install(self, content: Content) -> None:
        """In an image for this dock, signed by the station's keys."""
        plan = self._plan(content)
        with self._client() as client:
            client.install(plan)
            client.ask(wire.Confirm(plan.image_sha256))

    def _plan(self, content: Content) -> Plan:
        keys = station_at(self._folder / "home").keys
        releaser = keys.signer(Usage.RELEASE, passphrase_of)
        signer = keys.signer(Usage.STATION, passphrase_of)
        common = build_common_volume(content.common)
        payload = ReleaseStatement(
            product=PRODUCT,
            name="conformance",
            version=Version(1, 0, 0),
            security_counter=0,
            common_bytes=len(common),
            common_sha256=sha256(common).digest(),
            manifest_sha256=bytes(32),
            replaceable=content.replaceable,
        ).encode()
        signature = releaser.sign(dsse.pre_authentication_encoding(PAYLOAD_TYPE, payload))
        envelope = dsse.Envelope(
            PAYLOAD_TYPE, payload, (dsse.Signature(releaser.certificate.key_id, signature),)
        ).encode()
        try:
            return assemble(
                CommonPart(common, envelope, releaser.certificate.der),
                build_upd_volume(content.upd, salt=bytes(SALT_BYTES)),
                DOCK_ID,
                signer,
            )
        finally:
            releaser.lock()
            signer.lock()

    def _write_runtime(self, entries: Sequence[Entry]) -> None:
        """Into the flash of a dock that is off, in place of what its runtime partition held."""
        with flash_file(self._flash, LAYOUT.size_bytes) as cells:
            flash = Flash(cells, Geometry(LAYOUT.size_bytes))
            runtime = RuntimePartition(FlashPart(flash, LAYOUT.runtime), budget_bytes=RUNTIME_BYTES)
            runtime.clear()
            for entry in entries:
                runtime.put(entry)

    # -- the process -----------------------------------------------------------------------------

    @property
    def _flash(self) -> Path:
        return self._folder / "conformance.flash"

    def _start(self, content: Content) -> None:
        profile = self._folder / "conformance.yaml"
        profile.write_text(f"{PROFILE}unknown_image: {content.unknown_image}\n", encoding="utf-8")
        home = self._folder / "home"
        self._process = subprocess.Popen(
            [
                *PROGRAM,
                *("dock", "run", "--rest=127.0.0.1:0", "--plain-http", "--json"),
                *(f"--profile={profile}", f"--product={PRODUCT}", "--label=DK7F-00001"),
                *(f"--flash={self._flash}", f"--dock-id={DOCK_ID}"),
                f"--trust={home / 'keys' / 'product-root.pem'}",
            ],
            cwd=ROOT,
            env={**os.environ, "STATION_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.communicate()[1]
        self._announced = json.loads(line)
        self.starts += 1
        reply = self._post(
            "/isv/application/login",
            "isvApplicationLogin",
            {"clientId": "a-developer", "clientSecret": "any", "enterpriseId": "any"},
        )
        self._token = reply["data"]["attributes"]["accessToken"]

    @contextmanager
    def _client(self) -> Iterator[Client]:
        port = Path(self._announced["ports"][0])
        until(port.exists)
        client = Client(port)
        try:
            client.greet()
            yield client
        finally:
            client.close()

    def _post(self, path: str, kind: str, attributes: Mapping[str, object]) -> Any:
        """One call of the development service; it must succeed."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        body = json.dumps({"data": {"type": kind, "attributes": attributes}}).encode()
        request = Request(self._announced["rest"] + path, body, headers, method="POST")
        with urlopen(request, timeout=PATIENCE_S) as reply:
            return json.loads(reply.read())


def _rom(content: Content) -> dict[str, object]:
    """All of a ROM store, as the development service is given it."""
    (code,) = (one for one in content.common if one.kind is Kind.CODE)
    assert code.name == APPLICATION_NAME
    return {
        "dockId": str(DOCK_ID),
        "code": {"code": _base64(code.data)},
        "kvStore": {
            one.name: bytes(one.data).decode() for one in content.common if one.kind is Kind.KV
        },
        "images": {
            one.name: {"type": one.picture, "data": _base64(one.data)}
            for one in content.common
            if one.kind is Kind.IMG
        },
    }


def _screen(client: Client) -> tuple[str, list[Box]]:
    """The trace, and every box: what a person sees, in words."""
    document, size = b"", 1
    while len(document) < size:
        page = client.ask(wire.Screen(wire.ScreenForm.TEXT, len(document), 3_000))
        document, size = document + bytes(page.data), page.size
    shown = json.loads(document)
    return shown["trace"], [(one["markup"], one["x"], one["y"]) for one in shown["boxes"]]


def _base64(octets: bytes | memoryview) -> str:
    return b64encode(octets).decode("ascii")
