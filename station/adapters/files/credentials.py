"""Reads the credentials of a development service: what its owner gave a developer, as one file.

    {"clientId": "...", "clientSecret": "...", "enterpriseId": "..."}

The names are those of the documented login. No value is ever repeated.
"""

from pathlib import Path
from typing import Final

from station.adapters.files import strict_json
from station.adapters.files.reading import read_text
from station.domain.development_service import Credentials
from station.domain.errors import DocumentRefused
from station.domain.secret import Secret

CREDENTIALS_BYTES_MAX: Final = 16_384

_FORM: Final = 'Write {"clientId": "…", "clientSecret": "…", "enterpriseId": "…"}, none empty.'


def read_credentials(path: Path) -> Credentials:
    """Raises FileUnreadable, DocumentRefused."""
    text = read_text(path, limit_bytes=CREDENTIALS_BYTES_MAX)
    match strict_json.parse(text, name=str(path)).data:
        case {
            "clientId": str(client_id),
            "clientSecret": str(client_secret),
            "enterpriseId": str(enterprise_id),
            **extra,
        } if not extra:
            try:
                return Credentials(client_id, Secret.from_text(client_secret), enterprise_id)
            except ValueError:  # one is empty, or no text that can be encoded
                pass
    raise DocumentRefused(f"{path}: these are no credentials", remedy=_FORM)
