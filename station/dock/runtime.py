"""The running image mounted in the dock's datastore, and what the datastore answers over the wire.

Everything goes through the vendor's API as an application's questions do; nothing is looked up
past it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from station.datastore.acceptance import AcceptedImage, accept
from station.datastore.partitions import Datastore, RomPartition
from station.datastore.vendor import VendorApi, open_vendor_api
from station.dock.boot import Inspect, Running
from station.dock.slots import Refused, cut
from station.domain.entries import APPLICATION_NAME, Kind
from station.domain.identity import DockId
from station.domain.profile import Profile
from station.domain.trust import Authority
from station.protocol import datastore_group as wire
from station.protocol.datastore_group import DatastoreCode, Listed


def inspection(authority: Authority, dock_id: DockId, product: str) -> Inspect[AcceptedImage]:
    """What this dock demands of an image. It has no clock it could trust: no date is judged."""

    def inspect(image: memoryview, counter_floor: int) -> AcceptedImage:
        return accept(
            image,
            authority=authority,
            dock_id=dock_id,
            product=product,
            counter_floor=counter_floor,
            at=None,
        )

    return inspect


class Runtime:
    """The datastore of a dock; without a mounted image every question is refused."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._api: VendorApi | None = None
        self._datastore: Datastore | None = None
        self._reason = ""

    def mount(self, running: Running[AcceptedImage]) -> None:
        """Answer from this image from now on, or from none."""
        self._reason = running.reason
        self._api = self._datastore = None
        if running.image is not None:
            self._datastore = Datastore((RomPartition(running.image.upd, running.image.common),))
            self._api = open_vendor_api(self._datastore, self._profile.unknown_image)

    def names(self, request: wire.Names, *, message_max: int) -> wire.NamesAnswer:
        """A page of `list()`. Raises Refused."""
        with _cells_may_lie():
            return wire.NamesAnswer.page(self._list(request.kind), request.after, message_max)

    def entry(self, request: wire.Entry) -> wire.EntryAnswer:
        """A page of a value or an image. Raises Refused."""
        api = self._mounted()
        picture: str | None = None
        content: bytes | memoryview
        with _cells_may_lie():
            if request.name not in self._list(request.kind):
                raise Refused(DatastoreCode.NO_ENTRY)
            if request.kind is Listed.KEY_VALUE:
                content = api.KvStore().get(request.name).encode("utf-8")
            else:
                token = api.ImageStore().get_token(request.name)
                found = None if token is None else api.resolve(token)
                if found is None or found.picture is None:
                    raise Refused(DatastoreCode.NO_ENTRY)
                content, picture = memoryview(found.data), found.picture.value
        return wire.EntryAnswer(
            size=len(content),
            digest=sha256(content).digest(),
            offset=request.offset,
            data=content[request.offset : request.offset + request.length],
            type=picture,
        )

    def code_info(self) -> wire.CodeInfoAnswer:
        """What `CodeStore().info()` says. Raises Refused where ROM has no application."""
        api = self._mounted()
        with _cells_may_lie():
            if not self._has_code():
                raise Refused(DatastoreCode.NO_ENTRY)
            return wire.CodeInfoAnswer(api.CodeStore().info()["checksum"])

    def application(self) -> wire.ApplicationAnswer:
        """Why there is nothing to run. Raises Refused where there is: this dock runs no code."""
        if self._datastore is None:
            trace = cut(self._reason, wire.TRACE_BYTES_MAX)
            return wire.ApplicationAnswer(wire.Running.FAILED, trace)
        if not self._has_code():
            return wire.ApplicationAnswer(wire.Running.ABSENT)
        raise Refused(DatastoreCode.UNSUPPORTED, "this virtual dock runs no application")

    def _list(self, kind: Listed) -> list[str]:
        api = self._mounted()
        return api.KvStore().list() if kind is Listed.KEY_VALUE else api.ImageStore().list()

    def _has_code(self) -> bool:
        return (
            self._datastore is not None
            and self._datastore.get(Kind.CODE, APPLICATION_NAME) is not None
        )

    def _mounted(self) -> VendorApi:
        if self._api is None:
            raise Refused(DatastoreCode.NOT_RUNNABLE, self._reason)
        return self._api


@contextmanager
def _cells_may_lie() -> Iterator[None]:
    """A mounted volume was whole; cells that change under it are a fault of the flash."""
    try:
        yield
    except (ValueError, AssertionError) as error:
        raise Refused(DatastoreCode.FLASH_FAILED, "the mounted image has changed") from error
