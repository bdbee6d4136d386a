"""The parent's end of one confined application: its process, its questions, its screen.

Trusts nothing the child says (`statements`), waits for nothing but its death, and leaves neither
process nor descriptor behind. Whether the application is rehearsed or lives makes no difference.
Source: docs/SPEC.md, "How an application ends".
"""

import select
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, assert_never

from station.datastore.partitions import Datastore
from station.datastore.vendor import open_vendor_api
from station.domain.entries import Kind
from station.domain.rehearsal import Call, Finding, FindingKind
from station.domain.splash import Background, Splash
from station.protocol.datastore_group import Running
from station.rehearsal.briefing import Briefing
from station.rehearsal.channel import BODY_BYTES_MAX, HEAD_BYTES_MAX, Frames, Garbage, encode
from station.rehearsal.statements import (
    CALLS_MAX,
    FINDINGS_MAX,
    Cannot,
    ChecksumAsked,
    EntryAsked,
    NamesAsked,
    NewImage,
    NewPicture,
    Over,
    Question,
    Raised,
    Ready,
    Screen,
    Statement,
    Word,
    statement,
)

READ_BYTES: Final = 65_536
"""Taken in one go: how much a flood can keep the parent busy before it looks elsewhere."""

UNHEARD_BYTES_MAX: Final = 2 * (HEAD_BYTES_MAX + BODY_BYTES_MAX)
"""What a child may say without taking the answer to what it asked before."""

MESSAGES_WAITING_MAX: Final = 64
"""Messages that may wait for an application that is never idle; more are dropped."""

Shown = Callable[[Background, str], None]
"""Told of every new background, and of its tag where it is an image of the datastore; else ''."""


