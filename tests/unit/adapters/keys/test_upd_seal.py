"""Unique data sealed to a dock: that dock opens it, the run that sealed it does, nobody else."""

from dataclasses import replace
from hashlib import sha256
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from station.adapters.keys.upd_seal import DockSeal
from station.datastore.sealed_upd import NONCE, SEALED_KEY_BYTES, TAG_BYTES, Binding, SealedUpd
from station.dock.device_key import OwnKey
from station.domain.errors import ImageRefused, Reason
from station.domain.identity import DockId
from station.domain.release import ReleaseStatement, Version
from tests.golden.rom_store import hpke_by_hand

DOCK_ID: Final = DockId(bytes(range(32)))
RELEASE: Final = ReleaseStatement(
    product="DK-7F",
    name="welcome",
    version=Version(1, 2, 3),
    security_counter=7,
    common_bytes=100,
    common_sha256=sha256(b"common").digest(),
    manifest_sha256=bytes(32),
    replaceable=frozenset(),
)
BINDING: Final = Binding.of(DOCK_ID, RELEASE)
VOLUME: Final = b"an UPD volume " * 100
PRIVATE: Final = bytes(range(1, 33))
KEY: Final = OwnKey(PRIVATE, b"certificate")


def public_of(private: bytes) -> X25519PublicKey:
    return X25519PrivateKey.from_private_bytes(private).public_key()


def seal() -> DockSeal:
    return DockSeal(public_of(PRIVATE))


def test_the_peer_by_hand_agrees_with_rfc_9180() -> None:
    """Appendix A.1.1: base mode, AES-128-GCM."""
    sender = bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736")
    encapsulated = bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
    recipient = bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")
    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    key, nonce = hpke_by_hand.schedule(sender, recipient, encapsulated, recipient, info, 16)
    message = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
    sealed = AESGCM(key).encrypt(nonce, message, bytes.fromhex("436f756e742d30"))

    assert key.hex() == "4531685d41d65f03dc48f6b8302c05b0"
    assert nonce.hex() == "56d890e5accaaf011cff4b7d"
    assert sealed.hex() == (
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
    )


def test_a_dock_opens_what_was_sealed_to_it_and_so_does_the_run() -> None:
    run = seal()
    sealed = run.seal(VOLUME, BINDING)

    assert (len(sealed.key), len(sealed.content)) == (SEALED_KEY_BYTES, len(VOLUME) + TAG_BYTES)
    assert KEY.unseal(sealed, BINDING) == VOLUME
    assert run.open(sealed, BINDING) == VOLUME


def test_a_peer_nobody_here_wrote_opens_it_and_is_opened() -> None:
    sealed = seal().seal(VOLUME, BINDING)
    content_key = hpke_by_hand.open_sealed(sealed.key, PRIVATE, BINDING.key_info)
    opened = AESGCM(content_key).decrypt(NONCE, bytes(sealed.content), BINDING.content_data)
    chosen = bytes(range(200, 232))
    theirs = SealedUpd(
        hpke_by_hand.seal(
            chosen,
            public_of(PRIVATE).public_bytes_raw(),
            BINDING.key_info,
            ephemeral=bytes(range(50, 82)),
        ),
        AESGCM(chosen).encrypt(NONCE, VOLUME, BINDING.content_data),
    )

    assert opened == VOLUME
    assert KEY.unseal(theirs, BINDING) == VOLUME


def test_what_a_seal_is_bound_to_is_spelled_as_the_specification_says() -> None:
    common = sha256(b"common").hexdigest()
    text = (
        f'{{"bundle":"welcome","common_sha256":"{common}","dock_id":"{DOCK_ID}",'
        '"format":1,"product":"DK-7F","version":"1.2.3"}'
    ).encode("ascii")

    assert BINDING.octets == text
    assert BINDING.key_info == b"dock-provisioning/1 upd key\0" + text
    assert BINDING.content_data == b"dock-provisioning/1 upd\0" + text


OTHERS: Final = {
    "dock": Binding.of(DockId(bytes(32)), RELEASE),
    "bundle": Binding.of(DOCK_ID, replace(RELEASE, name="other")),
    "product": Binding.of(DOCK_ID, replace(RELEASE, product="DK-8")),
    "version": Binding.of(DOCK_ID, replace(RELEASE, version=Version(1, 2, 4))),
    "common volume": Binding.of(DOCK_ID, replace(RELEASE, common_sha256=bytes(32))),
}


@pytest.mark.parametrize("other", OTHERS)
def test_it_opens_for_nothing_else(other: str) -> None:
    run = seal()
    sealed = run.seal(VOLUME, BINDING)

    for opened in (KEY.unseal, run.open):
        with pytest.raises(ImageRefused) as refused:
            opened(sealed, OTHERS[other])
        assert refused.value.reason is Reason.SEALED


def test_another_dock_does_not_open_it() -> None:
    sealed = seal().seal(VOLUME, BINDING)

    with pytest.raises(ImageRefused, match="sealed to another dock"):
        OwnKey(bytes(range(2, 34)), b"certificate").unseal(sealed, BINDING)


def test_one_flipped_bit_anywhere_is_found() -> None:
    run = seal()
    sealed = run.seal(VOLUME[:40], BINDING)
    for at in range(len(sealed.key)):
        hurt = bytearray(sealed.key)
        hurt[at] ^= 1
        with pytest.raises(ImageRefused):
            KEY.unseal(replace(sealed, key=bytes(hurt)), BINDING)
        with pytest.raises(ImageRefused):
            run.open(replace(sealed, key=bytes(hurt)), BINDING)
    for at in range(len(sealed.content)):
        hurt = bytearray(sealed.content)
        hurt[at] ^= 1
        with pytest.raises(ImageRefused):
            KEY.unseal(replace(sealed, content=bytes(hurt)), BINDING)
        with pytest.raises(ImageRefused):
            run.open(replace(sealed, content=bytes(hurt)), BINDING)


@pytest.mark.parametrize("content", [b"", b"x", bytes(TAG_BYTES)])
def test_what_is_too_short_is_refused(content: bytes) -> None:
    sealed = seal().seal(VOLUME, BINDING)

    with pytest.raises(ImageRefused):
        KEY.unseal(SealedUpd(sealed.key, content), BINDING)
    with pytest.raises(ImageRefused):
        KEY.unseal(SealedUpd(sealed.key[:31], sealed.content), BINDING)


def test_a_run_opens_its_own_seal_only_and_forgets_it() -> None:
    run = seal()
    first = run.seal(VOLUME, BINDING)
    key = run._content_key
    second = run.seal(VOLUME, BINDING)

    assert key is not None
    with pytest.raises(ValueError, match="wiped"), key.reveal():
        pass
    assert first.key != second.key
    assert bytes(first.content) != bytes(second.content)
    with pytest.raises(ImageRefused, match="another key than this run's"):
        run.open(first, BINDING)
    run.forget()
    with pytest.raises(ImageRefused, match="another key than this run's"):
        run.open(second, BINDING)
    run.forget()
