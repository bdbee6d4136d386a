"""The datastore runtime in this process: the vendor's two modules, and a splash that reports."""

import binascii
import builtins
import hashlib
import json
import traceback
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from station.datastore.ephemeral import EphemeralPartition
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.vendor import open_vendor_api
from station.datastore.volume import Volume, build_common_volume, build_upd_volume
from station.domain.entries import APPLICATION_NAME, Entry, Kind
from tests.conformance.case import Case, Content, Fails, Outcome, Reports, told
from tests.unit.datastore.flash_areas import Chip
from tests.unit.datastore.made_images import SALT

RUNTIME_BYTES: Final = 60_000
EPHEMERAL_BYTES: Final = 200_000

_OF_PYTHON: Final[Mapping[str, ModuleType]] = {
    "binascii": binascii,
    "hashlib": hashlib,
    "json": json,
}


class InProcess:
    """See `case.Subject`."""

    def outcome(self, case: Case) -> Outcome:
        """See `case.Subject`."""
        datastore = mounted(case.content, case.source)
        source = datastore.get(Kind.CODE, APPLICATION_NAME)
        assert source is not None
        api = open_vendor_api(datastore, case.content.unknown_image)
        said: list[str] = []
        modules: dict[str, object] = {
            **_OF_PYTHON,
            "datastore": SimpleNamespace(
                KvStore=api.KvStore, ImageStore=api.ImageStore, CodeStore=api.CodeStore
            ),
            "image": api.image,
            "splashscreen": SimpleNamespace(
                Splashscreen=lambda: SimpleNamespace(add_text_box=said.append)
            ),
        }

        def bring(name: str, *_: Any) -> object:
            try:
                return modules[name]
            except KeyError as error:
                raise ImportError(f"no module named {name!r}") from error

        scope = {"__builtins__": {**vars(builtins), "__import__": bring}}
        try:
            exec(compile(bytes(source.data), APPLICATION_NAME, "exec"), scope)
        except Exception:  # noqa: BLE001 - whatever an application raises, a dock shows
            return Fails(traceback.format_exc())
        return Reports(json.loads(told(said[-1])))


def mounted(content: Content, pushed: bytes) -> Datastore:
    """All partitions of a dock with this content, and perhaps an application pushed to it."""
    runtime = Chip(budget_bytes=RUNTIME_BYTES).mount()
    for entry in content.runtime:
        runtime.put(entry)
    ephemeral = EphemeralPartition(budget_bytes=EPHEMERAL_BYTES)
    for entry in content.ephemeral:
        ephemeral.put(entry)
    if pushed:
        ephemeral.put(Entry(Kind.CODE, APPLICATION_NAME, pushed))
    rom = RomPartition(
        Volume.open_upd(build_upd_volume(content.upd, salt=SALT)),
        Volume.open_common(build_common_volume(content.common)),
    )
    return Datastore((ephemeral, runtime, rom))
