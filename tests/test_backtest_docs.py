"""The documented run of ``secondlaw backtest``: what the page prints is what the command prints."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from secondlaw.cli.main import app

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/backtest.md").read_text(encoding="utf-8")
COMMAND = next(line for line in PAGE.splitlines() if line.startswith("secondlaw backtest examples/"))
BLOCKS = re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize(("block", "more"), [(0, ()), (1, ("--alpha", "0.01"))])
def test_the_page_prints_what_the_command_prints(monkeypatch, tmp_path, block, more):
    words = COMMAND.replace('"0.05 g1->g2"', "DRIFT").split()[1:]
    words = [str(ROOT / word) if word.startswith("examples/") else word for word in words]
    words = ["0.05 g1->g2" if word == "DRIFT" else word for word in words]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    result = CliRunner().invoke(app, [*words, *more, "-q", "--bad-rows", str(tmp_path / "bad.jsonl")])
    assert result.exit_code == (10 if more else 0), result.output
    for line in BLOCKS[block].strip().splitlines():
        assert line.strip() in result.stdout, line
