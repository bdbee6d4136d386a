"""Ways a dock answers without giving what was asked for; silence is in station.domain.errors."""

from station.domain.errors import LinkError, NoAnswer


class BadReply(NoAnswer):
    """The dock answered the request, but with something that is no answer to it.

    Another shape, a value out of bounds, or another offset than asked.
    """


class DockRefused(LinkError):
    """The dock understood the request and said no: an answer, not silence.

    group, rc: whose code it is (`group` None: one of SMP's general codes, `smp.ReturnCode`).
    reason: what the dock adds for people; may be empty.
    """

    code = "E-LINK-05"
    remedy = "Move the dock to another slot and scan its label."

    def __init__(self, cause: str, *, group: int | None, rc: int, reason: str = "") -> None:
        super().__init__(cause)
        self.group = group
        self.rc = rc
        self.reason = reason
