"""A dock that serves only what any SMP server does: what it can be asked for, and what not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest

from station.adapters.serial_link.conversation import Conversation
from station.adapters.serial_link.dock import SerialDock
from station.adapters.serial_link.docks import SerialDocks
from station.adapters.serial_link.stock import StockDock
from station.application.cancel import Cancel
from station.application.ports import CommitRefused, Piece, SlotState
from station.datastore.plan import Plan
from station.datastore.rom_image import RomImage
from station.dock.faults import AlreadyLocked, OtherDock
from station.dock.server import Restart
from station.dock.stock_groups import STOCK_GROUPS
from station.domain.errors import Interrupted, NoAnswer, NoWayToProve, TooSlow
from station.domain.limits import IMAGE_BYTES_MAX
from station.domain.profile import Link
from station.protocol import datastore_group as ds
from station.protocol import filesystem_group as fs
from station.protocol import image_group as img
from station.protocol import os_group, smp
from station.protocol.errors import BadReply, DockRefused
from station.protocol.filesystem_group import FileCode
from station.protocol.framing import Framing, decoder, frame
from station.protocol.image_group import ImageCode
from station.protocol.server import ServerPort
from station.protocol.shape import Request, Shape
from station.protocol.smp import Op, ReturnCode
from tests.fakes.chance import SeededChance
from tests.fakes.serial_link import Board
from tests.unit.adapters.serial_link.peers import LINK, PORT, Place, Receive
from tests.unit.dock.images import AUTHORITY, DOCK_ID, LABEL, image_of, make_plan, make_profile

PLAN: Final = make_plan()
HASH: Final = RomImage.parse(memoryview(image_of(PLAN))).seal.sha256


def stock_board(*faults: Any, **more: Any) -> Board:
    made = {"groups": STOCK_GROUPS} | more
    return Board(
        *faults,
        dock_id=DOCK_ID,
        label=LABEL,
        profile=make_profile(),
        authority=AUTHORITY,
        **made,
    )


def firmware_of(place: Place, board: Board) -> Receive:
    """A dock that restarts when told, and takes its port with it."""

    def receive(data: bytes) -> bytes:
        answers = board.server.receive(data)
        if board.server.wants == Restart():
            board.server.restart()
            place.wires[-1].leaves = True
        return answers

    return receive


def serving(answer: Callable[[Any], Shape], *modules: Any) -> Receive:
    """A peer that serves the groups of these modules, and answers as it is told."""
    requests: list[type[Request[Any]]] = [one for module in modules for one in module.REQUESTS]
    port = ServerPort(requests, buf_size=4_096, buf_count=8)

    def receive(data: bytes) -> bytes:
        for call in port.receive(data):
            try:
                port.answer(call, answer(call.request))
            except DockRefused as no:
                port.refuse(call, no.rc, group=no.group, reason=no.reason)
        return port.to_send()

    return receive


def no(rc: int, group: int | None = None, reason: str = "") -> DockRefused:
    return DockRefused("no", group=group, rc=rc, reason=reason)


@contextmanager
def opened(place: Place, link: Link = LINK) -> Iterator[SerialDock | StockDock]:
    with SerialDocks(clock=place.clock, chance=SeededChance(3)).open(PORT, link) as dock:
        yield dock


@contextmanager
def stock_at(place: Place, link: Link = LINK) -> Iterator[StockDock]:
    """A stock dock whatever answers."""
    talk = Conversation(PORT, link, clock=place.clock, chance=SeededChance(3))
    try:
        yield StockDock(talk)
    finally:
        talk.close()


def pieces(plan: Plan) -> Iterator[Piece]:
    for part in plan.parts:
        yield Piece(part.offset_bytes, plan.read(part.offset_bytes, part.size_bytes))


def ignore(size_bytes: int) -> None:
    """Progress nobody looks at."""


def install(dock: SerialDock | StockDock, plan: Plan = PLAN) -> int:
    """Upload, test, restart; the bytes that were acknowledged."""
    told: list[int] = []
    dock.identify()
    dock.begin(plan.size_bytes, ())
    dock.write(pieces(plan), done=told.append, cancel=Cancel())
    dock.commit(plan.size_bytes, plan.image_sha256)
    dock.factory_reset()
    return sum(told)


def read(dock: SerialDock | StockDock, offset: int, size: int) -> bytes:
    """Every byte of a range, each once."""
    told: list[int] = []
    found = sorted(
        (piece.offset_bytes, bytes(piece.data))
        for piece in dock.read_back(offset, size, done=told.append, cancel=Cancel())
    )
    assert sum(told) == sum(len(data) for _, data in found) == size
    octets = b""
    for at, data in found:
        assert at == offset + len(octets)
        octets += data
    return octets


# -- which kind of dock ------------------------------------------------------------------------


def test_a_dock_without_our_group_is_a_stock_dock_and_says_who_it_is(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board())]
    with opened(place) as dock:
        identity = dock.identify()

    assert isinstance(dock, StockDock)
    assert (identity.dock_id, identity.label, identity.stock) == (DOCK_ID, LABEL.text, True)


def test_a_dock_with_our_group_is_none(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board(groups=(0, 64)))]
    with opened(place) as dock:
        assert isinstance(dock, SerialDock)
        assert not dock.identify().stock


def test_a_dock_that_is_silent_about_our_group_is_asked_what_it_serves(place: Place) -> None:
    server = firmware_of(place, stock_board())
    silent = deaf_to(ds.Identify, server)
    place.opens = [silent]
    with opened(place) as dock:
        assert isinstance(dock, StockDock)
        assert dock.identify().dock_id == DOCK_ID


def deaf_to(kind: type[Request[Any]], served: Receive) -> Receive:
    """Nothing comes back where the request is of this kind."""
    ears = decoder(Framing.COBS)

    def receive(data: bytes) -> bytes:
        asked = [smp.decode(octets) for octets in ears.feed(data)]
        deaf = any((one.group, one.command) == (kind.GROUP, kind.COMMAND) for one in asked)
        return b"" if deaf else served(data)

    return receive


@pytest.mark.parametrize("groups", [(0, 10, 64), (0, 64)])
def test_a_dock_of_ours_that_falls_silent_is_not_taken_for_another(
    place: Place, groups: tuple[int, ...]
) -> None:
    place.opens = [deaf_to(ds.Identify, firmware_of(place, stock_board(groups=groups)))]
    with pytest.raises((NoAnswer, TooSlow)), opened(place):
        pass


def test_any_other_refusal_to_say_who_it_is_is_passed_on(place: Place) -> None:
    def busy(request: Any) -> Shape:
        if isinstance(request, os_group.Parameters):
            return os_group.ParametersAnswer(4_096, 8)
        raise no(ReturnCode.BUSY)

    place.opens = [serving(busy, os_group, ds)]
    with pytest.raises(DockRefused), opened(place):
        pass


def test_our_own_verbs_refuse_a_stock_dock(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board())]
    docks = SerialDocks(clock=place.clock, chance=SeededChance(3))
    with pytest.raises(NoWayToProve, match="nothing but"), docks.open_own(PORT, LINK):
        pass


# -- who it is ---------------------------------------------------------------------------------


def test_a_dock_that_says_nowhere_who_it_is_cannot_be_made(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board(groups=(0, 1)))]
    with opened(place) as dock, pytest.raises(NoWayToProve, match="/dock/identity"):
        dock.identify()
    place.opens = [firmware_of(place, stock_board())]
    elsewhere = Link(identity_path="/elsewhere")
    with opened(place, elsewhere) as dock, pytest.raises(NoWayToProve, match="/elsewhere"):
        dock.identify()


class Files:
    """Answers as a dock that has one file, `most` bytes at a time."""

    def __init__(self, content: bytes, *, most: int = 1_000, claims: int | None = None) -> None:
        self._content = content
        self._most = most
        self._claims = len(content) if claims is None else claims
        self.asked: list[fs.Download] = []

    def __call__(self, request: Any) -> Shape:
        match request:
            case fs.Status():
                return fs.StatusAnswer(self._claims)
            case fs.Download(offset, _):
                self.asked.append(request)
                data = self._content[offset : offset + self._most]
                return fs.DownloadAnswer(offset, data, None if offset else self._claims)
        raise AssertionError(request)


def identity_document(**changes: Any) -> bytes:
    identity = ds.Identity(
        dock_id=DOCK_ID.octets,
        label=LABEL.text,
        model="DL-7450",
        hardware_revision="C",
        profile="test-dock",
        product="DK-7F",
        security_counter=0,
        assurance=ds.Assurance.D0,
        slot_size=1_000_000,
        locked=False,
    )
    return replace(identity, **changes).to_document()


@pytest.mark.parametrize("most", [1, 7, 1_000])
def test_an_identity_is_read_however_little_comes_at_once(place: Place, most: int) -> None:
    place.opens = [serving(Files(identity_document(), most=most), os_group, fs)]
    with stock_at(place) as dock:
        assert dock.identify().slot_bytes == 1_000_000


@pytest.mark.parametrize(
    ("files", "cause"),
    [
        (Files(b""), "ends at|holds no identity"),
        (Files(b"\xa0"), "holds no identity"),
        (Files(b"\x1b]0;gotcha" * 9), "holds no identity"),
        (Files(identity_document()[:-1]), "holds no identity"),
        (Files(identity_document(), claims=len(identity_document()) - 1), "instead|more than"),
        (Files(identity_document(), claims=len(identity_document()) + 1), "ends at"),
        (Files(b"x" * 4_000), "claims 4,000"),
        (Files(b"x" * 40, claims=2**32 - 1), "claims"),
        (Files(identity_document(model="DL\x1b[2J")), "unprintable"),
        (Files(identity_document(product="DK\u202e7F")), "unprintable"),
    ],
)
def test_a_file_that_is_no_identity_is_no_answer(place: Place, files: Files, cause: str) -> None:
    place.opens = [serving(files, os_group, fs)]
    with stock_at(place) as dock, pytest.raises(NoAnswer, match=cause) as found:
        dock.identify()

    assert found.value.cause.isprintable() and len(found.value.cause) < 120


# -- the whole way -----------------------------------------------------------------------------


def test_an_image_goes_the_whole_way(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board())]
    with opened(place) as dock:
        assert dock.identify().counter == 0
        assert dock.slot_state() == SlotState(0, b"", confirmed=False)
        assert install(dock) == PLAN.size_bytes

        assert dock.slot_state() == SlotState(
            PLAN.size_bytes, b"", confirmed=False, signed_sha256=HASH
        )
        assert PLAN.signed_sha256 == HASH
        assert read(dock, 0, PLAN.size_bytes) == image_of(PLAN)
        assert read(dock, 70_001, 5_000) == image_of(PLAN)[70_001:75_001]
        assert read(dock, 9, 0) == b""
        dock.confirm(PLAN.image_sha256)

        assert dock.slot_state().confirmed
        assert dock.identify().counter == 1


def test_an_upload_that_was_interrupted_goes_on_where_the_dock_says(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board())]
    cancel, told = Cancel(), list[int]()

    def stop_halfway(size: int) -> None:
        told.append(size)
        if sum(told) > PLAN.size_bytes // 2:
            cancel.ask()

    with opened(place) as dock:
        dock.identify()
        with pytest.raises(Interrupted):
            dock.write(pieces(PLAN), done=stop_halfway, cancel=cancel)
    sent = sum(map(len, place.wires[0].sent))
    with opened(place) as dock:
        install(dock)
        again = sum(map(len, place.wires[1].sent))

        assert read(dock, 0, PLAN.size_bytes) == image_of(PLAN)
    assert PLAN.size_bytes / 2 < sent < PLAN.size_bytes
    assert again < 0.6 * PLAN.size_bytes


def test_another_image_begins_again(place: Place) -> None:
    newer = make_plan(token="token-2", counter=2)
    place.opens = [firmware_of(place, stock_board())]
    cancel = Cancel()
    with opened(place) as dock:
        dock.identify()
        with pytest.raises(Interrupted):
            dock.write(pieces(PLAN), done=lambda size: cancel.ask(), cancel=cancel)
        install(dock, newer)

        assert read(dock, 0, newer.size_bytes) == image_of(newer)


def test_a_stop_is_seen_before_the_upload_and_while_reading(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board())]
    cancel = Cancel()
    cancel.ask()
    with opened(place) as dock:
        install(dock)
        with pytest.raises(Interrupted):
            list(dock.read_back(0, PLAN.size_bytes, done=ignore, cancel=cancel))
        sent = len(place.wires[-1].sent)
        with pytest.raises(Interrupted):
            dock.write(pieces(PLAN), done=ignore, cancel=cancel)

    assert len(place.wires[-1].sent) == sent


def test_an_image_on_trial_is_given_up_and_another_one_is_not_confirmed(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board())]
    with opened(place) as dock:
        install(dock)
        dock.confirm(bytes(32))
        assert not dock.slot_state().confirmed
        dock.factory_reset()

        assert dock.slot_state().size_bytes == 0


def test_another_dock_after_a_restart_says_who_it_is(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board(OtherDock()))]
    with opened(place) as dock:
        assert dock.identify().dock_id == DOCK_ID
        dock.factory_reset()

        assert dock.identify().dock_id != DOCK_ID


# -- refusals ----------------------------------------------------------------------------------


def test_a_locked_dock_and_a_large_image_are_refused_at_once(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board(AlreadyLocked()))]
    with opened(place) as dock:
        dock.identify()
        with pytest.raises(CommitRefused, match="locked"):
            dock.begin(PLAN.size_bytes, ())
    place.opens = [firmware_of(place, stock_board())]
    with opened(place) as dock, pytest.raises(CommitRefused, match="size"):
        dock.begin(dock.identify().slot_bytes + 1, ())


def test_an_image_of_another_dock_is_refused_with_the_reason(place: Place) -> None:
    foreign = make_plan(dock_id=type(DOCK_ID)(bytes(32)))
    place.opens = [firmware_of(place, stock_board())]
    with opened(place) as dock:
        dock.identify()
        dock.write(pieces(foreign), done=ignore, cancel=Cancel())
        with pytest.raises(CommitRefused, match="dock-id"):
            dock.commit(foreign.size_bytes, foreign.image_sha256)


def test_what_was_not_written_here_is_neither_committed_nor_confirmed(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board())]
    with opened(place) as dock:
        install(dock)
    with opened(place) as dock:
        dock.identify()
        with pytest.raises(CommitRefused, match="digest"):
            dock.commit(PLAN.size_bytes, PLAN.image_sha256)
        dock.confirm(PLAN.image_sha256)

        assert not dock.slot_state().confirmed


class Uploads:
    """Answers an upload as it comes, but the last or a chosen answer as told."""

    def __init__(
        self,
        *,
        match: bool | None = None,
        refuses: DockRefused | None = None,
        listed: tuple[img.ImageState, ...] = (),
    ) -> None:
        self._match = match
        self._listed = listed
        self._refuses = refuses
        self._size = 0

    def __call__(self, request: Any) -> Shape:
        match request:
            case img.Upload():
                if self._refuses is not None:
                    raise self._refuses
                self._size = request.size or self._size
                end = request.offset + len(request.data)
                return img.UploadAnswer(end, self._match if end == self._size else None)
            case img.ReadState():
                return img.ImageStates(self._listed)
        raise AssertionError(request)


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (no(ImageCode.FLASH_WRITE_FAILED, img.GROUP), "flash"),
        (no(ImageCode.INVALID_IMAGE_TOO_LARGE, img.GROUP), "size"),
        (no(ImageCode.INVALID_IMAGE_HEADER_MAGIC, img.GROUP), "format"),
        (no(ReturnCode.ACCESS_DENIED, None, "signature"), "signature"),
        (no(ReturnCode.ACCESS_DENIED), "unknown"),
        (no(ReturnCode.ACCESS_DENIED, None, "the token is ABC"), "unknown"),
    ],
)
def test_a_dock_that_takes_no_image_has_a_reason(
    place: Place, refusal: DockRefused, reason: str
) -> None:
    place.opens = [serving(Uploads(refuses=refusal), os_group, img)]
    with stock_at(place) as dock, pytest.raises(CommitRefused) as found:
        dock.write(pieces(PLAN), done=ignore, cancel=Cancel())

    assert found.value.reason == reason


@pytest.mark.parametrize(
    "refusal",
    [
        no(ReturnCode.BUSY),
        no(ReturnCode.NOT_SUPPORTED),
        no(ImageCode.NO_FREE_SLOT, img.GROUP),
        no(ImageCode.FLASH_WRITE_FAILED, fs.GROUP),
        no(9_999, img.GROUP),
    ],
)
def test_any_other_refusal_is_about_the_link(place: Place, refusal: DockRefused) -> None:
    place.opens = [serving(Uploads(refuses=refusal), os_group, img)]
    with stock_at(place) as dock, pytest.raises(DockRefused):
        dock.write(pieces(PLAN), done=ignore, cancel=Cancel())


def test_a_dock_that_finds_another_digest_refuses_the_image(place: Place) -> None:
    place.opens = [serving(Uploads(match=False), os_group, img)]
    with stock_at(place) as dock, pytest.raises(CommitRefused, match="digest"):
        dock.write(pieces(PLAN), done=ignore, cancel=Cancel())


@pytest.mark.parametrize("match", [None, True])
@pytest.mark.parametrize(
    "listed",
    [
        (),
        (img.ImageState(1, "1.0.0", hash=bytes(32)),),
        (img.ImageState(0, "1.0.0", hash=HASH, active=True),),
        (img.ImageState(1, "1.0.0"),),
    ],
    ids=["nothing", "another", "the one that runs", "one without a hash"],
)
def test_an_image_that_is_not_among_those_the_dock_could_start_is_not_committed(
    place: Place, match: bool | None, listed: tuple[img.ImageState, ...]
) -> None:
    place.opens = [serving(Uploads(match=match, listed=listed), os_group, img)]
    with stock_at(place) as dock:
        dock.write(pieces(PLAN), done=ignore, cancel=Cancel())
        with pytest.raises(CommitRefused, match="digest"):
            dock.commit(PLAN.size_bytes, PLAN.image_sha256)


@pytest.mark.parametrize(
    ("refusal", "passes"),
    [
        (no(ImageCode.HASH_NOT_FOUND, img.GROUP), True),
        (no(ImageCode.IMAGE_CONFIRMATION_DENIED, img.GROUP), True),
        (no(ImageCode.FLASH_WRITE_FAILED, img.GROUP), False),
        (no(ReturnCode.BUSY), False),
    ],
)
def test_a_dock_that_runs_another_image_is_not_confirmed_and_that_is_no_trouble(
    place: Place, refusal: DockRefused, passes: bool
) -> None:
    uploads = Uploads()

    def answer(request: Any) -> Shape:
        if isinstance(request, img.WriteState):
            raise refusal
        return uploads(request)

    place.opens = [serving(answer, os_group, img)]
    with stock_at(place) as dock:
        dock.write(pieces(PLAN), done=ignore, cancel=Cancel())
        if passes:
            dock.confirm(PLAN.image_sha256)
        else:
            with pytest.raises(DockRefused):
                dock.confirm(PLAN.image_sha256)


# -- reading back ------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[500], [500, 3, 400, 1], [1, 500], [4_000, 100]])
def test_whatever_comes_at_once_every_byte_is_read_once(place: Place, sizes: list[int]) -> None:
    content = bytes(at * 7 % 251 for at in range(9_000))
    asked = [0]

    def answer(request: Any) -> Shape:
        if isinstance(request, fs.Status):
            return fs.StatusAnswer(len(content))
        size = sizes[asked[0] % len(sizes)]
        asked[0] += 1
        return fs.DownloadAnswer(
            request.offset, content[request.offset : request.offset + size], len(content)
        )

    place.opens = [serving(answer, os_group, fs)]
    with stock_at(place) as dock:
        assert read(dock, 0, 9_000) == content
        assert read(dock, 77, 5_001) == content[77:5_078]


def test_a_dock_that_gives_no_file_of_its_image_cannot_prove_it(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board(rom_file=False))]
    with opened(place) as dock:
        install(dock)
        for ask in (dock.slot_state, lambda: read(dock, 0, 10)):
            with pytest.raises(NoWayToProve, match="/rom/active"):
                ask()
    place.opens = [firmware_of(place, stock_board())]
    with opened(place, Link(rom_path="")) as dock, pytest.raises(NoWayToProve, match="no file"):
        read(dock, 0, 10)


def test_a_shorter_image_is_not_read_to_an_end_it_does_not_have(place: Place) -> None:
    place.opens = [serving(Files(b"x" * 100), os_group, fs)]
    with stock_at(place) as dock, pytest.raises(NoAnswer, match="has 100 bytes, not 101"):
        read(dock, 0, 101)


def test_a_file_that_ends_before_it_says_is_no_answer(place: Place) -> None:
    place.opens = [serving(Files(b"x" * 2_500, claims=3_000), os_group, fs)]
    with stock_at(place) as dock, pytest.raises(NoAnswer, match="ends at 2,500 of 3,000"):
        read(dock, 0, 3_000)


def test_an_image_of_a_size_no_dock_has_is_no_answer(place: Place) -> None:
    place.opens = [serving(Files(b"", claims=IMAGE_BYTES_MAX + 1), os_group, fs)]
    with stock_at(place) as dock, pytest.raises(NoAnswer, match="claims"):
        read(dock, 0, 10)


def test_a_dock_that_gives_a_byte_at_a_time_is_too_slow(place: Place) -> None:
    files = Files(b"x" * 3_000_000, most=1)

    def slowly(request: Any) -> Shape:
        place.clock.pass_s(0.1)
        return files(request)

    place.opens = [serving(slowly, os_group, fs)]
    with stock_at(place) as dock, pytest.raises(TooSlow):
        read(dock, 0, 3_000_000)

    assert len(files.asked) < 2_000


def test_an_answer_about_another_place_is_no_answer(place: Place) -> None:
    def elsewhere(request: Any) -> Shape:
        if isinstance(request, fs.Status):
            return fs.StatusAnswer(5_000)
        return fs.DownloadAnswer(request.offset + 1, b"x" * 100, 5_000)

    place.opens = [serving(elsewhere, os_group, fs)]
    with stock_at(place) as dock, pytest.raises(BadReply):
        read(dock, 0, 5_000)


def test_any_other_refusal_of_a_file_is_passed_on(place: Place) -> None:
    def refusing(request: Any) -> Shape:
        raise no(FileCode.FILE_READ_FAILED, fs.GROUP)

    place.opens = [serving(refusing, os_group, fs)]
    with stock_at(place) as dock, pytest.raises(DockRefused):
        read(dock, 0, 10)


# -- what it has no way to do ------------------------------------------------------------------


def test_what_a_stock_dock_cannot_prove_is_never_made_up(place: Place) -> None:
    place.opens = [firmware_of(place, stock_board())]
    with opened(place) as dock:
        dock.identify()
        attempts: list[Callable[[], object]] = [
            dock.answers,
            lambda: dock.challenge(bytes(32), PLAN.parts),
            lambda: dock.digests(PLAN.parts),
            lambda: dock.prove(bytes(32), b""),
        ]
        for attempt in attempts:
            with pytest.raises(NoWayToProve, match="no way to"):
                attempt()


def test_a_small_server_without_parameters_is_asked_little_at_a_time(place: Place) -> None:
    board = stock_board()
    lengths: list[int] = []

    def receive(data: bytes) -> bytes:
        lengths.append(len(data))
        return limited(data)

    limited = without_parameters(firmware_of(place, board))
    place.opens = [receive]
    with stock_at(place) as dock:
        assert dock.identify().dock_id == DOCK_ID
        dock.write(pieces(PLAN), done=ignore, cancel=Cancel())

    assert max(lengths) < 300


def without_parameters(served: Receive) -> Receive:
    """Refuses that request as a command it does not serve, and passes on the others."""
    ears = decoder(Framing.COBS)

    def receive(data: bytes) -> bytes:
        for octets in ears.feed(data):
            asked = smp.decode(octets)
            if (asked.group, asked.command) == (os_group.GROUP, os_group.Parameters.COMMAND):
                refused = asked._replace(op=Op.READ_ANSWER, body={"rc": ReturnCode.NOT_SUPPORTED})
                return frame(Framing.COBS, smp.encode(refused))
        return served(data)

    return receive
