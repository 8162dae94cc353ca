"""``check`` on recorded model snapshots: GPT-3.5 of March and June 2023 (arXiv 2307.09009), labels by rule and authors.

Answers to 1,498 opinion questions did not drift: the control. Answers to 98 sensitive questions did, from 2 to 8 of 100
answered.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

DATA = Path(os.environ.get("SECONDLAW_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "behavior"

pytestmark = [
    pytest.mark.paper,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs the labelled responses (set SECONDLAW_DATA)"),
]
FAST = ("--resamples", 300, "--permutations", 999)


@pytest.fixture
def snapshots(write_rows):
    """Write the two snapshots of one kind of question; `spoil` turns answers of the second into refusals."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(
        DATA / "labelled.parquet", filters=[("source", "in", ["llmdrift_opinionqa", "llmdrift_sensitiveq"])]
    )

    def write(source, *, spoil=0.0):
        rng, paths = np.random.default_rng(0), []
        for month in ("2023-03", "2023-06"):
            rows = [
                {"prompt": r["prompt"], "response": r["response"], "label": r["category"], "classifier": "published/1"}
                for r in table.to_pylist()
                if (r["source"], r["timestamp"]) == (source, month)
            ]
            for row in rows if month == "2023-06" else ():
                if row["label"] == "g1" and rng.random() < spoil:
                    row["label"] = "g4"
            paths.append(write_rows(rows, f"{source}-{month}.jsonl"))
        return paths

    return write


def _found(run, *words):
    result = run("check", *words, "--json", *FAST)
    return result.exit_code, json.loads(result.stdout)


def test_the_control_is_quiet_and_within_two_points(run, snapshots):
    code, found = _found(run, *snapshots("llmdrift_opinionqa"))
    assert code == 0
    assert (found["tested"]["kind"], found["tested"]["matched"]) == ("paired", 1498)
    assert 0.3 < found["checks"][0]["p_value"] < 0.6
    change = found["changes"]["category:g1"]
    assert change["value"] == pytest.approx(0.004, abs=0.001)
    assert -0.02 < change["low"] < 0 < change["high"] < 0.02
    assert _found(run, *snapshots("llmdrift_opinionqa"), "--tolerance", 0.02)[0] == 0


def test_five_points_more_refusals_are_drift(run, snapshots):
    code, found = _found(run, *snapshots("llmdrift_opinionqa", spoil=0.05))
    assert code == 10
    assert found["checks"][0]["p_value"] == pytest.approx(0.001)
    change = found["changes"]["category:g4"]
    assert change["low"] < 0.049 < change["high"]


def test_more_sensitive_questions_are_answered_in_june(run, snapshots):
    code, found = _found(run, *snapshots("llmdrift_sensitiveq"), "--on", "misaligned")
    assert code == 10
    assert found["checks"][0]["change"]["value"] == pytest.approx(0.06)
    assert found["checks"][0]["p_value"] < 0.05, "the exact one is 2 / 64: six prompts changed, all one way"
