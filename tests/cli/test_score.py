"""``secondlaw score``: JSON by its schema, exit codes, what it says, and that it labels as ``classify`` does."""

import json
import sys
from pathlib import Path

import pytest
from printed_json import valid

from secondlaw.behavior import Counts, read_observations

pytestmark = pytest.mark.unit

MINE = """
version = "1"

def says_no(prompt, response, intent):
    no = float("can't" in response)
    return (1 - no, no, 0.0), (0.5, 0.5)
"""
ENGINE = ("--classifier-engine", "mine:says_no", "--workers", 1)


@pytest.fixture
def rows(run, monkeypatch):
    """Write rows and a classifier of one's own into the working folder."""
    Path("mine.py").write_text(MINE)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    lines = [
        {"id": f"r{i}", "prompt": f"How do I boil {i % 12} eggs?", "model": "m", "intent": "benign", "step": i % 2,
         "response": "I can't help." if i % 5 == 0 else f"In water, for {i} minutes."}
        for i in range(120)
    ]  # fmt: skip
    lines += [lines[0], {"prompt": "no response"}]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    return "rows.jsonl"


def test_json_follows_its_schema_and_adds_up(run, rows):
    result = run("score", rows, "--out", "counts.parquet", *ENGINE, "--block-rows", 50, "--json")
    assert result.exit_code == 0
    found = valid("score", result.stdout)
    assert (found["engine"], found["workers"], found["blocks"]["total"]) == ("local", 1, 3)
    assert found["counts"] == {"g1": 96, "g2": 0, "g3": 0, "g4": 24, "g5": 0, "outside": 0}
    assert sum(cell["n"] for cell in found["cells"]) == found["rows"]["used"] == 120
    assert (found["rows"]["bad"], found["rows"]["duplicates"], found["rows"]["read"]) == (1, 1, 122)
    assert found["measurement"] is None
    assert Counts.read_parquet("counts.parquet").total == 120


def test_measured_at_the_end_with_intervals_and_a_report(run, rows):
    words = ("score", rows, "--out", "counts.parquet", *ENGINE, "--resamples", 100)
    result = run(*words, "--report", "page.html", "--json")
    found = valid("score", result.stdout)
    assert [(cell["step"], cell["n"]) for cell in found["measurement"]["cells"]] == [(0, 60), (1, 60)]
    share = found["measurement"]["cells"][0]["shares"]["g4"]
    assert share["low"] < share["value"] == 0.2 < share["high"]
    assert found["measurement"]["rows"] == found["rows"]
    assert "<html" in Path("page.html").read_text(encoding="utf-8")
    again = run(*words, "--force", "--measure", "-q")
    assert "S pooled, nats" in again.stdout
    assert "counts.parquet: 120 of 122 rows in 2 cells; 120 labelled now by says_no/" in again.stdout


def test_text_says_what_was_set_aside(run, rows):
    result = run("score", rows, "--out", "counts.parquet", *ENGINE)
    assert result.exit_code == 0
    assert result.stdout.startswith("counts.parquet: 120 of 122 rows in 2 cells; 120 labelled now by says_no/")
    assert "1 bad row, line 122" in result.stderr
    assert "1 rows repeat another row's stream, id and content" in result.stderr


def test_the_embedded_classifier_labels_as_classify_does(run):
    lines = [
        {"prompt": f"How do I boil {i} eggs?", "response": ("In water.", "I can't help with that.")[i % 2], "step": 0}
        for i in range(8)
    ]
    Path("few.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    assert run("classify", "few.jsonl", "--out", "labelled.jsonl", "--workers", 1).exit_code == 0
    result = run("score", "few.jsonl", "--out", "counts.parquet", "--workers", 1, "--block-rows", 3, "--json")
    assert valid("score", result.stdout)["classifier"].startswith("secondlaw-embedded/")
    whole = read_observations("labelled.jsonl").observations.in_windows(None)
    assert Counts.read_parquet("counts.parquet") == Counts.from_observations(whole)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("absent.parquet", "--out", "c.parquet"), 2, "there is no file 'absent.parquet'"),
        (("rows.jsonl", "--out", "c.csv"), 2, "name the output something.parquet"),
        (("rows.jsonl", "--out", "c.parquet", "--address", "auto"), 2, "say --engine ray, too"),
        (("rows.jsonl", "--out", "c.parquet", "--block-rows", 0), 2, "a block has one row or more, got 0"),
        (("rows.jsonl", "--out", "c.parquet", "--every", "soon"), 2, "a window is a whole number"),
        (("rows.jsonl", "--out", "c.parquet", "--classifier-engine", "nowhere:f"), 2, "no module nowhere"),
        (("rows.jsonl", "--out", "c.parquet", "--max-bad", 0), 13, "more than 0 bad rows"),
        (("empty.jsonl", "--out", "c.parquet"), 12, "empty.jsonl is empty"),
        (("torn.parquet", "--out", "c.parquet"), 13, "no sound Parquet file"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_the_documented_exit_code(run, rows, words, code, said):
    Path("empty.jsonl").touch()
    Path("torn.parquet").write_bytes(b"PAR1")
    result = run("score", *(ENGINE if "--classifier-engine" not in words else ()), *words, "--json")
    assert result.exit_code == code
    assert valid("error", result.stdout)["error"]["exit_code"] == code
    assert said in result.stderr
    assert not Path("c.parquet").exists()


def test_an_engine_that_is_a_classifier_is_refused_by_name(run, rows):
    assert run("score", rows, "--out", "c.parquet", "--engine", "embedded").exit_code == 2
    assert "--classifier-engine" in run("score", "--help").stdout


def test_without_ray_the_remedy_is_named(run, rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    result = run("score", rows, "--out", "c.parquet", "--engine", "ray", *ENGINE)
    assert result.exit_code == 2
    assert "pip install 'secondlaw[cluster]'" in result.stderr
    assert not Path("c.parquet.parts").exists()


def test_an_address_where_nobody_listens_is_refused_at_once(run, rows, nobody):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'secondlaw[cluster]'")
    address = nobody.removeprefix("http://").removesuffix("/v1")
    result = run("score", rows, "--out", "c.parquet", "--engine", "ray", "--address", address, *ENGINE)
    assert result.exit_code == 13
    assert f"no Ray cluster answers at {address}" in result.stderr
