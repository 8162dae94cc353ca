r"""Driven protocols: a lower bound from runs of the protocol and separate runs of the reversed protocol.

.. math:: \theta\langle f\rangle_p - \ln\langle e^{\theta f}\rangle_{\tilde p} \le KL(p \| \tilde p)

with p the law of the runs and :math:`\tilde p` that of the *time-reversed* runs under the reversed protocol
(nonequilibrium MaxEnt in its general form, arXiv 2505.10444). The divergence is the entropy production of a run if the
reversed runs start where the forward ones end: from the law of the last states, odd variables turned. It holds for any
memory and for hidden variables, far from any steady state; features need no symmetry.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.statistics.intervals import percentile_interval
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.honesty import honest
from secondlaw.trajectories.null import DRAWS, SignFlips
from secondlaw.trajectories.parameters import Parameters
from secondlaw.trajectories.results import Diagnostics, EntropyProduction
from secondlaw.trajectories.two_sample_fit import cross_fit_two_samples
from secondlaw.trajectories.upper_ends import reaching
from secondlaw.types import Estimate

__all__ = ["ReverseSamplesMaxEnt", "run_features"]

Floats = NDArray[np.float64]
Features = Callable[[Floats], Floats]

_FEWEST_RUNS = 40
_FEWEST_EFFECTIVE = 50.0
_KNOTS = 25


@dataclass(frozen=True, slots=True)
class ReverseSamplesMaxEnt(Parameters):
    """Lower bound on the entropy production of a run, from runs of a protocol and of its reversal.

    Parameters
    ----------
    features : callable, optional
        From runs (n, points, dim) to features (n, d); by default :func:`run_features`.
    odd : tuple of str
        Names of variables that change sign under time reversal.
    folds : int
    level : float
    resamples, draws : int
        Bootstrap replicates, and exchanges of labels for the null.

    Examples
    --------
    >>> from secondlaw.systems import moving_trap
    >>> trap, rng = moving_trap(velocity=1.0, duration=1.0), np.random.default_rng(0)  # 1 nat a run
    >>> ahead, back = (
    ...     Trajectories.of(one.simulate(points=6, trajectories=1500, rng=rng)) for one in (trap, trap.reversed())
    ... )
    >>> result = ReverseSamplesMaxEnt().fit(ahead, back, rng=rng)
    >>> result.estimate.covers(trap.lag_divergence(points=6)), result.estimate.unit
    (True, 'nats per run')
    """

    features: Features | None = None
    odd: tuple[str, ...] = ()
    folds: int = 5
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS

    def fit(self, forward: Trajectories, reverse: Trajectories, *, rng: np.random.Generator) -> EntropyProduction:
        """Estimate the bound.

        Parameters
        ----------
        forward : Trajectories
            Independent runs of the protocol, all of one length.
        reverse : Trajectories
            Independent runs of the reversed protocol in their own order of time, of the same length and variables.
        rng : numpy.random.Generator

        Raises
        ------
        InvalidInput
            If lengths or variables differ, or a feature is not finite.
        NotEnoughData
            If there are fewer than 40 runs of either.
        """
        ahead, back = _runs(forward, "forward"), _runs(reverse, "reverse")
        if ahead.shape[1:] != back.shape[1:]:
            raise InvalidInput(
                f"runs and reversed runs must have one shape, got {ahead.shape[1:]} and {back.shape[1:]}"
            )
        unknown = [name for name in self.odd if name not in forward.variables]
        if unknown:
            raise InvalidInput(f"the odd variable {unknown[0]!r} is none of {', '.join(forward.variables)}")
        signs = np.array([-1.0 if name in self.odd else 1.0 for name in forward.variables])
        of = run_features if self.features is None else self.features
        f, r = _features(of, ahead), _features(of, back[:, ::-1] * signs)
        both = np.concatenate([f, r])
        middle, spread = both.mean(axis=0), both.std(axis=0)
        moving = spread > 0.0
        if not moving.any():
            raise NotEnoughData("no feature ever varies: the runs never move")
        f, r = ((part[:, moving] - middle[moving]) / spread[moving] for part in (f, r))
        null = _exchanges(f, r, rng, self.draws)
        return self._result(f, r, null, (of, middle, spread, moving, signs), ahead.shape[1:], rng)

    def _result(
        self,
        f: Floats,
        r: Floats,
        null: SignFlips,
        scaled: tuple[Features, Floats, Floats, NDArray[np.bool_], Floats],
        shape: tuple[int, ...],
        rng: np.random.Generator,
    ) -> EntropyProduction:
        fit = cross_fit_two_samples(f, r, self.folds, rng)
        chosen = [resample_weights(len(part), self.resamples, rng=rng) / len(part) for part in (f, r)]
        raw, claimed = (
            self._estimate(ahead, back, chosen)
            for ahead, back in ((fit.ahead, fit.back), (fit.claimed_ahead - null.null_mean, fit.claimed_back))
        )
        raw, train_value = reaching(raw, claimed), float(fit.claimed_ahead.mean() - fit.claimed_back.mean())
        effective = float(fit.weights.sum() ** 2 / (fit.weights**2).sum())
        diagnostics = Diagnostics(
            len(f), f.shape[1], len(f), self.folds, raw.value, train_value - raw.value, effective, fit.shrinkage, 0.0,
            float(fit.weights.mean()),
        )  # fmt: skip
        return EntropyProduction(
            estimate=honest(raw, null),
            bound="lower",
            covers=(
                "the MaxEnt bound of these features, at most the divergence of runs from time-reversed runs of the "
                "reversed protocol; that is the entropy production of a run if these start from the law it ends in"
            ),
            train_value=train_value,
            null=null,
            diagnostics=diagnostics,
            warnings=_warnings(diagnostics, null, len(r), train_value, self.level),
            fitted=_Fitted(*scaled, fit.theta, fit.log_norm, shape),
        )

    def _estimate(self, ahead: Floats, back: Floats, chosen: list[Floats]) -> Estimate:
        low, high = percentile_interval(
            chosen[0] @ ahead - chosen[1] @ back, self.level, groups=min(len(ahead), len(back))
        )
        method = f"held-out bound with separate reverse runs, {self.folds} folds, two-sample bootstrap over runs"
        value = float(ahead.mean() - back.mean())
        return Estimate(
            value,
            float(low),
            float(high),
            self.level,
            len(ahead),
            "nats per run",
            f"{method}; high from all runs",
            "runs",
        )


def run_features(runs: Floats) -> Floats:
    """Return positions at up to 25 times and their squares: complete for traps, poor for rotating forces.

    Parameters
    ----------
    runs : ndarray, shape (n, points, dim)

    Returns
    -------
    ndarray, shape (n, d)
    """
    times = np.unique(np.linspace(0, runs.shape[1] - 1, min(_KNOTS, runs.shape[1])).round().astype(np.int64))
    flat = runs[:, times].reshape(len(runs), -1)
    return np.concatenate([flat, flat**2], axis=1)


def _exchanges(f: Floats, r: Floats, rng: np.random.Generator, draws: int) -> SignFlips:
    """Test whether forward and time-reversed backward runs have one law, by exchanging their labels."""
    both = np.concatenate([f, r])
    values, vectors = np.linalg.eigh(np.cov(both.T).reshape(both.shape[1], -1))
    white = (both - both.mean(axis=0)) @ vectors / np.sqrt(np.maximum(values, 0.0) + 1e-2)
    labels = np.concatenate([np.full(len(f), 1.0 / len(f)), np.full(len(r), -1.0 / len(r))])
    observed = float(((labels @ white) ** 2).sum())
    found = np.array([((rng.permutation(labels) @ white) ** 2).sum() for _ in range(draws)])
    beaten = int((found >= observed * (1.0 - 1e-9)).sum())
    return SignFlips((1 + beaten) / (1 + draws), float(found.mean()) / 2.0, draws, len(both))


@dataclass(frozen=True, slots=True)
class _Fitted:
    features: Features
    middle: Floats
    spread: Floats
    moving: NDArray[np.bool_]
    signs: Floats
    theta: Floats
    log_norm: float
    shape: tuple[int, ...]

    def __call__(self, x0: Floats, x1: Floats) -> Floats:
        if x0.shape[1] != int(np.prod(self.shape)):
            raise InvalidInput(
                f"the fit is of whole runs of {self.shape[0]} points: pass windows(data, {self.shape[0]}) to "
                "transition_entropy_production"
            )
        values = _features(self.features, x0.reshape(len(x0), *self.shape))[:, self.moving]
        scaled = (values - self.middle[self.moving]) / self.spread[self.moving]
        return np.asarray(scaled @ self.theta - self.log_norm)


def _runs(data: Trajectories, name: str) -> Floats:
    lengths = {len(series) for series in data.series}
    if len(lengths) > 1:
        raise InvalidInput(f"{name} runs must be equally long, got {min(lengths)} to {max(lengths)} points: cut them")
    if len(data) < _FEWEST_RUNS:
        raise NotEnoughData(f"{len(data)} {name} runs are too few: {_FEWEST_RUNS} or more are needed")
    return np.stack(data.series)


def _features(of: Features, runs: Floats) -> Floats:
    out = np.asarray(of(runs), dtype=np.float64)
    if out.ndim != 2 or len(out) != len(runs) or not np.isfinite(out).all():
        raise InvalidInput(f"features must be finite with one row a run, got shape {out.shape} for {len(runs)} runs")
    return out


def _warnings(found: Diagnostics, null: SignFlips, reverse: int, claimed: float, level: float) -> tuple[str, ...]:
    out = []
    if found.effective_sample_size < _FEWEST_EFFECTIVE:
        out.append(
            f"the exponential weights rest on {found.effective_sample_size:.0f} reversed runs: about ln {reverse} = "
            f"{np.log(reverse):.1f} nats can be shown at all; record more, or shorter protocols"
        )
    if claimed > np.log(reverse):
        out.append(
            f"over all runs the fit claims {claimed:.1f} nats, more than the ln {reverse} that so many reversed runs "
            "can show, so the upper end says nothing: record more runs, or take fewer features"
        )
    if null.p_value > (1.0 - level) / 2.0:
        out.append(
            f"exchanged labels show as much with p = {null.p_value:.2g}: do not quote the value as different from 0"
        )
    return tuple(out)
