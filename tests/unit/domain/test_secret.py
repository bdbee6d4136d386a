"""A Secret can be used and compared, and shows nothing by any other way."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from station.domain.secret import Secret

CANARY = b"c4n4ry-enrolment-token"


def test_what_is_revealed_is_what_was_put_in() -> None:
    for octets in (CANARY, bytearray(CANARY), memoryview(CANARY), b""):
        with Secret(octets).reveal() as view:
            assert bytes(view) == CANARY or not octets


def test_text_is_kept_as_utf8() -> None:
    with Secret.from_text("Schlüssel").reveal() as view:
        assert bytes(view) == "Schlüssel".encode()


def test_taking_leaves_nothing_behind() -> None:
    buffer = bytearray(CANARY)

    secret = Secret.taking(buffer)

    assert buffer == bytes(len(CANARY))
    assert secret == Secret(CANARY)


def test_no_way_of_showing_a_secret_shows_its_value(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    logging.getLogger("test").error("%s %r", secret, secret)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>60}",
        f"{[secret]} { ({1: secret}) }",
    ]
    shown += ["%s" % secret, caplog.text]  # noqa: UP031

    for text in shown:
        assert "<secret 22B id=" in text
        assert CANARY.decode() not in text
        assert CANARY.hex() not in text


def test_two_secrets_of_the_same_value_have_different_ids() -> None:
    assert repr(Secret(CANARY)) != repr(Secret(CANARY))


def test_a_secret_has_no_copy_pickle_json_or_hash() -> None:
    secret = Secret(CANARY)

    acts: list[Callable[[Any], object]] = [copy.copy, copy.deepcopy, pickle.dumps, json.dumps]
    acts += [hash, iter, len, bytes]
    for act in acts:
        with pytest.raises(TypeError) as refusal:
            act(secret)
        assert CANARY.decode() not in str(refusal.value)
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("value", ["text", 22, None, [1, 2]])
def test_only_octets_make_a_secret(value: object) -> None:
    with pytest.raises(TypeError):
        Secret(value)  # type: ignore[arg-type]


def test_secrets_compare_by_value_and_only_with_secrets() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret(CANARY[:-1])
    assert Secret(CANARY) != Secret(CANARY[:-1] + b"!")
    assert Secret(CANARY) != CANARY


def test_a_view_is_read_only_and_dead_afterwards() -> None:
    secret = Secret(CANARY)
    with secret.reveal() as view, pytest.raises(TypeError):
        view[0] = 0

    with pytest.raises(ValueError, match="released"):
        bytes(view)


def test_a_view_is_dead_after_an_error_too() -> None:
    secret = Secret(CANARY)
    with pytest.raises(RuntimeError) as failure, secret.reveal() as view:
        raise RuntimeError("link lost")

    with pytest.raises(ValueError, match="released"):
        bytes(view)
    assert CANARY.decode() not in "".join(traceback.format_exception(failure.value))


def test_a_wiped_secret_is_zero_and_cannot_be_revealed() -> None:
    secret = Secret(CANARY)
    with secret.reveal() as view:
        kept = view[:]

    secret.wipe()
    secret.wipe()

    assert bytes(kept) == bytes(len(CANARY))
    assert secret.size_bytes == len(CANARY)
    with pytest.raises(ValueError, match="was wiped"), secret.reveal():
        pass


def test_a_wipe_waits_for_whoever_reads() -> None:
    secret = Secret(CANARY)
    with secret.reveal() as outer:
        with secret.reveal() as inner:
            secret.wipe()
            assert bytes(inner) == CANARY
        assert bytes(outer) == CANARY
        kept = outer[:]
        with pytest.raises(ValueError, match="was wiped"), secret.reveal():
            pass

    assert bytes(kept) == bytes(len(CANARY))


def test_a_forgotten_secret_is_zeroed() -> None:
    secret = Secret(CANARY)
    with secret.reveal() as view:
        kept = view[:]

    del secret

    assert bytes(kept) == bytes(len(CANARY))
