"""Code in a confined process has the real `os` in its hands, and still gets nowhere.

Every case is a process of its own that confines itself and then runs the code, as any user and as
the superuser alike: these tests do not care who they are run by.
"""

import errno
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[3]

MEMORY_BYTES: Final = 512 * 1024 * 1024

PROGRAM: Final = f"""
import ctypes, errno, mmap, os, resource, select, signal, socket, subprocess, sys, time, traceback
sys.path.insert(0, sys.argv[2])
from station.rehearsal.confinement import confine
link = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
confine(link, memory_bytes={MEMORY_BYTES}, processor_s=int(sys.argv[4]))
def say(*words):
    os.write(link, (" ".join(map(str, words)) + chr(10)).encode())
say("confined")
try:
    exec(sys.argv[3])
    say("survived")
except OSError as error:
    say("refused", error.errno)
except BaseException as error:
    say("raised", type(error).__name__)
os._exit(7)
"""


@dataclass(frozen=True)
class Ending:
    """said: after it was confined. status: negative for a signal."""

    said: list[str]
    status: int


SURVIVED: Final = Ending(["survived"], 7)
REFUSED: Final = Ending([f"refused {errno.EACCES}"], 7)
KILLED: Final = Ending([], -signal.SIGSYS)


def ending(code: str, *passed_on: int, processor_s: int = 1) -> Ending:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-s",
                "-S",
                "-c",
                PROGRAM,
                str(theirs.fileno()),
                ROOT,
                code,
                str(processor_s),
            ],
            pass_fds=(theirs.fileno(), *passed_on),
            stdin=subprocess.DEVNULL,
            cwd="/",
            env={},
        )
        theirs.close()
        said = b""
        while data := ours.recv(4096):
            said += data
        status = process.wait()
    first, *more = said.decode().splitlines()
    assert first == "confined"
    return Ending(more, status)


def test_computing_goes_on() -> None:
    code = "x = sorted(str(n) for n in range(100_000)); time.monotonic(); time.sleep(0.001)"

    assert ending(code) == SURVIVED


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket()",
        "socket.socketpair()",
        "socket.socket(socket.AF_UNIX)",
        "os.fork()",
        "os.system('true')",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "subprocess.run(['/bin/true'])",
        "os.execv('/bin/true', ['true'])",
        "__import__('_thread').start_new_thread(print, ())",
        "os.kill(1, 0)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os.open('/tmp/confined', os.O_WRONLY | os.O_CREAT)",
        "os.open('/dev/null', os.O_RDWR)",
        "open('/tmp/confined', 'w')",
        "os.mkdir('/tmp/confined')",
        "os.unlink('/tmp/confined')",
        "os.rename('/tmp/a', '/tmp/b')",
        "os.chmod('/tmp', 0o777)",
        "os.chdir('/tmp')",
        "os.symlink('/tmp', '/tmp/confined')",
        "os.pipe()",
        "os.memfd_create('x')",
        "os.setuid(0)",
        "os.nice(1)",
        "os.sched_setaffinity(0, {0})",
        "os.eventfd(0)",
        "os.pidfd_open(os.getpid())",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
        "libc.ptrace(0, 0, 0, 0)",
        "libc.mount(b'a', b'/mnt', b'tmpfs', 0, None)",
        "libc.prctl(22, 0)",
        "libc.chroot(b'/')",
        "libc.unshare(0x20000)",
        "libc.syscall(425, 8, None)",
        "libc.syscall(0x40000000 | 41, 1, 1, 0)",
        "libc.reboot(0)",
    ],
)
def test_whoever_leaves_is_ended_at_once(code: str) -> None:
    hidden = f"try: {code}\nexcept BaseException: pass"

    assert ending(hidden) == KILLED


@pytest.mark.parametrize(
    "code",
    [
        "os.open('/etc/passwd', os.O_RDONLY)",
        "open('/proc/self/environ')",
        "os.stat('/')",
        "os.listdir('/')",
        "os.getcwd()",
        "os.readlink('/proc/self/exe')",
        "os.uname()",
        "os.fstat(link)",
        "os.write(2, b'x')",
        "os.read(0, 1)",
        "os.close(link)",
        "os.set_blocking(link, False)",
        "os.sched_getaffinity(0)",
    ],
)
def test_a_harmless_question_is_refused(code: str) -> None:
    assert ending(code) == REFUSED


@pytest.mark.parametrize("code", ["import decimal", "import ensurepip"])
def test_nothing_more_can_be_loaded(code: str) -> None:
    assert ending(code) == Ending(["raised ModuleNotFoundError"], 7)


def test_there_is_no_descriptor_but_the_link_not_even_one_that_was_passed_on() -> None:
    code = """
def is_open(number):
    waiting = select.poll()
    waiting.register(number, select.POLLOUT)
    return waiting.poll(0) != [(number, select.POLLNVAL)]
say(*(number - link for number in range(1024) if is_open(number)))
"""
    reader, writer = os.pipe()
    try:
        said = ending(code, reader, writer).said
    finally:
        os.close(reader)
        os.close(writer)

    assert said == ["0", "survived"]


@pytest.mark.parametrize(
    "code", ["bytearray(1 << 30)", "held = []\nwhile True: held.append(bytearray(1 << 20))"]
)
def test_memory_ends_in_an_exception(code: str) -> None:
    # Filling half a gigabyte takes a busy machine more than the second the other cases have.
    assert ending(code, processor_s=60) == Ending(["raised MemoryError"], 7)


def test_limits_cannot_be_raised_again() -> None:
    for code in (
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
        "resource.setrlimit(resource.RLIMIT_CPU, (100, 100))",
    ):
        assert ending(code).said[0] != "survived"
        assert ending(code + "\nbytearray(1 << 30)").said[0] != "survived"


def test_an_endless_loop_meets_its_limit_of_processor_time() -> None:
    assert ending("while True: pass") == Ending([], -signal.SIGXCPU)


def test_whoever_ignores_the_first_signal_meets_the_second() -> None:
    # The handler cannot even be set: what sets it is refused.
    code = "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"

    assert ending(code).said == [f"refused {errno.EACCES}"]


def test_a_fatal_fault_of_the_interpreter_is_no_attempt_to_leave() -> None:
    assert ending("os.abort()") == Ending([], -signal.SIGABRT)
    assert ending("ctypes.string_at(0)") == Ending([], -signal.SIGSEGV)


def test_nothing_was_written() -> None:
    assert not os.path.lexists("/tmp/confined")
