"""What reading the share of harmful requests off a file does to its labels, over files put together from two sources.

    python scripts/mixed_files.py --table FILE.pkl

The table is that of `train_large_reader --table`: rows as heads judge them that never saw their source. A file takes
harmful requests from one source and harmless ones from another (or the same), one answer to each, in a share from 0 to
1. Prints the table of docs/classifiers.md: accuracy where nothing is told and where the share is read.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from classifier_calibrations import SPREAD
from intents_taken_apart import with_share
from nested_choice import claimed
from scipy.special import logit

from secondlaw.behavior.classifiers.leaning import log_odds_of_harm
from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.classifiers.told_share import LinePrior
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.pipeline.requests_together import share_read

SHARES = (0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.0)
REQUESTS = (50, 100, 500)
FILES = 4
"""Of each size, share and pair of sources."""
LEAST = 50
"""Requests of one kind that a source must have."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True)
    rows = pd.read_pickle(parser.parse_args().table)
    use, true = claimed(rows)
    rows = rows[use].reset_index(drop=True).assign(true=true)
    rows = rows[rows.harmful.notna()].reset_index(drop=True)
    rng, found = np.random.default_rng(0), []
    harmful, harmless = (pools(rows, kind) for kind in (1, 0))
    print(f"harmful requests of {', '.join(harmful)}; harmless ones of {', '.join(harmless)}")
    for n, share, bad, good in product(REQUESTS, SHARES, harmful, harmless):
        for _ in range(FILES):
            of_bad = rng.binomial(n, share)
            parts = [(harmful[bad], of_bad), (harmless[good], n - of_bad)]
            chosen = [rng.choice(pool[i]) for pool, k in parts for i in rng.integers(0, len(pool), k)]
            found.append((n, share, f"{bad} / {good}", *accuracies(rows.iloc[chosen])))
    table = pd.DataFrame(found, columns=["requests", "share", "sources", "untold", "read"])
    table["gain"] = table.read - table.untold
    print("\n| harmful | nothing told | share read | gain, 5 to 95 % of the files |\n|---|---|---|---|")
    for share, of in table.groupby("share"):
        low, high = of.gain.quantile([0.05, 0.95])
        print(f"| {share:g} | {of.untold.mean():.3f} | {of.read.mean():.3f} | {low:+.2f} to {high:+.2f} |")
    print(table.groupby(["requests", "share"]).gain.mean().unstack().round(3).to_markdown())
    print(table.groupby("sources")[["untold", "read"]].mean().round(3).to_markdown())


def pools(rows: pd.DataFrame, kind: int) -> dict[str, list[np.ndarray]]:
    """Return the rows of every request of a kind, by source."""
    mine = rows[rows.harmful == kind]
    by_source = {
        source: [np.asarray(at) for at in of.groupby("prompt").groups.values()] for source, of in mine.groupby("source")
    }
    return {source: of for source, of in by_source.items() if len(of) >= LEAST}


def accuracies(file: pd.DataFrame) -> tuple[float, float]:
    """Return the accuracy of a file's labels, nothing told and under the share that is read."""
    act = file[["act.0", "act.1", "act.2"]].to_numpy()
    asked, share, spoken, true = (file[name].to_numpy() for name in ("asked", "share", "spoken", "true"))
    untold = with_share(asked, act, spoken, share, share)
    said = pd.Series(log_odds_of_harm(untold) - logit(share)).groupby(file.prompt.to_numpy()).mean()
    found = share_read(said.to_numpy(), LinePrior(float(share.mean()), SPREAD), seed=0)
    told = getattr(found, "told", None)  # too few different requests tell nothing
    read = untold if told is None else with_share(asked, act, spoken, share, np.full(len(file), told))
    labels = (compose(act, one, FIVE).argmax(1) for one in (untold, read))
    first, second = (float((one == true).mean()) for one in labels)
    return first, second


if __name__ == "__main__":
    main()
