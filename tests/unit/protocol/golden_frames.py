"""The golden frames of tests/golden/wire, and the values they stand for.

Their source is named in each: the `smp` and `smpclient` packages, or hex written by hand from
docs/SPEC.md, "Group 64", or from Zephyr's "SMP groups". None was made by our encoder.
"""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from station.protocol import datastore_group as store
from station.protocol import os_group
from station.protocol.compression import Method
from station.protocol.datastore_group import Assurance, Listed, Running, ScreenForm, Slot
from station.protocol.framing import Framing
from station.protocol.shape import Done, DoneByOthers, Request, Shape
from tests.unit.protocol.golden_stock_frames import STOCK_VALUES


class Golden(NamedTuple):
    name: str
    framing: Framing
    message: bytes
    line: bytes


def _load() -> dict[str, Golden]:
    path = Path(__file__).parents[2] / "golden" / "wire" / "frames.json"
    return {
        row["name"]: Golden(
            row["name"],
            Framing(row["framing"]),
            bytes.fromhex(row["message"]),
            bytes.fromhex(row["line"]),
        )
        for row in json.loads(path.read_text())
    }


GOLDEN: Final = _load()

_ID: Final = bytes.fromhex("00112233445566778899aabbccddeeff" * 2)
_ONE: Final = b"\x11" * 32
_TWO: Final = b"\x22" * 32

VALUES: Final[dict[str, tuple[Request[Any], Shape]]] = {
    **STOCK_VALUES,
    "echo": (os_group.Echo("hi"), os_group.EchoAnswer("hi")),
    "parameters": (os_group.Parameters(), os_group.ParametersAnswer(4096, 8)),
    "reset": (os_group.Reset(), DoneByOthers()),
    "info": (os_group.Info("a"), os_group.InfoAnswer("Zephyr")),
    "boot loader": (os_group.Bootloader(), os_group.BootloaderAnswer("MCUboot")),
    "identify": (
        store.Identify(),
        store.Identity(
            dock_id=_ID,
            label="DL0000001",
            model="DL-7450",
            hardware_revision="B",
            profile="dl7450-a",
            product="dl7450",
            security_counter=3,
            assurance=Assurance.D0,
            slot_size=0xD00000,
            locked=False,
        ),
    ),
    "challenge": (
        store.Challenge(Slot.OTHER, b"\xa5" * 16, (store.Range(4096, 65536),)),
        store.ChallengeAnswer(_ONE),
    ),
    "slot state": (
        store.SlotState(),
        store.SlotStateAnswer(
            active=store.SlotContent(1000, _ONE, pending=False, confirmed=True), other=None
        ),
    ),
    "block digests": (
        store.BlockDigests(Slot.ACTIVE, 4096, 131072, 65536),
        store.BlockDigestsAnswer(4096, (_ONE, _TWO)),
    ),
    "begin": (store.Begin(13_000_000), Done()),
    "copy": (store.Copy(4096, 65536, (_ONE, _TWO)), store.CopyAnswer(4096, (True, False))),
    "write": (store.Write(4096, b"\x00\x01\xff\x00"), store.WriteAnswer(4096)),
    "compressed write": (
        store.Write(
            4096,
            bytes.fromhex("7801010400fbff0001ff0002050101"),
            Method.ZLIB,
            4,
        ),
        store.WriteAnswer(4096),
    ),
    "commit": (
        store.Commit(1000, _ONE),
        store.CommitAnswer(accepted=False, reason="dock id"),
    ),
    "confirm": (store.Confirm(_ONE), Done()),
    "read": (store.Read(Slot.ACTIVE, 4096, 4), store.ReadAnswer(4096, b"\x00\x01\xff\x00")),
    "names": (
        store.Names(Listed.KEY_VALUE),
        store.NamesAnswer(("dock.name", "serial"), more=True),
    ),
    "entry": (
        store.Entry(Listed.IMAGE, "logo", 0, 3),
        store.EntryAnswer(200, _TWO, 0, b"\x89PG", "PNG"),
    ),
    "code info": (store.CodeInfo(), store.CodeInfoAnswer(0x8B7D280D)),
    "application": (store.Application(), store.ApplicationAnswer(Running.RUNNING)),
    "factory reset": (store.FactoryReset(), Done()),
    "lock": (store.Lock(), Done()),
    "lock probe": (
        store.LockProbe(),
        store.LockProbeAnswer(supported=False, locked=False),
    ),
    "prove": (store.Prove(_TWO, _ONE), store.ProveAnswer(_TWO, b"\x30\x03\x02\x01\x07")),
    "entry proof": (
        store.EntryProof(Listed.KEY_VALUE, "token", _ONE),
        store.EntryProofAnswer(_TWO),
    ),
    "screen": (
        store.Screen(ScreenForm.TEXT, 0, 3),
        store.ScreenAnswer(200, _TWO, 0, b'{"b'),
    ),
}
"""Request and answer whose golden frames are called "NAME request" and "NAME answer"."""
