"""What the figures are worth if the settings of unknown intents had been chosen without the source they are judged on.

Spread of the lines that sources draw, prior of harmful requests, and whether answers speak: for every source in turn
they are chosen on the rows of the other sources that people labelled, and all sources' rows so judged are put together.
"""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd
from classifier_calibrations import SPREAD
from classifier_report import calibration_error, measure
from classifier_rows import TRUSTED

from secondlaw.behavior.classifiers.leaning import leaned
from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.statistics.common_shift import shrinkage

SETTINGS = tuple(product((0.0, 1.0, 2.0, 3.0, 4.0), ("sources", "shrunk", "even"), (True, False)))
"""Spread, prior, and whether answers speak."""


def nested(rows: pd.DataFrame, asked: np.ndarray, share: np.ndarray) -> dict[str, Mapping]:
    """Choose by accuracy, then by calibration; `asked`, `share`: log odds and prior of harm of the requests."""
    use, true = claimed(rows)
    act, spoken = rows[["act.0", "act.1", "act.2"]].to_numpy()[use], rows.spoken.to_numpy()[use]
    source = rows.source.to_numpy()[use]
    every = [judged(asked[use], share[use], act, spoken, *setting) for setting in SETTINGS]
    found: dict[str, Mapping] = {}
    for name, good in (("accuracy", accuracy), ("calibration", calibration)):
        probs, chosen = np.zeros((len(true), 5)), {}
        for held in sorted(set(source)):
            others = source != held
            best = int(np.argmax([good(true[others], one[others]) for one in every]))
            probs[~others], chosen[held] = every[best][~others], SETTINGS[best]
        result = measure(true, probs, rows.prompt.to_numpy()[use], rng=np.random.default_rng(1))
        found[name] = {**result, "chosen": chosen}
    return found


def claimed(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows accuracy is claimed of, whole ones with a category by people, and their categories, 0 to 4."""
    truth = rows.category.map({f"g{k + 1}": k for k in range(5)})
    by_people = rows.label_strength.isin([*TRUSTED, "constructed"])
    use = (by_people & truth.notna() & (rows.form == "full") & rows["act.0"].notna()).to_numpy()
    return use, truth.to_numpy(float)[use].astype(int)


def judged(asked, share, act, spoken, spread: float, prior: str, speak: bool) -> np.ndarray:
    """Category probabilities under other settings than those of the log odds given."""
    of_sources = np.log(share / (1 - share))
    says = (asked - of_sources) / shrinkage(SPREAD)  # what requests say, before any doubt about the line
    added = {"sources": of_sources, "shrunk": of_sources * shrinkage(spread), "even": 0.0}[prior]
    harmful = 1 / (1 + np.exp(-(says * shrinkage(spread) + added)))
    heard = spoken * speak * shrinkage(spread) / shrinkage(SPREAD)
    intent = leaned(np.column_stack([1 - harmful, harmful]), act, deed=heard)
    return compose(act, intent, FIVE)


def accuracy(truth: np.ndarray, probs: np.ndarray) -> float:
    return float((probs.argmax(1) == truth).mean())


def calibration(truth: np.ndarray, probs: np.ndarray) -> float:
    return -max(calibration_error(probs[:, k], truth == k) for k in range(5))
