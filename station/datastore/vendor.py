"""The dock SDK's modules `datastore` and `image`, to the letter, over a `Datastore`.

Names and signatures are the vendor's; where he is silent the choices are ours and say so. Nothing
else may ever be added to them: our own calls, such as resolving a token, are `VendorApi`'s.
Source: dock-sdk.md, 2.1, and Q3 to Q6, Q10 and Q12 of its section 6.
"""

from dataclasses import dataclass
from typing import ClassVar, Final, assert_never
from zlib import crc32

from station.datastore.partitions import Datastore, PartitionName
from station.domain.entries import APPLICATION_NAME, Entry, Kind, PictureType
from station.domain.profile import UnknownImage

Names = list[str]
"""What `list` returns; inside the classes below, `list` is the vendor's method."""


class ImageToken:
    """Stands for an image without holding it. Opaque: only `ImageStore.get_token` makes one."""

    __slots__ = ("_tag",)
    _tag: str

    def __init__(self) -> None:
        """Raises TypeError: the SDK lets nobody construct one."""
        raise TypeError("cannot create 'ImageToken' instances")


@dataclass(frozen=True, slots=True)
class ImageModule:
    """Module `image`. The vendor publishes no values: these are ours. JPEG has none (Q6)."""

    NONE: int = 0
    PNG: int = 1
    BMP: int = 2
    ImageToken: type[ImageToken] = ImageToken


IMAGE: Final = ImageModule()


def tag_of(token: ImageToken) -> str:
    """Which image a token stands for, for a screen that is in another process than the image."""
    return token._tag


class KvStore:
    """`datastore.KvStore`."""

    _datastore: ClassVar[Datastore]

    def list(self) -> Names:
        """Keys that have values."""
        return self._datastore.names(Kind.KV)

    def get(self, key: str) -> str:
        """The value; '' where there is none, which an empty value looks like too (Q4)."""
        entry = self._datastore.get(Kind.KV, key)
        return "" if entry is None else bytes(entry.data).decode("utf-8")


class ImageStore:
    """`datastore.ImageStore`. An unknown tag raises KeyError or gives nothing, by profile (Q3)."""

    _datastore: ClassVar[Datastore]
    _unknown_image: ClassVar[UnknownImage]

    def list(self) -> Names:
        """Tags of available images."""
        return self._datastore.names(Kind.IMG)

    def get(self, image_tag: str) -> tuple[bytearray, int]:
        """The file as provisioned (Q5), copied, and its constant of module `image`."""
        entry = self._datastore.get(Kind.IMG, image_tag)
        if entry is None:
            self._refuse(image_tag)
            return bytearray(), IMAGE.NONE
        return bytearray(entry.data), _constant(entry)

    def get_token(self, image_tag: str) -> ImageToken | None:
        """A token for the image, which stays where it is and is not even read."""
        if not self._datastore.holds(Kind.IMG, image_tag):
            self._refuse(image_tag)
            return None
        token = ImageToken.__new__(ImageToken)
        token._tag = image_tag
        return token

    def _refuse(self, image_tag: str) -> None:
        if self._unknown_image is UnknownImage.RAISE:
            raise KeyError(image_tag)


class CodeStore:
    """`datastore.CodeStore`."""

    _datastore: ClassVar[Datastore]

    def info(self) -> dict[str, int]:
        """CRC-32 of the application in ROM, whichever runs (Q12); 0 where ROM has none (ours)."""
        rom = self._datastore.partition(PartitionName.ROM)
        entry = None if rom is None else rom.get(Kind.CODE, APPLICATION_NAME)
        return {"checksum": 0 if entry is None else crc32(entry.data)}


@dataclass(frozen=True, slots=True)
class VendorApi:
    """The classes of module `datastore`, bound to one datastore, and module `image`."""

    KvStore: type[KvStore]
    ImageStore: type[ImageStore]
    CodeStore: type[CodeStore]
    image: ImageModule
    _datastore: Datastore

    def resolve(self, token: ImageToken) -> Entry | None:
        """What its tag stands for now, wherever that is; None where it is gone.

        Content is copied where it lies in pieces, in the runtime partition, and nowhere else.
        `data` is good until a partition next changes.
        """
        return self._datastore.get(Kind.IMG, token._tag)


def open_vendor_api(
    datastore: Datastore, unknown_image: UnknownImage = UnknownImage.RAISE
) -> VendorApi:
    """The API an application on this datastore sees."""

    class BoundKvStore(KvStore):
        _datastore = datastore

    class BoundImageStore(ImageStore):
        _datastore = datastore
        _unknown_image = unknown_image

    class BoundCodeStore(CodeStore):
        _datastore = datastore

    return VendorApi(BoundKvStore, BoundImageStore, BoundCodeStore, IMAGE, datastore)


def _constant(entry: Entry) -> int:
    match entry.picture:
        case PictureType.PNG:
            return IMAGE.PNG
        case PictureType.BMP:
            return IMAGE.BMP
        case PictureType.JPEG | None:
            return IMAGE.NONE
    assert_never(entry.picture)
