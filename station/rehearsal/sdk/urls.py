"""Addresses as they may be told of: without credentials, query and fragment."""

from urllib.parse import SplitResult, urlsplit


def split(url: str) -> SplitResult | None:
    """The parts of an address; None where it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # looked at, and refused, only now
    except ValueError:
        return None
    return parts if parts.hostname else None


def told(url: str) -> str:
    """What of an address is no secret."""
    parts = split(url)
    if parts is None:
        return "no address"
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
