"""What docs/check.md shows runs, and its options and links exist."""

import contextlib
import io
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from secondlaw.cli.main import app

pytestmark = pytest.mark.unit

PAGE = Path(__file__).resolve().parents[1] / "docs/check.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_python_example_gives_what_its_comment_says():
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL).group(1)
    said = re.findall(r"^print\(.*?\)\s+# (.*)$", code, re.MULTILINE)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, PAGE.name, "exec"), {})
    assert printed.getvalue().splitlines() == said


def test_every_option_exists_and_every_command_line_runs(tmp_path, monkeypatch, labelled_rows, write_rows):
    for name, seed in (("base", 0), ("candidate", 1)):
        rows = labelled_rows({"m": ([0.9, 0.03, 0.03, 0.02, 0.02],) * 2}, steps=1, seed=seed)
        write_rows(rows, f"{name}.jsonl")
    write_rows(
        labelled_rows({"v1": ([0.9, 0.1, 0, 0, 0],) * 2, "v2": ([0.9, 0.1, 0, 0, 0],) * 2}, steps=1), "run.jsonl"
    )
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"(?:^|run: |script: )(secondlaw check .*)$", TEXT, re.MULTILINE)
    assert len(lines) >= 7
    for line in lines:
        words = line.partition(" # ")[0].split()[1:]
        result = CliRunner().invoke(app, [*words, "--resamples", "100", "--permutations", "999"])
        assert result.exit_code in (0, 10, 11), (line, result.output)


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists(), target
