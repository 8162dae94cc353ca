"""Compare the recorded run's measured shares with the labels of its audit, arm by arm, all steps together.

python scripts/compare_audit.py
"""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from secondlaw.behavior import FIVE, ObservationsBuilder
from secondlaw.drift import RowSummary
from secondlaw.formats import Row
from secondlaw.pipeline import MeasureOptions
from secondlaw.pipeline.inputs import Loaded
from secondlaw.pipeline.runs import measure_loaded
from secondlaw.pipeline.settings import load_settings

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def main() -> None:
    with gzip.open(EXAMPLES / "gemma-pressure.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    audit = {
        one["id"]: one for one in map(json.loads, (EXAMPLES / "gemma-pressure.audit.jsonl").read_text().splitlines())
    }
    settings = load_settings(workers=2)
    machine = measured([{**row, "step": 0} for row in rows], settings)
    for name, keep in (("all", lambda one: True), ("sure", lambda one: one["sure"])):
        read = [
            {**row, "step": 0, "human_label": audit[row["id"]]["audit_label"]}
            for row in rows
            if row["id"] in audit and keep(audit[row["id"]])
        ]
        reader = measured(read, settings)
        for ours, theirs in zip(machine.cells, reader.cells, strict=True):
            print(f"\n{ours.model}, audit labels: {name} ({theirs.n})")
            print(f"  S           audit {theirs.entropy['pooled']} | corrected {ours.entropy['pooled']} "
                  f"| as labelled {ours.uncorrected['entropy'].value:.3f}")  # fmt: skip
            print(f"  misaligned  audit {theirs.misaligned_share} | corrected {ours.misaligned_share} "
                  f"| as labelled {ours.uncorrected['misaligned_share'].value:.3f}")  # fmt: skip
            counts = np.array([ours.counts[key] for key in FIVE.keys])
            for k, key in enumerate(FIVE.keys):
                print(f"  {key}          audit {theirs.shares[key]} | corrected {ours.shares[key]} "
                      f"| as labelled {counts[k] / counts.sum():.3f}")  # fmt: skip


def measured(rows, settings):
    builder = ObservationsBuilder(examples=0)
    builder.add_rows(Row(i, row) for i, row in enumerate(rows))
    loaded = Loaded(builder.build(), RowSummary(len(rows), len(rows)), ())
    return measure_loaded(loaded, settings, replace(MeasureOptions.of(settings), pairs=()), name="audit")


if __name__ == "__main__":
    main()
