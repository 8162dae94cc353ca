"""Train what reads deeds: whether an answer itself does harm, off the response alone, source by source.

It learns from answers: of the labelled rows those that comply, and GPTFuzz's responses that people called harmless
though no phrase of refusal is in them (367, which have no category). Their deed is that of the label, or as written.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from classifier_calibrations import deed_calibration, refusal_weight
from classifier_rows import DATA, MAY_TRAIN, cut_words, inputs

from secondlaw.behavior.classifiers.deed import Deed, clipped
from secondlaw.behavior.classifiers.features import act_features

SEEN = np.r_[0:768, 1536:1640]
"""Columns of the act head's features that are looked at: response, opening and marks; not the request."""
C = 0.003
MOST_OF_A_KIND = 300
"""Answers of one source and deed weigh no more than so many."""
CUT = 0.7
OURS = ("authored", "local_model")


def harmless_answers() -> pd.DataFrame:
    """GPTFuzz's harmless answers, in full and cut short; they have no category."""
    of = pd.read_parquet(DATA / "unmapped.parquet").query("source == 'gptfuzz'")
    rng = np.random.default_rng(3)
    full = of[["source", "prompt", "response"]].assign(act=0, deed=0.0, form="full")
    cut = full.assign(form="cut", response=[cut_words(text, int(rng.integers(6, 45))) for text in full.response])
    return pd.concat([full, cut], ignore_index=True)


@dataclass(frozen=True)
class Deeds:
    """Answers with their deeds, and all rows as read by what never saw their source."""

    rows: pd.DataFrame
    x: np.ndarray
    answers: pd.DataFrame
    xa: np.ndarray
    raw: np.ndarray
    of_answers: np.ndarray

    def without(self, held: np.ndarray, sources: tuple[str, ...] | None, log_odds: np.ndarray) -> Deed:
        """Return the deed for a fold: rows held out, their sources (None: by prompt), acts' log odds of refusing."""
        out = self.left_out(held, sources)
        deed = fit_deed(self.xa[~out], self.answers[~out])
        slope, offset = deed_calibration(self.answers, self.of_answers, out)
        weight, centre = refusal_weight(self.rows, log_odds, slope * self.raw + offset, held)
        return replace(
            deed, direction=(slope * deed.direction).astype(np.float32), offset=slope * deed.offset + offset,
            weight=weight, centre=centre,
        )  # fmt: skip

    def left_out(self, held: np.ndarray, sources: tuple[str, ...] | None) -> np.ndarray:
        """Return which answers a fold leaves out."""
        if sources is None:
            return self.answers.prompt.isin(set(self.rows.prompt[held])).to_numpy()
        return self.answers.source.isin(sources).to_numpy()


def read_deeds(rows: pd.DataFrame, x: np.ndarray, embed, folds: tuple[tuple[str, ...], ...]) -> Deeds:
    """Train without each fold's sources, our own texts being one more, and read the rows held out."""
    complied = ((rows.act == 0) & rows.deed.notna() & rows.source.isin(MAY_TRAIN)).to_numpy()
    extra = harmless_answers()
    answers = pd.concat([rows[complied][extra.columns], extra], ignore_index=True)
    xa = np.vstack([x[complied], act_features(*inputs(extra, embed))])
    raw, of_answers = np.full(len(rows), np.nan), np.full(len(answers), np.nan)
    for sources in (*folds, OURS):
        held, out = (table.source.isin(sources).to_numpy() for table in (rows, answers))
        deed = fit_deed(xa[~out], answers[~out])
        raw[held], of_answers[out] = deed.log_odds(x[held]), deed.log_odds(xa[out])
    return Deeds(rows, x, answers, xa, raw, of_answers)


def fit_deed(x: np.ndarray, answers: pd.DataFrame) -> Deed:
    """Fit a logistic regression, both deeds of one weight; not calibrated, and saying nothing of acts yet."""
    from sklearn.linear_model import LogisticRegression

    y = answers.deed.to_numpy(int)
    weight = np.where(answers.form == "cut", CUT, 1.0)
    for _, of in answers.groupby(["source", "deed"]).indices.items():
        weight[of] *= min(1.0, MOST_OF_A_KIND / weight[of].sum())
    weight *= weight.sum() / 2 / np.bincount(y, weight)[y]
    mean, scale = x.mean(0), x.std(0) + 1e-6
    z = clipped(x, mean, scale)[:, SEEN]
    fit = LogisticRegression(C=C, max_iter=300).fit(z, y, sample_weight=weight)
    direction = np.zeros(x.shape[1], np.float32)
    direction[SEEN] = fit.coef_[0]
    return Deed(mean.astype(np.float32), scale.astype(np.float32), direction, float(fit.intercept_[0]), 0.0, 0.0)
