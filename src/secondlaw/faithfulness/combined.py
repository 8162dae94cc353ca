"""A combined score, trained on labels: logistic regression on grounding scores, judged on answers it was not fitted to.

The features are those of :data:`FEATURES`, standardised; the coefficients minimise the log loss plus a ridge of 1, by
Newton's method. The AUROC reported is that of answers of held-out groups (documents, questions), see
:mod:`secondlaw.faithfulness.out_of_fold`. A score trained on one kind of text need not hold on another: measure it
there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.faithfulness.grounded import Grounding
from secondlaw.faithfulness.out_of_fold import FOLDS, out_of_fold_auroc
from secondlaw.faithfulness.ranking_areas import FEWEST
from secondlaw.language import MINILM_NAME
from secondlaw.statistics import LEVEL, block_ids
from secondlaw.types import Measured, measured_from_dict

__all__ = ["FEATURES", "CombinedScore", "features_of", "fit_combined"]

Floats = NDArray[np.float64]

FEATURES = ("mean_support", "least_support", "bigram_share", "novel_numbers", "novel_names")
"""Of an answer: see :class:`~secondlaw.faithfulness.grounded.Grounding`; novel ones counted a sentence."""
RIDGE = 1.0
_STEPS = 50


@dataclass(frozen=True, slots=True)
class CombinedScore:
    """A fitted score.

    Parameters
    ----------
    features : tuple of str
    means, scales, weights : ndarray of float64, shape (features,)
        Standardisation, and weights of the standardised features.
    intercept : float
    auroc : Estimate or Insufficient
        Out of fold.
    n : int
        Answers fitted to.
    embedding : str
        What the sentences were embedded with: cosines of another one are other features.
    """

    features: tuple[str, ...]
    means: Floats
    scales: Floats
    weights: Floats
    intercept: float
    auroc: Measured
    n: int
    embedding: str = MINILM_NAME

    def score(self, features: ArrayLike) -> Floats:
        """Return the fitted probability of being faithful, for features (..., F)."""
        z = (np.asarray(features, dtype=np.float64) - self.means) / self.scales
        return np.asarray(1.0 / (1.0 + np.exp(-(z @ self.weights + self.intercept))))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "features": list(self.features),
            "means": self.means.tolist(),
            "scales": self.scales.tolist(),
            "weights": self.weights.tolist(),
            "intercept": self.intercept,
            "auroc": self.auroc.to_dict(),
            "n": self.n,
            "embedding": self.embedding,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "CombinedScore":
        """Rebuild a score from :meth:`to_dict`.

        Raises
        ------
        InvalidInput
            If its parts do not fit each other, or it is of other features than these.
        """
        features = tuple(values["features"])
        means, scales, weights = (np.array(values[name], dtype=float) for name in ("means", "scales", "weights"))
        parts = np.concatenate((means, scales, weights, [float(values["intercept"])]))
        if features != FEATURES or not means.shape == scales.shape == weights.shape == (len(FEATURES),):
            raise InvalidInput(f"a combined score has the features {', '.join(FEATURES)}, got {features}")
        if not np.isfinite(parts).all() or not (scales > 0).all():
            raise InvalidInput("a combined score holds finite numbers and scales above 0")
        measured = measured_from_dict(values["auroc"])
        return cls(
            features, means, scales, weights, float(values["intercept"]), measured, int(values["n"]),
            str(values.get("embedding", MINILM_NAME)),
        )  # fmt: skip


def features_of(grounded: Grounding) -> Floats:
    """Return the features of an answer, in the order of :data:`FEATURES`.

    Raises
    ------
    NotEnoughData
        If answer or context holds no sentence.
    """
    if not grounded.sentences:
        raise NotEnoughData("an answer without sentences, or without context, has no features: leave it out")
    n = len(grounded.sentences)
    values = (
        grounded.mean_support, grounded.least_support, grounded.bigram_share or 0.0, len(grounded.novel_numbers) / n,
        len(grounded.novel_names) / n,
    )  # fmt: skip
    return np.array(values, dtype=np.float64)


def fit_combined(
    features: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    *,
    rng: np.random.Generator,
    names: Sequence[str] = FEATURES,
    level: float = LEVEL,
    embedding: str = MINILM_NAME,
) -> CombinedScore:
    """Fit a combined score to labelled answers and measure it out of fold.

    Parameters
    ----------
    features : array_like, shape (n, F)
    labels : array_like of bool, shape (n,)
        True for faithful.
    groups : array_like, shape (n,)
        Document or question of each answer; a group is in one fold.
    rng : numpy.random.Generator
        Deals groups to folds, and resamples them.
    names : sequence of str
        Names of the features.
    level : float
        Coverage of the interval.
    embedding : str
        Name of what embedded the sentences.

    Returns
    -------
    CombinedScore

    Raises
    ------
    NotEnoughData
        If there are fewer than 10 answers of either kind, or fewer groups than folds.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = np.arange(200) % 2 == 0
    >>> x = rng.normal(size=(200, 2)) + truth[:, None] * [1.0, 0.0]
    >>> found = fit_combined(x, truth, np.arange(200), rng=rng, names=("a", "b"))
    >>> found.auroc.covers(0.76), float(found.weights[0]) > 3 * abs(float(found.weights[1]))
    (True, True)
    """
    x, y = np.asarray(features, dtype=np.float64), np.asarray(labels, dtype=bool)
    if x.ndim != 2 or x.shape != (len(y), len(names)) or not np.isfinite(x).all():
        raise InvalidInput(f"features are finite, (answers, {len(names)} features), got shape {x.shape}")
    blocks = block_ids(np.asarray(groups))
    n_groups = int(blocks.max()) + 1 if len(blocks) else 0
    if min(y.sum(), (~y).sum()) < FEWEST or n_groups < FOLDS:
        raise NotEnoughData(
            f"a combined score needs {FEWEST} answers of each kind and {FOLDS} groups, got {y.sum()} faithful, "
            f"{(~y).sum()} not, {n_groups} groups: label more"
        )
    means, scales, beta = _fit(x, y)
    measured = out_of_fold_auroc(x, y, blocks, _scorer, rng=rng, level=level)
    return CombinedScore(tuple(names), means, scales, beta[1:], float(beta[0]), measured, len(y), embedding)


def _scorer(x: Floats, y: NDArray[np.bool_]) -> Callable[[Floats], Floats]:
    means, scales, beta = _fit(x, y)
    return lambda new: np.asarray((new - means) / scales @ beta[1:])


def _fit(x: Floats, y: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    means, scales = x.mean(axis=0), x.std(axis=0)
    scales = np.where(scales > 1e-12, scales, 1.0)
    z = np.column_stack((np.ones(len(x)), (x - means) / scales))
    ridge = np.diag([0.0] + [RIDGE] * x.shape[1])
    share = np.clip(y.mean(), 0.01, 0.99)
    beta = np.zeros(z.shape[1])
    beta[0] = np.log(share / (1.0 - share))
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(z @ beta, -30.0, 30.0)))
        gradient = z.T @ (y - p) - ridge @ beta
        hessian = (z * (p * (1.0 - p))[:, None]).T @ z + ridge + 1e-9 * np.eye(len(beta))
        step = np.linalg.solve(hessian, gradient)
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    return means, scales, beta
