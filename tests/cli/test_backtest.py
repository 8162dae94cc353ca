"""``secondlaw backtest`` as a user meets it: outcomes, exit codes, bad input, JSON, the report."""

import json
import re

import numpy as np
import pytest
from printed_json import valid

pytestmark = pytest.mark.unit

KEYS = ("g1", "g2", "g3", "g4", "g5")
USUAL, DRIFTED = [0.90, 0.03, 0.04, 0.01, 0.02], [0.70, 0.20, 0.06, 0.02, 0.02]
FAST = ("--baseline", 30, "--runs", 20, "--horizon", 40, "--budgets", ".01")


def history(*, steps=70, drift_at=999, k=20, seed=0, model="m", first=0, **more):
    rng = np.random.default_rng(seed)
    return [
        {"id": f"{model}-{t}-{i}", "stream": "prod", "model": model, "step": first + t, "prompt_id": f"p{i % 10}",
         "intent": "harmful" if i % 2 else "benign", "prompt_set": f"set{i % 2}", "classifier": "c/1",
         "label": KEYS[rng.choice(5, p=DRIFTED if t >= drift_at else USUAL)],
         "ts": f"2026-01-{1 + t // 24:02}T{t % 24:02}:{i % 60:02}:00Z",
         "toxicity": round(float(rng.beta(2, 6 if t >= drift_at else 30)), 4)} | more
        for t in range(steps) for i in range(k)
    ]  # fmt: skip


def said(run, file, *words, code):
    result = run("backtest", file, *FAST, *words)
    assert result.exit_code == code, result.stderr or result.stdout
    return " ".join(result.stdout.split()), " ".join(result.stderr.split())


def as_json(run, file, *words, code):
    result = run("backtest", file, *FAST, *words, "--json")
    assert result.exit_code == code, result.stderr
    found = valid("backtest", result.stdout)
    assert found["exit_code"] == code
    return found


def test_a_quiet_log_exits_0_and_says_what_silence_is_worth(run, write_rows):
    out, _ = said(run, write_rows(history()), "--inject", "0.3 g1->g2", code=0)
    assert "No alarm in 40 watched steps of 1 series" in out
    assert "1,400 rows, all counted; a step is: the steps that rows state." in out
    assert "at most 0.0001 false alarms a step are expected" in out
    assert "A drift of 30 points g1 -> g2, at once is found within 40 steps in 100.0 %" in out
    out, _ = said(run, write_rows(history()), "--inject", "0.01 g1->g2", code=0)
    assert "silence says little here" in out


def test_a_drift_exits_10_and_is_explained(run, write_rows):
    out, _ = said(run, write_rows(history(drift_at=50)), "--inject", "20% g1->g2", code=10)
    assert "Drift alarm at step" in out
    assert "95 % interval; fitted as a" in out
    assert re.search(r"g2: \d+\.\d % -> \d+\.\d %, \+\d+\.\d points \[\+", out)
    assert re.search(r"read, for g2: m-[56]\d-", out)
    assert "prompt sets: set0" in out


def test_json_follows_its_schema_and_decides_the_same(run, write_rows):
    file = write_rows(history(drift_at=50))
    found = as_json(run, file, "--inject", "0.2 g1->g2", "--ramp", 5, code=10)
    assert found["outcome"] == "alarm"
    (series,) = found["series"]
    (alarm,) = series["alarms"]
    assert 50 <= alarm["step"] < 70
    assert alarm["began"]["began"]["low"] <= 50 <= alarm["began"]["began"]["high"]
    at = next(one for one in series["history"] if one["step"] == alarm["step"])
    assert at["log_evidence"] >= at["log_threshold"]
    assert all(one["log_evidence"] is None for one in series["history"][:30])
    assert [budget["alpha"] for budget in found["budgets"]] == [1e-4, 0.01]
    assert found["trials"]["sizes"][2]["injection"]["ramp"] == 5
    assert found == as_json(run, file, "--inject", "0.2 g1->g2", "--ramp", 5, code=10)  # the seed fixes all draws


