r"""A classifier that tells transitions from their reversals: its log odds bound the entropy production from below.

Trained on transitions (label 1) and their reversals (label 0), the best log odds are
:math:`\ln p(x_0, x_1) / p(x_1, x_0)` (Seif, Hafezi & Jarzynski, Nat. Phys. 17, 105 (2021)). Antisymmetrised, they are a
score like that of a network: cross-fitted by blocks, shrunk, and judged by
:mod:`secondlaw.trajectories.learned_scores`. Windows of several states show memory. Needs scikit-learn.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.learned_scores import LearnedScore, Score, fit_learned
from secondlaw.trajectories.reading.installed import required
from secondlaw.trajectories.results import EntropyProduction

__all__ = ["TimeReversalClassifier"]

Floats = NDArray[np.float64]

_MOST_CATEGORIES = 255  # of gradient-boosted trees
_PATIENCE = 30  # trees without progress: circulation shows in no single variable, so the first trees find little


@dataclass(frozen=True, slots=True)
class TimeReversalClassifier(LearnedScore):
    """Lower bound on entropy production by telling the direction of time.

    Parameters
    ----------
    model : {"boosting", "logistic"}
        Gradient-boosted trees, or a logistic regression on variables, squares and products.
    discrete : bool
        Whether variables are states 0, 1, ...: categories for trees, and one column each for the logistic regression.
    lag : int
    iterations : int
        Most trees, or steps of the logistic regression; trees stop by the validation fold.
    folds, blocks : int
    level : float
    resamples, draws : int

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> steps = rng.choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=4000)
    >>> data = Trajectories.of([np.cumsum(steps) % 3])
    >>> result = TimeReversalClassifier("logistic", discrete=True).fit(data, rng=rng)  # exact: .27489
    >>> result.estimate.low > 0.2, result.estimate.covers(0.27489)
    (True, True)
    """

    model: Literal["boosting", "logistic"] = "boosting"
    iterations: int = 200

    def fit(self, data: Trajectories | Transitions, *, rng: np.random.Generator) -> EntropyProduction:
        """Train and judge.

        Parameters
        ----------
        data : Trajectories or Transitions
            Windows for processes with memory.
        rng : numpy.random.Generator

        Raises
        ------
        InvalidInput
            If scikit-learn is not installed, the model is unknown, or discrete states are no whole numbers from 0.
        NotEnoughData
            If transitions are too few.
        """
        if self.model not in ("boosting", "logistic"):
            raise InvalidInput(f"the classifier is boosting or logistic, got {self.model!r}")
        required("sklearn", "the time-reversal classifier", remedy="pip install scikit-learn")
        pairs, states = self._prepared(data, _MOST_CATEGORIES)
        terms = _Terms(states) if self.model == "logistic" else None
        width = 2 * pairs.x0.shape[1] if terms is None else terms(pairs.x0[:1], pairs.x1[:1]).shape[1]

        def learn(x0: Floats, x1: Floats, v0: Floats, v1: Floats, seed: int) -> Score:
            if terms is not None:
                return _logistic(terms, x0, x1, self.iterations)
            return _boosted(x0, x1, v0, v1, self.iterations, seed, discrete=self.discrete)

        return fit_learned(
            pairs, learn, self, parameters=width, name=f"{self.model} classifier", states=states, rng=rng
        )


@dataclass(frozen=True, slots=True)
class _Terms:
    """Antisymmetric terms of a logistic regression without a constant."""

    states: int

    def __call__(self, x0: Floats, x1: Floats) -> Floats:
        if self.states:
            first, second = (np.eye(self.states)[x.astype(np.int64)].reshape(len(x), -1) for x in (x0, x1))
        else:
            first, second = x0, x1
        i, j = np.triu_indices(first.shape[1], 1)
        parts = [second - first, second[:, i] * first[:, j] - first[:, i] * second[:, j]]
        if not self.states:
            a, b = np.triu_indices(first.shape[1])
            parts.append(second[:, a] * second[:, b] - first[:, a] * first[:, b])
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True, slots=True)
class _Linear:
    terms: _Terms
    weights: Floats
    centre: Floats
    scale: Floats

    def __call__(self, x0: Floats, x1: Floats) -> Floats:
        first, second = ((x - self.centre) / self.scale for x in (x0, x1))
        return np.asarray(self.terms(first, second) @ self.weights)


def _logistic(terms: _Terms, x0: Floats, x1: Floats, iterations: int) -> Score:
    """Fit without a constant: transitions and reversals are mirror images, so half of them say it all."""
    from sklearn.linear_model import LogisticRegression

    both = np.concatenate([x0, x1])
    centre, spread = both.mean(axis=0), both.std(axis=0)
    if terms.states:
        centre, spread = np.zeros_like(centre), np.ones_like(spread)
    spread = np.where(spread > 0.0, spread, 1.0)
    g = terms((x0 - centre) / spread, (x1 - centre) / spread)
    scale = np.sqrt((g**2).mean(axis=0))
    g = g / np.where(scale > 0.0, scale, 1.0)
    labels = np.arange(len(g)) % 2  # a row and its mirror weigh the same: take one of the two, half with each label
    signed = g * (2.0 * labels - 1.0)[:, None]
    with np.errstate(over="ignore"):  # of products of outliers
        model = LogisticRegression(fit_intercept=False, max_iter=iterations, C=len(g) / 10.0).fit(signed, labels)
    weights = np.asarray(model.coef_[0] / np.where(scale > 0.0, scale, 1.0))
    return _Linear(terms, weights, centre, spread)


@dataclass(frozen=True, slots=True)
class _Boosted:
    model: Any

    def __call__(self, x0: Floats, x1: Floats) -> Floats:
        ahead, back = (self.model.decision_function(_columns(*pair)) for pair in ((x0, x1), (x1, x0)))
        return np.asarray((ahead - back) / 2.0, dtype=np.float64)


def _columns(x0: Floats, x1: Floats) -> Floats:
    """Return both states and their difference: single states tell nothing, so trees would find no first split."""
    return np.concatenate([x0, x1, x1 - x0], axis=1)


def _boosted(x0: Floats, x1: Floats, v0: Floats, v1: Floats, iterations: int, seed: int, *, discrete: bool) -> Score:
    from sklearn.ensemble import HistGradientBoostingClassifier

    def both(a: Floats, b: Floats) -> tuple[Floats, NDArray[np.int64]]:
        rows = np.concatenate([_columns(a, b), _columns(b, a)])
        return rows, np.repeat([1, 0], len(a)).astype(np.int64)

    model = HistGradientBoostingClassifier(
        max_iter=iterations, learning_rate=0.1, max_leaf_nodes=16, min_samples_leaf=50, l2_regularization=1.0,
        early_stopping=True, n_iter_no_change=_PATIENCE, random_state=seed,
        categorical_features=np.repeat([discrete, False], [2 * x0.shape[1], x0.shape[1]]),
    )  # fmt: skip
    rows, labels = both(x0, x1)
    judged, truth = both(v0, v1)
    return _Boosted(model.fit(rows, labels, X_val=judged, y_val=truth))
