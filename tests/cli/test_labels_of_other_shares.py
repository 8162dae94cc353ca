"""What reads row by row brings labels of shipped classifiers under its own share of harmful requests."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from secondlaw.behavior.classifier_identity import with_share
from secondlaw.behavior.classifiers.told_share import shipped_priors, under_share
from secondlaw.behavior.rows import to_row, to_transcript
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.errors import InvalidInput
from secondlaw.formats import Row
from secondlaw.pipeline.anchor_files import load_anchor
from secondlaw.pipeline.anchoring import attribute_periods
from secondlaw.pipeline.inputs import Source
from secondlaw.pipeline.monitoring import StepRowReader
from secondlaw.pipeline.settings import Settings, load_settings
from secondlaw.service.app import create_app
from secondlaw.service.running import Parts
from secondlaw.service.settings import ServiceSettings
from secondlaw.storage import open_store

pytestmark = pytest.mark.unit
PLAIN = next(iter(shipped_priors()))
DOUBTED = {"g1": 0.9, "g2": 0.1, "g3": 0.0, "g4": 0.0, "g5": 0.0}
"""Harmless under a share of .02, harmful under two thirds."""


def row(number, share="0.02", **fields):
    name = PLAIN if share is None else f"{PLAIN}+harmful-{share}"
    known = {"id": f"e{number}", "prompt": f"q{number % 40}", "response": "a", "step": 1, "label": "g1"}
    return known | {"classifier": name, "label_probs": DOUBTED} | fields


def test_steps_are_read_under_one_share() -> None:
    def read(**said):
        reader = StepRowReader(Settings(**said), taxonomy=FIVE, bad=pytest.fail)
        return [(one.category, one.classifier) for one in reader.read([Row(1, row(1)), Row(2, row(2, "0.05"))])]

    assert read() == [(1, PLAIN), (1, PLAIN)]
    assert read(harmful_share=0.02) == [(0, f"{PLAIN}+harmful-0.02")] * 2
    assert read(harmful_share="prior") == read()
    told = StepRowReader(Settings(), taxonomy=FIVE, bad=pytest.fail, classifier=f"{PLAIN}+harmful-0.02")
    named = told.read([Row(1, row(1)), Row(2, row(2, "0.05"))])
    assert [one.category for one in named] == [0, -1]  # the labels of one version, as they stand
    assert told.warnings() == []
    mixed = StepRowReader(Settings(), taxonomy=FIVE, bad=pytest.fail)
    mixed.read([Row(1, row(1)), Row(2, row(2, None))])
    assert "1 rows were labelled under another share" in mixed.warnings()[0]
    with pytest.raises(InvalidInput, match="reads a whole file"):
        read(harmful_share="auto")


def test_scores_are_counted_under_one_share(run, write_rows, tmp_path) -> None:
    out = tmp_path / "counts.parquet"
    done = run("score", write_rows([row(i, "0.02" if i % 2 else None) for i in range(20)]), "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert "10 rows were labelled under another share of harmful requests" in " ".join(
        json.loads(done.stdout)["warnings"]
    )
    assert {one["classifier"] for one in pq.read_table(out).to_pylist()} == {PLAIN}


def test_the_service_takes_labels_under_its_share(tmp_path) -> None:
    service = ServiceSettings(store=f"sqlite:///{tmp_path}/store.db", every=None, workers=0)
    with open_store(service.store, settings=service.store_settings) as store:
        for stream, settings in (("untold", load_settings()), ("told", load_settings(harmful_share=0.02))):
            app = create_app(store, service, Parts(store, service, settings), run_parts=False)
            with TestClient(app, base_url="http://127.0.0.1") as client:
                rows = [row(1, stream=stream), row(2, "0.05", stream=stream)]
                assert client.post("/v1/events", json=rows).json()["accepted"] == 2
        found = {stream: store.counts.read(stream).to_dict() for stream in ("untold", "told")}
    assert f'"{PLAIN}"' in json.dumps(found["untold"])
    assert "+harmful" not in json.dumps(found["untold"])
    assert f'"{PLAIN}+harmful-0.02"' in json.dumps(found["told"])


@pytest.mark.parametrize("scored_under", [None, 0.3])
def test_periods_are_attributed_as_anchors_are_scored(write_rows, scored_under) -> None:
    identity = with_share(PLAIN, scored_under)
    rng = np.random.default_rng(3)
    periods = []
    for share in (0.02, 0.9):
        periods.append([])
        for i, harm in enumerate(rng.uniform(size=120)):
            probs = {"g1": 1.0 - harm, "g2": harm}
            untold = to_transcript(row(i, None, id=f"{share}-{i}", label_probs=probs))
            periods[-1].append(to_row(under_share(untold, share, FIVE)))
    scored = [
        {"id": f"a{i}", "prompt": f"a{i}", "response": "b", "human_label": "g1", "anchor_labels": {identity: "g1"}}
        for i in range(40)
    ]
    assert np.mean([one["label"] == "g1" for one in periods[0]]) > 0.8
    assert np.mean([one["label"] == "g1" for one in periods[1]]) < 0.2
    files = [Source(str(write_rows(rows, f"{n}.jsonl"))) for n, rows in enumerate(periods)]
    anchor = load_anchor(write_rows(scored, "anchor.jsonl"), FIVE)
    found = attribute_periods(*files, anchor, load_settings(resamples=100, permutations=199))
    assert (found.old, found.new) == (identity, identity)
    assert found.attribution.verdict not in ("model", "classifier", "both")
