"""Labelled responses as judged by heads that never saw their source: what the corrections are measured on.

Heads, adapters, calibrations, deeds and the lean of intents are those of `train_classifier`, fold by fold: the
calibration sample that ships is read off the same probabilities, and `checked` compares them.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import train_classifier as train
from classifier_rows import TRUSTED
from held_out_heads import held_out, judged_unseen

BY_PEOPLE = (*TRUSTED, "human+regex", "human_policy_dependent")
"""Label strengths of rows that count as labelled by a person."""
SAME = 0.002
"""Mean difference of probabilities up to which two trainings are one.

Library versions move the last digits. Another kind of processor trains other heads (.019 measured): there the
classifier has to be trained anew before anything is measured on it.
"""


def out_of_fold(cache: Path, adapters: Path) -> pd.DataFrame:
    """Train heads without each source and return the rows, in full and cut short, as these heads judge them."""
    return checked(judged_unseen(held_out(cache, adapters)))


def known_without(table: pd.DataFrame, source: str | None = None) -> dict[str, np.ndarray]:
    """Return the calibration sample that would ship if a source did not exist."""
    rows = table[table.source != source].reset_index(drop=True)
    told, intent = (rows[[f"{name}.{k}" for k in range(n)]].to_numpy() for name, n in (("told", 3), ("intent", 2)))
    return train.calibration_sample(rows, rows.act.to_numpy(int), told, intent)


def checked(table: pd.DataFrame) -> pd.DataFrame:
    """Stop where the calibration sample that ships was read off other probabilities than these."""
    ours = known_without(table)
    with np.load(train.OUT / "heads.npz") as shipped:
        for name in ("known.true_act", "known.harmful", "known.group"):
            if not np.array_equal(ours[name], shipped[name]):
                raise SystemExit(f"{name} is not that of the shipped calibration sample: train the classifier anew")
        off = [np.abs(ours[n].astype(float) - shipped[n]).mean() for n in ("known.act", "known.intent")]
    if max(off) > SAME:
        raise SystemExit(f"probabilities differ from the shipped sample's by {max(off):.3f} in the mean: train anew")
    return table
