"""The trace of an exception as a dock shows it (dock-sdk.md, 2.8).

Every expected trace is what MicroPython 1.27 prints for the same lines, with another file name.
"""

import pytest

from station.rehearsal import dialect
from station.rehearsal.sdk.io import io_names
from tests.fakes.machine import FakeMachine
from tests.unit.rehearsal.sdk.desk import run


def trace_of(code: str) -> str:
    """What the splash shows of an application that fails, now or in a timer."""
    with pytest.raises(BaseException) as raised:
        run(code, until_ms=60_000)
    return dialect.trace(raised.value)


def told(code: str) -> str:
    """The last line."""
    return trace_of(code).splitlines()[-1]


def test_2_8_a_trace_names_the_applications_lines() -> None:
    code = """
        def f():
            g()
        def g():
            raise KeyError("x")
        f()
        """

    assert trace_of(code) == (
        "Traceback (most recent call last):\n"
        '  File "main.py", line 6, in <module>\n'
        '  File "main.py", line 3, in f\n'
        '  File "main.py", line 5, in g\n'
        "KeyError: x"
    )


def test_2_8_functions_without_a_name_classes_and_methods_have_their_names_in_it() -> None:
    code = (
        "class A:\n    def f(self):\n        return (lambda: q)()\n    class B:\n        A().f()\n"
    )

    assert trace_of(code.replace("    class B:\n        A().f()\n", "A().f()")) == (
        "Traceback (most recent call last):\n"
        '  File "main.py", line 4, in <module>\n'
        '  File "main.py", line 3, in f\n'
        '  File "main.py", line 3, in <lambda>\n'
        "NameError: name 'q' isn't defined"
    )
    assert trace_of("class A:\n    q") == (
        "Traceback (most recent call last):\n"
        '  File "main.py", line 1, in <module>\n'
        '  File "main.py", line 2, in A\n'
        "NameError: name 'q' isn't defined"
    )


def test_2_8_nothing_of_the_modules_below_is_in_it() -> None:
    code = """
        import datastore
        from wakeup import wakeup
        def later():
            datastore.ImageStore().get("nothing")
        timer = wakeup(later, 10)
        """

    assert trace_of(code) == (
        'Traceback (most recent call last):\n  File "main.py", line 5, in later\nKeyError: nothing'
    )


def test_2_8_a_task_that_cannot_be_called_so_has_no_line_of_its_own() -> None:
    code = "from wakeup import wakeup\ntimer = wakeup(lambda x: x, 10)"

    assert trace_of(code).splitlines()[0] == "Traceback (most recent call last):"
    assert len(trace_of(code).splitlines()) == 2
    assert told(code).startswith("TypeError: <lambda>() missing 1 required positional argument")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("x = (\n1\n2", 1),
        ("x = 1\n  y = 2", 2),
        ("x = 1\ndef f(:\n    pass", 2),
        ("x = 1\nx = \ufeff2", 2),
        ("if True:\npass", 2),
        ("x = 1\n# \0", 2),
    ],
)
def test_2_8_a_syntax_error_names_its_line_and_no_function(code: str, line: int) -> None:
    first, second, third = trace_of(code).splitlines()

    assert first == "Traceback (most recent call last):"
    assert second == f'  File "main.py", line {line}'
    assert third.startswith(("SyntaxError: ", "IndentationError: "))


def test_2_8_octets_that_are_no_text_are_a_syntax_error() -> None:
    with pytest.raises(SyntaxError) as raised:
        dialect.run(b"x = 1\ny = '\xff'\n", FakeMachine())

    assert dialect.trace(raised.value) == (
        'Traceback (most recent call last):\n  File "main.py", line 2\nSyntaxError: invalid UTF-8'
    )


