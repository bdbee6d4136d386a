"""The language an application of a dock is written in: its builtins, its modules, its one file.

Python runs it, with the names of a dock and no others. This is no border against an attacker: who
looks long enough finds a way from any value to all of Python. The border is the process
(`confinement.py`); the world made here is for honest code, which must meet on the bench what it
will meet on the dock.

Files, a console and an input are not there: OSError. What is printed is counted and lost, for it
may hold values of the datastore.
Source: dock-sdk.md, 2.7 and 2.8.
"""

import ast
import builtins
import errno
import warnings
from collections.abc import Mapping, Sequence
from types import CodeType, ModuleType
from typing import Any, Final, NoReturn

from station.domain.entries import APPLICATION_NAME
from station.domain.rehearsal import FindingKind
from station.rehearsal.absences import absences
from station.rehearsal.machine import Machine
from station.rehearsal.sdk.frames import here
from station.rehearsal.sdk.modules import dock_modules
from station.rehearsal.traces import trace

__all__ = ["run", "trace"]

_FUNCTIONS: Final = (
    "abs all any bin bool bytearray bytes callable chr classmethod compile complex delattr dict dir"
    " divmod enumerate eval exec filter float frozenset getattr globals hasattr hash hex id int"
    " isinstance issubclass iter len list locals map max memoryview min next object oct ord pow"
    " property range repr reversed round set setattr slice sorted staticmethod str sum super tuple"
    " type zip"
)
"""Builtins that are Python's own; `input`, `open` and `print` are not."""

_EXCEPTIONS: Final = (
    "AssertionError AttributeError Exception ImportError IndexError KeyboardInterrupt KeyError"
    " MemoryError NameError NotImplementedError OSError RuntimeError StopIteration SyntaxError"
    " SystemExit TypeError ValueError ZeroDivisionError"
)

_ALSO: Final = "NotImplemented __build_class__"


def run(code: bytes, machine: Machine) -> None:
    """Run an application up to the end of its last line; the rest it has asked `machine` to do.

    code: the bytes of its file, UTF-8. Raises whatever it raises, a SyntaxError of its own too.
    What it asks for that a dock lacks is told of before it runs.
    """
    modules = dock_modules(machine)
    names = dock_builtins(machine, modules)
    program, absent = _compiled(code, modules, names)
    for what in absent:
        machine.found(FindingKind.NOT_ON_DOCK, f"{APPLICATION_NAME}, {what}")
    exec(program, {"__name__": "__main__", "__builtins__": names})  # noqa: S102 -- the purpose


def dock_builtins(machine: Machine, modules: Mapping[str, ModuleType]) -> dict[str, Any]:
    """Everything that has a name without an import."""

    def dock_import(
        name: str,
        globals: object = None,  # noqa: A002 -- Python's own names of them
        locals: object = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        module = None if level else modules.get(name)
        if module is None:
            machine.found(FindingKind.NOT_ON_DOCK, f"{here()}: import {'.' * level}{name}")
            raise ImportError(f"no module named '{name}'")
        for wanted in fromlist or ():
            if wanted != "*" and not hasattr(module, wanted):
                machine.found(FindingKind.NOT_ON_DOCK, f"{here()}: {name}.{wanted}")
                raise ImportError(f"can't import name {wanted}")
        return module

    def dock_print(*values: object, sep: str = " ", end: str = "\n", file: Any = None) -> None:
        text = sep.join(map(str, values)) + end
        if file is None:
            machine.called("print", f"{len(text):,} characters")
        else:
            file.write(text)

    def dock_input(prompt: object = "") -> NoReturn:
        raise OSError(errno.ENODEV, "ENODEV")

    own = {
        "__import__": dock_import,
        "input": dock_input,
        "open": modules["io"].open,
        "print": dock_print,
    }
    shared = f"{_FUNCTIONS} {_EXCEPTIONS} {_ALSO}".split()
    return {**{name: getattr(builtins, name) for name in shared}, **own}


def _compiled(
    code: bytes, modules: Mapping[str, ModuleType], names: Mapping[str, object]
) -> tuple[CodeType, Sequence[str]]:
    """The program, and what it asks for in vain. Raises SyntaxError."""
    try:
        source = code.decode("utf-8")
    except UnicodeDecodeError as error:
        line = code[: error.start].count(b"\n") + 1
        raise SyntaxError("invalid UTF-8", (APPLICATION_NAME, line, None, None)) from error
    if "\0" in source:
        line = source[: source.index("\0")].count("\n") + 1
        raise SyntaxError("a zero octet", (APPLICATION_NAME, line, None, None))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a dock has nobody to warn
        tree = _without_annotations(ast.parse(source, APPLICATION_NAME))
        program = compile(tree, APPLICATION_NAME, "exec", dont_inherit=True)
    offered = {name: vars(module) for name, module in modules.items()}
    return program, tuple(absences(tree, modules=offered, known=names))


def _without_annotations(tree: ast.Module) -> ast.Module:
    """MicroPython reads them and forgets them; Python would evaluate what they say."""
    for node in ast.walk(tree):
        match node:
            case ast.arg():
                node.annotation = None
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                node.returns = None
            case ast.AnnAssign():
                node.annotation = ast.copy_location(ast.Constant(None), node)
    return tree
