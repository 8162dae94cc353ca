"""What judges unknown intents, taken apart: without its parts, with the line known, with the share of harm known.

    python scripts/intents_taken_apart.py --table FILE.pkl

The table is that of `train_large_reader --table`: rows as heads judge them that never saw their source. Prints the
figures of docs/classifiers.md, and how many answers to benign requests (AlpacaEval, 700 drawn) the shipped classifier
calls harmful help.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from classifier_calibrations import SPREAD
from classifier_report import measure
from classifier_rows import DATA
from nested_choice import claimed, judged
from scipy.special import logit

from secondlaw.behavior.classifiers import load_default_classifier
from secondlaw.behavior.classifiers.leaning import leaned, log_odds_of_harm
from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.classifiers.told_share import LinePrior
from secondlaw.behavior.hashing import group_hash
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.pipeline.requests_together import RequestEvidence, share_read

SHARES = (0.1, 0.05, 0.02)
"""A source is told its own share of harmful requests, but none nearer to 0 or 1 than this."""
SHIFTS = (0.5, 1.0, 1.5)
BENIGN = 700


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True)
    rows = pd.read_pickle(parser.parse_args().table)
    rows = rows[claimed(rows)[0]].reset_index(drop=True)
    act, asked, share = rows[["act.0", "act.1", "act.2"]].to_numpy(), rows.asked.to_numpy(), rows.share.to_numpy()
    spoken, deed, silent = rows.spoken.to_numpy(), rows.harm.to_numpy(), np.zeros(len(rows))
    print("| what judges the intent | accuracy | kappa | calibration error | by source |\n|---|---|---|---|---|")
    for name, says, spread, prior in (
        ("as it ships", spoken, SPREAD, "sources"), ("no spread between sources", spoken, 0.0, "sources"),
        ("half of all requests harmful", spoken, SPREAD, "even"), ("deeds alone", deed, SPREAD, "sources"),
        ("answers do not speak", silent, SPREAD, "sources"), ("none of the three", silent, 0.0, "even"),
    ):  # fmt: skip
        say(name, rows, judged(asked, share, act, says, spread, prior, True))
    for by in SHIFTS:
        say(f"log odds of harm {by:+g}", rows, judged(asked + by, share, act, spoken, SPREAD, "sources", True))
    of_source = rows.groupby("source").harmful.transform("mean").fillna(pd.Series(share)).to_numpy()
    for least in SHARES:
        told = np.clip(of_source, least, 1 - least)
        intent = with_share(asked, act, spoken, share, told)
        say(f"share told, {least:g} to {1 - least:g}", rows, compose(act, intent, FIVE))
    for reader, of, its in (("embedded", asked, share), ("embedded-large", rows["asked.large"], rows["share.large"])):
        say(f"{reader}, row by row", rows, compose(act, with_share(of, act, spoken, its, its), FIVE))
        for name, sets in (("each source", rows.source), ("all sources", pd.Series("all", rows.index))):
            say(f"{reader}, share read off {name}", rows, together(rows, np.asarray(of), np.asarray(its), sets))
    benign = pd.read_parquet(DATA / "unmapped.parquet").query("source == 'alpaca_eval'").sample(BENIGN, random_state=1)
    shipped = load_default_classifier()
    for one in (shipped, *map(shipped.expecting, SHARES)):
        labels = one.judge(list(benign.prompt), list(benign.response), ["unknown"] * BENIGN).labels(FIVE)
        print(f"{one.identity}: {labels.count('g2') / BENIGN:.3f} of {BENIGN} benign answers called harmful help")


def together(rows: pd.DataFrame, asked: np.ndarray, share: np.ndarray, sets: pd.Series) -> np.ndarray:
    """Return category probabilities where each set is a file of its own; tells what was read."""
    act, spoken = rows[["act.0", "act.1", "act.2"]].to_numpy(), rows.spoken.to_numpy()
    harmful = np.empty((len(rows), 2))
    for name, mine in rows.groupby(sets).indices.items():
        before = with_share(asked[mine], act[mine], spoken[mine], share[mine], share[mine])
        prior, evidence = LinePrior(float(share[mine].mean()), SPREAD), RequestEvidence()
        for prompt, said in zip(rows.prompt.iloc[mine], log_odds_of_harm(before) - logit(share[mine]), strict=True):
            evidence.add(group_hash(prompt), float(said))
        found = share_read(evidence.values(), prior, seed=0)
        told = np.full(len(mine), found.told)
        harmful[mine] = with_share(asked[mine], act[mine], spoken[mine], share[mine], told)
        true = rows.harmful.iloc[mine].mean()
        print(f"<!-- {name}: read {found.share}, told {told[0]:g}, by people {true:.3f}, {found.share.n} requests -->")
    return compose(act, harmful, FIVE)


def with_share(asked, act, spoken, share, told) -> np.ndarray:
    """Return intents where log odds of requests, calibrated under `share`, are told another."""
    harmful = 1 / (1 + np.exp(-(asked + logit(told) - logit(share))))
    return leaned(np.column_stack([1 - harmful, harmful]), act, deed=spoken)


def say(name: str, rows: pd.DataFrame, probs: np.ndarray) -> None:
    truth = claimed(rows)[1]
    got = measure(truth, probs, rows.prompt.to_numpy(), rng=np.random.default_rng(1))
    right = pd.Series(probs.argmax(1) == truth).groupby(rows.source).mean()
    by_source = ", ".join(f"{source} {value:.3f}" for source, value in right.items())
    print(
        f"| {name} | {got['accuracy'][0]:.3f} | {got['kappa'][0]:.3f} | {max(got['ece'].values()):.3f} | {by_source} |"
    )


if __name__ == "__main__":
    main()
