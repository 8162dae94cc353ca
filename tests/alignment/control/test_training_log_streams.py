"""The log of a training run is a stream like any other: the commands of the package read it."""

import json

import numpy as np
import pytest
from small_training import Loop
from typer.testing import CliRunner

from secondlaw.alignment.control import ConstantWork, TrainingLog, measure_goals, measurements
from secondlaw.cli.main import app

pytestmark = pytest.mark.unit

GOALS = ("help", "flatter", "stall", "refuse")


def called(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def drifting(tmp_path):
    """A log of 60 measurements whose entropy rises from the 40th on."""
    log, rng = (
        TrainingLog(tmp_path / "run.jsonl", stream="fine-tuning", model="tiny", goals=GOALS),
        np.random.default_rng(0),
    )
    for step in range(60):
        alpha = [16.0, 1.0, 1.0, 1.0] if step < 40 else [4.0, 3.0, 2.0, 1.0]
        found = measure_goals(rng.dirichlet(alpha, size=30), rng=rng, intended=[0.85, 0.05, 0.05, 0.05])
        log.append(step, found, gamma=0.5, work=0.5 * step, whole=found.to_dict())
    log.close()
    return log.path


def test_backtest_reads_it_and_finds_the_rise(drifting):
    words = ("--score", "goal_entropy", "--bounds", 0, 1.387, "--baseline", 30, "--runs", 20, "--horizon", 20)
    result = called("backtest", drifting, *words, "--alpha", 0.001, "--json")
    assert result.exit_code == 10, result.stderr
    text = json.dumps(json.loads(result.stdout))
    assert "fine-tuning" in text
    quiet = called("backtest", drifting, "--score", "gamma", "--bounds", 0, 1, *words[5:], "--json")
    assert quiet.exit_code == 0, quiet.stderr


def test_watch_reads_it(drifting):
    words = ("--score", "kl_intended", "--bounds", 0, 12, "--baseline", 30, "--alpha", 0.001, "--once", "--json")
    result = called("watch", drifting, *words)
    assert result.exit_code in (0, 10), result.stderr
    decisions = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(decisions) >= 29  # every step but the last, which is still open
    assert (
        not (drifting.parent / "run.jsonl.watch.bad.jsonl").exists()
        or not (drifting.parent / "run.jsonl.watch.bad.jsonl").read_text()
    )


def test_a_real_run_is_read_without_a_bad_row(tmp_path):
    run = Loop(ConstantWork(1.0), log=TrainingLog(tmp_path / "run.jsonl", goals=GOALS), every=1).train(45)
    run.control.log.close()
    words = ("--score", "goal_entropy", "--bounds", 0, 1.387, "--baseline", 25, "--runs", 20, "--horizon", 10, "--json")
    result = called("backtest", tmp_path / "run.jsonl", *words)
    assert result.exit_code in (0, 10), result.stderr
    found = json.loads(result.stdout)
    assert found["rows"]["bad"] == 0 if "rows" in found else "bad" not in result.stderr
    whole = list(measurements(tmp_path / "run.jsonl"))
    assert len(whole) == 45
    assert {"mean_entropy", "entropy_of_mean", "gap", "kl_proxy", "kl_intended", "gamma", "work"} <= set(whole[0])
