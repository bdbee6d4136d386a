"""Values at rest open under their own name only, and are gone with their keys."""

import hmac
from dataclasses import replace
from hashlib import sha256

import pytest
import rfc8785
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from hypothesis import given
from hypothesis import strategies as st

from station.adapters.keys.lot_vault import LotVault, ValueDestroyed
from station.application.ports import RecordName, SealedRecord, Vault
from station.domain.errors import KeyRefused
from station.domain.secret import Secret

ENCRYPTION_KEY = bytes(range(32))
CANARY = b"c4n4ry-enrolment-token"
NAME = RecordName("DK-7F", "lot-1", "lot-1/42")
VAULT = LotVault(Secret(ENCRYPTION_KEY))


def new_lot_key(vault: LotVault = VAULT) -> bytes:
    return vault.new_lot_key(NAME.product, NAME.lot)


def expand(key: bytes, info: bytes) -> bytes:
    """RFC 5869, section 2.3, with SHA-256: one block of output."""
    return hmac.digest(key, info + b"\x01", sha256)


def hkdf(key: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256 and no salt."""
    return expand(hmac.digest(bytes(32), key, sha256), info)


@given(st.binary(max_size=300))
def test_a_value_comes_out_as_it_went_in(value: bytes) -> None:
    vault: Vault = VAULT
    lot_key = vault.new_lot_key(NAME.product, NAME.lot)

    sealed = vault.seal(lot_key, NAME, value)

    assert vault.open(lot_key, NAME, sealed) == Secret(value)
    assert LotVault(Secret(ENCRYPTION_KEY)).open(lot_key, NAME, sealed) == Secret(value)
    assert len(sealed.wrapped_key) == len(lot_key) == 40
    assert len(sealed.ciphertext) == 12 + len(value) + 16


def test_a_record_opens_by_hand_as_the_specification_says() -> None:
    lot_key = new_lot_key()
    sealed = VAULT.seal(lot_key, NAME, CANARY)
    root = hkdf(ENCRYPTION_KEY, b"dock-provisioning/1 lot wrapping")
    wrapping = expand(root, rfc8785.dumps({"format": 1, "lot": "lot-1", "product": "DK-7F"}))
    key = aes_key_unwrap(aes_key_unwrap(wrapping, lot_key), sealed.wrapped_key)
    bound = rfc8785.dumps({"format": 1, "lot": "lot-1", "product": "DK-7F", "record": "lot-1/42"})

    value = AESGCMSIV(key).decrypt(sealed.ciphertext[:12], sealed.ciphertext[12:], bound)

    assert value == CANARY


def test_equal_values_are_sealed_differently() -> None:
    lot_key = new_lot_key()

    one, two = (VAULT.seal(lot_key, NAME, CANARY) for _ in range(2))

    assert one.wrapped_key != two.wrapped_key
    assert one.ciphertext[12:] != two.ciphertext[12:]
    assert CANARY not in one.ciphertext


@pytest.mark.parametrize(
    "name",
    [
        replace(NAME, product="DK-7G"),
        replace(NAME, lot="lot-2"),
        replace(NAME, record_id="lot-1/43"),
        RecordName("DK-7F", "lot-1/42", "lot-1"),
        RecordName("lot-1", "DK-7F", "lot-1/42"),
    ],
)
def test_a_value_opens_under_its_own_name_only(name: RecordName) -> None:
    lot_key = new_lot_key()
    sealed = VAULT.seal(lot_key, NAME, CANARY)
    moved_key = VAULT.new_lot_key(name.product, name.lot)

    for key in (lot_key, moved_key):
        with pytest.raises(KeyRefused):
            VAULT.open(key, name, sealed)


def test_swapped_records_are_noticed() -> None:
    lot_key = new_lot_key()
    other = replace(NAME, record_id="lot-1/43")
    one = VAULT.seal(lot_key, NAME, b"one")
    two = VAULT.seal(lot_key, other, b"two")

    for name, swapped in (
        (NAME, two),
        (other, one),
        (NAME, replace(one, wrapped_key=two.wrapped_key)),
        (NAME, replace(one, ciphertext=two.ciphertext)),
    ):
        with pytest.raises(KeyRefused, match="altered, or belongs elsewhere"):
            VAULT.open(lot_key, name, swapped)


def test_a_flipped_bit_anywhere_is_noticed() -> None:
    lot_key = new_lot_key()
    sealed = VAULT.seal(lot_key, NAME, CANARY)
    for field in ("wrapped_key", "ciphertext"):
        data = getattr(sealed, field)
        for place in range(len(data)):
            flipped = bytearray(data)
            flipped[place] ^= 0x10
            with pytest.raises(KeyRefused, match="altered") as refusal:
                VAULT.open(lot_key, NAME, replace(sealed, **{field: bytes(flipped)}))
            assert CANARY.decode() not in str(refusal.value)
    for place in range(len(lot_key)):
        flipped = bytearray(lot_key)
        flipped[place] ^= 0x10
        with pytest.raises(KeyRefused, match="does not open lot"):
            VAULT.open(bytes(flipped), NAME, sealed)


def test_a_cut_record_is_noticed() -> None:
    lot_key = new_lot_key()
    sealed = VAULT.seal(lot_key, NAME, CANARY)
    for cut in range(len(sealed.ciphertext)):
        with pytest.raises(KeyRefused, match="altered"):
            VAULT.open(lot_key, NAME, replace(sealed, ciphertext=sealed.ciphertext[:cut]))
    for cut in range(1, 40):
        with pytest.raises(KeyRefused, match="altered"):
            VAULT.open(lot_key, NAME, replace(sealed, wrapped_key=sealed.wrapped_key[:cut]))


def test_a_destroyed_key_is_named_as_such() -> None:
    lot_key = new_lot_key()
    sealed = VAULT.seal(lot_key, NAME, CANARY)

    with pytest.raises(ValueDestroyed, match="record lot-1/42 were destroyed"):
        VAULT.open(lot_key, NAME, SealedRecord(b"", sealed.ciphertext))
    with pytest.raises(ValueDestroyed, match="lot lot-1 were destroyed"):
        VAULT.open(b"", NAME, sealed)
    with pytest.raises(ValueDestroyed, match="lot lot-1 were destroyed"):
        VAULT.seal(b"", NAME, CANARY)


def test_another_encryption_key_opens_nothing() -> None:
    lot_key = new_lot_key()
    sealed = VAULT.seal(lot_key, NAME, CANARY)
    other = LotVault(Secret(bytes(32)))

    with pytest.raises(KeyRefused, match="does not open lot"):
        other.open(lot_key, NAME, sealed)
    with pytest.raises(KeyRefused, match="does not open lot"):
        other.seal(lot_key, NAME, CANARY)


def test_another_key_of_the_same_lot_opens_nothing() -> None:
    sealed = VAULT.seal(new_lot_key(), NAME, CANARY)

    with pytest.raises(KeyRefused, match="altered, or belongs elsewhere"):
        VAULT.open(new_lot_key(), NAME, sealed)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_an_encryption_key_has_32_octets(size: int) -> None:
    with pytest.raises(KeyRefused, match="32 octets"):
        LotVault(Secret(bytes(size)))


def test_a_fingerprint_is_what_the_specification_says() -> None:
    key = hkdf(ENCRYPTION_KEY, b"dock-provisioning/1 lot fingerprint")

    assert VAULT.fingerprint(CANARY) == hmac.digest(key, CANARY, sha256)


def test_a_fingerprint_needs_the_encryption_key() -> None:
    other = LotVault(Secret(bytes(32)))

    assert VAULT.fingerprint(b"1234") == VAULT.fingerprint(b"1234")
    assert VAULT.fingerprint(b"1234") != VAULT.fingerprint(b"1235")
    assert VAULT.fingerprint(b"1234") != other.fingerprint(b"1234")
    assert VAULT.fingerprint(b"1234") != sha256(b"1234").digest()


def test_a_locked_vault_refuses_everything() -> None:
    vault = LotVault(Secret(ENCRYPTION_KEY))
    lot_key = new_lot_key(vault)
    sealed = vault.seal(lot_key, NAME, CANARY)

    vault.lock()

    for act in (
        lambda: vault.new_lot_key("DK-7F", "lot-2"),
        lambda: vault.seal(lot_key, NAME, CANARY),
        lambda: vault.open(lot_key, NAME, sealed),
        lambda: vault.fingerprint(CANARY),
    ):
        with pytest.raises(KeyRefused, match="is locked"):
            act()


def test_a_vault_outlives_the_key_it_was_made_of() -> None:
    encryption_key = Secret(ENCRYPTION_KEY)
    vault = LotVault(encryption_key)

    encryption_key.wipe()

    assert vault.fingerprint(CANARY) == VAULT.fingerprint(CANARY)
