"""What is kept of a rehearsed first boot: in the ledger, in the signed statement, in a report.

Bounded, whatever an application showed or raised. Neither its calls nor the pixels of its screen
are in it; of the picture it has the digest (docs/SPEC.md, "Rehearsed first boot").
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from station.domain.canonical_json import INTEGER_MAX, JsonValue
from station.domain.rehearsal import Finding, FindingKind, Rehearsal

TEXT_CHARACTERS_MAX: Final = 8_192
"""Of all boxes together: more than a screen has room for."""

ERROR_CHARACTERS_MAX: Final = 4_096
"""The end of a trace, where it says what was raised."""

FINDINGS_MAX: Final = 20
DETAIL_CHARACTERS_MAX: Final = 240

CUT: Final = "…"
"""Stands where something was left out."""


@dataclass(frozen=True, slots=True)
class KeptRehearsal:
    """scenario: name of the bench. ran_ms: on its clock.

    text: what a person reads on the splash, box after box. error: empty where the application
    raised nothing and was not ended. picture_sha256: of the PNG of the splash, 32 octets; None
    where none was drawn, or none may be kept.
    """

    scenario: str
    ran_ms: int
    text: tuple[str, ...]
    findings: tuple[Finding, ...]
    error: str
    picture_sha256: bytes | None

    @classmethod
    def of(cls, rehearsal: Rehearsal, *, scenario: str, picture: bytes) -> Self:
        """What is to be kept of `rehearsal`. picture: PNG of its splash, empty for none."""
        return cls(
            scenario=scenario,
            ran_ms=min(rehearsal.ran_ms, INTEGER_MAX),
            text=tuple(_cut_texts(rehearsal.text)),
            findings=tuple(
                Finding(one.kind, _cut(one.detail, DETAIL_CHARACTERS_MAX))
                for one in rehearsal.findings[:FINDINGS_MAX]
            ),
            error=_cut_start(rehearsal.error, ERROR_CHARACTERS_MAX),
            picture_sha256=sha256(picture).digest() if picture else None,
        )

    def plain(self) -> dict[str, JsonValue]:
        """As JSON has it."""
        return {
            "error": self.error,
            "findings": [{"detail": one.detail, "kind": one.kind} for one in self.findings],
            "picture_sha256": self.picture_sha256.hex() if self.picture_sha256 else None,
            "ran_ms": self.ran_ms,
            "scenario": self.scenario,
            "text": list(self.text),
        }

    @classmethod
    def read(cls, plain: JsonValue) -> Self:
        """From `plain`. Raises ValueError for anything else."""
        match plain:
            case {
                "error": str(error),
                "findings": list(findings),
                "picture_sha256": str() | None as digest,
                "ran_ms": int(ran_ms),
                "scenario": str(scenario),
                "text": list(text),
            }:
                return cls(
                    scenario=scenario,
                    ran_ms=ran_ms,
                    text=tuple(str(one) for one in text),
                    findings=tuple(map(_finding, findings)),
                    error=error,
                    picture_sha256=bytes.fromhex(digest) if digest else None,
                )
        raise ValueError("not what is kept of a rehearsal")


def _finding(plain: JsonValue) -> Finding:
    match plain:
        case {"detail": str(detail), "kind": str(kind)}:
            return Finding(FindingKind(kind), detail)
    raise ValueError("not a finding")


def _cut_texts(texts: Iterable[str]) -> Iterator[str]:
    left = TEXT_CHARACTERS_MAX
    for text in texts:
        if not left:
            yield CUT
            return
        yield _cut(text, left)
        left -= min(len(text), left)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + CUT


def _cut_start(text: str, longest: int) -> str:
    return text if len(text) <= longest else CUT + text[1 - longest :]
