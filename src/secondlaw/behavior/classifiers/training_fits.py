r"""What is fitted when a head is trained: networks and regression, their calibration, and the adaptation of a head.

- :func:`fit_head`: a head from nothing, as the shipped ones were made; needs scikit-learn (extra ``train``).
- :func:`calibrate`: slope and bias on log probabilities of rows that the head never saw, classes weighted to a prior.
- :func:`adapt_head`: multinomial logistic regression with the log probabilities of a trained head as offset, that is
  the penalised fit of :class:`~secondlaw.behavior.classifiers.adapted.AdaptedHead`. With little data it changes
  nothing, with much it becomes a head of its own; the penalty is chosen outside, on prompts held out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.adapted import SMALLEST, AdaptedHead, standardised
from secondlaw.behavior.classifiers.head import Head, softmax
from secondlaw.errors import InvalidInput

__all__ = ["adapt_head", "calibrate", "fit_head", "with_calibrations"]

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]
ANCHOR = 2.0
"""Rows that the wish to leave slope and bias alone weighs."""
MOST_CLASS_WEIGHT = 5.0
"""No class counts more than this times its rows, nor less than one over it: ten off-topic rows are no population."""
ITERATIONS, TOLERANCE = 150, 1e-6
"""A step that lowers the loss by less than this part of it ends the fit: far below what the penalty decides."""


def fit_head(x: Features, y: Index, weights: Floats, settings: Mapping[str, Any], prior: Floats) -> Head:
    """Fit small networks and a logistic regression; not calibrated yet.

    Parameters
    ----------
    x : ndarray, shape (n, features)
    y : ndarray of int, shape (n,)
        Every class occurs.
    weights : ndarray, shape (n,)
    settings : mapping
        ``hidden`` units, number of ``nets``, their ``alpha`` and ``epochs``, and ``C`` of the regression.
    prior : ndarray, shape (classes,)

    Raises
    ------
    InvalidInput
        If scikit-learn is missing, or a class has no row.
    """
    classes = len(prior)
    if len(np.unique(y)) < classes:
        raise InvalidInput(f"a head of {classes} classes needs rows of each, got {sorted(set(y.tolist()))}")
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        raise InvalidInput("training a head from nothing needs scikit-learn: pip install 'secondlaw[train]'") from None
    import warnings

    mean, scale = x.mean(0), x.std(0) + 1e-6
    z = ((x - mean) / scale).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the number of epochs is reached is the intention
        linear = LogisticRegression(C=settings["C"], max_iter=300, tol=1e-3).fit(z, y, sample_weight=weights)
        members = [_two_sided([(linear.coef_.T, linear.intercept_)])]
        for seed in range(settings["nets"]):
            net = MLPClassifier(
                (settings["hidden"],),
                alpha=settings["alpha"],
                max_iter=settings["epochs"],
                batch_size=128,
                learning_rate_init=5e-4,
                random_state=seed,
                tol=0.0,
                n_iter_no_change=1000,
            )
            net.fit(z, y, sample_weight=weights)
            members.append(_two_sided(list(zip(net.coefs_, net.intercepts_, strict=True))))
    return Head(mean, scale, tuple(members), np.ones(1), np.zeros((1, classes)), prior)


def _two_sided(layers: list[tuple[Any, Any]]) -> tuple[tuple[Features, Features], ...]:
    """Return layers in float32; a single logit of two classes becomes one for each."""
    last, bias = layers[-1]
    if last.shape[1] == 1:
        layers = [*layers[:-1], (np.hstack([-last, last]) / 2, np.array([-bias[0], bias[0]]) / 2)]
    return tuple((weights.astype(np.float32), bias.astype(np.float32)) for weights, bias in layers)


def calibrate(raw: Floats, y: Index, weights: Floats, prior: Floats) -> tuple[float, Floats]:
    """Return the slope and bias that minimise the log loss, classes weighted to the prior.

    Parameters
    ----------
    raw : ndarray, shape (n, classes)
        Probabilities of rows that the head was not trained on.
    y : ndarray of int, shape (n,)
    weights : ndarray, shape (n,)
    prior : ndarray, shape (classes,)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.05, 0.95, 4000)
    >>> y = (rng.uniform(size=4000) < p).astype(np.intp)
    >>> slope, bias = calibrate(np.column_stack([1 - p, p]), y, np.ones(4000), np.array([0.5, 0.5]))
    >>> abs(slope - 1) < 0.1
    True
    """
    from scipy.optimize import minimize

    w = weights * (prior / np.bincount(y, weights, len(prior)))[y]
    logs = np.log(np.maximum(raw, SMALLEST))

    def loss(t: Floats) -> float:
        p = softmax(np.exp(t[0]) * logs + np.append(t[1:], 0.0))
        return float(-(w * np.log(np.maximum(p[np.arange(len(y)), y], 1e-12))).sum() / w.sum())

    best = minimize(loss, np.zeros(len(prior)), method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-9})
    return float(np.exp(best.x[0])), np.append(best.x[1:], 0.0)


def with_calibrations(head: Head, fitted: Sequence[tuple[float, Floats]]) -> Head:
    """Return the head with one calibration for each condition."""
    slopes, biases = np.array([slope for slope, _ in fitted]), np.array([bias for _, bias in fitted])
    return replace(head, slope=slopes, bias=biases)


def adapt_head(
    base: Head, x: Features, y: Index, condition: Index, *, penalty: float, row_weights: Floats | None = None
) -> AdaptedHead:
    """Bend a head to rows with known classes.

    Parameters
    ----------
    base : Head
    x : ndarray, shape (n, features)
    y : ndarray of int, shape (n,)
    condition : ndarray of int, shape (n,)
        Calibration of the base that holds for each row; each row also counts under condition 0, unknown.
    penalty : float
        Of the squared shift, per row of mean log loss; infinite for a recalibration without shift.
    row_weights : ndarray, shape (n,), optional

    Returns
    -------
    AdaptedHead
        Its prior is the shares of the classes as weighted here; a class without a row keeps the base's.
    """
    classes, conditions = len(base.prior), len(base.slope)
    weights = np.ones(len(y)) if row_weights is None else np.asarray(row_weights, dtype=np.float64)
    balance, prior = _class_weights(np.bincount(y, weights, classes).astype(np.float64), base.prior)
    w = weights * balance[y]
    # Every row stands under its own condition and under the unknown one, with half its weight each.
    ways = [condition, np.zeros_like(condition)] if conditions > 1 else [condition]
    logs = np.concatenate([np.log(np.maximum(base.probabilities(x, way), SMALLEST)) for way in ways])
    z = standardised(base, x) if np.isfinite(penalty) else np.zeros((len(y), 0), dtype=np.float32)
    times = len(ways)
    slope, bias, shift = _fit(
        logs, np.tile(y, times), np.concatenate(ways), np.tile(w, times) / times, z, penalty, conditions
    )
    full = shift if np.isfinite(penalty) else np.zeros((len(base.mean), classes))
    return AdaptedHead(base, slope, bias, full.astype(np.float32), prior)


def _class_weights(mass: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """Return a weight for each class that takes the rows towards the prior, and the shares that result."""
    seen = mass > 0
    shares = mass / mass.sum()
    aim = np.where(seen, prior, 0.0) / prior[seen].sum()
    weights = np.divide(aim, shares, out=np.zeros_like(aim), where=seen).clip(1 / MOST_CLASS_WEIGHT, MOST_CLASS_WEIGHT)
    reached = np.where(seen, weights * shares, 0.0)
    return weights, np.where(seen, reached / reached.sum() * prior[seen].sum(), prior)


def _fit(
    logs: Floats, y: Index, which: Index, w: Floats, z: Features, penalty: float, conditions: int
) -> tuple[Floats, Floats, Floats]:
    """Minimise the penalised log loss over log slopes, biases (one a condition) and the shift, by L-BFGS."""
    from scipy.optimize import minimize

    (n, classes), (rows, features) = logs.shape, z.shape
    total, truth = w.sum(), np.eye(classes)[y]
    member = np.eye(conditions)[which] * w[:, None] / total  # (n, conditions)
    lam = penalty if features else 0.0
    ends = np.cumsum([conditions, conditions * classes])

    def objective(t: Floats) -> tuple[float, Floats]:
        log_slope, bias, shift = (
            part.reshape(-1, *shape)
            for part, shape in zip(np.split(t, ends), ((), (classes,), (classes,)), strict=True)
        )
        moved = z @ shift.astype(np.float32)  # (rows, classes); both conditions of a row share it
        steep = np.exp(log_slope)[which, None] * logs
        p = softmax(steep + bias[which] + np.tile(moved, (n // rows, 1)))
        off = p - truth
        weighted = off * (w / total)[:, None]
        pull = ANCHOR / total
        value = -(w @ np.log(np.maximum(p[np.arange(n), y], 1e-12))) / total
        value += pull / 2 * ((log_slope**2).sum() + (bias**2).sum()) + lam / 2 * (shift**2).sum()
        by_row = weighted.reshape(n // rows, rows, classes).sum(axis=0).astype(np.float32)
        gradient = [
            member.T @ (off * steep).sum(axis=1) + pull * log_slope,
            (member.T @ off + pull * bias).ravel(),
            ((z.T @ by_row).astype(np.float64) + lam * shift).ravel(),
        ]
        return float(value), np.concatenate(gradient)

    start = np.zeros(int(ends[1]) + features * classes)
    best = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS, "ftol": TOLERANCE}).x
    log_slope, bias, shift = np.split(best, ends)
    return np.exp(log_slope), bias.reshape(conditions, classes), shift.reshape(features, classes)
