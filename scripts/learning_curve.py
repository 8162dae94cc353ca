"""What labels of one's own do for the shipped classifier: Do-Not-Answer, which it never saw, by the number of rows.

    python scripts/learning_curve.py [--cache FOLDER] [--divisions 6]

Judged on human-labelled rows of a quarter of the prompts, held out. Needs the labelled responses (SECONDLAW_DATA).
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from classifier_rows import DATA

from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.labelled import labelled_row
from secondlaw.behavior.classifiers.shipped import load_weights, prompt_reader
from secondlaw.behavior.classifiers.training_features import StoredVectors, design_features
from secondlaw.behavior.classifiers.training_heads import Design, Heads, choose_penalties, fit_heads, judged
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.language import SentenceEmbedder

SIZES = (25, 50, 100, 200, 400)
NO_SHIFT = (np.inf, np.inf)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("vectors"))
    parser.add_argument("--divisions", type=int, default=6)
    options = parser.parse_args()
    data = pd.read_parquet(DATA / "labelled.parquet")
    data = data[data.source.isin(["do_not_answer", "constructed_mismatch_do_not_answer"])]
    rows = [
        labelled_row(r.prompt, r.response, r.category, taxonomy=FIVE, strength=r.label_strength)
        for r in data.itertuples()
    ]
    embed = StoredVectors(options.cache, SentenceEmbedder())
    x, xi, xa, _ = design_features(rows, embed, prompt_reader().embed)
    design = Design.of(rows, x, xi, xa)
    _, arrays = load_weights()
    shipped = Heads(Head.from_arrays("act", arrays), Head.from_arrays("intent", arrays))
    truth = np.array([FIVE.keys.index(row.category) for row in rows])
    human = np.array([row.strength == "human" for row in rows])
    groups = design.groups.max() + 1

    def score(heads: Heads, held: np.ndarray) -> list[float]:
        said = [judged(heads, design, held, told=told, name="x").category_probabilities(FIVE) for told in (True, False)]
        return [float((one.argmax(1) == truth[held])[human[held]].mean()) for one in said]

    found: dict[tuple[str, int], list[list[float]]] = {}
    for division in range(options.divisions):
        rng = np.random.default_rng(division)
        test = np.isin(design.groups, rng.permutation(groups)[: groups // 4])
        pool = rng.permutation(np.flatnonzero(~test))
        found.setdefault(("as shipped", 0), []).append(score(shipped, test))
        for n in SIZES:
            chosen = np.zeros(len(rows), bool)
            chosen[pool[:n]] = True
            within = np.unique(design.groups[chosen], return_inverse=True)[1]
            part = Design(x[chosen], xi[chosen], design.act[chosen], design.harmful[chosen], within)
            penalties = choose_penalties(part, shipped, rng=np.random.default_rng(0))
            for name, start, how in (("bent", "adapt", penalties), ("recalibrated", "recalibrate", NO_SHIFT)):
                heads = fit_heads(design, chosen, shipped, start=start, penalties=how, rng=rng)
                found.setdefault((name, n), []).append(score(heads, test))
    for (name, n), scores in found.items():
        told, untold = np.mean(scores, axis=0)
        spread = np.std(scores, axis=0)
        print(f"{name:13s} {n:4d} rows: told {told:.3f} ({spread[0]:.3f}), not told {untold:.3f} ({spread[1]:.3f})")


if __name__ == "__main__":
    main()
