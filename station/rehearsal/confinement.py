"""Takes from the child's own process everything an application must not reach, for good.

Called once, before any code of an application runs; nothing here can be undone afterwards, not
even by the superuser. What an interpreter needs to compute and to talk to its parent stays.
Harmless questions about files and the machine are refused with EACCES; every other system call
ends the process with SIGSYS, which the parent sees even where the code hides what it tried.
Source: docs/SPEC.md, "What is confined"; seccomp(2), libseccomp 2.5.
"""

import ctypes
import errno
import gc
import os
import resource
import signal
from typing import Any, Final

LIBRARY: Final = "libseccomp.so.2"
"""libseccomp makes the filter: system calls have other numbers on other processors."""

_KILL_PROCESS: Final = 0x80000000
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EACCES

_EQUAL: Final = 4
_MASKED_EQUAL: Final = 7

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38

_ALLOWED: Final = (
    # memory
    *("brk", "munmap", "mremap", "madvise"),
    # time
    *("clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep"),
    # the one thread and its signals
    *("futex", "sched_yield", "restart_syscall", "rt_sigprocmask", "rt_sigreturn"),
    *("getpid", "gettid", "getrandom"),
    # waiting for the parent
    *("poll", "ppoll", "select", "pselect6"),
    # the end
    *("exit", "exit_group"),
)

_REFUSED: Final = (
    # questions about files; an interpreter asks them by itself, as when it looks for a module
    *("stat", "lstat", "fstat", "newfstatat", "fstatat64", "statx", "statfs", "fstatfs"),
    *("access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd"),
    *("getdents", "getdents64", "lseek", "ioctl", "fcntl", "close"),
    # questions about the machine and the process
    *("uname", "sysinfo", "getrusage", "times", "getrlimit", "prlimit64", "sched_getaffinity"),
    *("getuid", "geteuid", "getgid", "getegid", "getppid", "getpgrp", "rt_sigaction"),
    *("sigaltstack", "getcpu"),
)

_WRITING: Final = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC
_EXECUTABLE: Final = 4
"""PROT_EXEC of mmap(2): code is what has been loaded before."""


class CannotConfine(Exception):
    """This machine lacks what confining takes; the one argument says what."""


def confine(channel: int, *, memory_bytes: int, processor_s: int | None) -> None:
    """Leave this process nothing but computing and the descriptor `channel`, which is above 2.

    memory_bytes: address space of the whole process. processor_s: None for no limit.
    Raises CannotConfine; then nothing may be run in it.
    """
    seccomp = _library()
    _demand(_libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL), "prctl")
    _demand(_libc().prctl(_PR_SET_DUMPABLE, 0), "prctl")
    # Asked for here and not left to libseccomp: without it an ordinary user may load no filter.
    _demand(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _close_all_but(channel)
    _set_limits(channel, memory_bytes, processor_s)
    gc.collect()  # what holds a descriptor lets go of it while that is still allowed
    _load(seccomp, channel)


def _close_all_but(channel: int) -> None:
    """Also descriptors nobody meant to pass on."""
    os.closerange(0, channel)
    os.closerange(channel + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def _set_limits(channel: int, memory_bytes: int, processor_s: int | None) -> None:
    def both(which: int, value: int) -> None:
        resource.setrlimit(which, (value, value))

    both(resource.RLIMIT_CORE, 0)
    both(resource.RLIMIT_FSIZE, 0)
    both(resource.RLIMIT_NPROC, 0)
    both(resource.RLIMIT_NOFILE, channel + 1)  # poll(2) wants at least as many as it is given
    both(resource.RLIMIT_AS, memory_bytes)
    if processor_s is not None:
        # SIGXCPU ends the process at the first, SIGKILL at the second.
        resource.setrlimit(resource.RLIMIT_CPU, (processor_s, processor_s + 1))


# -- the filter ----------------------------------------------------------------------------------


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`: argument number, operator, two operands."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def _equal(argument: int, value: int) -> _Comparison:
    return _Comparison(argument, _EQUAL, value, 0)


def _without(argument: int, bits: int) -> _Comparison:
    """None of these bits is set."""
    return _Comparison(argument, _MASKED_EQUAL, bits, 0)


class _Filter:
    """A filter that is being made; what no rule names ends the process."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._context = library.seccomp_init(_KILL_PROCESS)
        if not self._context:
            raise CannotConfine(f"{LIBRARY} makes no filter")

    def add(self, action: int, name: str, *where: _Comparison) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode("ascii"))
        if number < 0:
            return  # this processor has no such call
        comparisons = (_Comparison * len(where))(*where)
        _demand(
            self._library.seccomp_rule_add_array(
                self._context, action, number, len(where), comparisons
            ),
            f"the rule for {name}",
        )

    def load(self) -> None:
        _demand(self._library.seccomp_load(self._context), "seccomp")


def _load(library: Any, channel: int) -> None:
    made = _Filter(library)
    for name in _ALLOWED:
        made.add(_ALLOW, name)
    for name in ("read", "write"):
        made.add(_ALLOW, name, _equal(0, channel))
        for closed in range(3):  # a fatal fault of the interpreter writes its last words there
            made.add(_REFUSE, name, _equal(0, closed))
    for name in ("mmap", "mmap2", "mprotect"):
        made.add(_ALLOW, name, _without(2, _EXECUTABLE))
    # And then ends with SIGABRT, which tells it from an attempt to leave.
    made.add(_ALLOW, "tgkill", _equal(0, os.getpid()), _equal(2, signal.SIGABRT))
    for name in _REFUSED:
        made.add(_REFUSE, name)
    made.add(_REFUSE, "open", _without(1, _WRITING))
    made.add(_REFUSE, "openat", _without(2, _WRITING))
    made.load()


def _library() -> Any:
    try:
        library: Any = ctypes.CDLL(LIBRARY, use_errno=True)
        library.seccomp_init.argtypes = (ctypes.c_uint32,)
        library.seccomp_init.restype = ctypes.c_void_p
        library.seccomp_syscall_resolve_name.argtypes = (ctypes.c_char_p,)
        library.seccomp_rule_add_array.argtypes = (
            ctypes.c_void_p,
            ctypes.c_uint32,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.POINTER(_Comparison),
        )
        library.seccomp_load.argtypes = (ctypes.c_void_p,)
    except (OSError, AttributeError) as error:
        raise CannotConfine(f"the library {LIBRARY} is missing") from error
    return library


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _demand(result: int, what: str) -> None:
    """Raise CannotConfine unless `result` is success: libseccomp gives -errno, prctl -1."""
    if result != 0:
        number = ctypes.get_errno() if result == -1 else -result
        raise CannotConfine(f"{what}: {os.strerror(number)}")
