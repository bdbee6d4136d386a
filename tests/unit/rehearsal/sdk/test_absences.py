"""What a source asks for that a dock lacks, found without running it (dock-sdk.md, 2.7 and Q16)."""

import ast
from textwrap import dedent

import pytest

from station.rehearsal.absences import absences

MODULES = {"json": {"loads", "dumps", "__name__"}, "time": {"time"}, "wakeup": {"wakeup"}}
KNOWN = {"print", "len", "str", "int", "Exception", "OSError"}


def missing(code: str) -> list[str]:
    tree = ast.parse(dedent(code))
    return list(absences(tree, modules=MODULES, known=KNOWN))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os", ["line 1: import os"]),
        ("import json, re as regular", ["line 1: import re"]),
        ("import json.decoder", ["line 1: import json.decoder"]),
        ("from collections import deque", ["line 1: import collections"]),
        ("from json import JSONDecodeError, loads", ["line 1: json.JSONDecodeError"]),
        ("from json import *", []),
        ("from . import json", ["line 1: import ."]),
        ("from .json import loads", ["line 1: import .json"]),
        ("from __future__ import annotations", ["line 1: import __future__"]),
    ],
)
def test_2_7_imports_in_vain(code: str, expected: list[str]) -> None:
    assert missing(code) == expected


def test_2_7_names_that_a_module_lacks_even_where_no_rehearsal_comes() -> None:
    code = """
        import json
        import json as j
        import time
        try:
            json.loads("x")
        except json.JSONDecodeError:
            j.detect_encoding("x")
        json.__name__, json.__file__, time.time()
        def f(time):
            return time.anything
        """

    assert missing(code) == ["line 7: json.JSONDecodeError", "line 8: json.detect_encoding"]


def test_2_7_attributes_of_an_unknown_module_are_told_of_once_by_its_import() -> None:
    assert missing("import os\nos.path.join('a')") == ["line 1: import os"]


@pytest.mark.parametrize(
    "code", ["vars()", "format(5)", "def f():\n    return vars(f)", "except_ = ConnectionError"]
)
def test_2_7_builtins_of_pythons_that_a_dock_lacks(code: str) -> None:
    assert len(missing(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "print(len(str()))",
        "format = 5\nformat",
        "def format(x): pass\nformat(5)",
        "def f(vars): return vars",
        "lambda vars: vars",
        "class format: pass\nformat()",
        "from json import loads as format\nformat(5)",
        "import time as vars\nvars.time()",
        "for vars in []: vars",
        "with open_ as vars: vars",
        "try: pass\nexcept OSError as vars: vars",
        "[vars for vars in []]",
        "if (vars := 5): vars",
        "undefined",
        "x.format",
    ],
)
def test_2_7_names_of_its_own_are_not_told_of(code: str) -> None:
    assert missing(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "'a'.removeprefix('b')",
        "x.casefold()",
        "str.title",
        "'5'.zfill(3)",
        "b'a'.translate(None)",
        "(5).bit_length()",
        "memoryview_.tobytes()",
        "error.__traceback__",
        "f.__doc__",
    ],
)
def test_q16_attributes_that_no_micropython_has(code: str) -> None:
    assert [one.split(" ")[2] for one in missing(code)] == ["attribute"]


@pytest.mark.parametrize(
    "code",
    [
        "'a'.upper().center(5).encode()",
        "b'a'.hex()",
        "'{}'.format(5)",
        "'a'.partition(',')",
        "(5).to_bytes(2, 'big')",
        "class A:\n    def title(self): pass\nA().title()",
        "class A:\n    title = 5\nA.title",
        "class A:\n    def __init__(self): self.title = 5\nA().title",
        "x.title = 5",
        "del x.title",
        "class A:\n    async def title(self): pass\nA().title",
    ],
)
def test_q16_attributes_that_are_there_or_its_own(code: str) -> None:
    assert missing(code) == []


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("match x:\n    case 1: pass", "match statement"),
        ("try: pass\nexcept* OSError: pass", "except*"),
        ("def f(a, /, b): pass", "positional-only parameters"),
        ("async def f(a, /, b): pass", "positional-only parameters"),
        ("lambda a, /: a", "positional-only parameters"),
        ("class A(metaclass=B): pass", "keywords of a class"),
        ("{**x, 'a': 1}", "** in a dict display"),
        ("[*a, *b]", "* in a display"),
        ("(*a, 1)", "* in a display"),
        ("{*a}", "* in a display"),
        ("async def f(): return [x async for x in y]", "asynchronous comprehension"),
    ],
)
def test_q16_syntax_that_no_micropython_has(code: str, what: str) -> None:
    assert missing(code) == [f"line 1: {what}"]


@pytest.mark.parametrize(
    "code",
    [
        "a, *b = c",
        "[a, *b] = c",
        "f(*a, **b)",
        "def f(*a, b=1, **c): pass",
        "async def f():\n    async with x: pass\n    await y",
        "(a := 5)",
        "x: int = 5",
        "f'{x!r:>{width}}'",
        "class A(B): pass",
        "{'a': 1}, {1}, [2], (3,)",
        "[x for x in y], {x: 1 for x in y}, {x for x in y}, (x for x in y)",
        "@decorated\ndef f() -> int: pass",
        "raise OSError from error",
        "def f():\n    yield from x",
    ],
)
def test_q16_syntax_that_micropython_has(code: str) -> None:
    assert missing(code) == []


def test_what_is_missing_is_told_line_by_line() -> None:
    code = """
        x.title()
        import os
        import re; vars()
        """

    assert missing(code) == [
        "line 2: attribute title",
        "line 3: import os",
        "line 4: import re",
        "line 4: vars",
    ]