class Application:
    """A confined process that runs the application of a datastore; made by `host.start`.

    Implements `station.dock.host.RunningApplication`.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        link: socket.socket,
        datastore: Datastore,
        *,
        shown: Shown,
    ) -> None:
        self._process = process
        self._link = link
        self._datastore = datastore
        self._shown = shown
        self._frames = Frames(head_max=HEAD_BYTES_MAX, body_max=BODY_BYTES_MAX)
        self._unsent: deque[memoryview] = deque()
        self._messages_waiting = 0
        self._poll = select.epoll()
        self._poll.register(link, select.EPOLLIN)
        self._gone = False
        self._state = Running.STARTING
        self._trace = ""
        self._impossible = ""
        self._splash = Splash()
        self._calls: list[Call] = []
        self._findings: dict[Finding, None] = {}
        self._ran_ms = 0

    # -- what there is to know -----------------------------------------------------------------

    @property
    def state(self) -> Running:
        """See `RunningApplication`."""
        return self._state

    @property
    def trace(self) -> str:
        """See `RunningApplication`; or one line that says how it was ended, if it was."""
        return self._trace

    @property
    def impossible(self) -> str:
        """Why it never ran, where that is this machine's fault; else empty."""
        return self._impossible

    @property
    def splash(self) -> Splash:
        """See `RunningApplication`."""
        return self._splash

    @property
    def calls(self) -> Sequence[Call]:
        """The first `CALLS_MAX` of them."""
        return self._calls

    @property
    def findings(self) -> Sequence[Finding]:
        """Each once, in order."""
        return tuple(self._findings)

    @property
    def ran_ms(self) -> int:
        """On the bench's clock, as far as is known."""
        return self._ran_ms

    def fileno(self) -> int:
        """See `RunningApplication`; can be read, too, when it is to be written to."""
        return -1 if self._gone else self._poll.fileno()

    # -- what can be done ----------------------------------------------------------------------

    def brief(self, briefing: Briefing) -> None:
        """Tell it what to run: once, before anything else."""
        self._say(Word.BRIEFING, briefing.plain(), body=briefing.code)
        self._rearm()

    def attend(self) -> None:
        """See `RunningApplication`."""
        if self._gone:
            return
        try:
            self._send()
            ended = not self._receive()
            self._hear()
        except Garbage as error:
            self.end(FindingKind.ENDED, f"its process said what no application says: {error}")
        except _CellsChanged:
            self.end(FindingKind.ENDED, "the datastore it asked has changed underneath")
        else:
            if ended:
                self._end_of_itself()
            else:
                self._rearm()

    def deliver(self, message: bytes) -> None:
        """See `RunningApplication`."""
        if not self._gone and self._messages_waiting < MESSAGES_WAITING_MAX:
            self._messages_waiting += 1
            self._say(Word.MESSAGE, body=message)
            self._rearm()

    def end(self, kind: FindingKind, how: str) -> None:
        """End it because of what it does; how: one line. Harmless once it has ended."""
        if not self._gone:
            self._leave()
            self._blame(kind, how)

    def stop(self) -> None:
        """See `RunningApplication`."""
        if not self._gone:
            self._leave()
            if self._state is not Running.FAILED:
                self._state = Running.ENDED

    # -- the link ------------------------------------------------------------------------------

    def _say(self, *head: object, body: bytes | memoryview = b"") -> None:
        octets = memoryview(body).cast("B")
        self._unsent.append(memoryview(encode(*head, body_bytes=len(octets))))
        if octets:
            self._unsent.append(octets)

    def _send(self) -> None:
        """As much as the link takes now."""
        try:
            while self._unsent:
                piece = self._unsent[0]
                sent = self._link.send(piece)
                if sent < len(piece):
                    self._unsent[0] = piece[sent:]
                    return
                self._unsent.popleft()
        except BlockingIOError:
            return
        except OSError:  # it has gone; what it said before is still to be heard
            self._unsent.clear()
        self._messages_waiting = 0

    def _receive(self) -> bool:
        """Take in one piece; whether more may come. Raises Garbage."""
        try:
            data = self._link.recv(READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:  # it went without taking everything it was told
            return False
        self._frames.feed(data)
        if self._frames.waiting_bytes > UNHEARD_BYTES_MAX:
            raise Garbage("it speaks and does not listen")
        return bool(data)

    def _hear(self) -> None:
        """Everything it has said; behind a question nothing more until the answer has left, so
        that no child can pile up answers it does not take. Raises Garbage."""
        while not self._unsent and (frame := self._frames.take()) is not None:
            self._heed(statement(frame))
            self._send()

    def _rearm(self) -> None:
        self._poll.modify(self._link, select.EPOLLIN | (select.EPOLLOUT if self._unsent else 0))

    # -- what it says --------------------------------------------------------------------------

    def _heed(self, said: Statement) -> None:
        """Raises Garbage for what is said at the wrong moment."""
        begins = isinstance(said, Ready | Cannot)
        if self._state is not (Running.STARTING if begins else Running.RUNNING):
            raise Garbage("a statement out of its turn")
        match said:
            case Ready():
                self._state = Running.RUNNING
            case Cannot(reason):
                self._impossible = reason
            case Call():
                self._ran_ms = said.at_ms
                if len(self._calls) < CALLS_MAX:
                    self._calls.append(said)
            case Finding():
                self._note(said)
            case Screen():
                self._show(said)
            case NamesAsked() | EntryAsked() | ChecksumAsked():
                self._answer(said)
            case Raised(trace, at_ms):
                self._state, self._trace, self._ran_ms = Running.FAILED, trace, at_ms
                self._splash = replace(self._splash, trace=trace)
            case Over(ran_ms):
                self._state, self._ran_ms = Running.ENDED, ran_ms
            case _:
                assert_never(said)

    def _note(self, finding: Finding) -> None:
        if len(self._findings) < FINDINGS_MAX:
            self._findings[finding] = None

    def _answer(self, question: Question) -> None:
        with _cells_may_lie():
            match question:
                case NamesAsked(kind):
                    self._say(Word.ANSWER, self._datastore.names(kind))
                case EntryAsked(kind, name):
                    entry = self._datastore.get(kind, name)
                    if entry is None:
                        self._say(Word.ANSWER, False, None)
                    else:
                        # A copy: a field partition may be written again before it has been sent.
                        self._say(Word.ANSWER, True, entry.picture, body=bytes(entry.data))
                case ChecksumAsked():
                    code = open_vendor_api(self._datastore).CodeStore()
                    self._say(Word.ANSWER, code.info()["checksum"])
                case _:
                    assert_never(question)

    def _show(self, screen: Screen) -> None:
        background = self._splash.background
        match screen.background:
            case None:
                pass
            case NewPicture(content, picture):
                background = Background(content, picture)
                self._shown(background, "")
            case NewImage(tag):
                if (image := self._image(tag)) is not None:
                    background = image
                    self._shown(background, tag)
                else:
                    self._note(Finding(FindingKind.BACKGROUND, f"the image {tag!r} has gone"))
            case _:
                assert_never(screen.background)
        self._splash = Splash(background, screen.boxes)

    def _image(self, tag: str) -> Background | None:
        """A copy: what lies under a view of a field partition may be written again."""
        with _cells_may_lie():
            entry = self._datastore.get(Kind.IMG, tag)
            return None if entry is None else Background(bytes(entry.data), entry.picture)

    # -- its end -------------------------------------------------------------------------------

    def _end_of_itself(self) -> None:
        """The link is closed: by the end of the process, or by the process, which then ends."""
        status = self._leave()
        match self._state:
            case Running.STARTING:
                self._impossible = (
                    self._impossible or f"its process ended at its start ({_words(status)})"
                )
                self._state, self._trace = Running.FAILED, f"ended: {self._impossible}"
            case Running.RUNNING:
                other = (FindingKind.ENDED, f"its process was ended ({_words(status)})")
                self._blame(*_ENDINGS.get(status, other))
            case _:
                pass

    def _blame(self, kind: FindingKind, how: str) -> None:
        self._findings[Finding(kind, how)] = None
        self._state, self._trace = Running.FAILED, f"ended: {how}"

    def _leave(self) -> int:
        """Nothing of the process is left; its status, negative for a signal.

        To kill one that has closed its link changes nothing: how it ends was settled before.
        """
        self._gone = True
        self._poll.close()
        self._link.close()
        self._unsent.clear()
        self._process.kill()
        return self._process.wait()


_ENDINGS: Final[dict[int, tuple[FindingKind, str]]] = {
    -signal.SIGSYS: (
        FindingKind.FORBIDDEN,
        "it tried to leave the dock: network, files or processes of this machine",
    ),
    -signal.SIGXCPU: (FindingKind.ENDLESS, "it kept the processor beyond the limit"),
}
"""Signals that confinement ends a process with, and what they tell."""


class _CellsChanged(Exception):
    """What a volume held when it was mounted is no longer there: a fault of the dock's flash."""


@contextmanager
def _cells_may_lie() -> Iterator[None]:
    """Raises _CellsChanged."""
    try:
        yield
    except (ValueError, AssertionError) as error:
        raise _CellsChanged from error


def _words(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"