def test_2_8_what_an_application_compiles_itself_is_named_as_it_says() -> None:
    assert trace_of('exec("1/0")') == (
        "Traceback (most recent call last):\n"
        '  File "main.py", line 1, in <module>\n'
        '  File "<string>", line 1, in <module>\n'
        "ZeroDivisionError: division by zero"
    )
    first, second, third, last = trace_of('exec("1 +")').splitlines()
    assert (second, third) == ('  File "main.py", line 1, in <module>', '  File "<string>", line 1')
    assert last.startswith("SyntaxError: ")
    assert first.startswith("Traceback")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("raise ValueError", "ValueError: "),
        ("raise ValueError(1, 2)", "ValueError: (1, 2)"),
        ("raise ValueError('a\\nb')", "b"),
        ("{}['k']", "KeyError: k"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: "),
        ("raise StopIteration(3)", "StopIteration: 3"),
        ("assert 0, 'm'", "AssertionError: m"),
        ("assert 0", "AssertionError: "),
        ("x", "NameError: name 'x' isn't defined"),
        ("raise NameError('own')", "NameError: own"),
        ("raise SyntaxError('own')", "SyntaxError: own"),
        ("import nope", "ImportError: no module named 'nope'"),
        ("from json import nope", "ImportError: can't import name nope"),
        ("raise OSError(2, 'ENOENT')", "OSError: [Errno 2] ENOENT"),
        ("open('x')", "OSError: [Errno 2] ENOENT"),
        ("class E(Exception):\n    pass\nraise E('a', 'b')", "E: ('a', 'b')"),
        (
            "class E(Exception):\n    def __str__(self): return 'mine'\nraise E(4)",
            "E: 4",
        ),
        ("import hashlib\nh = hashlib.sha1()\nh.digest()\nh.digest()", "ValueError: hash is final"),
        (
            "import i2c\ni2c.I2C(0)",
            "I2cError: (1, 'Invalid bus ID')",
        ),
        (
            "import mqtt\nmqtt.MqttClient('x://y', 'z')",
            'MqttError: (-14, "Bad scheme of the broker\'s URL")',
        ),
    ],
)
def test_2_8_the_last_line_is_name_and_arguments(code: str, line: str) -> None:
    assert told(code) == line


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("def f(n): return f(n)\nf(1)", "RuntimeError"),
        ("def f():\n    x\n    x = 1\nf()", "NameError"),
        ("b'\\xff'.decode()", "UnicodeError"),
        ("import json\njson.loads('{')", "ValueError"),
        ("1e400 and int(1e400)", "OverflowError"),
        ("''.encode('nope')", "LookupError"),
        ("raise NotImplementedError", "NotImplementedError"),
    ],
)
def test_2_8_an_exception_micropython_lacks_has_the_name_of_the_one_above(
    code: str, name: str
) -> None:
    assert told(code).startswith(f"{name}: ")


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise ValueError('x')",
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e",
    ],
)
def test_2_8_causes_and_contexts_are_not_shown(code: str) -> None:
    assert trace_of(code) == (
        'Traceback (most recent call last):\n  File "main.py", line 4, in <module>\nValueError: x'
    )


@pytest.mark.parametrize("method", ["raise ValueError", "raise SystemExit", "return 5"])
def test_2_8_whatever_an_argument_does_there_is_a_trace(method: str) -> None:
    code = f"class A:\n    def __str__(self): {method}\nraise ValueError(A())"

    assert told(code) == "ValueError: ?"


def test_an_exception_of_ours_has_a_trace_without_lines() -> None:
    with pytest.raises(OSError) as raised:
        io_names()["open"]("x")

    assert dialect.trace(raised.value) == (
        "Traceback (most recent call last):\nOSError: [Errno 2] ENOENT"
    )


def test_an_exception_that_ends_every_python_has_its_name_too() -> None:
    assert dialect.trace(GeneratorExit()).endswith("\nGeneratorExit: ")
    assert (
        dialect.trace(BaseExceptionGroup("x", [KeyboardInterrupt()]))
        .splitlines()[-1]
        .startswith("BaseException: ")
    )
