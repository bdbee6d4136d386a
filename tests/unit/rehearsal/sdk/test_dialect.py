"""The world of an application: builtins, one file, nothing else (dock-sdk.md, 2.7 and 2.8)."""

import builtins
from typing import Any

import pytest

from station.domain.rehearsal import Finding, FindingKind
from station.rehearsal import dialect
from station.rehearsal.sdk.modules import dock_modules
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import run

FUNCTIONS = (
    "abs all any bin bool bytearray bytes callable chr classmethod compile complex delattr dict dir"
    " divmod enumerate eval exec filter float frozenset getattr globals hasattr hash hex id input"
    " int isinstance issubclass iter len list locals map max memoryview min next object oct open"
    " ord pow print property range repr reversed round set setattr slice sorted staticmethod str"
    " sum super tuple type zip"
)
CONSTANTS = "NotImplemented"
EXCEPTIONS = (
    "AssertionError AttributeError Exception ImportError IndexError KeyboardInterrupt KeyError"
    " MemoryError NameError NotImplementedError OSError RuntimeError StopIteration SyntaxError"
    " SystemExit TypeError ValueError ZeroDivisionError"
)
DOCUMENTED = f"{FUNCTIONS} {CONSTANTS} {EXCEPTIONS}".split()
"""As dock-sdk.md, 2.7, has them; True, False and None are no names."""

SHOW = """
from splashscreen import Splashscreen
def show(*values):
    Splashscreen().add_text_box([str(value) for value in values])
"""


def shown(code: str, **arguments: Any) -> list[str]:
    """What an application has shown with `show`, one after another."""
    machine = run(SHOW + code, **arguments)
    return machine.texts()[0].split("\n")


def test_2_7_the_builtins_are_the_documented_ones_and_what_statements_need() -> None:
    machine = FakeMachine()
    offered = dialect.dock_builtins(machine, dock_modules(machine))

    assert set(offered) == {*DOCUMENTED, "__build_class__", "__import__"}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_2_7_a_documented_name_can_be_used(name: str) -> None:
    assert run(f"x = {name}\ndef f(): return {name}\nf()").findings == []


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name in dir(builtins)
        if not name.startswith("_")
        and name not in DOCUMENTED
        and name not in {"True", "False", "None"}
    ),
)
def test_2_7_any_other_name_of_pythons_is_a_name_error(name: str) -> None:
    machine = FakeMachine()
    with pytest.raises(NameError):
        run(name, machine=machine)

    assert machine.findings == [Finding(FindingKind.NOT_ON_DOCK, f"main.py, line 1: {name}")]


def test_2_8_the_application_is_the_main_module() -> None:
    assert shown("show(__name__)") == ["__main__"]


def test_2_8_classes_closures_and_generators_are_pythons() -> None:
    code = """
class A:
    def f(self):
        return "A"
class B(A):
    def __init__(self):
        super().__init__()
    def f(self):
        return super().f() + __class__.__name__
def counter():
    n = 0
    def count():
        nonlocal n
        n += 1
        return n
    return count
def squares():
    for n in range(3):
        yield n * n
count = counter()
count()
show(B().f(), count(), list(squares()), [x for x in "ab" if x], {1: 2}, f"{3:02}")
"""

    assert shown(code) == ["AB", "2", "[0, 1, 4]", "['a', 'b']", "{1: 2}", "03"]


def test_2_7_names_of_the_application_are_its_globals() -> None:
    code = """
a = 1
def f(b):
    c = 3
    return sorted(locals())
show(globals()["a"], "show" in dir(), f(2))
"""

    assert shown(code) == ["1", "True", "['b', 'c']"]


@pytest.mark.parametrize(
    "code",
    [
        "exec('import os')",
        "exec('import os', {})",
        "exec(compile('import os', 'x', 'exec'), {'a': 1}, {})",
        "eval('__import__(\"os\")')",
        "__import__('os')",
        "def f(): exec('import os', {})\nf()",
    ],
)
def test_2_7_what_is_evaluated_lives_in_the_same_world(code: str) -> None:
    with pytest.raises(ImportError):
        run(code)


@pytest.mark.parametrize("code", ["eval('vars')", "exec('vars', {})"])
def test_2_7_names_are_missing_there_too(code: str) -> None:
    with pytest.raises(NameError):
        run(code)


@pytest.mark.parametrize("code", ["input()", "input('name')", "open('x')", "open('/etc/passwd')"])
def test_2_7_there_is_no_console_and_no_file(code: str) -> None:
    with pytest.raises(OSError):
        run(code)


def test_what_is_printed_is_counted_and_not_told() -> None:
    machine = run("print('secret', 5, sep='-', end='')\nprint()")

    assert machine.calls == [("print", "8 characters"), ("print", "1 characters")]


def test_2_7_printing_into_a_stream_is_possible() -> None:
    assert shown(
        "import io\ns = io.StringIO()\nprint('a', 1, file=s)\nshow(repr(s.getvalue()))"
    ) == [r"'a 1\n'"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (b"x = '\xc3\xa4'", "ä"),
        (b"# -*- coding: latin-1 -*-\nx = '\xc3\xa4'", "ä"),
        (b"x = '''a\r\nb'''\r\n", "a\nb"),
        (b"x = 'no end of line'", "no end of line"),
    ],
)
def test_2_8_the_bytes_of_the_file_are_utf_8_whatever_they_say(code: bytes, text: str) -> None:
    machine = FakeMachine()
    dialect.run(
        code + b"\nfrom splashscreen import Splashscreen\nSplashscreen().add_text_box(x)\n", machine
    )

    assert machine.texts() == [text]


def test_q16_annotations_are_read_and_forgotten() -> None:
    code = """
        class Screen:
            title: Text
            lines: Lines = 5
            def next(self: Screen, *more: Screen, **last: Screen) -> Screen:
                found: ConnectionError = self.lines
                return found
        async def later() -> Screen: pass
        x: Screen = Screen().next()
        import usb
        usb.find() if x == 5 else 1 / 0
        """

    assert run(code).findings == []


def test_python_warns_nobody() -> None:
    assert run(r"x = '\d' is 5").findings == []


def test_what_it_asks_for_in_vain_is_told_before_it_runs() -> None:
    machine = FakeMachine()
    with pytest.raises(ZeroDivisionError):
        run("1 / 0\n'a'.casefold()\nimport os", machine=machine)

    assert machine.findings == [
        Finding(FindingKind.NOT_ON_DOCK, "main.py, line 2: attribute casefold"),
        Finding(FindingKind.NOT_ON_DOCK, "main.py, line 3: import os"),
    ]


def test_two_applications_share_no_names() -> None:
    run("import json\njson.mine = 1\nlist_of = 1")
    with pytest.raises(AttributeError):
        run("import json\njson.mine")
    with pytest.raises(NameError):
        run("list_of")
