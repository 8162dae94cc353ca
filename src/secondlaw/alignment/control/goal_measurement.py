r"""What a network pursues, measured on a probe set: entropies over goals, and divergences from the goals that count.

Every probe (a prompt that leaves the goal open) gives one distribution p over goals, exact where the network states it,
or counts of sampled goals. Reported are :math:`E[S(p)]`, :math:`S(E[p])` and their gap, and the mean over probes of
:math:`D_{KL}(q \| p)` for the proxy's and the intended goals q, which is finite wherever the network leaves a goal any
probability. All in nats, intervals by resampling probes.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.alignment.goal_entropy import PopulationEntropy, population_entropy, shannon
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.cell_entropy import entropy_estimates
from secondlaw.statistics.intervals import LEVEL, centred_interval
from secondlaw.statistics.resampling import resample_weights
from secondlaw.types import NATS, Estimate, Insufficient, Measured

__all__ = ["FEWEST_PROBES", "GoalMeasurement", "measure_goals", "target_goals"]

Floats = NDArray[np.float64]

FEWEST_PROBES = 5
"""Below, an interval over probes says nothing."""
_ROUNDING = 1e-3  # of a softmax in single precision over many goals; half precision is told apart from a mistake
_SMOOTHING = 0.5  # added to every count where a divergence needs a probability (Krichevsky and Trofimov, 1981)


@dataclass(frozen=True, slots=True, eq=False)
class GoalMeasurement:
    """Goals of a network on its probes.

    Parameters
    ----------
    entropies : PopulationEntropy
        E[S(p)], S(E[p]) and their gap; the unit of resampling is the probe.
    to_proxy, to_intended : Estimate or Insufficient
        Mean of D(q || p) over probes, nats.
    shares : numpy.ndarray, shape (goals,)
        Mean of p over probes.
    entropy_each, to_proxy_each, to_intended_each : numpy.ndarray, shape (probes,)
        The same by probe, uncorrected; NaN without goals to compare with.
    preferred : numpy.ndarray of int, shape (probes,)
        The most probable goal of every probe.
    """

    entropies: PopulationEntropy
    to_proxy: Measured
    to_intended: Measured
    shares: Floats
    entropy_each: Floats
    to_proxy_each: Floats
    to_intended_each: Floats
    preferred: NDArray[np.intp]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values of everything but the single probes."""
        return {
            **self.entropies.to_dict(),
            "kl_proxy": self.to_proxy.to_dict(),
            "kl_intended": self.to_intended.to_dict(),
            "shares": [float(share) for share in self.shares],
        }


def measure_goals(
    goals: ArrayLike,
    *,
    rng: np.random.Generator,
    proxy: ArrayLike | None = None,
    intended: ArrayLike | None = None,
    level: float = LEVEL,
) -> GoalMeasurement:
    """Measure the goals of a network on a probe set.

    Parameters
    ----------
    goals : array_like, shape (probes, goals)
        Distribution of every probe; whole numbers are counts of goals sampled for it, whose entropies are corrected for
        the sampling.
    rng : numpy.random.Generator
        Of the resampling.
    proxy, intended : array_like, shape (goals,) or (probes, goals), optional
        What the reward favors, and what was meant.
    level : float

    Returns
    -------
    GoalMeasurement

    Raises
    ------
    NotEnoughData
        With fewer than five probes, or one sampled goal a probe.
    InvalidInput
        If there is one goal only, or a row is no distribution.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = measure_goals(rng.dirichlet([9.0, 1.0], size=30), rng=rng, intended=[0.9, 0.1])
    >>> found.entropies.mean_entropy.covers(0.29), found.to_proxy.to_dict()
    (True, {'insufficient': 'no proxy goals were given'})
    """
    given = np.asarray(goals)
    if given.ndim != 2 or given.shape[1] < 2:
        raise InvalidInput(f"probes need shape (probes, goals) with at least two goals, got {given.shape}")
    if given.shape[0] < FEWEST_PROBES:
        raise NotEnoughData(f"an interval over probes needs {FEWEST_PROBES} or more, got {given.shape[0]}")
    if np.issubdtype(given.dtype, np.integer):
        entropies, shares = _sampled(given, rng, level)
    else:
        shares = target_goals(given, "the goals of the probes", probes=len(given))
        entropies = population_entropy(shares, rng=rng, level=level)
    weights = resample_weights(len(shares), rng=rng) / len(shares)
    to_proxy, proxy_each = _divergence(shares, proxy, "proxy goals", weights, level)
    to_intended, intended_each = _divergence(shares, intended, "intended goals", weights, level)
    return GoalMeasurement(
        _over_probes(entropies),
        to_proxy,
        to_intended,
        shares.mean(axis=0),
        shannon(shares),
        proxy_each,
        intended_each,
        shares.argmax(axis=1),
    )


