"""The examples of docs/goals.md work and print what the page says."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from secondlaw.alignment.goals import grid_world, read_episodes, world_of

PAGE = Path(__file__).parents[1] / "docs/goals.md"
pytestmark = pytest.mark.unit


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_prints_what_the_page_says(capsys):
    (code,) = blocks("python")
    exec(compile(code, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"#\s(.+)", code)


def test_the_worlds_are_worlds():
    worlds = [json.loads(one) for one in blocks("json") if "agent" not in json.loads(one)]
    assert [next(iter(one)) for one in worlds] == ["grid", "gymnasium", "states"]
    if importlib.util.find_spec("gymnasium") is None:
        del worlds[1]
    assert all(len(world_of(one).goals) >= 2 for one in worlds)


def test_the_rows_are_rows(tmp_path):
    rows = [one.strip() for one in blocks("json") if "agent" in json.loads(one)]
    assert len(rows) == 2
    for row in rows:
        (tmp_path / "x.jsonl").write_text(row)
        assert read_episodes(tmp_path / "x.jsonl", grid_world(["A...B"])).agents == ("a",)
