"""What the doctor says of a machine: values only."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """WARN: something does not work, or soon will not. BAD: no dock can be provisioned."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One check. found: what is the case. remedy: what to do about it, empty where it is OK."""

    check: str
    health: Health
    found: str
    remedy: str = ""
