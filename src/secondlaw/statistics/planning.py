r"""How many prompts, responses and human labels show a drift of d nats per step with the promised power.

The slope over steps :math:`t` has standard error :math:`(\sum_t c_t^2 v_t)^{1/2}` with
:math:`c_t = (t - \bar t) / \sum_s (s - \bar t)^2`. The variance of S at one step, for P prompts of k responses,

.. math:: v = \operatorname{Var}\psi \left[\frac{(1 - \kappa) \rho}{P} + \frac{1 - \rho}{P k}\right]
              + \frac{\eta^2}{P k} + \frac{K - 1}{2 n_{\text{eff}}^2},

has the influence :math:`\psi = -\ln p - S`, the correlation :math:`\rho` of responses to one prompt, the part
:math:`\kappa` of the prompts' effect that is the same at all steps and so cancels, and the noise :math:`\eta^2` of
labels corrected by a known confusion table. With m human labels a step the labels' explained part R^2 of
:math:`\operatorname{Var}\psi` is read from all responses and the rest from the labels alone: PPI++. The last term is
the second order, which rules near the uniform distribution. Shares move from the baseline along the line to the uniform
distribution (or, for falling entropy, to the largest category). The normal approximation is checked by simulation in
the tests.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput

__all__ = ["Plan", "PlanRow", "drift_path", "plan_drift"]

Array = NDArray[np.float64]

RESPONSES = (1, 5, 10, 20, 50, 100)  # responses a prompt shown in the table
LABELS = (0,)
MIN_PROMPTS = 10  # with fewer groups a bootstrap interval does not keep its level
MAX_PROMPTS = 1_000_000
LEVEL = 0.05
POWER = 0.8


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One way to reach the power.

    Parameters
    ----------
    prompts : int or None
        Prompts per step; None if no number suffices, because the human labels are too few.
    responses : int
        Responses per prompt and step.
    labels : int
        Human labels per step.
    total_responses, total_labels : int or None
        Over all steps and models.
    standard_error : float
        Of the rate, in nats per step.
    power : float
        Probability to detect the drift.
    """

    prompts: int | None
    responses: int
    labels: int
    total_responses: int | None
    total_labels: int
    standard_error: float
    power: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a drift takes to be seen.

    Parameters
    ----------
    drift : float
        Drift to detect, nats per step.
    steps : tuple of float
        When the steps are.
    alpha, power : float
        Two-sided level of the test and promised power.
    models : int
        1 for a rate, 2 for the difference of two models' rates.
    alternatives : tuple of PlanRow
        Prompts needed for each number of responses and labels.
    fewest_responses : PlanRow or None
        The alternative with the fewest responses in all; None if none reaches the power.
    assumptions : str
        In words that can be printed.
    """

    drift: float
    steps: tuple[float, ...]
    alpha: float
    power: float
    models: int
    alternatives: tuple[PlanRow, ...]
    fewest_responses: PlanRow | None
    assumptions: str


@dataclass(frozen=True, slots=True)
class _Design:
    path: Array  # (T, K)
    steps: Array  # (T,)
    correlation: float
    persistence: float
    accuracy: float
    models: int

    def standard_error(self, prompts: float, responses: int, labels: int) -> float:
        centred = self.steps - self.steps.mean()
        c = centred / (centred @ centred)
        variances = [self._variance(p, prompts, responses, labels) for p in self.path]
        if self.models == 2:  # the other model stays at the baseline
            variances = [v + self._variance(self.path[0], prompts, responses, labels) for v in variances]
        return math.sqrt(float(c**2 @ np.array(variances)))

    def _variance(self, p: Array, prompts: float, k: int, labels: int) -> float:
        rho, n = self.correlation, prompts * k
        psi = _influence(p)
        spread = float(p @ psi**2)
        sampled = (1.0 - self.persistence) * rho / prompts + (1.0 - rho) / n
        n_eff = n / (1.0 + (k - 1) * rho)
        second = float(np.count_nonzero(p) - 1) / (2.0 * n_eff**2)
        if self.accuracy >= 1.0:
            return spread * sampled + second
        if not labels:
            return spread * sampled + self._label_noise(p, psi) / n + second
        explained = self._explained(p, psi)
        per_prompt = max(labels / prompts, 1.0)
        unexplained = (1.0 - explained) / min(labels, n) * (1.0 + (per_prompt - 1.0) * rho)
        return spread * (explained * sampled + unexplained) + second

    def _channel(self, K: int) -> Array:
        off = (1.0 - self.accuracy) / (K - 1)
        return np.asarray(np.full((K, K), off) + np.eye(K) * (self.accuracy - off))

    def _label_noise(self, p: Array, psi: Array) -> float:
        """Return the variance that labels add to a response's influence once a known table has corrected them."""
        C = self._channel(len(p))
        unmixed = np.linalg.solve(C, psi)  # its mean under the labels of category j is psi_j
        return float(p @ (C @ unmixed**2 - psi**2))

    def _explained(self, p: Array, psi: Array) -> float:
        """Return the part of the influence's variance that the machine label explains."""
        joint = p[:, None] * self._channel(len(p))
        label = joint.sum(axis=0)
        mean = (psi @ joint) / label
        spread = float(p @ psi**2)
        return float(label @ mean**2) / spread if spread > 0.0 else 1.0


