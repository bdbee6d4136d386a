"""A dock without process, port or file: its firmware over cells in memory, and a client."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from hashlib import sha256
from random import Random
from typing import Final, TypeVar

import pytest

from station.dock.device_key import DeviceKey
from station.dock.factory import FactoryInfo, FactorySector
from station.dock.faults import Fault
from station.dock.flash import Flash, Geometry, PowerCut, StuckBits
from station.dock.host import ApplicationSupport
from station.dock.layout import Layout
from station.dock.server import DockServer, Restart
from station.dock.stock_groups import ALL_GROUPS
from station.domain.entries import Entry
from station.domain.profile import Assurance, Compression, Link, Stage
from station.protocol import datastore_group as store
from station.protocol import os_group
from station.protocol.client import Connection, Pipeline
from station.protocol.datastore_group import DatastoreCode, Listed, ScreenForm, Slot
from station.protocol.errors import DockRefused
from station.protocol.server import BUFFER_BYTES
from station.protocol.shape import Request, Shape
from tests.fakes.trust import FakeAuthority
from tests.unit.dock.images import AUTHORITY, DOCK_ID, LABEL, PRODUCT, make_profile

A = TypeVar("A", bound=Shape)

INFO: Final = FactoryInfo(DOCK_ID, LABEL, "DL-7450", "C", PRODUCT)


class Dock:
    """A dock server over cells in memory, and a client that talks to it without a line."""

    def __init__(
        self,
        *faults: Fault,
        slots: int = 2,
        stage: Stage = Stage.DEVELOPMENT,
        cells: bytearray | None = None,
        stuck: Iterable[StuckBits] = (),
        cut: PowerCut | None = None,
        authority: FakeAuthority = AUTHORITY,
        seed: int = 1,
        support: ApplicationSupport | None = None,
        compression: Compression = Compression.NONE,
        groups: Collection[int] = ALL_GROUPS,
        rom_file: bool = True,
        assurance: Assurance = Assurance.D0,
        device_key: DeviceKey | None = None,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        self._buffer_bytes = buffer_bytes
        link = Link(compression=compression)
        self.profile = replace(make_profile(slots=slots), stage=stage, link=link)
        self.profile = replace(self.profile, assurance=assurance)
        self.layout = Layout.of_profile(self.profile)
        self.cells = cells or bytearray(b"\xff" * self.layout.size_bytes)
        self.flash = Flash(self.cells, Geometry(self.layout.size_bytes), stuck=stuck, cut=cut)
        factory = FactorySector(self.flash, self.layout.factory)
        factory.install(INFO, device_key)
        self.server = DockServer(
            self.flash,
            self.layout,
            profile=self.profile,
            authority=authority,
            factory=factory,
            info=INFO,
            faults=faults,
            seed=seed,
            support=support,
            groups=groups,
            rom_file=rom_file,
            buffer_bytes=buffer_bytes,
            chance=Random(seed).randbytes,
        )
        self._connect()

    def _connect(self) -> None:
        self._connection = Connection()
        self._connection.learn(os_group.ParametersAnswer(self._buffer_bytes, 8))

    def ask(self, request: Request[A]) -> A:
        pipeline = Pipeline(self._connection, [request], deadline_s=1.0)
        sent = pipeline.to_send(0.0)
        (answered,) = pipeline.receive(self.server.receive(sent), 0.0)
        return answered.answer

    def refusal(self, request: Request[A]) -> DatastoreCode:
        with pytest.raises(DockRefused) as refused:
            self.ask(request)
        assert refused.value.group == store.GROUP
        return DatastoreCode(refused.value.rc)

    def write(self, image: bytes) -> None:
        self.ask(store.Begin(len(image)))
        self.put(0, image)

    def put(self, offset: int, data: bytes) -> None:
        for request in store.write_requests(offset, data, message_max=4_092):
            self.ask(request)

    def commit(self, image: bytes) -> store.CommitAnswer:
        return self.ask(store.Commit(len(image), sha256(image).digest()))

    def install(self, image: bytes, *, confirmed: bool = True) -> None:
        self.write(image)
        assert self.commit(image).accepted
        self.restart()
        if confirmed:
            self.ask(store.Confirm(sha256(image).digest()))

    def restart(self) -> None:
        self.ask(os_group.Reset())
        self.starts_again()

    def starts_again(self) -> None:
        """The restart that it wants."""
        assert self.server.wants == Restart()
        self.server.restart()
        self._connect()

    def replace_rom(self, *entries: Entry) -> None:
        """As a development service has it done."""
        self.server.replace_rom(entries)
        self.starts_again()

    def read(self, slot: Slot, offset: int, length: int) -> bytes:
        requests = store.read_requests(slot, offset, length, message_max=4_092)
        return b"".join(bytes(self.ask(each).data) for each in requests)

    @property
    def active(self) -> store.SlotContent | None:
        return self.ask(store.SlotState()).active

    @property
    def other(self) -> store.SlotContent | None:
        return self.ask(store.SlotState()).other

    def value(self, key: str) -> bytes:
        """Of a key-value, as the dock's own datastore gives it."""
        return bytes(self.ask(store.Entry(Listed.KEY_VALUE, key, 0, 2_048)).data)

    def screen(self, what: ScreenForm) -> bytes:
        """All pages of it."""
        first = self.ask(store.Screen(what, 0, 1_000))
        octets = bytearray(first.data)
        while len(octets) < first.size:
            octets += self.ask(store.Screen(what, len(octets), 1_000)).data
        assert sha256(octets).digest() == first.digest
        return bytes(octets)
