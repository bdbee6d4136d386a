"""The datastore of a dock, from one start to the next, and what it answers over the wire.

Three partitions in the order of look-up: ephemeral, runtime, and the volumes of the running image.
Answers go through the vendor's API as an application's questions do; nothing is looked up past it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

from station.datastore.field_store import FieldStore, WritablePartition
from station.datastore.partitions import Datastore, PartitionName, RomPartition
from station.datastore.vendor import VendorApi, open_vendor_api
from station.dock.boot import Running
from station.dock.inspection import DockImage
from station.dock.slots import Refused
from station.domain.device_proof import entry_proof
from station.domain.entries import APPLICATION_NAME, Kind
from station.domain.profile import UnknownImage
from station.protocol import datastore_group as wire
from station.protocol.datastore_group import DatastoreCode, Listed


class DockStore:
    """Made started; `start` starts again. Raises PowerLost.

    runtime, ephemeral: open the partition as it is after a start. Questions that take in all of
    the datastore are refused while no image is mounted: half an answer would look like a whole one.
    secretive: tell the content of what all docks have alike, and only prove anything else.
    """

    def __init__(
        self,
        running: Running[DockImage],
        *,
        runtime: Callable[[], WritablePartition],
        ephemeral: Callable[[], WritablePartition],
        unknown_image: UnknownImage,
        secretive: bool = False,
    ) -> None:
        self._open_runtime = runtime
        self._open_ephemeral = ephemeral
        self._unknown_image = unknown_image
        self._secretive = secretive
        self.start(running)

    def start(self, running: Running[DockImage]) -> None:
        """As after a reset: ephemeral is empty, runtime is what the flash holds."""
        self._runtime, self._ephemeral = self._open_runtime(), self._open_ephemeral()
        self.field = FieldStore(runtime=self._runtime, ephemeral=self._ephemeral)
        self.mount(running)

    def mount(self, running: Running[DockImage]) -> None:
        """Have this image as ROM from now on, or none."""
        self.reason = running.reason
        self._image = running.image
        self.datastore = Datastore((self._ephemeral, self._runtime))
        self._api: VendorApi | None = None
        if (image := running.image) is not None:
            rom = RomPartition(image.upd, image.common)
            self.datastore = Datastore((self._ephemeral, self._runtime, rom))
            self._api = open_vendor_api(self.datastore, self._unknown_image)

    @property
    def mounted(self) -> bool:
        """Whether there is a ROM partition."""
        return self._api is not None

    def names(self, request: wire.Names, *, message_max: int) -> wire.NamesAnswer:
        """A page of `list()`. Raises Refused."""
        with _cells_may_lie():
            return wire.NamesAnswer.page(self._list(request.kind), request.after, message_max)

    def entry(self, request: wire.Entry) -> wire.EntryAnswer:
        """A page of a value or an image. Raises Refused."""
        content, picture = self._content(request.kind, request.name)
        if self._secretive and not self._is_common(request.kind, request.name):
            raise Refused(DatastoreCode.SEALED, "proved, never told")
        return wire.EntryAnswer(
            size=len(content),
            digest=sha256(content).digest(),
            offset=request.offset,
            data=content[request.offset : request.offset + request.length],
            type=picture,
        )

    def entry_proof(self, request: wire.EntryProof) -> wire.EntryProofAnswer:
        """Proof of what `entry` does not tell. Raises Refused by a dock that tells everything."""
        content, picture = self._content(request.kind, request.name)
        if self._image is None or not self._secretive:
            raise Refused(DatastoreCode.UNSUPPORTED, "this dock tells what it holds")
        kind = Kind(request.kind.value)
        with _cells_may_lie():
            proof = entry_proof(self._image.upd.salt, kind, request.name, content, request.nonce)
        return wire.EntryProofAnswer(proof, picture)

    def _content(self, kind: Listed, name: str) -> tuple[bytes | memoryview, str | None]:
        """What an application gets, and the type of an image."""
        api = self._whole()
        with _cells_may_lie():
            if name not in self._list(kind):
                raise Refused(DatastoreCode.NO_ENTRY)
            if kind is Listed.KEY_VALUE:
                return api.KvStore().get(name).encode("utf-8"), None
            token = api.ImageStore().get_token(name)
            found = None if token is None else api.resolve(token)
            if found is None or found.picture is None:
                raise Refused(DatastoreCode.NO_ENTRY)
            return memoryview(found.data), found.picture.value

    def _is_common(self, listed: Listed, name: str) -> bool:
        """Whether what an application gets is the common volume's, and no secret of this dock."""
        kind = Kind(listed.value)
        written = (self._ephemeral, self._runtime)
        unique = self._image is None or (kind, name) in self._image.upd.keys
        return not unique and not any(one.holds(kind, name) for one in written)

    def code_info(self) -> wire.CodeInfoAnswer:
        """What `CodeStore().info()` says. Raises Refused where ROM has no application."""
        api = self._whole()
        with _cells_may_lie():
            rom = self.datastore.partition(PartitionName.ROM)
            if rom is None or not rom.holds(Kind.CODE, APPLICATION_NAME):
                raise Refused(DatastoreCode.NO_ENTRY)
            return wire.CodeInfoAnswer(api.CodeStore().info()["checksum"])

    def _list(self, kind: Listed) -> list[str]:
        api = self._whole()
        return api.KvStore().list() if kind is Listed.KEY_VALUE else api.ImageStore().list()

    def _whole(self) -> VendorApi:
        if self._api is None:
            raise Refused(DatastoreCode.NOT_RUNNABLE, self.reason)
        return self._api


@contextmanager
def _cells_may_lie() -> Iterator[None]:
    """A mounted volume was whole; cells that change under it are a fault of the flash."""
    try:
        yield
    except (ValueError, AssertionError) as error:
        raise Refused(DatastoreCode.FLASH_FAILED, "the mounted image has changed") from error
