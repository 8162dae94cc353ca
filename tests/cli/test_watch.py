"""``secondlaw watch``: the same decisions however often it is stopped, an alarm at a drift, exit codes, bad input."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from secondlaw.behavior.taxonomy import FIVE
from secondlaw.cli.watch_screen import render
from secondlaw.formats import FollowedFile
from secondlaw.pipeline.monitoring import StepRowReader, plan_of
from secondlaw.pipeline.settings import load_settings
from secondlaw.pipeline.watching import Watch

pytestmark = pytest.mark.unit

SCHEMA = Path(__file__).parents[2] / "docs/schemas/decision.schema.json"
USUAL, MOVED = (0.90, 0.03, 0.04, 0.01, 0.02), (0.70, 0.15, 0.08, 0.03, 0.04)
SHORT = ("--baseline", 20, "--alpha", 0.001)
PROGRAM = str(Path(sys.executable).with_name("secondlaw"))


WRONG = '{"prompt": "q", "response": "r", "step": 3, "toxicity": 1.7}\n'


def lines(steps=60, k=50, *, drift_at=40, seed=0, **common):
    rng = np.random.default_rng(seed)
    found = []
    for step in range(steps):
        for i, code in enumerate(rng.choice(5, k, p=USUAL if step < drift_at else MOVED)):
            row = {"id": f"{step}-{i}", "prompt": f"q{i % 10}", "response": "r", "model": "m", "step": step}
            found.append(json.dumps(row | {"label": FIVE.keys[code], "classifier": "c 1"} | common) + "\n")
    return found


def decisions(result):
    return [decision(line) for line in result.stdout.splitlines()]


def decision(line):
    """Return a printed decision without what moved, which needs the steps before the last start."""
    return {name: value for name, value in json.loads(line).items() if name != "moved"}


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(lines()))
    return path


def test_a_drift_raises_one_alarm_and_ends_with_10(run, log):
    result = run("watch", log, "--once", "--json", *SHORT)
    assert result.exit_code == 10
    found = [json.loads(line) for line in result.stdout.splitlines()]
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for one in found:
        jsonschema.validate(one, schema)
    assert [one["step"] for one in found if one["moved"]] == [one["step"] for one in found if one["alarm"]]
    (alarm,) = [one for one in found if one["alarm"]]
    assert 40 <= alarm["step"] < 60
    assert 30 <= alarm["change_point"] <= alarm["step"]
    assert "g1 -" in alarm["moved"]
    assert re.search(r"points \[-[\d.]+, -[\d.]+\]", alarm["moved"]), "a size comes with its interval"
    assert [one["verdict"] for one in found[:20]] == ["baseline"] * 20


def test_stopped_and_started_at_any_line_it_decides_the_same(run, log, tmp_path):
    whole = decisions(run("watch", log, "--once", "--json", *SHORT))
    text = lines()
    growing = tmp_path / "growing.jsonl"
    found, place = [], 0
    for stop in (7, 611, 612, 1500, 2203, len(text)):
        with growing.open("a") as file:
            file.writelines(text[place:stop])
        place = stop
        found += decisions(run("watch", growing, "--once", "--json", *SHORT))
    assert found == whole


def test_without_drift_it_ends_with_0_and_before_the_baseline_with_12(run, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(lines(10)))
    assert run("watch", path, "--once", *SHORT).exit_code == 12
    path.write_text("".join(lines(60, drift_at=60)))
    result = run("watch", path, "--once", *SHORT, "--fresh")
    assert result.exit_code == 0
    assert "quiet" in result.stdout
    assert "ALARM" not in result.stdout


def test_a_pipe_is_decided_to_its_end(run, log):
    text = log.read_text()
    ended = subprocess.run(
        [PROGRAM, "watch", "-", "--json", *map(str, SHORT)],
        input=text,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 10, ended.stderr
    assert [json.loads(line)["step"] for line in ended.stdout.splitlines()] == list(range(60))


def test_killed_at_any_moment_no_decision_is_lost(run, log, tmp_path):
    whole = decisions(run("watch", log, "--once", "--json", *SHORT))
    log.with_name("log.jsonl.watch.json").unlink()
    growing = tmp_path / "growing.jsonl"
    growing.touch()
    command = [PROGRAM, "watch", str(growing), "--json", *map(str, SHORT)]
    text, place, found = lines(), 0, []
    for number, stop in enumerate((900, 2000, len(text))):
        out = tmp_path / f"out{number}.jsonl"
        with out.open("w") as file:
            process = subprocess.Popen(command, stdout=file)
            with growing.open("a") as log_file:
                log_file.writelines(text[place:stop])
            place = stop
            deadline = time.monotonic() + 90.0
            expected = stop // 50 - 1  # the last step may still grow
            while time.monotonic() < deadline and not _holds_step(out, expected - 1):
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        found += [decision(line) for line in out.read_text().splitlines() if line.endswith("}")]
    assert found, "the watch decided nothing before it was killed"
    last = decisions(run("watch", growing, "--once", "--json", *SHORT))
    by_step = {}
    for one in [*found, *last]:
        assert by_step.setdefault(one["step"], one) == one, "a decision that came again is another"
    assert [by_step[step] for step in sorted(by_step)] == whole


def _holds_step(path, step):
    return any(f'"step":{step},' in line for line in path.read_text().splitlines())


def test_the_alarm_runs_a_command(run, log, tmp_path):
    script = tmp_path / "hook.py"
    script.write_text("import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())")
    said = tmp_path / "said.json"
    command = f"{sys.executable} {script} {said}"
    assert run("watch", log, "--until-alarm", "--on-alarm", command, *SHORT).exit_code == 10
    assert json.loads(said.read_text())["alarm"] is True


def test_a_command_that_fails_is_told_and_stops_nothing(run, log):
    result = run("watch", log, "--once", "--on-alarm", "/no/such/program", *SHORT)
    assert result.exit_code == 10
    assert "--on-alarm '/no/such/program' failed" in result.stderr


def test_other_settings_than_those_of_the_state_are_refused(run, log):
    run("watch", log, "--once", *SHORT)
    result = run("watch", log, "--once", "--baseline", 30, "--alpha", 0.001)
    assert result.exit_code == 2
    assert "other settings" in result.stderr
    assert "--fresh" in result.stderr


def test_a_damaged_state_is_told(run, log):
    log.with_name("log.jsonl.watch.json").write_text("{")
    result = run("watch", log, "--once", *SHORT)
    assert result.exit_code == 13
    assert "no state of a watch" in result.stderr


def test_scores_of_categories_are_called_by_their_keys(run, tmp_path):
    """From .01 to .2 of g4 and the others as they were: g4 carries the evidence."""
    path = tmp_path / "log.jsonl"
    rows = [json.loads(line) for line in lines(drift_at=99)]
    rng = np.random.default_rng(3)
    for row in rows:
        if row["step"] >= 40 and row["label"] == "g1" and rng.random() < 0.2:
            row["label"] = "g5"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = run("watch", path, "--once", "--json", "--tolerance", "g5=0.001", *SHORT)
    said = {one["score"] for one in map(json.loads, result.stdout.splitlines()) if one["score"]}
    assert said <= {
        "surprisal",
        "misaligned",
        "surprisal, falling",
        "misaligned, falling",
        "g1",
        "g2",
        "g3",
        "g4",
        "g5",
    }
    assert "g5" in said
    assert "category" not in result.stdout


def test_a_state_without_names_of_categories_is_gone_on_from(run, log):
    """Earlier versions numbered the categories: the monitors go on, and name them by their keys."""
    rows = log.read_text().splitlines(keepends=True)
    straight = decisions(run("watch", log, "--once", "--json", *SHORT))
    state = log.with_name("log.jsonl.watch.json")
    state.unlink()
    log.write_text("".join(rows[:1500]))
    first = decisions(run("watch", log, "--once", "--json", *SHORT))
    old = json.loads(state.read_text())
    del old["monitors"]["plan"]["categories"]
    for series in old["monitors"]["series"]:
        for score in series["monitor"]["settings"]["scores"]:
            score["name"] = re.sub(r"^g(\d)$", r"category \1", score["name"])
    assert "category 4" in json.dumps(old)
    state.write_text(json.dumps(old))
    log.write_text("".join(rows))
    again = run("watch", log, "--once", "--json", *SHORT)
    assert "note: another version" not in again.stderr
    assert first + decisions(again) == straight
    assert "category 4" not in state.read_text()


@pytest.mark.parametrize("how", ["bets otherwise", "lacks a field"])
def test_a_state_of_another_version_is_replayed_from_the_log(run, log, how):
    straight = decisions(run("watch", log, "--once", "--json", *SHORT))
    state = log.with_name("log.jsonl.watch.json")
    old = json.loads(state.read_text())
    for series in old["monitors"]["series"]:
        if how == "bets otherwise":
            series["monitor"]["state_version"] = 1
        else:
            del series["spent"]
    state.write_text(json.dumps(old))
    again = run("watch", log, "--once", "--json", *SHORT)
    assert again.exit_code == 10
    assert decisions(again) == straight
    told = [line for line in again.stderr.splitlines() if "another version" in line]
    assert len(told) == 1
    assert "the log is read again from its beginning, and its alarms are told again" in told[0]
    assert run("watch", log, "--once", "--json", *SHORT).stdout == "", "the new state is gone on from"


def test_windows_that_pass_without_a_row_are_missing(tmp_path):
    path = tmp_path / "log.jsonl"
    rows = [
        {"prompt": f"q{i}", "response": "r", "label": "g1", "classifier": "c", "ts": f"2026-01-01T{h:02}:10:00Z"}
        for h in range(21)
        for i in range(5)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = load_settings(every="1h", monitor_baseline=20)
    watched = Watch(
        lambda place: FollowedFile(path, position=place),
        reader=StepRowReader(settings, taxonomy=FIVE, bad=pytest.fail),
        plan=plan_of(settings, FIVE),
        settings=settings,
    )
    watched.poll()
    midnight = 1767312000.0  # 2026-01-02T00:00:00Z
    late = watched.advance(midnight)
    watched.log.close()
    assert [one.step.n for one in late] == [5, 0, 0, 0]
    assert watched.verdicts == {"default/unknown": "missing"}


def test_missing_data_end_with_12_and_no_drift_is_claimed(run, tmp_path):
    text = lines(60, drift_at=60)
    path = tmp_path / "log.jsonl"
    path.write_text("".join(line for line in text if '"step": 30,' not in line))
    result = run("watch", path, "--once", *SHORT)
    assert "missing" in result.stdout
    assert result.exit_code == 12
    assert run("watch", path, "--once", *SHORT).exit_code == 0, "it is quiet again"


def test_another_classifier_ends_with_10_once(run, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join([*lines(40), *(line for line in lines(44, drift_at=60, classifier="c 2")[2000:])]))
    assert run("watch", path, "--once", *SHORT).exit_code == 10
    assert run("watch", path, "--once", *SHORT).exit_code == 12, "a new baseline is learnt"


def test_rows_that_are_in_no_count_are_told(run, tmp_path):
    text = lines(30, k=5)
    late = text[0].replace('"id": "0-0"', '"id": "late"')
    path = tmp_path / "log.jsonl"
    path.write_text("".join([*text, late, text[-1], "{}\n"]))
    result = run("watch", path, "--once", *SHORT)
    assert "note: 1 rows came after their step was closed (late) and are in no count" in result.stderr
    assert "note: 1 rows repeat another row's id and content" in result.stderr
    assert "note: 1 bad row" in result.stderr


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (1, ()), (2, ()), (2, ("--promise", "e-process")), (2, ("--streams", 3)), (2, ("--delta", 0.05)),
        (1, ("--by", "intent")),
    ],
)  # fmt: skip
def test_a_backtest_decides_as_a_watch_of_the_same_log_does(run, tmp_path, models, words):
    """With the options of both, thresholds too; a second model comes up when the first has been watched for long."""
    rows = [json.loads(line) for line in lines(k=30, stream="s")]
    rows = [row | {"intent": "harmful" if i % 3 else "benign"} for i, row in enumerate(rows)]
    if models == 2:
        later = [json.loads(line) for line in lines(60, k=20, drift_at=50, seed=1)]
        rows += [row | {"model": "later", "stream": "s"} for row in later if row["step"] >= 30]
        rows.sort(key=lambda row: row["step"])
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    watched = decisions(run("watch", path, "--once", "--json", *SHORT, *words))
    said = ("--runs", 20, "--horizon", 20, "--budgets", ".001", "--json", "-q")
    found = json.loads(run("backtest", path, *SHORT, *words, *said).stdout)
    same = ("step", "label", "n", "verdict", "log_evidence", "log_threshold")
    for series in found["series"]:
        name = [series[key] for key in ("stream", "model", "part")]
        live = [{key: one[key] for key in same} for one in watched
                if [one[key] for key in ("stream", "model", "part")] == name]  # fmt: skip
        assert len(live) >= 19
        assert live == series["history"][: len(live)]


def test_the_budget_is_said_in_the_same_words_by_watch_and_backtest(run, log):
    words = "threshold ln(1/alpha_stream) = 6.91 with alpha_stream = alpha = 0.001"
    said = " ".join(run("watch", log, "--once", *SHORT).stdout.split())
    assert words in said
    fast = ("--runs", 20, "--horizon", 20, "--budgets", ".001", "-q")
    assert words in " ".join(run("backtest", log, *SHORT, *fast).stdout.split())
    assert words in json.loads(run("backtest", log, *SHORT, *fast, "--json").stdout)["threshold"]


SCORED = ("--score", "toxicity", *SHORT)


def bad_of(path):
    kept = path.with_name(f"{path.name}.watch.bad.jsonl")
    return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


def test_a_score_out_of_its_bounds_is_put_aside_and_the_watch_goes_on(run, tmp_path):
    path = tmp_path / "log.jsonl"
    sound = lines(40, k=5, drift_at=40, toxicity=0.2)
    wrong = [WRONG, WRONG.replace("1.7", '"much"'), WRONG.replace(', "toxicity": 1.7', "")]
    path.write_text("".join([*sound[:100], *wrong, *sound[100:]]))
    result = run("watch", path, "--once", *SCORED)
    assert result.exit_code == 0, result.output
    assert "step 38: quiet" in result.stdout
    words = "note: 3 rows have no score 'toxicity' in [0, 1] and are left out: if that depends on the score"
    assert words in result.stderr
    assert "score 'toxicity' lies in [0, 1], got 1.7" in result.stderr
    assert [row["line"] for row in bad_of(path)] == [101, 102, 103]
    again = run("watch", path, "--once", *SCORED)
    assert again.exit_code == 0, "nor does it end a watch that goes on"
    fast = ("--runs", 20, "--horizon", 20, "--budgets", ".001", "-q", "--json")
    found = json.loads(run("backtest", path, *SCORED, *fast).stdout)
    assert (found["rows"]["bad"], found["rows"]["counted"]) == (3, 200)
    assert any(words.removeprefix("note: ") in warning for warning in found["warnings"])


def test_a_watch_that_is_started_again_loses_no_bad_row_and_keeps_none_twice(run, tmp_path):
    path = tmp_path / "log.jsonl"
    text = lines(30, k=5, drift_at=30)
    place, wrong = 0, 0
    for stop in (40, 41, 90, len(text)):
        with path.open("a") as file:
            file.writelines([*text[place:stop], f'{{"question": "{wrong}"}}\n', "{\n"])
        place, wrong = stop, wrong + 1
        run("watch", path, "--once", *SHORT)
        run("watch", path, "--once", *SHORT)
        assert len(bad_of(path)) == 2 * wrong
    before = bad_of(path)
    assert len({row["line"] for row in before}) == 8
    run("backtest", path, *SHORT)
    assert bad_of(path) == before, "a backtest writes elsewhere"
    run("watch", path, "--once", "--fresh", *SHORT)
    assert bad_of(path) == before
    old = path.with_name("log.jsonl.watch.bad.1.jsonl")
    assert [json.loads(line) for line in old.read_text().splitlines()] == before, "the old file is kept"


def test_bad_rows_that_are_read_again_after_a_kill_are_kept_once(run, tmp_path):
    """The state is older than the file of bad rows, as after a kill: its rows behind the state come again."""
    path, state = tmp_path / "log.jsonl", tmp_path / "log.jsonl.watch.json"
    path.write_text("".join(lines(10, k=5)) + "{\n")
    run("watch", path, "--once", *SHORT)
    before = state.read_bytes()
    with path.open("a") as file:
        file.writelines(["[\n", "(\n"])
    run("watch", path, "--once", *SHORT)
    assert len(bad_of(path)) == 3
    state.write_bytes(before)
    with path.open("a") as file:
        file.write("]\n")
    run("watch", path, "--once", *SHORT)
    assert [row["excerpt"] for row in bad_of(path)] == ["{", "[", "(", "]"]


def test_a_log_of_bad_rows_alone_is_read_once(run, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("{\n")
    for _ in range(3):
        assert run("watch", path, "--once", *SHORT).exit_code == 12
    assert len(bad_of(path)) == 1
    assert not path.with_name("log.jsonl.watch.bad.1.jsonl").exists()


def test_the_live_picture_names_the_series_its_state_and_the_promise(log):
    settings = load_settings(monitor_baseline=20, monitor_alpha=0.001)
    watched = Watch(
        lambda place: FollowedFile(log, position=place),
        reader=StepRowReader(settings, taxonomy=FIVE, bad=pytest.fail),
        plan=plan_of(settings, FIVE),
        settings=settings,
    )
    console = Console(width=160, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(render(watched, "log"))
    assert "waiting for the first row" in console.export_text()
    while watched.poll()[1]:
        pass
    watched.log.close()
    console.print(render(watched, "log"))
    console.file.close()
    shown = console.export_text()
    assert "default/m" in shown
    assert "drifting since" in shown
    assert "alarm: default/m" in shown
    assert "false alarms a step are expected" in shown


def shown_of(settings, path, bad=pytest.fail):
    watched = Watch(
        lambda place: FollowedFile(path, position=place),
        reader=StepRowReader(settings, taxonomy=FIVE, bad=bad),
        plan=plan_of(settings, FIVE),
        settings=settings,
    )
    while watched.poll()[1]:
        pass
    watched.log.close()
    with open(os.devnull, "w") as nothing:  # noqa: PTH123
        console = Console(width=200, record=True, file=nothing)
        console.print(render(watched, "log"))
        return console.export_text()


def test_the_live_picture_keeps_a_series_whose_stream_went_quiet(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join([*lines(25, k=5, stream="first"), *lines(120, k=5, stream="second")]))
    shown = shown_of(load_settings(monitor_baseline=20), path)
    assert "first/m" in shown
    assert "second/m" in shown


def test_the_live_picture_tells_of_bad_rows_before_any_is_good(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"question": "hi"}\n' * 3)
    assert "3 bad rows are in no count" in shown_of(load_settings(), path, bad=lambda row: None)


def test_the_live_picture_shows_the_shares_of_each_part(tmp_path):
    path = tmp_path / "log.jsonl"
    rows = [
        {"prompt": f"{intent} {i}", "response": "r", "step": step, "intent": intent, "label": label, "classifier": "c"}
        for step in range(22)
        for i in range(5)
        for intent, label in (("harmful", "g2"), ("benign", "g1"))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = shown_of(load_settings(monitor_baseline=20, monitor_by="intent"), path)
    (harmful,) = [line for line in shown.splitlines() if "harmful" in line]
    (benign,) = [line for line in shown.splitlines() if "benign" in line]
    assert "100.0 %" in harmful
    assert " 0.0 %" in benign


def test_a_row_without_a_step_is_told_and_does_not_end_the_watch(run, tmp_path):
    path = tmp_path / "log.jsonl"
    stray = '{"prompt": "q", "response": "r", "label": "g1", "classifier": "c 1"}\n'
    path.write_text("".join([*lines(30, drift_at=30), stray, *lines(33, drift_at=33)[1500:]]))
    result = run("watch", path, "--once", *SHORT)
    assert result.exit_code == 0, result.output
    assert "1 rows state no step" in result.stderr
    assert "step 31: quiet" in result.stdout
