"""``secondlaw compare``: pairs, gates, exit codes, JUnit."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

STEADY = [0.85, 0.03, 0.06, 0.04, 0.02]
MIXED = [0.45, 0.2, 0.1, 0.15, 0.1]
FAST = ("--resamples", 200, "--permutations", 199)


@pytest.fixture
def files(write_rows, labelled_rows):
    good = write_rows(labelled_rows({"m": (STEADY, STEADY)}), "good.jsonl")
    same = write_rows(labelled_rows({"m": (STEADY, STEADY)}, seed=1), "same.jsonl")
    worse = write_rows(labelled_rows({"m": (MIXED, MIXED)}, seed=2), "worse.jsonl")
    return good, same, worse


@pytest.mark.unit
def test_two_files_are_compared_on_their_common_prompts(run, files):
    good, _, worse = files
    result = run("compare", worse, good, "--json", *FAST)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["comparisons"][0]
    assert (found["base"], found["tuned"], found["matched_prompts"]) == ("base", "tuned", 20)
    assert found["entropy_difference"]["low"] > 0
    assert found["distribution_p"] == pytest.approx(1 / 200)


@pytest.mark.unit
def test_models_of_one_file(run, write_rows, labelled_rows):
    path = write_rows(labelled_rows({"a": (MIXED, MIXED), "b": (STEADY, STEADY)}))
    result = run("compare", f"{path}#a", f"{path}#b", "--json", *FAST)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["comparisons"][0]["misaligned_difference"]["low"] > 0


@pytest.mark.unit
@pytest.mark.parametrize("gate", ["distribution", "misaligned", "entropy"])
def test_gates_end_with_their_exit_code_in_text_json_and_junit(run, files, tmp_path, gate):
    good, same, worse = files
    junit = tmp_path / "junit.xml"
    failed = run("compare", good, worse, "--gate", gate, "--junit", junit, *FAST)
    assert failed.exit_code == 10
    assert f"gate {gate}: fail" in failed.stdout
    assert ElementTree.parse(junit).getroot().get("failures") == "1"
    passed = run("compare", good, same, "--gate", gate, "--junit", junit, "--json", *FAST)
    assert passed.exit_code == 0
    assert json.loads(passed.stdout)["verdict"]["verdict"] == "pass"
    assert ElementTree.parse(junit).getroot().get("failures") == "0"


@pytest.mark.unit
def test_what_cannot_be_excluded_is_inconclusive_only_with_a_tolerance(run, files):
    good, same, _ = files
    assert run("compare", good, same, "--gate", "misaligned", *FAST).exit_code == 0
    result = run("compare", good, same, "--gate", "misaligned", "--tolerance", "0.0001", *FAST)
    assert result.exit_code == 11
    assert "inconclusive" in result.stdout


@pytest.mark.unit
def test_runs_without_a_prompt_in_common_are_dealt(run, files, write_rows, labelled_rows):
    good = files[0]
    rows = [row | {"prompt_id": f"q{row['prompt_id']}"} for row in labelled_rows({"m": (MIXED, MIXED)})]
    result = run("compare", good, write_rows(rows, "others.jsonl"), "--json", "--gate", "distribution", *FAST)
    assert result.exit_code == 10
    found = json.loads(result.stdout)["comparisons"][0]
    assert found["matched_prompts"] == 0
    assert any("no prompt in common" in note for note in found["notes"])


@pytest.mark.unit
def test_runs_without_a_step_in_common_are_no_data(run, files, write_rows, labelled_rows, tmp_path):
    rows = [row | {"step": row["step"] + 10} for row in labelled_rows({"m": (MIXED, MIXED)})]
    junit = tmp_path / "junit.xml"
    result = run("compare", files[0], write_rows(rows, "later.jsonl"), "--gate", "entropy", "--junit", junit, *FAST)
    assert result.exit_code == 12
    assert "no step in common" in result.stderr
    assert ElementTree.parse(junit).getroot().get("errors") == "1"


@pytest.mark.unit
def test_junit_needs_a_gate(run, files, tmp_path):
    result = run("compare", files[0], files[1], "--junit", tmp_path / "x.xml")
    assert result.exit_code == 2
    assert "give --gate" in result.stderr


@pytest.mark.unit
def test_a_gate_that_could_not_fail_has_no_data(run, write_rows, labelled_rows):
    few = write_rows(labelled_rows({"m": (STEADY, STEADY)}, prompts=3), "few.jsonl")
    result = run("compare", few, few, "--gate", "misaligned", *FAST)
    assert result.exit_code == 12
    assert "cannot fail: with 3 matched prompts" in result.stderr


@pytest.mark.unit
def test_a_file_of_several_models_must_name_one(run, write_rows, labelled_rows):
    path = write_rows(labelled_rows({"a": (MIXED, MIXED), "b": (STEADY, STEADY)}))
    result = run("compare", path, path, *FAST)
    assert result.exit_code == 2
    assert "holds several models (a, b); name one" in result.stderr
