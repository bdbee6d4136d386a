"""Modules `hashlib`, `hmac` and `binascii` (dock-sdk.md, 2.7)."""

import base64
import binascii as python_binascii
import hashlib as python_hashlib
import hmac as python_hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.rehearsal.sdk.modules import dock_modules
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module

ALGORITHMS = ["sha256", "sha1", "md5"]


@given(st.lists(st.binary(), max_size=4), st.sampled_from(ALGORITHMS))
def test_2_7_a_hash_is_that_of_everything_it_was_given(pieces: list[bytes], name: str) -> None:
    made = getattr(module("hashlib"), name)(*pieces[:1])
    for piece in pieces[1:]:
        made.update(piece)

    assert made.digest() == python_hashlib.new(name, b"".join(pieces)).digest()


@pytest.mark.parametrize(
    "data", ["ä", "ä".encode(), bytearray("ä".encode()), memoryview(b"\xc3\xa4")]
)
def test_2_7_text_is_hashed_as_utf_8(data: object) -> None:
    hashlib = module("hashlib")
    updated = hashlib.sha256()
    updated.update(data)

    assert hashlib.sha256(data).digest() == updated.digest()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_2_7_a_digest_is_final(name: str) -> None:
    made = getattr(module("hashlib"), name)(b"x")
    made.digest()

    for use in (made.digest, lambda: made.update(b"y")):
        with pytest.raises(ValueError) as raised:
            use()
        assert str(raised.value) == "hash is final"


@pytest.mark.parametrize("name", ["hexdigest", "copy", "digest_size", "block_size"])
def test_2_7_a_hash_has_update_and_digest_only(name: str) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(module("hashlib").sha256(), name)

    assert str(raised.value) == f"'sha256' object has no attribute '{name}'"


@pytest.mark.parametrize("odd", [None, 5, [1]])
def test_2_7_what_is_hashed_is_octets(odd: object) -> None:
    hashlib = module("hashlib")
    with pytest.raises(TypeError):
        hashlib.sha256(odd)
    with pytest.raises(TypeError):
        hashlib.md5().update(odd)


# -- hmac ----------------------------------------------------------------------------------------


def modules() -> Any:
    return dock_modules(FakeMachine())


@given(st.binary(max_size=150), st.binary(), st.binary(), st.sampled_from(ALGORITHMS))
def test_2_7_a_code_is_that_of_rfc_2104(key: bytes, first: bytes, then: bytes, name: str) -> None:
    docks = modules()
    expected = python_hmac.new(key, first + then, name).digest()
    codes = []
    for digestmod in (getattr(docks["hashlib"], name), name):
        made = docks["hmac"].new(key=bytearray(key), msg=first, digestmod=digestmod)
        made.update(then)
        codes.append(made.digest())

    assert codes == [expected, expected]


def test_2_7_the_published_check_value_of_dps_comes_out() -> None:
    docks = modules()
    key = docks["binascii"].a2b_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    code = docks["hmac"].new(key, "dock-0001", docks["hashlib"].sha256).digest()

    assert docks["binascii"].b2a_base64(code, newline=False) == (
        b"9V+8xdmgOPrk/ShADOAXYcyYiP+EuldDYAUKSkk3ecY="
    )


def test_2_7_a_code_can_be_had_in_hexadecimal_and_once() -> None:
    made = modules()["hmac"].new(b"k", b"m", "sha256")

    assert made.hexdigest() == python_hmac.new(b"k", b"m", "sha256").hexdigest()
    with pytest.raises(ValueError):
        made.digest()
    with pytest.raises(ValueError):
        made.update(b"more")


def test_2_7_the_default_is_md5_and_its_sizes_are_as_far_as_hashlib_tells() -> None:
    made = modules()["hmac"].new(b"k")

    assert (made.block_size, made.digest_size) == (64, None)
    assert made.hexdigest() == python_hmac.new(b"k", b"", "md5").hexdigest()


def test_2_7_a_hash_of_the_applications_own_may_say_its_sizes_and_be_any_callable() -> None:
    class Own:
        block_size, digest_size = 128, 64

        def __init__(self, data: bytes = b"") -> None:
            self._hash = python_hashlib.sha512(data)

        def update(self, data: bytes) -> None:
            self._hash.update(data)

        def digest(self) -> bytes:
            return self._hash.digest()

    made = modules()["hmac"].new(b"k" * 200, b"m", Own)

    assert (made.block_size, made.digest_size) == (128, 64)
    assert made.hexdigest() == python_hmac.new(b"k" * 200, b"m", "sha512").hexdigest()


def test_2_7_copy_is_not_usable() -> None:
    with pytest.raises(NotImplementedError):
        modules()["hmac"].new(b"k", b"m", "sha1").copy()


@pytest.mark.parametrize("key", ["text", None, memoryview(b"k")])
def test_2_7_a_key_is_bytes_or_bytearray(key: object) -> None:
    with pytest.raises(TypeError):
        modules()["hmac"].new(key, b"m", "sha256")


@pytest.mark.parametrize("digestmod", ["sha512", 5, ""])
def test_2_7_another_hash_than_the_docks_is_refused(digestmod: object) -> None:
    with pytest.raises(ValueError):
        modules()["hmac"].new(b"k", b"m", digestmod)


# -- binascii ------------------------------------------------------------------------------------


@given(st.binary())
def test_2_7_octets_become_text_and_octets_again(data: bytes) -> None:
    binascii = module("binascii")

    assert binascii.hexlify(data) == python_binascii.hexlify(data)
    assert binascii.unhexlify(binascii.hexlify(data)) == data
    assert binascii.b2a_base64(data, newline=False) == base64.b64encode(data)
    assert binascii.b2a_base64(data) == base64.b64encode(data) + b"\n"
    assert binascii.a2b_base64(binascii.b2a_base64(data)) == data


def test_2_7_text_is_taken_as_its_octets() -> None:
    binascii = module("binascii")

    assert binascii.hexlify("ab") == b"6162"
    assert binascii.hexlify(b"abc", ":") == b"61:62:63"
    assert binascii.unhexlify("6162") == b"ab"
    assert binascii.a2b_base64("YWI=") == b"ab"


@pytest.mark.parametrize(
    ("name", "data"), [("unhexlify", "0"), ("unhexlify", "zz"), ("a2b_base64", "YWI")]
)
def test_2_7_what_cannot_be_decoded_is_a_plain_value_error(name: str, data: str) -> None:
    with pytest.raises(ValueError) as raised:
        getattr(module("binascii"), name)(data)

    assert type(raised.value) is ValueError


def test_2_7_a_crc_is_not_documented() -> None:
    with pytest.raises(AttributeError):
        _ = module("binascii").crc32


@pytest.mark.parametrize("name", ["hexlify", "unhexlify", "a2b_base64", "b2a_base64"])
def test_2_7_a_number_is_no_octets(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(module("binascii"), name)(5)