def plan_drift(
    baseline: ArrayLike,
    drift: float,
    *,
    steps: ArrayLike,
    correlation: float = 0.0,
    persistence: float = 0.0,
    accuracy: float = 1.0,
    responses: tuple[int, ...] = RESPONSES,
    labels: tuple[int, ...] = LABELS,
    alpha: float = LEVEL,
    power: float = POWER,
    models: int = 1,
) -> Plan:
    """Say how many prompts, responses and labels show a drift of the pooled entropy.

    Parameters
    ----------
    baseline : array (K,)
        Shares of the categories at the first step.
    drift : float
        Rate to detect, in nats per step; not zero.
    steps : array (T,)
        When responses are taken; two or more distinct steps.
    correlation : float
        Correlation of the responses to one prompt, in [0, 1); from a design effect D at k responses it is
        ``(D - 1) / (k - 1)``.
    persistence : float
        Part of the prompts' effect that is the same at all steps, in [0, 1]; only where the same prompts are asked at
        every step. Zero promises least.
    accuracy : float
        Accuracy of the classifier, errors spread evenly over the other categories; above 1 / K, at most 1.
    responses, labels : tuple of int
        Responses a prompt, and human labels a step, to tabulate. None: correction by a known confusion table.
    alpha, power : float
        Two-sided level and promised power.
    models : int
        1 for a rate, 2 for the difference between a drifting and a steady model.

    Returns
    -------
    Plan

    Raises
    ------
    InvalidInput
        If an argument is out of range, or the entropy would leave [0, ln K] before the last step.

    Examples
    --------
    >>> plan = plan_drift([0.7, 0.1, 0.1, 0.05, 0.05], 0.02, steps=range(10), correlation=0.2, responses=(1, 10))
    >>> [(row.prompts, row.responses, round(row.power, 2)) for row in plan.alternatives]
    [(222, 1, 0.8), (63, 10, 0.81)]
    """
    t = np.asarray(list(steps) if isinstance(steps, range) else steps, dtype=np.float64)
    _check(drift, t, correlation, persistence, alpha, power, models)
    if not responses or min(responses) < 1 or not labels or min(labels) < 0:
        raise InvalidInput(f"responses must be positive and labels nonnegative, got {responses} and {labels}")
    path = drift_path(baseline, drift, steps=np.sort(t))
    if not 1.0 / path.shape[1] < accuracy <= 1.0:
        raise InvalidInput(f"accuracy must lie above chance (1/K) and at most at 1, got {accuracy}")
    design = _Design(path, np.sort(t), correlation, persistence, accuracy, models)
    rows = tuple(_row(design, abs(drift), k, m, alpha, power) for m in labels for k in responses)
    reached = [row for row in rows if row.total_responses is not None]
    best = min(reached, key=lambda row: (row.total_responses or 0) + row.total_labels, default=None)
    words = (
        f"pooled entropy from shares {np.round(path[0], 3).tolist()}, {len(t)} steps, "
        f"correlation {correlation:g} within prompts ({persistence:g} of it the same at all steps), "
        f"classifier accuracy {accuracy:g}, two-sided level {alpha:g}, normal approximation"
    )
    return Plan(drift, tuple(np.sort(t).tolist()), alpha, power, models, rows, best, words)