def target_goals(shares: ArrayLike, name: str, *, probes: int) -> Floats:
    """Return distributions over goals, one a probe, shape (probes, goals); one for all is repeated.

    Raises
    ------
    InvalidInput
        If there is one goal only, a share is negative or no number, or a row does not sum to 1 within 0.001.
    """
    rows = np.asarray(shares, dtype=np.float64)
    if rows.ndim == 1:
        rows = np.broadcast_to(rows, (probes, rows.size))
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise InvalidInput(f"{name}: at least two goals are needed, one has no entropy; got shape {rows.shape}")
    if rows.shape[0] != probes:
        raise InvalidInput(f"{name}: one row for each of the {probes} probes, or one for all, got {rows.shape[0]}")
    if not np.isfinite(rows).all() or (rows < 0.0).any():
        raise InvalidInput(f"{name}: probabilities must be finite and 0 or more, got {rows.min():.4g} as the lowest")
    sums = rows.sum(axis=1, keepdims=True)
    worst = float(sums.flat[int(np.abs(sums - 1.0).argmax())])
    if abs(worst - 1.0) > _ROUNDING:
        raise InvalidInput(
            f"{name}: probabilities must sum to 1, got {worst:.6g}; take the softmax over the goals in single precision"
        )
    return np.asarray(rows / sums)


def _sampled(counts: NDArray[Any], rng: np.random.Generator, level: float) -> tuple[PopulationEntropy, Floats]:
    """Return entropies of counts of sampled goals, corrected for sampling, and smoothed shares."""
    if (counts < 0).any() or (counts.sum(axis=1) == 0).any():
        raise InvalidInput("counts of sampled goals must be 0 or more, with a sample of every probe at least")
    found = entropy_estimates(counts, rng=rng, level=level)
    if isinstance(found.within, Insufficient) or isinstance(found.between, Insufficient):
        raise NotEnoughData("one sampled goal a probe cannot tell how undecided the network is: sample two or more")
    smoothed = counts + _SMOOTHING
    shares = smoothed / smoothed.sum(axis=1, keepdims=True)
    return PopulationEntropy(found.within, found.pooled, found.between), np.asarray(shares, dtype=np.float64)


def _over_probes(found: PopulationEntropy) -> PopulationEntropy:
    """Return the same with probes named as what is resampled."""

    def named(one: Estimate) -> Estimate:
        return replace(
            one, method=one.method.replace("agents", "probes"), n_unit=one.n_unit.replace("agents", "probes")
        )

    return PopulationEntropy(named(found.mean_entropy), named(found.entropy_of_mean), named(found.gap))


def _divergence(
    shares: Floats, target: ArrayLike | None, name: str, weights: Floats, level: float
) -> tuple[Measured, Floats]:
    """Return the mean of D(target || p) over probes, and that of every probe."""
    if target is None:
        return Insufficient(f"no {name} were given"), np.full(len(shares), np.nan)
    wanted = target_goals(target, f"the {name}", probes=len(shares))
    if wanted.shape != shares.shape:
        raise InvalidInput(f"the {name} are {wanted.shape[1]}, those of the probes {shares.shape[1]}: give the same")
    filled = wanted > 0.0
    if (shares[filled] <= 0.0).any():
        return Insufficient(f"one of the {name} has probability 0 on a probe: the divergence is infinite"), np.full(
            len(shares), np.nan
        )
    ratio = np.log(np.where(filled, wanted, 1.0)) - np.log(np.where(filled, shares, 1.0))
    each = np.asarray((wanted * ratio).sum(axis=1))
    mean, probes = float(each.mean()), len(each)
    low, high = centred_interval(mean, weights @ each, level, groups=probes)
    method = f"mean over {probes} probes of D(q || p), bootstrap over probes"
    return Estimate(mean, max(low, 0.0), max(high, 0.0), level, probes, NATS, method, "probes"), each
