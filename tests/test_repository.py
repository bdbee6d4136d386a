"""What the repository promises about itself."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.__main__ import as_json, as_table, main
from tests.benchmarks.measure import AtLeast, AtMost, Measure

ROOT = Path(__file__).resolve().parent.parent


def test_the_table_of_third_party_licences_follows_the_run_time_dependencies() -> None:
    script = ROOT / "scripts" / "third-party-licences"
    ended = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")


CITED = re.compile(r'docs/(?:SPEC|spec/[a-z-]+)\.md,\s+"([^"]+)"')
HEADING = re.compile(r"^#+ (?:\d[\d.]* )?(.+)$", re.MULTILINE)


def test_every_section_of_the_specification_that_is_cited_exists() -> None:
    chapters = (ROOT / "docs" / "spec").glob("*.md")
    headings = {
        heading
        for chapter in chapters
        for heading in HEADING.findall(chapter.read_text(encoding="utf-8"))
    }
    cited = {
        section
        for folder in ("station", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for section in CITED.findall(path.read_text(encoding="utf-8"))
    }

    assert len(cited) > 10
    assert cited - headings == set()


def test_a_benchmark_figure_is_judged_only_against_its_goal() -> None:
    figures = [
        ("run", Measure("scan to PASS", 5.0, "s", AtMost(6), {"peer": 41.5})),
        ("run", Measure("payload rate", 1.0, "MB/s", AtLeast(2))),
        ("run", Measure("peak memory", 90.0, "MB")),
    ]
    first, second, third = json.loads(as_json(figures))

    assert first == {
        "group": "run",
        "name": "scan to PASS",
        "value": 5.0,
        "unit": "s",
        "goal": "<= 6",
        "met": True,
        "peers": {"peer": 41.5},
    }
    assert (second["goal"], second["met"]) == (">= 2", False)
    assert (third["goal"], third["met"]) == (None, None)
    assert as_table(figures).row_count == 3


def test_an_unknown_benchmark_group_is_refused_before_anything_is_measured() -> None:
    assert main(["no-such-group"]) == 2
