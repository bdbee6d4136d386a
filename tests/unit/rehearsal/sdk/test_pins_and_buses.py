"""Modules `gpio` and `i2c` (dock-sdk.md, 2.5)."""

from typing import Any

import pytest

from station.domain.scenario import PinChange
from station.rehearsal.sdk.gpio import REDWOOD
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import module, scene

PRESSES = (
    PinChange(1_000, "button", True),
    PinChange(1_500, "button", True),
    PinChange(2_000, "button", False),
    PinChange(3_000, "button", True),
)


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine(scene(pins=(*reversed(PRESSES), PinChange(0, "JOYSTICK_UP", True))))


@pytest.fixture
def gpio(machine: FakeMachine) -> Any:
    return module("gpio", machine)


@pytest.mark.parametrize("name", sorted(REDWOOD))
def test_2_5_the_reference_board_has_a_joystick(name: str) -> None:
    gpio = module("gpio")
    pin = gpio.create(name)

    assert isinstance(pin, gpio.DigitalInput)
    assert pin.active_high() is False
    assert pin.read() == 1


def test_2_5_a_pin_that_is_active_low_reads_0_when_it_is_active(
    machine: FakeMachine, gpio: Any
) -> None:
    pin, seen = gpio.create("button"), []
    for at_ms in (999, 1_000, 2_000, 3_000):
        machine.run(at_ms)
        seen.append(pin.read())

    assert seen == [1, 0, 1, 0]
    assert gpio.create("JOYSTICK_UP").read() == 0


def test_2_5_a_callback_comes_each_time_the_pin_becomes_active(
    machine: FakeMachine, gpio: Any
) -> None:
    pressed: list[float] = []
    gpio.create("button", callback=lambda: pressed.append(machine.now_ms()))
    machine.run(60_000)

    assert pressed == [1_000, 3_000]


@pytest.mark.parametrize("made_ms", [1_200, 2_500])
def test_2_5_a_callback_is_told_of_what_comes_and_not_of_what_was(
    machine: FakeMachine, gpio: Any, made_ms: float
) -> None:
    pressed: list[float] = []
    machine.run(made_ms)
    gpio.create("button", lambda: pressed.append(machine.now_ms()))
    machine.run(60_000)

    assert pressed == [3_000]


def test_2_5_callbacks_wait_until_the_application_is_idle(machine: FakeMachine, gpio: Any) -> None:
    pressed: list[float] = []
    gpio.create("button", lambda: pressed.append(machine.now_ms()))
    machine.sleep_ms(10_000)
    before = list(pressed)
    machine.run(10_000)

    assert before == []
    assert pressed == [10_000, 10_000]


@pytest.mark.parametrize(
    ("name", "callback"),
    [("LED", None), ("", None), (None, None), (5, None), ("button", 5), ("button", "f")],
)
def test_2_5_an_unknown_pin_or_what_is_no_callback_is_a_type_error(
    gpio: Any, name: object, callback: object
) -> None:
    with pytest.raises(TypeError):
        gpio.create(name, callback)


def test_2_5_a_pin_that_create_did_not_make_is_not_configured(gpio: Any) -> None:
    pin = gpio.DigitalInput("button", True)

    assert pin.read() == -1
    assert pin.active_high() is True
    with pytest.raises(TypeError):
        gpio.DigitalInput("button", True, "no callback")


def test_2_5_an_output_takes_1_and_0_only(machine: FakeMachine, gpio: Any) -> None:
    pin = gpio.DigitalOutput("LED", active_high=False)
    pin.write(1)
    pin.write(0)
    for odd in (2, -1, "1", None):
        with pytest.raises(ValueError):
            pin.write(odd)

    assert pin.active_high() is False
    assert machine.calls == [
        ("gpio.DigitalOutput.write", "LED: 1"),
        ("gpio.DigitalOutput.write", "LED: 0"),
    ]


# -- i2c -----------------------------------------------------------------------------------------


def failure(i2c: Any, *call: Any) -> Any:
    """The error of a call."""
    function, *arguments = call
    with pytest.raises(i2c.I2cError) as raised:
        function(*arguments)
    return raised.value


@pytest.mark.parametrize("name", ["i2c", "I2C"])
def test_2_5_only_the_bus_i2c1_works(name: str) -> None:
    i2c = module("i2c")
    made = getattr(i2c, name)

    assert isinstance(made(), i2c.I2C)
    assert isinstance(made(i2c.Bus.I2C1), i2c.I2C)
    assert isinstance(made(bus=i2c.Bus.I2C1), i2c.I2C)
    error = failure(i2c, made, i2c.Bus.I2C0)
    assert (error.errno, error.args[0]) == (1, 1)
    assert failure(i2c, made, 7).errno == 1


@pytest.mark.parametrize(
    ("address", "errno"), [(0x07, 2), (0x08, 3), (0x77, 3), (0x78, 2), (-1, 2), (0x100, 2)]
)
def test_2_5_an_address_out_of_range_is_told_from_one_nobody_answers_at(
    address: int, errno: int
) -> None:
    i2c = module("i2c")
    device = i2c.I2C()

    assert failure(i2c, device.read, address, 0, 1).errno == errno
    assert failure(i2c, device.write, address, 0, b"\1").errno == errno


def test_2_5_an_error_says_what_it_means_in_its_second_argument() -> None:
    i2c = module("i2c")
    error = failure(i2c, i2c.I2C().read, 0x18, 5, 2)

    assert error.args == (3, "Transmit select error")


@pytest.mark.parametrize(
    "arguments",
    [("24", 0, 1), (24, None, 1), (24, 0, "1"), (24.0, 0, 1), (24, 0, 1.0)],
)
def test_2_5_addresses_registers_and_counts_are_whole_numbers(
    arguments: tuple[object, ...],
) -> None:
    with pytest.raises(TypeError):
        module("i2c").I2C().read(*arguments)


def test_2_5_a_payload_is_octets() -> None:
    with pytest.raises(TypeError):
        module("i2c").I2C().write(24, 0, 5)


def test_what_is_told_of_a_bus_is_where_and_how_much() -> None:
    machine = FakeMachine()
    i2c = module("i2c", machine)
    failure(i2c, i2c.i2c().write, 0x3C, 0x40, b"secret")

    assert machine.calls == [
        ("i2c.I2C", "1"),
        ("i2c.I2C.write", "address 0x3c, register 0x40, 6 bytes"),
    ]
