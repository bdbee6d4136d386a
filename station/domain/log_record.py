"""What one leaf of the station's log says (docs/spec/evidence.md, "Log records").

A leaf is the stored octets of a record and is never made again from its parts. It names no person
and holds no secret: what a run was is in its statement, which the record binds by digest.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from station.domain import canonical_json
from station.domain.errors import DocumentRefused
from station.domain.merkle import HASH_BYTES, leaf_hash
from station.domain.verdict import Verdict
from station.domain.wall_time import parse_utc, utc_text

SALT_BYTES: Final = 16
"""Random octets in each record, so that a published leaf hash confirms no guess of its content."""

_REMEDY: Final = "Do not go on with this log; call line IT."
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SALT: Final = re.compile(r"[0-9a-f]{32}")


class RecordType(StrEnum):
    """What happened."""

    RUN_OPEN = "run.open"
    RUN_CLOSED = "run.closed"


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record; `encode` is the leaf.

    verdict: set for a closed run and for nothing else. statement_sha256: of the statement's
    octets (the payload that is signed, not its envelope), 32 octets; None for an open run, and
    for one closed while nobody could sign. previous: leaf hash of the record before, None for
    the first of a log. salt: 16 random octets. at: wall time, UTC, to the millisecond; order
    comes from the place in the log alone.
    """

    type: RecordType
    run_id: str
    verdict: Verdict | None
    statement_sha256: bytes | None
    previous: bytes | None
    salt: bytes
    at: datetime

    def __post_init__(self) -> None:
        if (self.verdict is not None) != (self.type is RecordType.RUN_CLOSED):
            raise ValueError("a closed run, and nothing else, has a verdict")
        if self.statement_sha256 is not None and self.verdict is None:
            raise ValueError("an open run has no statement yet")
        for digest in (self.statement_sha256, self.previous):
            if digest is not None and len(digest) != HASH_BYTES:
                raise ValueError("a digest has 32 octets")
        if len(self.salt) != SALT_BYTES or not self.run_id:
            raise ValueError("a record has a run id, and a salt of 16 octets")

    @property
    def leaf_hash(self) -> bytes:
        """The leaf hash of this record."""
        return leaf_hash(self.encode())

    def encode(self) -> bytes:
        """Canonical JSON. Raises ValueError for a time that is not aware."""
        return canonical_json.encode(
            {
                "at": utc_text(self.at),
                "previous": None if self.previous is None else self.previous.hex(),
                "run": self.run_id,
                "salt": self.salt.hex(),
                "statement_sha256": (
                    None if self.statement_sha256 is None else self.statement_sha256.hex()
                ),
                "type": self.type,
                "verdict": self.verdict,
            }
        )

    @classmethod
    def decode(cls, leaf: bytes | memoryview) -> Self:
        """From the octets of a leaf. Raises DocumentRefused for anything `encode` cannot make."""
        match canonical_json.decode(leaf):
            case {
                "at": str(at),
                "previous": str() | None as previous,
                "run": str(run_id),
                "salt": str(salt),
                "statement_sha256": str() | None as statement,
                "type": str(record_type),
                "verdict": str() | None as verdict,
                **extra,
            } if not extra:
                try:
                    return cls(
                        type=RecordType(record_type),
                        run_id=run_id,
                        verdict=None if verdict is None else Verdict(verdict),
                        statement_sha256=_digest(statement),
                        previous=_digest(previous),
                        salt=_octets(salt, _SALT),
                        at=parse_utc(at),
                    )
                except ValueError as error:
                    raise DocumentRefused(f"log record: {error}", remedy=_REMEDY) from error
        raise DocumentRefused("not a log record", remedy=_REMEDY)


def _digest(text: str | None) -> bytes | None:
    return None if text is None else _octets(text, _DIGEST)


def _octets(text: str, grammar: re.Pattern[str]) -> bytes:
    if grammar.fullmatch(text) is None:
        raise ValueError("not lower-case hexadecimal of the right length")
    return bytes.fromhex(text)
