"""Per-dock keys derived from a group key, so that the group key never enters an image.

Decides nothing about where the group key is kept (a sealed key file of purpose ``derivation``).
"""

import hmac
import re
from base64 import b64encode
from binascii import Error as NotBase64
from binascii import a2b_base64
from typing import Final

from station.domain.errors import DocumentRefused, KeyRefused
from station.domain.secret import Secret

GROUP_KEY_MIN_BYTES: Final = 16
"""Shortest group key taken for one; Azure makes 64 octets, its documentation shows 32."""

_REGISTRATION_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9._:-]{0,126}[a-z0-9])?")


def derive_azure_key(group_key: Secret, registration_id: str) -> Secret:
    """The symmetric key of one device in a group enrolment of Azure IoT DPS.

    group_key: base64 text, as the service shows it. registration_id: 1 to 128 of
    ``a-z 0-9 . _ : -``, a letter or digit at both ends. The result is base64 text too (44
    characters): HMAC-SHA256 keyed with the decoded group key over the id.
    Raises KeyRefused for a group key that is no base64 or too short, DocumentRefused for an id.
    Source: Azure IoT Hub Device Provisioning Service, "Symmetric key attestation", group enrolment.
    """
    if _REGISTRATION_ID.fullmatch(registration_id) is None:
        raise DocumentRefused(
            f"{registration_id[:140]!r} is not a registration id",
            remedy="Use 1 to 128 of a-z 0-9 . _ : - with a letter or digit at both ends.",
        )
    key = _decoded(group_key)
    try:
        digest = hmac.digest(key, registration_id.encode("ascii"), "sha256")
    finally:
        key[:] = bytes(len(key))
    return Secret.taking(bytearray(b64encode(digest)))


def _decoded(group_key: Secret) -> bytearray:
    with group_key.reveal() as text:
        try:
            key = bytearray(a2b_base64(text, strict_mode=True))
        except (NotBase64, ValueError):
            # Nothing of the value may follow the error, not even as its context.
            key = bytearray()
    if len(key) < GROUP_KEY_MIN_BYTES:
        raise KeyRefused(
            "the group key is not base64, or too short", remedy="Copy the group key whole."
        )
    return key
