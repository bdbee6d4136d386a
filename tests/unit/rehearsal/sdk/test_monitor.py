"""Module `monitor` (dock-sdk.md, 2.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.domain.scenario import MonitorModel
from station.rehearsal.sdk.monitor import edid_of
from tests.unit.rehearsal.sdk.desk import module

EDID = bytes.fromhex(
    """
    00 FF FF FF FF FF FF 00  1E 6D 34 12 78 56 34 12  01 22 01 03 80 3C 22 78
    EA 00 00 00 00 00 00 00  00 00 00 21 08 00 D1 C0  01 01 01 01 01 01 01 01
    01 01 01 01 01 01 56 5E  00 A0 A0 A0 29 50 30 20  35 00 55 50 21 00 00 1A
    00 00 00 FD 00 38 4B 1E  5A 19 00 0A 20 20 20 20  20 20 00 00 00 FC 00 57
    51 48 44 20 4D 6F 6E 69  74 6F 72 0A 00 00 00 FF  00 53 4E 31 32 33 0A 20
    20 20 20 20 20 20 01 EE
    """
)
"""Written by hand after the E-EDID standard: 2560x1440 at 60 Hz, the name in the third descriptor,
a text serial number in the fourth, one extension announced."""

EXTENSION = bytes(128)


def sealed(block: bytes) -> bytes:
    """With the checksum it must have."""
    return block[:127] + bytes(((-sum(block[:127])) & 0xFF,))


WHOLE = sealed(EDID)


@pytest.mark.parametrize("edid", [WHOLE, bytearray(WHOLE), memoryview(WHOLE), WHOLE + EXTENSION])
def test_2_4_a_monitor_is_read_from_its_edid(edid: object) -> None:
    monitor = module("monitor").Monitor(edid)

    assert monitor.valid()
    assert monitor.name() == "WQHD Monitor"
    assert monitor.preferred_mode() == (2_560, 1_440)
    assert monitor.serial_number() == 0x12345678


def test_2_4_a_monitor_may_have_no_name() -> None:
    nameless = sealed(
        WHOLE.replace(bytes.fromhex("00 00 00 FC 00"), bytes.fromhex("00 00 00 FE 00"))
    )

    assert module("monitor").Monitor(nameless).valid()
    assert module("monitor").Monitor(nameless).name() == ""


@pytest.mark.parametrize(
    "edid",
    [
        b"",
        WHOLE[:127],
        WHOLE + bytes(5),
        sealed(b"\1" + WHOLE[1:]),
        WHOLE[:127] + bytes((WHOLE[127] ^ 1,)),
        sealed(WHOLE[:54] + bytes(2) + WHOLE[56:]),
        bytes(128),
    ],
)
def test_2_4_of_an_edid_that_is_not_valid_everything_else_is_empty(edid: bytes) -> None:
    monitor = module("monitor").Monitor(edid)

    assert not monitor.valid()
    assert (monitor.name(), monitor.preferred_mode(), monitor.serial_number()) == ("", (0, 0), 0)


@pytest.mark.parametrize("odd", [None, 5, ["edid"]])
def test_2_4_an_edid_is_octets(odd: object) -> None:
    with pytest.raises(TypeError):
        module("monitor").Monitor(odd)


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=13),
    st.integers(1, 4_095),
    st.integers(1, 4_095),
    st.integers(0, 2**32 - 1),
)
def test_a_scripted_monitor_says_what_the_scenario_says(
    name: str, width: int, height: int, serial_number: int
) -> None:
    monitor = module("monitor").Monitor(edid_of(MonitorModel(name, width, height, serial_number)))

    assert monitor.valid()
    assert (monitor.name(), monitor.preferred_mode()) == (name, (width, height))
    assert monitor.serial_number() == serial_number


def test_a_scripted_monitor_is_cut_to_what_an_edid_can_say() -> None:
    monitor = module("monitor").Monitor(edid_of(MonitorModel("Große Wand im Saal", 7_680, 4_320)))

    assert monitor.valid()
    assert monitor.name() == "Gro?e Wand im"
    assert monitor.preferred_mode() == (4_095, 4_095)
