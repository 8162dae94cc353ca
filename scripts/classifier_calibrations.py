"""Calibrations of the embedded classifier's heads, each on sources that the head never saw."""

import numpy as np
import pandas as pd
from classifier_rows import MAY_TRAIN

from secondlaw.behavior.classifiers.answer_reading import AnswerReading
from secondlaw.behavior.classifiers.head import SMALLEST
from secondlaw.behavior.classifiers.shipped import LINE_SPREAD
from secondlaw.behavior.classifiers.training_fits import calibrate
from secondlaw.statistics.common_shift import shrinkage

ACT_PRIOR = np.array([0.45, 0.33, 0.22])
"""Shares for which acts are calibrated; about those of the labelled responses of real models."""
CALIBRATES = pd.Series({"xstest": 1.0, "llmdrift_sensitiveq": 1.0, "gptfuzz": 0.1, "authored": 0.3, "local_model": 0.1})
"""Weights of sources in the act's calibration: above all real responses that people labelled; no others."""
BORDERLINE = ("xstest", "authored", "llmdrift_sensitiveq", "jailbreakbench", "gptfuzz", "vicuna_bench")
"""Sources of the calibration of intents and deeds, all of one weight; those of a single topic are left out."""
SPREAD = LINE_SPREAD


def balanced(sources: pd.Series) -> np.ndarray:
    """Weights that give every source the same say."""
    return 1 / sources.map(sources.value_counts()).to_numpy()


def act_calibration(rows: pd.DataFrame, raw: np.ndarray, without: np.ndarray) -> tuple[float, np.ndarray]:
    """One calibration for every stated intent: a fit for each follows the sources that happen to have it."""
    ok = ~np.isnan(raw[:, 0]) & ~without
    share = CALIBRATES.reindex(rows.source[ok]).fillna(0.0).to_numpy() * balanced(rows.source[ok])
    return calibrate(raw[ok], rows.act.to_numpy(int)[ok], share, ACT_PRIOR)


def intent_calibration(
    asked: pd.DataFrame, raw: np.ndarray, without: np.ndarray
) -> tuple[tuple[float, np.ndarray], np.ndarray]:
    """Slope and bias for a source never seen, and the prior: the mean of the sources' shares of harmful requests.

    A new source has its own line, off by a normal deviate of SPREAD log odds, which is integrated out of what a request
    says; the prior is no part of that doubt, so that a request that says nothing stays at it.
    """
    ok = ~np.isnan(raw[:, 0]) & ~without & asked.source.isin(BORDERLINE).to_numpy()
    harmful, share = asked.harmful.to_numpy(int)[ok], balanced(asked.source[ok])
    prior = np.bincount(harmful, share) / share.sum()
    slope, bias = calibrate(raw[ok], harmful, share, prior)
    kept = shrinkage(SPREAD)
    return (slope * kept, bias * kept + (1 - kept) * np.log(prior)), prior


def refusing(raw: np.ndarray, calibrated: tuple[float, np.ndarray]) -> np.ndarray:
    """Log odds of a refusal against compliance."""
    slope, bias = calibrated
    logs = np.log(np.maximum(raw, SMALLEST))
    return slope * (logs[:, 1] - logs[:, 0]) + bias[1] - bias[0]


def deed_calibration(answers: pd.DataFrame, log_odds: np.ndarray, without: np.ndarray) -> tuple[float, float]:
    """Slope and offset of log odds under even shares of harm."""
    ok = ~np.isnan(log_odds) & ~without & answers.source.isin(BORDERLINE).to_numpy()
    p = 1 / (1 + np.exp(-log_odds[ok]))
    share = balanced(answers.source[ok])
    slope, bias = calibrate(np.column_stack([1 - p, p]), answers.deed.to_numpy(int)[ok], share, np.array([0.5, 0.5]))
    return slope, float(bias[1] - bias[0])


def answer_calibration(answers: pd.DataFrame, deed: np.ndarray, read: np.ndarray, without: np.ndarray) -> AnswerReading:
    """Weights of deed and reading, and what is added, under even shares of harm; on answers in full.

    The head that reads is that of requests, and a new source's line is off for both: integrated out here as there.
    """
    from sklearn.linear_model import LogisticRegression

    ok = ~np.isnan(read) & ~without & (answers.source.isin(BORDERLINE) & (answers.form == "full")).to_numpy()
    harmful, share = answers.deed.to_numpy(int)[ok], balanced(answers.source[ok])
    share = share / np.bincount(harmful, share)[harmful]
    fit = LogisticRegression(C=1e3).fit(np.column_stack([deed, read])[ok], harmful, sample_weight=1000 * share)
    deed_weight, weight = fit.coef_[0] * shrinkage(SPREAD)
    return AnswerReading(float(deed_weight), float(weight), float(fit.intercept_[0] * shrinkage(SPREAD)))


def refusal_weight(rows: pd.DataFrame, log_odds: np.ndarray, deed: np.ndarray, without: np.ndarray):
    """How far harm done lowers the log odds of a refusal against those of compliance, and its mean: over sources."""
    from sklearn.linear_model import LogisticRegression

    ok = (rows.source.isin(MAY_TRAIN) & (rows.form == "full") & (rows.act < 2)).to_numpy() & ~without
    share = balanced(rows.source[ok])
    harm = np.maximum(deed, 0.0)
    seen = np.column_stack([log_odds, harm])[ok]
    fit = LogisticRegression(C=1e3).fit(seen, rows.act.to_numpy(int)[ok] == 1, sample_weight=1000 * share)
    slope, fall = fit.coef_[0]
    return float(-fall / slope), float(np.average(harm[ok], weights=share))
