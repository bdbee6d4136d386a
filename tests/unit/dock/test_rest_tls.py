"""The certificate of the development service: for this machine, for now, and without its key."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from station.dock.rest_tls import VALIDITY, serving_tls

NOW_AT = datetime.now(UTC)


def greet(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """A handshake without a network; the version agreed on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    return ends[0].version()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "192.0.2.7"])
def test_a_client_that_trusts_it_and_is_strict_finds_the_service_under_every_name(
    tmp_path: Path, name: str
) -> None:
    pem = tmp_path / "rest.pem"
    with serving_tls("192.0.2.7", certificate=pem, now_at=NOW_AT) as server:
        client = ssl.create_default_context(cafile=pem)
        client.verify_flags |= ssl.VERIFY_X509_STRICT

        assert greet(server, client, name) == "TLSv1.3"


def test_under_another_name_it_is_not_believed(tmp_path: Path) -> None:
    pem = tmp_path / "rest.pem"
    with serving_tls("dock.example", certificate=pem, now_at=NOW_AT) as server:
        client = ssl.create_default_context(cafile=pem)
        assert greet(server, client, "dock.example")

        with pytest.raises(ssl.SSLCertVerificationError):
            greet(server, client, "192.0.2.7")


def test_old_versions_of_tls_are_not_spoken(tmp_path: Path) -> None:
    with serving_tls("localhost", certificate=tmp_path / "rest.pem", now_at=NOW_AT) as server:
        assert server.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_it_holds_for_a_while_certifies_nobody_else_and_is_gone_at_the_end(tmp_path: Path) -> None:
    pem = tmp_path / "rest.pem"
    with serving_tls("localhost", certificate=pem, now_at=NOW_AT):
        assert [one.name for one in tmp_path.iterdir()] == ["rest.pem"]
        text = pem.read_bytes()

    found = x509.load_pem_x509_certificate(text)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert b"PRIVATE" not in text
    assert found.not_valid_before_utc <= NOW_AT
    assert NOW_AT < found.not_valid_after_utc <= NOW_AT + VALIDITY + timedelta(seconds=1)
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1"), ip_address("::1")]
    assert list(tmp_path.iterdir()) == []


def test_two_services_have_two_keys(tmp_path: Path) -> None:
    one, other = tmp_path / "one.pem", tmp_path / "other.pem"
    with (
        serving_tls("localhost", certificate=one, now_at=NOW_AT) as server,
        serving_tls("localhost", certificate=other, now_at=NOW_AT),
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        greet(server, ssl.create_default_context(cafile=other), "localhost")
