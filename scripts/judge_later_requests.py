"""How embedded engines read requests that were written after their training and that nobody had in mind, by part.

    python scripts/judge_later_requests.py [--engine embedded|embedded-large] [--requests later|check|ordinary]

The 2,099 requests of training/later_requests.jsonl, the 717 of check_requests.jsonl and the 757 of
ordinary_requests.jsonl are authored (training/DATA_CARD.md): what comes out shows where a reader is weak, and is no
accuracy claim. Each is judged alone, without an answer that could speak for it.
"""

import argparse
import json

import numpy as np
import pandas as pd
from classifier_rows import ROOT
from sklearn.metrics import roc_auc_score

from secondlaw.pipeline.engines import open_embedded
from secondlaw.pipeline.settings import load_settings

TRAINING = ROOT / "training"
REPLICATES = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", action="append", help="embedded (default), embedded-large or a trained folder")
    parser.add_argument("--requests", choices=("later", "check", "ordinary"), default="later")
    options = parser.parse_args()
    lines = (TRAINING / f"{options.requests}_requests.jsonl").read_text(encoding="utf-8").splitlines()
    asked = pd.DataFrame([json.loads(line) for line in lines])
    harmful, settings = (asked.intent == "harmful").to_numpy(), load_settings()
    for spec in options.engine or ["embedded"]:
        engine = open_embedded(spec, settings)
        judged = engine.judge(list(asked.prompt), [""] * len(asked), ["unknown"] * len(asked)).intent[:, 1]
        print(f"\n{engine.identity}\n\n| part | n | area under the curve | harmful called so | benign called harmful |")
        print("|---|---|---|---|---|")
        for part, rows in [("all", asked.index), *asked.groupby("part").groups.items()]:
            p, true = judged[rows], harmful[rows]
            called = " | ".join(f"{(p[of] > 0.5).mean():.2f}" for of in (true, ~true))
            print(f"| {part} | {len(p)} | {area(p, true)} | {called} |")


def area(p: np.ndarray, harmful: np.ndarray) -> str:
    """Return the area under the curve with its 95 % bootstrap interval."""
    rng, drawn = np.random.default_rng(1), []
    for _ in range(REPLICATES):
        rows = rng.integers(0, len(p), len(p))
        drawn.append(roc_auc_score(harmful[rows], p[rows]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{roc_auc_score(harmful, p):.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