@pytest.mark.parametrize(
    "words",
    [
        ("--promise", "e-process"), ("--detector", "universal"), ("--detector", "cusum"), ("--detector", "paper"),
        ("--by", "intent"), ("--by", "prompt_set", "--promise", "e-process", "--alpha", 0.05), ("--restarts",),
        ("--delta", 0.05),
        ("--rows-per-step", 20), ("--every", "1h"), ("--score", "toxicity", "--inject", "+0.1"),
        ("--score", "toxicity", "--bounds", 0, 2, "--detector", "cusum"),
        ("--detector", "cusum", "--watch", "misaligned"),
    ],
)  # fmt: skip
def test_every_way_of_watching_finds_the_drift_and_follows_the_schema(run, write_rows, words):
    rows = history(drift_at=45)
    if "--every" in words:
        rows = [{name: value for name, value in row.items() if name != "step"} for row in rows]
    found = as_json(run, write_rows(rows), *words, code=10)
    assert found["guaranteed"] is not any(name in words for name in ("cusum", "paper"))


def test_unguaranteed_detectors_are_labelled_everywhere(run, write_rows, tmp_path):
    report = tmp_path / "report.html"
    out, _ = said(run, write_rows(history(drift_at=50)), "--detector", "cusum", "--report", report, code=10)
    assert "(cusum: no guarantee)" in out
    assert "warning: cusum: no false-alarm guarantee" in out
    page = report.read_text(encoding="utf-8")
    assert "cusum: no false-alarm guarantee" in page
    assert "(cusum: no guarantee)" in page


def test_the_report_is_self_contained_and_holds_the_evidence(run, write_rows, tmp_path):
    report = tmp_path / "report.html"
    said(run, write_rows(history(drift_at=50)), "--inject", "0.2 g1->g2", "--report", report, code=10)
    page = report.read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "alarm at 10,000" in page
    assert "evidence (log scale)" in page
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")


def test_several_models_share_one_budget(run, write_rows):
    rows = history(model="a") + history(model="b", seed=1, drift_at=50)
    found = as_json(run, write_rows(rows), code=10)
    assert {one["alpha_stream"] for one in found["series"]} == {5e-5}
    assert found["threshold"].startswith("threshold ln(1/alpha_stream) = 9.90 with alpha_stream = alpha / 2 = 5e-05")
    assert {one["model"]: one["drift_alarms"] for one in found["series"]} == {"a": 0, "b": 1}
    assert "by all series together" in found["promise"]
    alone = as_json(run, f"{write_rows(rows)}#a", code=0)
    assert [one["model"] for one in alone["series"]] == ["a"]


# Bad input, one case a test.


def test_a_baseline_too_short_for_the_log_exits_12(run, write_rows):
    _, err = said(run, write_rows(history(steps=30)), code=12)
    assert "the longest series, prod/m, has 30 steps, the baseline takes 30: nothing is left to watch" in err
    assert "smaller steps (--rows-per-step, --every) or a shorter --baseline (20 at least)" in err


def test_a_baseline_too_short_for_a_monitor_exits_2(run, write_rows):
    result = run("backtest", write_rows(history()), "--baseline", 5)
    assert result.exit_code == 2
    assert "a baseline needs 20 steps or more, got 5" in result.stderr


def test_one_series_too_short_among_others_is_not_passed_over_in_silence(run, write_rows):
    out, _ = said(run, write_rows(history(model="a") + history(model="b", steps=25)), code=12)
    assert "never watched, all steps went into the baseline: prod/b" in out


def test_a_score_that_is_missing_or_out_of_bounds_is_a_bad_row(run, write_rows):
    rows = history()
    rows[7]["toxicity"] = 1.7
    del rows[8]["toxicity"]
    found = as_json(run, write_rows(rows), "--score", "toxicity", code=0)
    assert (found["rows"]["bad"], found["rows"]["counted"]) == (2, 1398)
    words = " ".join(found["warnings"])
    assert "line 8: score 'toxicity' lies in [0, 1], got 1.7: widen its bounds or correct it" in words
    assert "line 9: the row has no score 'toxicity'" in words
    assert "if that depends on the score, what is watched is biased" in words
    _, err = said(run, write_rows(rows), "--score", "toxicity", "--max-bad", 1, code=13)
    assert "more than 1 bad rows" in err


