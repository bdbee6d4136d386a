"""Modules `hashlib` and `hmac`.

A digest is final: after it a hash takes nothing and gives nothing more (ValueError), and an HMAC,
which has one inside, neither. The messages are MicroPython's.
Source: dock-sdk.md, 2.7; the vendor's pages on both; RFC 2104.
"""

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar, Final

from station.rehearsal.sdk.arguments import octets
from station.rehearsal.sdk.names import Names, bound

BLOCK_BYTES: Final = 64
"""Of all three algorithms."""

_INNER: Final = bytes(octet ^ 0x36 for octet in range(256))
_OUTER: Final = bytes(octet ^ 0x5C for octet in range(256))


class Hash:
    """`hashlib.sha256` and its like."""

    _algorithm: ClassVar[Callable[..., Any]]

    def __init__(self, data: object = b"") -> None:
        """Raises TypeError."""
        self._hash = type(self)._algorithm(octets(data, "data"), usedforsecurity=False)
        self._final = False

    def update(self, data: object) -> None:
        """Take more. Raises TypeError and ValueError."""
        self._refuse_if_final()
        self._hash.update(octets(data, "data"))

    def digest(self) -> bytes:
        """The hash. Raises ValueError the second time."""
        self._refuse_if_final()
        self._final = True
        digest: bytes = self._hash.digest()
        return digest

    def _refuse_if_final(self) -> None:
        if self._final:
            raise ValueError("hash is final")


def hashlib_names() -> Names:
    """Of module `hashlib`."""
    return {
        name: bound(name, Hash, _algorithm=staticmethod(getattr(hashlib, name)))
        for name in ("sha256", "sha1", "md5")
    }


class HMAC:
    """What `hmac.new` gives."""

    __module__ = "hmac"

    def __init__(self, key: bytes, msg: object, hasher: Callable[..., Any]) -> None:
        self._inner, self._outer = hasher(), hasher()
        self.digest_size = getattr(self._inner, "digest_size", None)
        self.block_size: int = getattr(self._inner, "block_size", BLOCK_BYTES)
        if len(key) > self.block_size:
            key = hasher(key).digest()
        padded = key.ljust(self.block_size, b"\0")
        self._inner.update(padded.translate(_INNER))
        self._outer.update(padded.translate(_OUTER))
        if msg is not None:
            self.update(msg)

    def update(self, msg: object) -> None:
        """Take more. Raises TypeError and ValueError."""
        self._inner.update(octets(msg, "msg"))

    def copy(self) -> "HMAC":
        """Raises NotImplementedError, as it does for every hash of `hashlib`."""
        raise NotImplementedError

    def digest(self) -> bytes:
        """The code. Raises ValueError the second time."""
        self._outer.update(self._inner.digest())
        code: bytes = self._outer.digest()
        return code

    def hexdigest(self) -> str:
        """The code in hexadecimal digits. Raises ValueError the second time."""
        return self.digest().hex()


def hmac_names(hashes: Names) -> Names:
    """Of module `hmac`. hashes: the names of module `hashlib`."""

    def new(key: object, msg: object = None, digestmod: object = None) -> HMAC:
        if not isinstance(key, bytes | bytearray):
            raise TypeError("key: expected bytes/bytearray")
        if digestmod is None:
            hasher = hashes["md5"]
        elif isinstance(digestmod, str):
            hasher = hashes.get(digestmod)
        else:
            hasher = digestmod
        if not callable(hasher):
            raise ValueError("digestmod: no hash of this dock")
        return HMAC(bytes(key), msg, hasher)

    return {"new": new}
