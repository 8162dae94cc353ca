"""``secondlaw temporal``: order seen, samples refused as turns, two runs compared."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

pytestmark = pytest.mark.unit

SCHEMA = Path(__file__).parents[2] / "docs/schemas/temporal.schema.json"
KEYS = ("g1", "g3", "g4")
QUICK = ("--permutations", 199, "--resamples", 200)


def conversations(seed, *, forward, n=60, turns=15, **common):
    """Return walks on three categories that go round more often than back where `forward` exceeds .3."""
    rng = np.random.default_rng(seed)
    rows = []
    for c in range(n):
        symbol = int(rng.integers(3))
        for t in range(turns):
            rows.append(
                {"id": f"{c}-{t}", "conversation_id": f"c{c}", "turn": t, "prompt": f"q{t}", "response": "r",
                 "model": "m", "label": KEYS[symbol], "classifier": "by rule"} | common
            )  # fmt: skip
            u = rng.random()
            symbol = (symbol + (1 if u < forward else 2 if u < 0.6 else 0)) % 3
    return rows


def test_a_circulation_is_seen_and_its_absence_too(run, write_rows):
    printed = {}
    for name, forward in (("still", 0.3), ("round", 0.5)):
        result = run("temporal", write_rows(conversations(3, forward=forward), f"{name}.jsonl"), "--json", *QUICK)
        printed[name] = json.loads(result.stdout)
        jsonschema.validate(printed[name], json.loads(SCHEMA.read_text(encoding="utf-8")))
    found = {name: one["results"][0] for name, one in printed.items()}
    assert found["round"]["entropy_production"]["p_value"] < 0.01 < found["still"]["entropy_production"]["p_value"]
    exact = (0.5 - 0.1) * np.log(0.5 / 0.1)
    production = found["round"]["entropy_production"]["value"]
    assert production["low"] < exact < production["high"]
    assert found["still"]["entropy_production"]["value"]["low"] == 0.0
    assert found["round"]["conversations"] == 60


def test_two_runs_are_compared_by_conversation(run, write_rows):
    first = write_rows(conversations(1, forward=0.3), "first.jsonl")
    second = write_rows(conversations(2, forward=0.5), "second.jsonl")
    result = run("temporal", first, second, *QUICK)
    assert result.exit_code == 0
    assert "first.jsonl -> second.jsonl" in result.stdout
    found = json.loads(run("temporal", first, second, "--json", *QUICK).stdout)["comparison"]
    by_name = {one["name"]: one for one in found["differences"]}
    moved = next(one for name, one in by_name.items() if "production" in name)
    assert moved["p_adjusted"] < 0.05
    assert moved["difference"]["low"] > 0.0


def test_samples_of_one_prompt_are_no_turns(run, write_rows):
    rows = conversations(0, forward=0.3, n=5, prompt="always the same")
    for row in rows:
        del row["turn"]
    result = run("temporal", write_rows(rows, "samples.jsonl"))
    assert result.exit_code == 12
    assert "holds no conversation (75 responses to one prompt again and again" in result.stderr


def test_rows_without_conversation_are_counted_over_all_models(run, write_rows):
    rows = [
        {"id": f"{model}{k}", "model": model, "prompt": f"q{k}", "response": "r", "label": "g1"}
        for model in "ab"
        for k in range(3)
    ]
    result = run("temporal", write_rows(rows, "alone.jsonl"))
    assert result.exit_code == 12
    assert "(6 responses without conversation_id, which have no order)" in result.stderr


def test_turns_without_labels_name_the_remedy(run, write_rows):
    rows = [{k: v for k, v in row.items() if k not in ("label", "classifier")} for row in conversations(0, forward=0.3)]
    result = run("temporal", write_rows(rows, "bare.jsonl"))
    assert result.exit_code == 12
    assert "label the rows first: secondlaw classify" in result.stderr


def test_bad_rows_are_set_aside_and_repeated_ones_counted_once(run, write_rows):
    rows = conversations(0, forward=0.3, n=30)
    path = write_rows([*rows, rows[0], {"prompt": 3}], "mixed.jsonl")
    found = json.loads(run("temporal", path, "--json", *QUICK).stdout)
    assert found["repeated"] == 1
    assert found["results"][0]["turns"] == len(rows)
    assert "1 " in found["notes"][0]
    assert run("temporal", path, "--max-bad", 0).exit_code == 13


def test_rows_that_state_no_id_are_never_repeated_ones(run, write_rows):
    rows = [{k: v for k, v in row.items() if k != "id"} | {"prompt": f"go on {row['turn'] % 2}"}
            for row in conversations(0, forward=0.3, n=30)]  # fmt: skip
    found = json.loads(run("temporal", write_rows(rows, "alike.jsonl"), "--json", *QUICK).stdout)
    assert found["repeated"] == 0
    assert found["results"][0]["turns"] == len(rows)


def test_rows_of_one_id_that_say_something_else_are_bad(run, write_rows):
    rows = conversations(0, forward=0.3, n=30)
    other = rows[0] | {"label": "g3" if rows[0]["label"] == "g1" else "g1"}
    found = json.loads(run("temporal", write_rows([*rows, other], "other.jsonl"), "--json", *QUICK).stdout)
    assert found["repeated"] == 0
    assert found["results"][0]["turns"] == len(rows)
    assert "its id is that of line 1, which says something else" in found["notes"][0]


def test_where_nothing_can_be_measured_it_exits_12(run, write_rows):
    rows = conversations(0, forward=0.3, n=5)
    for i, row in enumerate(rows):
        row["classifier"] = f"by rule {i % 2}"
    mixed = write_rows(rows, "mixed.jsonl")
    for words in ((), ("--json",)):
        result = run("temporal", mixed, *words, *QUICK)
        assert result.exit_code == 12
        assert "never" in result.stdout
    sound = write_rows(conversations(1, forward=0.3, n=20), "sound.jsonl")
    assert run("temporal", sound, mixed, *QUICK).exit_code == 12


def test_labels_of_another_taxonomy_are_named_where_no_row_is_left(run, write_rows):
    result = run("temporal", write_rows(conversations(0, forward=0.3, n=5), "five.jsonl"), "--taxonomy", "three")
    assert result.exit_code == 12
    assert "75 bad rows, line " in result.stderr


def test_of_several_models_one_is_named(run, write_rows):
    rows = conversations(0, forward=0.3, n=5) + conversations(1, forward=0.3, n=5, model="other")
    path = write_rows(rows, "two.jsonl")
    result = run("temporal", path, f"{path}#m")
    assert result.exit_code == 2
    assert "several models" in result.stderr
