"""What the source of an application asks of a dock that a dock does not have.

Found by reading, not by running: so a line that no rehearsal reaches, such as the handling of a
rare error, is seen, too. Here Python itself would go on where a dock raises; a line that is named
may nevertheless be right, if the code asks first whether a dock can do it.

Modules and their names are the SDK's. For builtins the SDK's list counts. Of methods and syntax
the SDK says nothing but that its language is MicroPython's, of an unstated version (Q16): here
counts what even a MicroPython 1.27 with everything switched on does not have, tried out one by
one, and agreeing with what its documentation says it differs in.
Source: dock-sdk.md, 2.7 and Q16; MicroPython, "Differences from CPython".
"""

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

MISSING_ATTRIBUTES: Final = frozenset(
    (
        # text and octets
        *("capitalize", "casefold", "expandtabs", "format_map", "isalnum", "isascii"),
        *("isdecimal", "isidentifier", "isnumeric", "isprintable", "istitle", "ljust"),
        *("maketrans", "removeprefix", "removesuffix", "rjust", "swapcase", "title"),
        *("translate", "zfill"),
        # numbers
        *("as_integer_ratio", "bit_count", "bit_length", "conjugate", "is_integer"),
        # views and streams
        *("cast", "getbuffer", "nbytes", "readlines", "tobytes", "tolist", "toreadonly"),
        *("truncate", "writelines"),
        # exceptions
        *("__cause__", "__context__", "__traceback__", "add_note", "with_traceback"),
        # functions and classes
        *("__annotations__", "__closure__", "__defaults__", "__doc__", "__mro__"),
        "__subclasses__",
    )
)
"""Attributes of Python's own types that no type of MicroPython has."""


def absences(
    tree: ast.Module, *, modules: Mapping[str, Collection[str]], known: Collection[str]
) -> Iterator[str]:
    """What a source asks for in vain, in the order of its lines, as `line N: what`.

    modules: the names each of a dock's modules has. known: its builtins.
    """
    own = _Own.of(tree)
    found = {
        (node.lineno, what)
        for node in ast.walk(tree)
        for what in _absent(node, own, modules, known)
        if isinstance(node, ast.stmt | ast.expr | ast.ExceptHandler)
    }
    for line, what in sorted(found):
        yield f"line {line}: {what}"


@dataclass(slots=True)
class _Own:
    """What a source makes by itself. names: bound anywhere. attributes: set, or methods of its
    classes. modules: names that stand for a module, and nothing else."""

    names: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    modules: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: ast.Module) -> "_Own":
        own = cls()
        for node in ast.walk(tree):
            own._take(node)
        for name in own.names:
            own.modules.pop(name, None)
        return own

    def _take(self, node: ast.AST) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    self.modules[alias.asname or alias.name] = alias.name
            case ast.ImportFrom():
                self.names.update(alias.asname or alias.name for alias in node.names)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                self.names.add(name)
                self.attributes.add(name)  # it may stand in the body of a class
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self.names.add(name)
                self.attributes.add(name)
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                self.names.add(name)
            case ast.ExceptHandler(name=str(name)):
                self.names.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()):
                self.attributes.add(name)


def _absent(
    node: ast.AST,
    own: _Own,
    modules: Mapping[str, Collection[str]],
    known: Collection[str],
) -> Iterator[str]:
    match node:
        case ast.Import():
            for alias in node.names:
                if alias.name not in modules:
                    yield f"import {alias.name}"
        case ast.ImportFrom():
            yield from _absent_from(node, modules)
        case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in own.modules:
            module = own.modules[name]
            if attribute not in modules.get(module, {attribute}) and not _is_dunder(attribute):
                yield f"{module}.{attribute}"
        case ast.Attribute(attr=attribute, ctx=ast.Load()):
            if attribute in MISSING_ATTRIBUTES - own.attributes:
                yield f"attribute {attribute}"
        case ast.Name(id=name, ctx=ast.Load()):
            bound = name in own.names or name in own.modules
            if not bound and name not in known and hasattr(builtins, name):
                yield name
        case _:
            yield from _absent_syntax(node)


def _absent_from(node: ast.ImportFrom, modules: Mapping[str, Collection[str]]) -> Iterator[str]:
    module = "." * node.level + (node.module or "")
    if module not in modules:
        yield f"import {module}"
        return
    for alias in node.names:
        if alias.name != "*" and alias.name not in modules[module]:
            yield f"{module}.{alias.name}"


def _absent_syntax(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Match():
            yield "match statement"
        case ast.TryStar():
            yield "except*"
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if node.args.posonlyargs:
            yield "positional-only parameters"
        case ast.ClassDef(keywords=[_, *_]):
            yield "keywords of a class"
        case ast.Dict(keys=keys) if None in keys:
            yield "** in a dict display"
        case ast.List(ctx=ast.Load(), elts=items) | ast.Tuple(ctx=ast.Load(), elts=items):
            yield from _unpacking(items)
        case ast.Set(elts=items):
            yield from _unpacking(items)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            if any(part.is_async for part in node.generators):
                yield "asynchronous comprehension"


def _unpacking(items: list[ast.expr]) -> Iterator[str]:
    if any(isinstance(item, ast.Starred) for item in items):
        yield "* in a display"


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
