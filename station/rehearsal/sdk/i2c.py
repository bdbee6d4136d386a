"""Module `i2c`: the bus I2C1, to which nothing is attached on the bench.

So every address in its range is one that nobody answers at: error 3, "select".
Source: dock-sdk.md, 2.5; the vendor's page on `I2cError`.
"""

from typing import ClassVar, Final, NoReturn

from station.rehearsal.machine import Machine
from station.rehearsal.sdk import arguments
from station.rehearsal.sdk.names import Names, bound

_NO_SUCH_BUS: Final = 1
_ADDRESS_RANGE: Final = 2
_SELECT: Final = 3

_MEANINGS: Final = {
    _NO_SUCH_BUS: "Invalid bus ID",
    _ADDRESS_RANGE: "Device address out of range",
    _SELECT: "Transmit select error",
}

ADDRESSES: Final = range(0x08, 0x78)
"""7-bit addresses a device may have; the others are reserved."""


class Bus:
    """`i2c.Bus`. The vendor publishes no values: these are ours."""

    I2C0 = 0
    I2C1 = 1


class I2cError(Exception):
    """`i2c.I2cError`. args: the number, and what it means."""

    def __init__(self, err_num: int, message: str) -> None:
        super().__init__(err_num, message)
        self.errno = err_num


class I2C:
    """`i2c.I2C`."""

    _machine: ClassVar[Machine]

    def __init__(self, bus: int = Bus.I2C1) -> None:
        """Raises I2cError for any bus but I2C1."""
        self._machine.called("i2c.I2C", str(bus))
        if bus != Bus.I2C1:
            _fail(_NO_SUCH_BUS)

    def read(self, address: int, register: int, nbytes: int) -> bytearray:
        """Octets from a register. Raises TypeError and I2cError."""
        self._called("read", address, register, arguments.whole(nbytes, "nbytes"))
        self._select(address)

    def write(self, address: int, register: int, payload: object) -> None:
        """Octets to a register. Raises TypeError and I2cError."""
        self._called("write", address, register, len(arguments.octets(payload, "payload")))
        self._select(address)

    def _called(self, name: str, address: int, register: int, size_bytes: int) -> None:
        place = arguments.whole(address, "address"), arguments.whole(register, "register")
        self._machine.called(
            f"i2c.I2C.{name}",
            "address {:#04x}, register {:#04x}".format(*place) + f", {size_bytes:,} bytes",
        )

    def _select(self, address: int) -> NoReturn:
        _fail(_SELECT if address in ADDRESSES else _ADDRESS_RANGE)


def i2c_names(machine: Machine) -> Names:
    """Of module `i2c`."""
    device = bound("I2C", I2C, _machine=machine)

    def i2c(bus: int = Bus.I2C1) -> I2C:
        return device(bus)

    return {"i2c": i2c, "I2C": device, "Bus": Bus, "I2cError": I2cError}


def _fail(number: int) -> NoReturn:
    raise I2cError(number, _MEANINGS[number])
