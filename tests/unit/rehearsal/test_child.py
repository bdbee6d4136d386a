"""Applications that break out of the SDK and get hold of the real `os`, in the real child.

Each hides whatever it meets, and is found out all the same. These tests mean most when run by the
superuser, whom no permission and no limit on processes holds back.
"""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from station.application.cancel import Cancel
from station.bootstrap.rehearsal import child_command
from station.domain.errors import RehearsalImpossible
from station.domain.profile import UnknownImage
from station.domain.rehearsal import FindingKind, Rehearsal
from station.domain.scenario import DEFAULT
from station.rehearsal.rehearser import Rehearser
from tests.unit.rehearsal.stage import DOCK, PATIENCE_MS, datastore, nothing_left_behind

REACH: Final = """\
from splashscreen import Splashscreen
def show(text):
    Splashscreen().add_text_box(str(text))
def modules():
    for kind in ().__class__.__base__.__subclasses__():
        for name in dir(kind):
            found = getattr(getattr(kind, name, None), "__globals__", None)
            if found and "sys" in found and hasattr(found["sys"], "modules"):
                return found["sys"].modules
real = modules()
posix = real["posix"]
load = real["importlib._bootstrap"].BuiltinImporter.load_module
"""
"""From nothing to every module of the interpreter: no SDK keeps a determined author from it."""


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left_behind():
        yield


def rehearsed(code: str, command: tuple[str, ...] | None = None) -> Rehearsal:
    return Rehearser(command or child_command(), processor_s=5, wall_s=120)(
        datastore(code),
        DEFAULT,
        dock_id=DOCK,
        unknown_image=UnknownImage.RAISE,
        cancel=Cancel(),
    )


def kinds(seen: Rehearsal) -> list[FindingKind]:
    """Beside what is told of the names it uses, which no dock has."""
    return [one.kind for one in seen.findings if one.kind is not FindingKind.NOT_ON_DOCK]


def test_the_real_os_is_within_reach() -> None:
    seen = rehearsed(REACH + "show(posix.getpid() > 0)")

    assert (seen.error, seen.text) == ("", ("True",))


@pytest.mark.parametrize(
    "attempt",
    [
        "posix.fork()",
        "posix.system('true')",
        "posix.execv('/bin/true', ['true'])",
        "posix.posix_spawn('/bin/true', ['true'], {})",
        "posix.kill(posix.getppid(), 9)",
        "posix.kill(1, 0)",
        "posix.killpg(0, 9)",
        "posix.open('/tmp/reached', posix.O_WRONLY | posix.O_CREAT)",
        "posix.unlink('/tmp/reached')",
        "posix.mkdir('/tmp/reached')",
        "posix.chmod('/tmp', 0o777)",
        "posix.pipe()",
        "posix.setuid(0)",
        "real['io'].open('/tmp/reached', 'w')",
        "real['_thread'].start_new_thread(show, ('x',))",
        "real['ctypes'].CDLL(None).socket(2, 1, 0)",
        "real['ctypes'].CDLL(None).mount(b'a', b'/mnt', b'tmpfs', 0, None)",
        "real['ctypes'].CDLL(None).ptrace(16, posix.getppid(), 0, 0)",
        "real['ctypes'].CDLL(None).process_vm_readv(posix.getppid(), 0, 0, 0, 0, 0)",
        "posix.dup2(3, 1)",
    ],
)
def test_whoever_leaves_the_dock_is_ended_and_told_of(attempt: str) -> None:
    seen = rehearsed(f"{REACH}try:\n    {attempt}\nexcept BaseException:\n    pass\nshow('hidden')")

    assert kinds(seen) == [FindingKind.FORBIDDEN]
    assert seen.error.startswith("ended: it tried to leave the dock")
    assert len(seen.error.splitlines()) == 1
    assert seen.text == ()


@pytest.mark.parametrize(
    "question",
    [
        "posix.open('/etc/passwd', posix.O_RDONLY)",
        "posix.open('/proc/self/environ', posix.O_RDONLY)",
        "posix.listdir('/')",
        "posix.stat('/')",
        "posix.getcwd()",
        "real['io'].open('/etc/passwd')",
        "real['resource'].setrlimit(9, (1 << 40, 1 << 40))",
    ],
)
def test_whoever_only_asks_is_refused(question: str) -> None:
    seen = rehearsed(
        f"{REACH}try:\n    {question}\nexcept OSError as error:\n    show(error.errno)"
    )

    assert (seen.error, seen.text) == ("", ("13",))


def test_nothing_of_the_station_is_in_the_child() -> None:
    os.environ["C4N4RY"] = "secret"
    try:
        seen = rehearsed(
            REACH + "show(sorted(posix.environ))\n"
            "foreign = {'PySide6', 'sqlalchemy', 'pydantic', 'cryptography', 'yaml', 'click'}\n"
            "Splashscreen().add_text_box(str(sorted(foreign & set(real))), {'x': 0, 'y': 0})\n"
            "keys = [one for one in real if one.startswith('station.') and 'keys' in one]\n"
            "Splashscreen().add_text_box(str(keys), {'x': 1, 'y': 0})\n"
        )
    finally:
        del os.environ["C4N4RY"]

    environment, foreign, keys = seen.text
    assert "C4N4RY" not in environment
    assert "PYTHONHASHSEED" in environment
    assert (foreign, keys) == ("[]", "[]")


def test_its_own_process_is_no_way_out() -> None:
    seen = rehearsed(REACH + "posix._exit(0)")

    assert kinds(seen) == [FindingKind.ENDED]
    assert seen.error == "ended: its process was ended (status 0)"


def test_a_lie_on_the_channel_is_found_out() -> None:
    seen = rehearsed(REACH + _LIE)

    assert kinds(seen) == [FindingKind.ENDED]
    assert "said what no application says" in seen.error


_LIE: Final = """\
kind = real["station.rehearsal.link"].Link
links = [one for one in real["gc"].get_objects() if type(one) is kind]
posix.write(links[0]._descriptor, b"GET / HTTP/1.1" + bytes(100))
"""


def test_without_the_library_nothing_is_run(tmp_path: Path) -> None:
    # The child finds another ctypes, which finds no library.
    (tmp_path / "ctypes.py").write_text(
        "class Structure: pass\nc_uint = c_int = c_uint64 = None\n"
        "def CDLL(*_, **__): raise OSError\n"
    )
    command = child_command()
    command = (
        *command[:-2],
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {command[-2]}",
        command[-1],
    )

    with pytest.raises(RehearsalImpossible, match=r"libseccomp\.so\.2 is missing"):
        rehearsed("pass", command)


def test_the_packaged_program_becomes_the_same_child() -> None:
    seen = rehearsed(
        REACH + "show(posix.getpid() > 0)", (sys.executable, "-m", "station", "rehearsal-child")
    )

    assert (seen.error, seen.text) == ("", ("True",))


def test_it_ends_with_its_parent() -> None:
    script = """
import os, signal
from tests.unit.rehearsal.stage import attend_until, begun, datastore
from station.bootstrap.rehearsal import child_command
from station.protocol.datastore_group import Running
held = datastore("while True: pass")
application = begun(child_command(), held, live=True)
attend_until(application, lambda: application.state is Running.RUNNING)
print(application._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )

    assert _dies(int(ended.stdout))


def _dies(pid: int) -> bool:
    """Whether this process, which is somebody else's, ends."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    waiting = select.poll()
    waiting.register(process, select.POLLIN)
    try:
        return bool(waiting.poll(PATIENCE_MS))
    finally:
        os.close(process)


def test_nothing_was_written() -> None:
    assert not os.path.lexists("/tmp/reached")
