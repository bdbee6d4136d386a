"""Per-dock keys: the published check value, and refusals that show nothing of the group key."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.derivation import derive_azure_key
from station.domain.errors import DocumentRefused, KeyRefused
from station.domain.secret import Secret

GROUP_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def text(secret: Secret) -> str:
    with secret.reveal() as octets:
        return bytes(octets).decode("ascii")


def test_the_check_value_of_the_dock_sdk() -> None:
    derived = derive_azure_key(Secret.from_text(GROUP_KEY), "dock-0001")

    assert text(derived) == "9V+8xdmgOPrk/ShADOAXYcyYiP+EuldDYAUKSkk3ecY="


def test_another_dock_has_another_key() -> None:
    group = Secret.from_text(GROUP_KEY)

    assert derive_azure_key(group, "dock-0001") != derive_azure_key(group, "dock-0002")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "not base64: canary",
        GROUP_KEY[:-1],
        GROUP_KEY + "=",
        GROUP_KEY + "\n",
        " " + GROUP_KEY,
        GROUP_KEY.replace("A", "é"),
        b64encode(b"canary, fifteen").decode(),
    ],
)
def test_a_group_key_that_is_none_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(KeyRefused) as refusal:
        derive_azure_key(Secret.from_text(key), "dock-0001")

    assert str(refusal.value) == "the group key is not base64, or too short"
    assert refusal.value.__context__ is None


@pytest.mark.parametrize("name", ["a", "0", "a" * 128, "dock.0001", "a_b:c-d.e", "0" * 64])
def test_registration_ids_the_service_takes(name: str) -> None:
    assert len(text(derive_azure_key(Secret.from_text(GROUP_KEY), name))) == 44


@pytest.mark.parametrize(
    "name", ["", "a" * 129, "Dock-0001", "-dock", "dock-", "dock 1", "dock\n", "döck", "a/b", "٣"]
)
def test_registration_ids_the_service_would_refuse(name: str) -> None:
    with pytest.raises(DocumentRefused):
        derive_azure_key(Secret.from_text(GROUP_KEY), name)


@given(st.binary(min_size=16, max_size=64))
def test_any_key_of_enough_octets_derives(key: bytes) -> None:
    derived = derive_azure_key(Secret(b64encode(key)), "dock-0001")

    assert derived.size_bytes == 44
