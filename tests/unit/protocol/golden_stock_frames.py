"""What the golden frames of the groups that others specify stand for."""

from typing import Any, Final

from station.protocol import enumeration_group as enumeration
from station.protocol import filesystem_group as files
from station.protocol import image_group as images
from station.protocol import os_group
from station.protocol.filesystem_group import SHA256, HashProperties
from station.protocol.shape import DoneByOthers, Request, Shape

_ONE: Final = b"\x11" * 32
_TWO: Final = b"\x22" * 32
_DATA: Final = b"\x00\x01\xff\x00"

_ACTIVE: Final = images.ImageState(
    slot=0, version="1.2.3", hash=_ONE, bootable=True, confirmed=True, active=True
)
_OTHER: Final = images.ImageState(slot=1, version="1.3.0", hash=_TWO, bootable=True, pending=True)

STOCK_VALUES: Final[dict[str, tuple[Request[Any], Shape]]] = {
    "echo by read": (os_group.EchoByRead("hi"), os_group.EchoAnswer("hi")),
    "image state": (images.ReadState(), images.ImageStates((_ACTIVE, _OTHER))),
    "image test": (images.WriteState(_TWO), images.ImageStates((_ACTIVE, _OTHER))),
    "image confirm": (images.WriteState(confirm=True), images.ImageStates((_ACTIVE,))),
    "first upload": (
        images.Upload(
            0,
            b"\x3d\xb8\xf3\x96" + bytes(4),
            size=13_000_000,
            digest=_ONE,
            image=0,
            upgrade=False,
        ),
        images.UploadAnswer(8),
    ),
    "upload": (images.Upload(70_000, _DATA), images.UploadAnswer(70_004)),
    "last upload": (images.Upload(70_000, _DATA), images.UploadAnswer(70_004, match=True)),
    "image erase": (images.Erase(1), DoneByOthers()),
    "slot info": (
        images.SlotInfo(),
        images.SlotInfoAnswer(
            (images.SlotsOfImage(0, (images.SlotSize(0, 0xD00000), images.SlotSize(1, 0xD00000))),)
        ),
    ),
    "download": (files.Download(0, "/rom/active"), files.DownloadAnswer(0, _DATA, 70_000)),
    "later download": (
        files.Download(69_996, "/rom/active"),
        files.DownloadAnswer(69_996, _DATA),
    ),
    "file status": (files.Status("/dock/identity"), files.StatusAnswer(154)),
    "file digest": (
        files.Digest("/rom/active", SHA256, 4_096, 65_536),
        files.DigestAnswer("sha256", 65_536, _ONE, 4_096),
    ),
    "file checksum": (
        files.Digest("/rom/active"),
        files.DigestAnswer("crc32", 70_000, 0x8B7D280D),
    ),
    "hash types": (
        files.HashTypes(),
        files.HashTypesAnswer({"crc32": HashProperties(0, 4), "sha256": HashProperties(1, 32)}),
    ),
    "file close": (files.Close(), DoneByOthers()),
    "group count": (enumeration.GroupCount(), enumeration.GroupCountAnswer(5)),
    "groups": (enumeration.Groups(), enumeration.GroupsAnswer((0, 1, 8, 10, 64))),
    "group at": (enumeration.GroupAt(4), enumeration.GroupAtAnswer(64, end=True)),
    "first group": (enumeration.GroupAt(), enumeration.GroupAtAnswer(0)),
    "group details": (
        enumeration.Details((1, 64)),
        enumeration.DetailsAnswer(
            (
                enumeration.GroupDetails(1, "img mgmt", 4),
                enumeration.GroupDetails(64, "datastore"),
            )
        ),
    ),
}
"""Request and answer whose golden frames are called "NAME request" and "NAME answer"."""
