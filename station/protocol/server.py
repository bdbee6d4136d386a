"""A server's end of a connection: requests in, answers out, in the framing the client speaks.

Decodes, checks shapes, tells the client its limits and spells errors as the client's version of
the protocol has them. What a request does is its user's business:

    for call in port.receive(data):
        match call.request:
            case Read(slot, offset, length):
                port.answer(call, ReadAnswer(offset, flash.read(slot, offset, length)))
    line.write(port.to_send())

Source: docs/SPEC.md, "The server".
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from station.protocol import smp
from station.protocol.framing import DetectingDecoder, Framing, frame
from station.protocol.os_group import Parameters, ParametersAnswer
from station.protocol.shape import OtherShape, Request, Shape

BUFFER_BYTES: Final = 4_096
BUFFERS: Final = 8
"""Defaults of what a server advertises: eight buffers, in each of which a full message fits."""


REASON_CHARACTERS_MAX: Final = 100

USER_GROUPS_FROM: Final = 64
"""Groups below this one are Zephyr's (SMP specification, "Group ID"), and so are their clients."""


class Call(NamedTuple):
    """A request to be answered, once, with `ServerPort.answer` or `ServerPort.refuse`."""

    request: Request[Any]
    op: smp.Op
    sequence: int
    version: smp.Version


class ServerPort:
    """One connection of a server.

    requests: the request classes it serves; any other is refused as not supported, except for
    the parameters, which the port answers itself. buf_size: longest message, header included,
    both ways; longer ones are dropped as damage. buf_count: buffers advertised (the port itself
    answers before it reads on and needs one).
    """

    def __init__(
        self,
        requests: Iterable[type[Request[Any]]],
        *,
        buf_size: int = BUFFER_BYTES,
        buf_count: int = BUFFERS,
    ) -> None:
        self.malformed = 0
        self._limits = ParametersAnswer(buf_size, buf_count)
        self._decoder = DetectingDecoder(buf_size)
        self._served = {(each.GROUP, each.COMMAND, each.OP): each for each in requests}
        self._served[Parameters.GROUP, Parameters.COMMAND, Parameters.OP] = Parameters
        self._to_send: list[bytes] = []

    @property
    def framing(self) -> Framing | None:
        """What the client speaks; None before its first whole message."""
        return self._decoder.framing

    @property
    def damaged(self) -> int:
        """Frames that did not arrive whole."""
        return self._decoder.damaged

    def reset(self) -> None:
        """Another client may come, with another framing; nothing is owed to the last one."""
        self._decoder.reset()
        self._to_send.clear()

    def receive(self, data: bytes) -> Iterator[Call]:
        """The requests completed by `data`, in order; answer each before drawing the next."""
        for octets in self._decoder.feed(data):
            try:
                message = smp.decode(octets)
            except smp.Malformed:
                self.malformed += 1
                continue
            if message.op in (smp.Op.READ_ANSWER, smp.Op.WRITE_ANSWER):
                self.malformed += 1
                continue
            call = self._call(message)
            if call is not None:
                yield call

    def answer(self, call: Call, answer: Shape) -> None:
        """Answer with success. An answer longer than the buffer becomes a refusal."""
        self._send(_about(call), answer.to_body())

    def refuse(self, call: Call, rc: int, *, group: int | None = None, reason: str = "") -> None:
        """Answer with an error. group: whose code `rc` is; None for SMP's general ones.

        A version-1 client knows no group codes: it gets "unknown" and the reason. A stock client
        of version 2 expects no reason beside the code of one of its groups: it gets none.
        """
        self._refuse(_about(call), rc, group, reason)

    def to_send(self) -> bytes:
        """The answers given since the last call, framed."""
        sent = b"".join(self._to_send)
        self._to_send.clear()
        return sent

    def _call(self, message: smp.Message) -> Call | None:
        shape = self._served.get((message.group, message.command, message.op))
        if shape is None:
            self._refuse(message, smp.ReturnCode.NOT_SUPPORTED, None, "")
            return None
        try:
            request = shape.from_body(message.body)
        except OtherShape as error:
            self._refuse(message, smp.ReturnCode.INVALID, None, str(error))
            return None
        if isinstance(request, Parameters):
            self._send(message, self._limits.to_body())
            return None
        return Call(request, message.op, message.sequence, message.version)

    def _refuse(self, about: smp.Message, rc: int, group: int | None, reason: str) -> None:
        body: dict[str, object]
        if group is None:
            body = {"rc": int(rc)}
        elif about.version is smp.Version.V1:
            body = {"rc": int(smp.ReturnCode.UNKNOWN)}
        else:
            body = {"err": {"group": group, "rc": int(rc)}}
        if reason and ("rc" in body or (group or 0) >= USER_GROUPS_FROM):
            body["rsn"] = reason[:REASON_CHARACTERS_MAX]
        self._send(about, body)

    def _send(self, about: smp.Message, body: smp.Body) -> None:
        message = smp.encode(about._replace(op=smp.Op(about.op + 1), body=body))
        if len(message) > self._limits.buf_size:
            self._refuse(about, smp.ReturnCode.TOO_LARGE, None, "")
            return
        self._to_send.append(frame(self._decoder.framing or Framing.COBS, message))


def _about(call: Call) -> smp.Message:
    """The header of a call's message, without its body."""
    request = call.request
    return smp.Message(call.op, request.GROUP, request.COMMAND, call.sequence, {}, call.version)
