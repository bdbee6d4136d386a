"""A machine whose USB a test plugs things into: umockdev's udev, sysfs and device nodes.

The machine is a process of its own, because only what was started by umockdev's wrapper may say
what happens on it. Whatever is to see the machine is started with `command` and `environment`.
Run as a program it is that process: it reads one JSON line after the other and obeys.
"""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tty import setraw
from typing import Any, Final

WRAPPER: Final = "umockdev-wrapper"
LIBRARY: Final = "libumockdev.so.0"

ROOT: Final = "/devices/pci0000:00/0000:00:14.0"


class UsbMachine:
    """What a test does to it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.root = Path(self._answer()["root"])

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["UsbMachine"]:
        """A machine with nothing plugged in."""
        command = [WRAPPER, sys.executable, "-m", "tests.fakes.usb_machine"]
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except FileNotFoundError as error:
            raise AssertionError("umockdev is missing: scripts/system-packages test") from error
        with process:
            try:
                yield cls(process)
            finally:
                assert process.stdin is not None
                with suppress(BrokenPipeError):
                    process.stdin.close()

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that is to see this machine."""
        return {**os.environ, "UMOCKDEV_DIR": str(self.root)}

    def command(self, *arguments: str) -> list[str]:
        """Python, as a process that is to see this machine."""
        return [WRAPPER, sys.executable, *arguments]

    def plug(
        self,
        topology: str,
        *ttys: str,
        ids: str = "17e9:6000",
        title: str = "Dock",
        behind: Path | None = None,
    ) -> None:
        """Put a device in; one port for each name. behind: what its first port leads to."""
        self._tell(
            do="plug",
            topology=topology,
            ttys=ttys,
            ids=ids,
            title=title,
            behind="" if behind is None else str(behind),
        )

    def pull(self, topology: str) -> None:
        """Take out a device, and whatever hangs on it."""
        self._tell(do="pull", topology=topology)

    def heard(self, tty: str) -> bytes:
        """Whatever was sent to a port since somebody looked."""
        return bytes.fromhex(self._tell(do="heard", tty=tty)["bytes"])

    def _tell(self, **what: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the machine has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


# -- the process -------------------------------------------------------------------------------


class Testbed:
    """umockdev's, by its C interface."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        self._library.umockdev_testbed_new.restype = ctypes.c_void_p
        self._library.umockdev_testbed_get_root_dir.restype = ctypes.c_char_p
        self._bed = ctypes.c_void_p(self._library.umockdev_testbed_new())
        self._addresses = 0
        self._devices: dict[str, list[str]] = {}
        self._masters: dict[str, int] = {}
        self._inner: list[int] = []  # kept open, so that what was sent can be read later
        (self.root / "dev").mkdir(exist_ok=True)

    @property
    def root(self) -> Path:
        """Where its /dev and /sys are."""
        return Path(self._library.umockdev_testbed_get_root_dir(self._bed).decode())

    def plug(self, topology: str, ttys: list[str], ids: str, title: str, behind: str) -> None:
        """A device with one interface and one port for each name, below the hubs it needs."""
        steps = topology.split(".")
        for length in range(1, len(steps)):
            hub = ".".join(steps[:length])
            if hub not in self._devices:
                self._add_device(hub, [], "1d6b:0002", "Hub")
        self._add_device(topology, ttys, ids, title)
        for tty in ttys:
            node = self.root / "dev" / tty
            if behind and tty == ttys[0]:
                node.symlink_to(behind)
            else:
                self._masters[tty], inner = os.openpty()
                setraw(inner)
                node.symlink_to(os.ttyname(inner))
                self._inner.append(inner)
            self._tell(self._tty_path(topology, tty), "add")

    def pull(self, topology: str) -> None:
        """The device and what hangs on it."""
        gone = [one for one in self._devices if f"{one}.".startswith(f"{topology}.")]
        for one in gone:
            for tty in self._devices.pop(one):
                self._tell(self._tty_path(one, tty), "remove")
                (self.root / "dev" / tty).unlink()
        self._library.umockdev_testbed_remove_device(
            self._bed, f"/sys{self._path(topology)}".encode()
        )
        for folder in ("bus/usb/devices", "class/tty"):
            for link in (self.root / "sys" / folder).glob("*"):
                if not link.exists():  # umockdev forgets it, and trips over it the next time
                    link.unlink()

    def heard(self, tty: str) -> bytes:
        """What is in the port's other end."""
        os.set_blocking(self._masters[tty], False)
        try:
            return os.read(self._masters[tty], 65_536)
        except BlockingIOError:
            return b""

    def _add_device(self, topology: str, ttys: list[str], ids: str, title: str) -> None:
        self._addresses += 1
        self._devices[topology] = ttys
        vendor, _, product = ids.partition(":")
        facts = {
            "idVendor": vendor,
            "idProduct": product,
            "devnum": str(self._addresses),
            "bNumInterfaces": f"{max(1, len(ttys)):2}",
            "product": title,
        }
        lines = [
            f"P: {self._path(topology)}",
            "E: SUBSYSTEM=usb",
            "E: DEVTYPE=usb_device",
            *(f"A: {name}={value}\\n" for name, value in facts.items()),
        ]
        for number, tty in enumerate(ttys):
            interface = f"{topology}:1.{2 * number}"
            lines += [
                "",
                f"P: {self._path(topology)}/{interface}",
                "E: SUBSYSTEM=usb",
                "E: DEVTYPE=usb_interface",
                "",
                f"P: {self._path(topology)}/{interface}/tty/{tty}",
                f"L: device=../../../{interface}",
                "E: SUBSYSTEM=tty",
                f"E: DEVNAME=/dev/{tty}",
                "E: MAJOR=166",
                f"E: MINOR={number}",
            ]
        error = ctypes.c_void_p()
        text = "\n".join([*lines, "", ""]).encode()
        added = self._library.umockdev_testbed_add_from_string(self._bed, text, ctypes.byref(error))
        assert added, f"umockdev refused:\n{text.decode()}"

    def _tell(self, path: str, action: str) -> None:
        self._library.umockdev_testbed_uevent(self._bed, f"/sys{path}".encode(), action.encode())

    def _path(self, topology: str) -> str:
        bus, _, ports = topology.partition("-")
        steps = ports.split(".")
        names = [f"{bus}-{'.'.join(steps[:length])}" for length in range(1, len(steps) + 1)]
        return "/".join([ROOT, f"usb{bus}", *names])

    def _tty_path(self, topology: str, tty: str) -> str:
        number = self._devices.get(topology, [tty]).index(tty)
        return f"{self._path(topology)}/{topology}:1.{2 * number}/tty/{tty}"


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Be the machine until the end of the input."""
    bed = Testbed()
    answer: dict[str, Any] = {"root": str(bed.root)}
    _say(answer)
    for line in sys.stdin:
        told = json.loads(line)
        match told.pop("do"):
            case "plug":
                bed.plug(**told)
                answer = {}
            case "pull":
                bed.pull(**told)
                answer = {}
            case "heard":
                answer = {"bytes": bed.heard(**told).hex()}
        _say(answer)
    rmtree(bed.root)


if __name__ == "__main__":
    main()