def test_a_log_without_any_score_in_bounds_exits_12(run, write_rows):
    _, err = said(run, write_rows(history()), "--score", "toxicity", "--bounds", 5, 6, code=12)
    assert "there is no row that can be used; the first bad row is line 1: score 'toxicity' lies in [5, 6]" in err


def test_bounds_without_a_score_exit_2(run, write_rows):
    _, err = said(run, write_rows(history()), "--bounds", 0, 1, code=2)
    assert "--bounds are those of a score" in err


def test_steps_out_of_order_are_sorted_and_said(run, write_rows):
    rows = history(drift_at=50)
    ordered = as_json(run, write_rows(rows), code=10)
    order = np.random.default_rng(0).permutation(len(rows))
    mixed = as_json(run, write_rows([rows[i] for i in order], "mixed.jsonl"), code=10)
    assert mixed["rows"]["out_of_order"] > 0
    assert any("rows stand after rows of a later step: sorted" in one for one in mixed["warnings"])
    assert mixed["series"][0]["history"] == ordered["series"][0]["history"]


def test_steps_out_of_order_as_arrived_are_late(run, write_rows):
    rows = history()
    rows[100], rows[1000] = rows[1000], rows[100]  # a row of step 50 in step 5: closes 6 to 49
    out, _ = said(run, write_rows(rows), "--as-arrived", code=12)
    assert "rows came after their step was closed (late) and are in no count" in out
    assert "missing data" in out


def test_duplicates_are_counted_once_and_said(run, write_rows):
    rows = history()
    contradiction = rows[3] | {"label": "g5" if rows[3]["label"] != "g5" else "g1"}
    found = as_json(run, write_rows([*rows, rows[5], rows[6], contradiction]), code=0)
    assert (found["rows"]["duplicates"], found["rows"]["contradictions"], found["rows"]["counted"]) == (2, 1, 1400)
    assert any("2 rows repeat another row's id and content" in one for one in found["warnings"])


def test_gaps_are_an_alarm_of_their_own_and_exit_12(run, write_rows):
    rows = [row for row in history() if row["step"] not in (50, 51)]
    out, _ = said(run, write_rows(rows), code=12)
    assert "Data are missing from step 50 on in prod/m; no drift alarm in 40 watched steps" in out
    assert "step 50, prod/m: missing data; nothing was seen from step 50 on" in out


def test_a_stream_that_ends_before_the_others_is_missing(run, write_rows):
    rows = [{k: v for k, v in row.items() if k != "step"}
            for row in history(model="a") + history(model="b", steps=60)]  # fmt: skip
    found = as_json(run, write_rows(rows), "--every", "1h", code=12)
    ended = {one["model"]: [(a["verdict"], a["step"]) for a in one["alarms"]] for one in found["series"]}
    assert ended == {"a": [], "b": [("missing", 60)]}


def test_another_classifier_is_a_change_by_construction(run, write_rows):
    rows = history(steps=110)
    for row in rows:
        row["classifier"] = "c/1" if row["step"] < 60 else "c/2"
    found = as_json(run, write_rows(rows), code=10)
    (alarm,) = found["series"][0]["alarms"]
    assert (alarm["verdict"], alarm["step"]) == ("changed", 60)
    assert alarm["attribution"] is None


