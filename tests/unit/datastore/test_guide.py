"""The guide made executable: its examples run in their order and print what it says."""

import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "datastore.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> Iterator[tuple[int, str, str]]:
    """Line, code and expected output of each example."""
    guide = GUIDE.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(guide))
    for index, block in enumerate(blocks):
        if block[1] == "python":
            following = blocks[index + 1] if index + 1 < len(blocks) else None
            output = following[2] if following is not None and following[1] == "text" else ""
            yield guide[: block.start(2)].count("\n"), block[2], output


def test_every_example_of_the_guide_prints_what_it_says() -> None:
    scope: dict[str, object] = {"__name__": "guide"}
    printed, expected = {}, {}
    for line, code, output in examples():
        said = StringIO()
        with redirect_stdout(said):
            exec(compile("\n" * line + code, str(GUIDE), "exec"), scope)
        printed[line], expected[line] = said.getvalue(), output

    assert printed == expected
    assert len(printed) == 8
    assert all(printed.values())
