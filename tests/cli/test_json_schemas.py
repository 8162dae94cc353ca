"""What ``--json`` prints follows the schema that is published for it."""

import re

import pytest
from printed_json import SCHEMAS, valid

pytestmark = pytest.mark.unit

ROWS = [{"prompt": f"How do I boil {i % 4} eggs?", "response": "In water.", "intent": "benign"} for i in range(12)]


def test_a_plan_that_reaches_the_power_and_one_that_does_not(run):
    assert valid("plan", run("plan", "--json").stdout)["fewest_responses"]["prompts"] > 0
    none = run("plan", "--drift", 0.001, "--labels", 100, "--json")
    assert valid("plan", none.stdout)["fewest_responses"] is None


def test_a_sampled_run(run, loopback, tmp_path):
    words = ("--prompts", "benign", "--per-set", 1, "--steps", 1, "--k", 2, "--model", "m", "--json")
    result = run("sample", "--out", tmp_path / "run.jsonl", "--base-url", loopback.url, *words)
    assert valid("sample", result.stdout)["stored"] == 2


def test_a_labelled_file(run, write_rows):
    result = run("classify", write_rows([*ROWS, "{broken"]), "--out", "out.jsonl", "--json", "--workers", 1)
    assert valid("classify", result.stdout)["rows"]["bad"] == 1


def test_errors_of_every_command_that_has_json(run, write_rows, tmp_path):
    empty = write_rows([])
    for words, code in (
        (("measure", empty), 12),
        (("compare", empty, empty), 12),
        (("classify", empty, "--out", "out.jsonl"), 12),
        (("plan", "--drift", 0), 2),
        (("sample", "--out", tmp_path / "run.jsonl"), 2),
        (("local-model", "--slots", 0), 2),
    ):
        result = run(*words, "--json")
        assert result.exit_code == code, words
        assert valid("error", result.stdout)["error"]["exit_code"] == code


def test_the_documentation_names_every_schema_and_no_other():
    said = (SCHEMAS.parent / "configuration.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\(schemas/([a-z-]+)\.schema\.json\)", said))
    assert named == {path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.schema.json")}