def drift_path(baseline: ArrayLike, drift: float, *, steps: ArrayLike) -> Array:
    """Return shares whose entropy moves at a constant rate from a baseline, shape (T, K).

    They move on the line to the uniform distribution if entropy rises, to the largest category if it falls.

    Raises
    ------
    InvalidInput
        If the baseline is no distribution, or the entropy would leave [0, ln K].

    Examples
    --------
    >>> drift_path([0.9, 0.1], 0.1, steps=[0, 1]).round(3).tolist()
    [[0.9, 0.1], [0.849, 0.151]]
    """
    p, t = np.asarray(baseline, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    if p.ndim != 1 or len(p) < 2 or not np.all(np.isfinite(p)) or p.min() < 0.0 or abs(p.sum() - 1.0) > 1e-6:
        raise InvalidInput(f"the baseline must be shares of two or more categories that sum to one, got {p.tolist()}")
    p = p / p.sum()
    goal = np.full(len(p), 1.0 / len(p)) if drift > 0.0 else np.eye(len(p))[int(p.argmax())]
    wanted = _entropy(p) + drift * (t - t.min())
    if wanted.max() > math.log(len(p)) + 1e-12 or wanted.min() < -1e-12:
        raise InvalidInput(
            f"a drift of {drift:g} nats/step over {np.ptp(t):g} steps from S = {_entropy(p):.3f} leaves "
            f"[0, ln {len(p)}]; plan for fewer steps or a smaller drift"
        )
    low, high = np.zeros(len(t)), np.ones(len(t))
    for _ in range(60):
        middle = (low + high) / 2.0
        shares = (1.0 - middle)[:, None] * p + middle[:, None] * goal
        short = np.array([(_entropy(q) - w) * np.sign(drift) < 0.0 for q, w in zip(shares, wanted, strict=True)])
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.asarray((1.0 - low)[:, None] * p + low[:, None] * goal)


def _row(design: _Design, drift: float, k: int, labels: int, alpha: float, power: float) -> PlanRow:
    def reached(prompts: int) -> float:
        return _power(drift / design.standard_error(prompts, k, labels), alpha)

    cells = len(design.steps) * design.models
    low, high = max(MIN_PROMPTS, math.ceil(labels / k)), MAX_PROMPTS  # no more labels than responses
    if reached(high) < power:
        error = design.standard_error(high, k, labels)
        return PlanRow(None, k, labels, None, labels * cells, error, reached(high))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= power else (middle + 1, high)
    error = design.standard_error(low, k, labels)
    return PlanRow(low, k, labels, low * k * cells, labels * cells, error, reached(low))


def _power(shift: float, alpha: float) -> float:
    normal = NormalDist()
    z = normal.inv_cdf(1.0 - alpha / 2.0)
    return normal.cdf(shift - z) + normal.cdf(-shift - z)


def _entropy(p: Array) -> float:
    return float(-(p * np.log(np.where(p > 0.0, p, 1.0))).sum())


def _influence(p: Array) -> Array:
    return np.asarray(np.where(p > 0.0, -np.log(np.where(p > 0.0, p, 1.0)) - _entropy(p), 0.0))


def _check(
    drift: float, t: Array, correlation: float, persistence: float, alpha: float, power: float, models: int
) -> None:
    if t.ndim != 1 or len(t) < 2 or len(np.unique(t)) < len(t) or not np.all(np.isfinite(t)):
        raise InvalidInput(f"a plan needs two or more distinct steps, got {t.tolist()}")
    if drift == 0.0 or not math.isfinite(drift):
        raise InvalidInput(f"state the drift to detect in nats per step, not zero; got {drift}")
    if not (0.0 <= correlation < 1.0 and 0.0 <= persistence <= 1.0):
        raise InvalidInput(f"correlation must lie in [0, 1), persistence in [0, 1]; got {correlation}, {persistence}")
    if not (0.0 < alpha < power < 1.0) or models not in (1, 2):
        raise InvalidInput(f"need 0 < alpha < power < 1 and one or two models, got {alpha}, {power}, {models}")