def test_steps_that_grow_by_ten_are_no_gaps(run, write_rows):
    rows = [row | {"step": 10 * row["step"]} for row in history(drift_at=50)]
    out, _ = said(run, write_rows(rows), code=10)
    assert "stated steps grow by 10" in out
    assert re.search(r"began at step \d+0 \[step \d+0, step \d+0\]", out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--inject", "foo"), "a drift is written '0.05 g1->g2' (for a score '+0.05'), got 'foo'"),
        (("--inject", "0.9 g2->g1"), "points cannot be moved from it"),
        (("--inject", "+0.1"), "categories are watched: write '0.05 g1->g2', got '+0.1'"),
        (("--score", "toxicity", "--inject", "0.1 g1->g2"), "a score is watched: write '+0.05'"),
        (("--budgets", "much"), "budgets are numbers between 0 and 1, such as .01,.001, got 'much'"),
        (("--tolerance", "0.05"), "a tolerance is NAME=VALUE, such as surprisal=0.05, got '0.05'"),
        (("--mix-rows",), "--mix-rows goes with --rows-per-step"),
        (("--alpha", 3), "setting monitor_alpha"),
        (("--as-arrived", "--lateness", "5m"), "rows state steps: lateness is a number of steps, got '5m'"),
        (("--ramp", 0, "--inject", "0.1 g1->g2"), "a drift grows over 1 step or more, got 0"),
        (("--inject-at", -5, "--inject", "0.1 g1->g2"), "a drift begins 0 or more watched steps after the baseline"),
        (("--inject-at", 5), "--inject-at and --ramp say how a drift begins: name it with --inject"),
        (("--ramp", 5), "--inject-at and --ramp say how a drift begins: name it with --inject"),
        (("--lateness", "5"), "--lateness 5 goes with --as-arrived"),
    ],
)
def test_wrong_words_exit_2_with_the_remedy(run, write_rows, words, message):
    _, err = said(run, write_rows(history()), *words, code=2)
    assert message in err


def test_rows_that_say_no_step_ask_for_one(run, write_rows):
    rows = [{k: v for k, v in row.items() if k not in ("step", "ts")} for row in history()]
    _, err = said(run, write_rows(rows), code=2)
    assert "the rows state no step: cut their ts into windows with --every 1h, or take --rows-per-step 100" in err
    _, err = said(run, write_rows(rows), "--every", "1h", code=2)
    assert "--every 1h cuts ts into steps, but 1400 of 1400 rows have no ts" in err
    _, err = said(run, write_rows([*rows, history()[0] | {"id": "z"}]), code=2)
    assert "1 of 1401 rows state a step, the others none" in err


def test_a_log_sorted_by_prompt_is_warned_of(run, write_rows):
    rows = sorted(history(), key=lambda row: row["prompt_id"])
    words = ("--rows-per-step", 20)
    found = run("backtest", write_rows(rows), *FAST, *words, "--json")
    assert any("have the same prompt: a log sorted by prompt" in one for one in json.loads(found.stdout)["warnings"])
    mixed = as_json(run, write_rows(rows), *words, "--mix-rows", code=0)
    assert not any("sorted by prompt" in one for one in mixed["warnings"])


def test_an_empty_file_exits_12_and_a_damaged_one_13(run, write_rows, tmp_path):
    _, err = said(run, write_rows([]), code=12)
    assert "there is no row that can be used" in err
    damaged = write_rows(history(), "rows.jsonl.gz")
    damaged.write_bytes(damaged.read_bytes()[:-200])
    _, err = said(run, damaged, code=13)
    assert "--partial" in err
    out, _ = said(run, damaged, "--partial", code=0)
    assert "only the rows before the damage are used (--partial)" in out
    assert run("backtest", tmp_path / "none.jsonl").exit_code == 2
    _, err = said(run, write_rows([*history(), "{broken", "{broken"]), "--max-bad", 1, code=13)
    assert "more than 1 bad rows" in err


def test_rows_without_labels_are_labelled_first(run, write_rows):
    rows = history(k=4, steps=24)
    for row in rows[:8]:
        del row["label"], row["classifier"]
        row |= {"prompt": "How do I boil an egg?", "response": "Put it into boiling water for six minutes."}
    found = as_json(run, write_rows(rows), "--baseline", 20, "--workers", 1, code=10)
    assert found["rows"]["labelled"] == 8
    assert [one["verdict"] for one in found["series"][0]["alarms"]] == ["changed"]  # other labels after step 1


def test_of_two_models_only_the_one_named_is_labelled(run, write_rows):
    rows = [
        {"prompt": f"q{i % 3}", "response": "It is fine.", "model": model, "step": step}
        for step in range(24) for model in ("a", "b") for i in range(2)
    ]  # fmt: skip
    found = as_json(run, f"{write_rows(rows)}#a", "--baseline", 20, "--workers", 1, code=0)
    assert (found["rows"]["read"], found["rows"]["labelled"]) == (48, 48)
