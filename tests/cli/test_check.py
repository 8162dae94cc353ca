"""``secondlaw check``: exit codes, the same verdict in text, JSON and JUnit, and bad input."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from printed_json import valid

pytestmark = pytest.mark.unit

STEADY = [0.85, 0.03, 0.06, 0.04, 0.02]
MIXED = [0.45, 0.2, 0.1, 0.15, 0.1]
FAST = ("--resamples", 200, "--permutations", 199)


@pytest.fixture
def make(write_rows, labelled_rows):
    """Write a run of one step; a prefix gives it prompts of its own."""

    def one(name, shares=STEADY, *, prompts=24, seed=0, prefix="", **changes):
        rows = labelled_rows({"m": (shares, shares)}, steps=1, prompts=prompts, seed=seed)
        rows = [row | {"intent": "benign", "prompt_id": f"{prefix}{row['prompt_id']}"} | changes for row in rows]
        return write_rows(rows, f"{name}.jsonl")

    return one


def _json(run, *words, code):
    result = run("check", *words, "--json", *FAST)
    assert result.exit_code == code, result.output
    found = valid("check", result.stdout)
    assert found["exit_code"] == code
    return found


def test_drift_and_none_in_text_json_and_junit(run, make, tmp_path):
    base, same, worse = make("base"), make("same", seed=1), make("worse", MIXED, seed=2)
    junit = tmp_path / "junit.xml"
    passed = _json(run, base, same, "--junit", junit, code=0)
    root = ElementTree.parse(junit).getroot()
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "0", "0")
    assert passed["verdict"] == "pass"
    assert passed["tested"]["kind"] == "paired"
    assert passed["moved"] == {"strata": [], "prompts": []}, "after a pass nothing is attributed"
    failed = _json(run, base, worse, "--junit", junit, code=10)
    assert failed["checks"][0]["p_value"] == pytest.approx(1 / 200)
    assert failed["checks"][0]["change"]["low"] > 0
    assert failed["changes"]["misaligned"]["low"] > 0, "candidate less base"
    assert failed["moved"]["strata"][0]["moved"]
    case = ElementTree.parse(junit).getroot().find("testcase")
    assert case.find("failure").get("message") == failed["message"]
    numbers = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert float(numbers["p_value"]) == pytest.approx(1 / 200)
    assert float(numbers["low"]) == pytest.approx(failed["checks"][0]["change"]["low"], rel=1e-4)
    text = run("check", base, worse, *FAST)
    assert text.exit_code == 10
    assert text.stdout.startswith("DRIFT\n")
    assert max(map(len, text.stdout.splitlines())) <= 120


def test_several_checks_share_alpha(run, make, tmp_path):
    junit = tmp_path / "junit.xml"
    words = ("--on", "distribution,misaligned,entropy,category:g4,outside", "--junit", junit)
    found = _json(run, make("base"), make("worse", MIXED, seed=2), *words, code=10)
    assert [one["name"] for one in found["checks"]] == words[1].split(",")
    assert all(one["adjusted_p"] >= one["p_value"] for one in found["checks"])
    assert found["checks"][0]["adjusted_p"] == pytest.approx(5 / 200)
    assert found["settings"]["family"] == "Holm"
    cases = ElementTree.parse(junit).getroot().findall("testcase")
    assert [case.get("name") for case in cases] == words[1].split(",")


def test_of_the_misaligned_share_only_a_rise_is_drift(run, make):
    good, worse = make("good"), make("worse", MIXED, seed=2)
    assert _json(run, good, worse, "--on", "misaligned", code=10)
    assert _json(run, worse, good, "--on", "misaligned", code=0)["checks"][0]["p_value"] < 0.05
    assert _json(run, worse, good, code=10), "the distribution sees either direction"


def test_a_tolerance_makes_pass_a_statement(run, make):
    base, same, worse = make("base"), make("same", seed=1), make("worse", MIXED, seed=2)
    assert _json(run, base, same, "--tolerance", 0.01, code=11)["verdict"] == "inconclusive"
    wide = run("check", base, same, "--tolerance", 0.5, *FAST)
    assert (wide.exit_code, wide.stdout.splitlines()[0]) == (0, "PASS: within the tolerance")
    assert _json(run, base, worse, "--tolerance", 0.9, code=0)["checks"][0]["p_value"] < 0.05, "too small to matter"
    assert "no proof of no change" in run("check", base, same, *FAST).stdout


def test_unmatched_prompts_are_dealt_and_a_mixed_run_does_both(run, make, write_rows, labelled_rows):
    base = make("base")
    found = _json(run, base, make("others", seed=1, prefix="q"), code=0)
    assert (found["tested"]["kind"], found["tested"]["dealt"]) == ("unpaired", 48)
    assert any("from one population" in text for text in found["warnings"])
    assert _json(run, base, make("worse", MIXED, seed=2, prefix="q"), code=10)
    rows = [json.loads(line) for line in Path(make("half", seed=3)).read_text().splitlines()]
    rows = [row | ({"prompt_id": f"z{row['prompt_id']}"} if int(row["prompt_id"][1:]) > 11 else {}) for row in rows]
    mixed = _json(run, base, write_rows(rows, "half.jsonl"), code=0)
    assert mixed["tested"]["kind"] == "mixed"


def test_a_shifted_mix_of_prompts_is_no_drift(run, write_rows, labelled_rows):
    """Mostly benign prompts against mostly harmful ones, answered by one and the same behavior of each kind."""

    def mixed(name, benign, harmful, seed):
        kinds = (("benign", STEADY, benign), ("harmful", [0.05, 0.1, 0.8, 0.03, 0.02], harmful))
        rows = [
            row | {"intent": intent, "prompt_id": f"{name}-{intent}-{row['prompt_id']}"}
            for intent, shares, many in kinds
            for row in labelled_rows({"m": (shares, shares)}, steps=1, prompts=many, seed=seed)
        ]
        return write_rows(rows, f"{name}.jsonl")

    found = _json(run, mixed("a", 30, 8, 0), mixed("b", 8, 30, 1), code=0)
    assert found["tested"]["standardised"]
    mix = {one["stratum"]: one for one in found["tested"]["mix"]}
    assert mix["benign"]["base"] == pytest.approx(30 / 38)
    assert mix["benign"]["candidate"] == pytest.approx(8 / 38)
    assert found["changes"]["category:g1"]["low"] < 0 < found["changes"]["category:g1"]["high"]
    assert any("standardised to one mix" in text for text in found["warnings"])


def test_texts_appear_only_when_asked_for(run, make, tmp_path):
    base, worse = make("base"), make("worse", [0.02, 0.02, 0.02, 0.92, 0.02], seed=2)
    junit, page = tmp_path / "junit.xml", tmp_path / "page.html"
    words = (base, worse, "--junit", junit, "--report", page)
    result = run("check", *words, "--json", *FAST)
    prompts = json.loads(result.stdout)["moved"]["prompts"]
    assert prompts[0]["prompt_id"].startswith("p")
    assert prompts[0]["lines"][0] >= 1
    for said in (result.stdout, junit.read_text(), page.read_text()):
        assert "question" not in said
        assert "answer 1" not in said
    shown = run("check", *words, "--json", "--examples", *FAST)
    assert "question" in json.loads(shown.stdout)["moved"]["prompts"][0]["text"]
    assert "question" in page.read_text()


def test_the_report_shows_both_runs(run, make, tmp_path):
    page = tmp_path / "page.html"
    run("check", make("base"), make("worse", MIXED, seed=2), "--report", page, *FAST)
    text = page.read_text(encoding="utf-8")
    assert "<h1>DRIFT</h1>" in text
    assert text.count("<svg") == 2
    assert "<script" not in text


def test_the_same_file_twice_is_said(run, make):
    found = _json(run, make("base"), make("base"), code=0)
    assert found["checks"][0]["p_value"] == 1.0
    assert any("same file twice" in text for text in found["warnings"])


def test_a_change_outside_the_taxonomy_is_said_and_can_decide(run, make, write_rows):
    rows = [json.loads(line) for line in Path(make("base")).read_text().splitlines()]
    rows = [row | ({"label": "outside"} if i % 5 < 2 else {}) for i, row in enumerate(rows)]
    broken = write_rows(rows, "broken.jsonl")
    base = make("base")
    assert any("or add --on outside" in text for text in _json(run, base, broken, code=0)["warnings"])
    assert _json(run, base, broken, "--on", "outside", code=10)["checks"][0]["change"]["low"] > 0.2


def test_a_run_of_one_category_and_one_that_answers_otherwise(run, make):
    all_good, all_bad = make("good", [1, 0, 0, 0, 0]), make("bad", [0, 0, 0, 1, 0])
    assert _json(run, all_good, make("good2", [1, 0, 0, 0, 0]), code=0)
    assert _json(run, all_good, all_bad, code=10)["changes"]["category:g4"]["value"] == pytest.approx(1.0)


def test_different_steps_are_said(run, make):
    found = _json(run, make("base"), make("later", seed=1, step=7), code=0)
    assert any("different steps" in text for text in found["warnings"])


def test_lost_prompts_are_missing_data_unless_allowed(run, make, tmp_path):
    base, lost, junit = make("base"), make("lost", seed=1, prompts=15), tmp_path / "junit.xml"
    found = _json(run, base, lost, "--junit", junit, code=12)
    assert "lacks 9 of the 24 prompts of base.jsonl (38 %)" in found["message"]
    assert ElementTree.parse(junit).getroot().find("testcase/error").get("type") == "no-data"
    assert "lacks 9" in _json(run, lost, base, code=12)["message"], "in either run"
    assert _json(run, base, lost, "--max-missing", 0.4, code=0)["tested"]["not_used"] == 9


def test_too_few_prompts_for_alpha(run, make):
    found = _json(run, make("base", prompts=5), make("few", prompts=5, seed=1), code=12)
    assert "no p-value below 0.0625 is possible with 5 prompts" in found["message"]
    assert _json(run, make("base", prompts=5), make("few", prompts=5, seed=1), "--alpha", 0.1, code=0)
    one = _json(run, make("base", prompts=1), make("few", prompts=1, seed=1), code=12)
    assert "is possible with 1 prompt, so no check" in one["message"]


def test_too_few_permutations(run, make):
    words = ("--alpha", 0.004, "--permutations", 199, "--resamples", 200)
    result = run("check", make("base"), make("same", seed=1), *words)
    assert result.exit_code == 2
    assert "199 permutations give no p-value below 0.005" in result.stderr


def test_another_classifier_is_never_compared_in_silence(run, make, tmp_path, write_rows):
    base, new, junit = make("base"), make("new", seed=1, classifier="judge/2"), tmp_path / "junit.xml"
    result = run("check", base, new, "--junit", junit, *FAST)
    assert result.exit_code == 2
    assert "classifier changed: base.jsonl is labelled by judge/1, new.jsonl by judge/2" in result.stderr
    assert "secondlaw classify --relabel" in result.stderr
    assert ElementTree.parse(junit).getroot().get("errors") == "1"
    rows = [json.loads(line) for line in Path(base).read_text().splitlines()]
    both = write_rows([row | ({"classifier": "judge/2"} if i % 2 else {}) for i, row in enumerate(rows)], "both.jsonl")
    result = run("check", base, both, *FAST)
    assert result.exit_code == 2
    assert "classifier changed within both.jsonl" in result.stderr
    people = [{k: v for k, v in row.items() if k not in ("label", "classifier")} for row in rows]
    people = [row | {"human_label": "g1", "annotator": "a"} for row in people]
    result = run("check", base, write_rows(people, "people.jsonl"), *FAST)
    assert result.exit_code == 2
    assert "people.jsonl by people" in result.stderr


def test_labels_of_another_taxonomy(run, make):
    result = run("check", make("base"), make("three", label="aligned"), *FAST)
    assert result.exit_code == 12
    assert "three.jsonl has no row that can be used (n = 0)" in result.stderr
    assert "aligned" in result.stderr


def test_intents_stated_by_one_run_alone_cannot_be_dealt(run, make):
    found = _json(run, make("base"), make("other", seed=1, prefix="q", intent="unknown"), code=12)
    assert "no prompt in common, and no prompt set and intent with two prompts of each" in found["message"]


def test_rows_that_are_all_bad_and_files_that_are_empty(run, make, write_rows):
    base = make("base")
    broken = run("check", base, write_rows(["{broken"] * 5, "broken.jsonl"), *FAST)
    assert broken.exit_code == 12
    assert "broken.jsonl has no row that can be used (n = 0)" in broken.stderr
    empty = run("check", base, write_rows([], "empty.jsonl"), *FAST)
    assert empty.exit_code == 12
    assert "n = 0" in empty.stderr


def test_many_bad_rows_are_missing_data(run, make, write_rows):
    lines = Path(make("base")).read_text().splitlines()
    found = _json(run, make("same", seed=1), write_rows([*lines, *["{broken"] * 100], "holes.jsonl"), code=12)
    assert "% of the rows are bad or have no label" in found["message"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--alpha", "0"), "alpha: Input should be greater than 0"),
        (("--alpha", "0.7"), "alpha: Input should be less than 0.5"),
        (("--on", "distribution,mood"), "there is no check 'mood'; --on takes, with commas between: distribution,"),
        (("--on", "category:g9"), "there is no check 'category:g9'"),
        (("--on", ","), "there is no check ','"),
        (("--tolerance", "0"), "tolerance: Input should be greater than 0"),
        (("--max-missing", "1.5"), "--max-missing is a share from 0 to 1, got 1.5"),
        (("--junit", "no/where.xml"), "is no folder; make it first"),
    ],
)
def test_bad_options(run, make, words, said):
    result = run("check", make("base"), make("same", seed=1), *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_file_that_is_not_there_or_damaged(run, make, tmp_path):
    result = run("check", make("base"), "nowhere.jsonl")
    assert result.exit_code == 2
    assert "there is no file nowhere.jsonl" in result.stderr
    damaged, junit = tmp_path / "damaged.jsonl.gz", tmp_path / "junit.xml"
    damaged.write_bytes(b"\x1f\x8b\x08nothing")
    result = run("check", make("base"), damaged, "--junit", junit)
    assert result.exit_code == 13
    assert ElementTree.parse(junit).getroot().get("errors") == "1"


def test_prompts_answered_outside_the_taxonomy_alone_are_not_missing(run, make, write_rows):
    rows = [json.loads(line) for line in Path(make("base")).read_text().splitlines()]
    lost = [row | ({"label": "outside"} if int(row["prompt_id"][1:]) < 9 else {}) for row in rows]
    path, base = write_rows(lost, "lost.jsonl"), make("base")
    found = _json(run, base, path, "--on", "outside", code=10)
    assert found["checks"][0]["change"]["value"] == pytest.approx(9 / 24)
    assert found["candidate"]["outside"] == 45


def test_categories_that_change_places_are_no_change_of_entropy():
    from secondlaw.drift.check_options import CheckOptions
    from secondlaw.drift.checks import _one
    from secondlaw.types import NATS, Estimate

    kept = Estimate(0.004, -0.031, 0.040, 0.95, 60, NATS, "", "prompts")
    moved = Estimate(0.110, 0.031, 0.190, 0.95, 60, NATS, "", "prompts")
    options = CheckOptions(on=("entropy",))
    said = [_one("entropy", change, 0.001, 0.001, ("a", "b"), options).verdict for change in (kept, moved)]
    assert said == ["pass", "drift"]
