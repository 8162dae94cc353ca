r"""Entropy production of linear Markov dynamics by their fitted step, also with odd variables such as velocities.

The model :math:`x_1 = c + M x_0` plus Gaussian noise of covariance Q is fitted to all transitions; with the reversal
:math:`\epsilon` of odd variables, the entropy production over the lag in a steady state is

.. math:: \langle \ln p(x_1 | x_0) - \ln p(\epsilon x_0 | \epsilon x_1) \rangle
          = \tfrac12 [\mathrm{tr}\, Q^{-1} \langle r r^T \rangle - d], \quad r = \epsilon x_0 - c - M \epsilon x_1

(Spinney & Ford, Phys. Rev. E 85, 051113 (2012)): the conditional form, free of what tells the two ends of a window with
odd variables apart. It is a function of second moments, so that the jackknife removes its bias and whole blocks are
resampled through the fit. It is exact for linear Markov dynamics (Ornstein-Uhlenbeck, harmonic underdamped) at any lag;
otherwise it is the value of the nearest linear process, and no bound.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL, jackknife_weights, resample_weights
from secondlaw.statistics.intervals import centred_interval
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.cautions import changing_means, not_rejected, outliers
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.honesty import honest
from secondlaw.trajectories.layout import Layout, block_dependence, lay_out
from secondlaw.trajectories.null import DRAWS, sign_flips, white_blocks
from secondlaw.trajectories.parameters import Parameters
from secondlaw.trajectories.results import Diagnostics, EntropyProduction
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.solver import metric_of
from secondlaw.trajectories.standardized import standardized
from secondlaw.trajectories.window_rows import WindowProducts, windows
from secondlaw.types import Estimate

__all__ = ["LinearModel"]

Floats = NDArray[np.float64]

_SINGULAR = 1e-10  # share of the largest below which an eigenvalue of the noise counts as 0
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class LinearModel(Parameters):
    """Entropy production of the linear Markov process that fits the data.

    Parameters
    ----------
    odd : tuple of str
        Names of variables that change sign under time reversal.
    lag : int
    blocks : int
    level : float
    resamples, draws : int

    Examples
    --------
    >>> from secondlaw.systems import heat_conducting_oscillators
    >>> rng = np.random.default_rng(0)
    >>> system = heat_conducting_oscillators()  # 1.35 nats per unit of time
    >>> x = system.simulate(points=300, dt=0.1, trajectories=60, rng=rng)
    >>> data = Trajectories.of(x, variables=("x1", "x2", "v1", "v2"), dt=0.1)
    >>> result = LinearModel(odd=("v1", "v2")).fit(data, rng=rng)
    >>> result.estimate.covers(1.35), result.bound
    (True, 'exact')
    """

    odd: tuple[str, ...] = ()
    lag: int = 1
    blocks: int = 100
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS

    def fit(self, data: Trajectories, *, rng: np.random.Generator) -> EntropyProduction:
        """Fit the step and its reversal.

        Parameters
        ----------
        data : Trajectories
        rng : numpy.random.Generator

        Raises
        ------
        InvalidInput
            If an odd variable is unknown, or the noise does not reach every combination of variables.
        NotEnoughData
            If transitions are too few.
        """
        pairs = windows(data, 2, lag=self.lag, odd=self.odd)
        layout = lay_out(pairs, blocks=self.blocks, folds=_FOLDS)
        d, signs = data.dim, np.asarray(pairs.signs, dtype=np.float64)
        x0, x1 = layout.x0[:, :d], layout.x0[:, d:]
        scale = x0.std(axis=0)
        centre = np.where(signs > 0.0, x0.mean(axis=0), 0.0)  # odd variables keep their 0
        if (scale <= 0.0).any():
            name = data.variables[int(np.argmin(scale))]
            raise InvalidInput(f"the variable {name} never changes: leave it out")
        moments = _block_moments((x0 - centre) / scale, (x1 - centre) / scale, layout)
        total = moments.sum(axis=0)
        _require_noise(total, d)
        if layout.n < 10 * (d + 1) ** 2:
            raise NotEnoughData(f"{layout.n} transitions are too few to fit the step of {d} variables")
        span = float(pairs.lag) if pairs.dt is None else pairs.dt
        plain = float(_value(total[None], d, signs)[0])
        left_out = _value_of(jackknife_weights(layout.blocks) @ moments, d, signs)
        value = plain - (layout.blocks - 1) * (float(left_out.mean()) - plain)
        weights = resample_weights(layout.blocks, self.resamples, rng=rng)
        low, high = centred_interval(value, _value_of(weights @ moments, d, signs), self.level, groups=layout.blocks)
        unit = "nats/step" if pairs.dt is None else "nats per unit of time"
        method = f"linear Gaussian step, jackknife and bootstrap over {layout.blocks} blocks"
        raw = Estimate(value / span, low / span, high / span, self.level, layout.n, unit, method, "transitions")
        rows = Rows(layout, standardized(WindowProducts.of(pairs), pairs))
        null = sign_flips(white_blocks(rows, metric_of(rows)), rows.layout.n, rng=rng, draws=self.draws)
        fitted = _Step.of(total, d, centre, scale, signs)
        work = fitted(x0, x1)
        means = np.add.reduceat(work, layout.starts[:-1]) / np.diff(layout.starts)
        diagnostics = Diagnostics(
            layout.n, d * (d + 1) + d * (d + 1) // 2, layout.blocks, 0, value / span, (plain - value) / span,
            float(layout.n), (), block_dependence(means) if layout.stretches else 0.0, 1.0,
        )  # fmt: skip
        seen = Transitions(layout.x0[:, :d], x1, np.repeat(np.arange(layout.blocks), np.diff(layout.starts)),
                           data.variables)  # fmt: skip
        out = [*outliers(seen), *changing_means(seen, replace(layout, x0=seen.x0, x1=seen.x1))]
        out += not_rejected(null, self.level)
        return EntropyProduction(
            estimate=honest(raw, null),
            bound="exact",
            covers="the entropy production if the observed variables are a stationary linear Markov process",
            train_value=plain / span,
            null=null,
            diagnostics=diagnostics,
            warnings=tuple(out),
            block_sizes=np.diff(layout.starts).astype(np.float64),
            weights=weights,
            unit_of_time=span,
            fitted=fitted,
        )


def _block_moments(x0: Floats, x1: Floats, layout: Layout) -> Floats:
    """Return sums of products of (1, x0, x1) over each block, shape (B, (2d + 1)^2)."""
    z = np.concatenate([np.ones((len(x0), 1)), x0, x1], axis=1)
    return np.stack([(z[a:b].T @ z[a:b]).ravel() for a, b in itertools.pairwise(layout.starts)])


def _parts(moments: Floats, d: int) -> tuple[Floats, Floats, Floats]:
    """Return mean products (n, 2d+1, 2d+1), the step with its constant (n, d, d+1) and the noise (n, d, d)."""
    size = 2 * d + 1
    S = moments.reshape(-1, size, size)
    S = S / S[:, :1, :1]
    cross = S[:, d + 1 :, : d + 1]
    step = np.swapaxes(np.linalg.solve(S[:, : d + 1, : d + 1], np.swapaxes(cross, 1, 2)), 1, 2)
    noise = S[:, d + 1 :, d + 1 :] - step @ np.swapaxes(cross, 1, 2)
    return S, step, (noise + np.swapaxes(noise, 1, 2)) / 2.0


def _value(moments: Floats, d: int, signs: Floats) -> Floats:
    """Return ``[tr Q^-1 <r r^T> - d] / 2``, shape (n,)."""
    S, step, noise = _parts(moments, d)
    turned = np.r_[1.0, signs]
    later = np.r_[0, np.arange(d + 1, 2 * d + 1)]  # (1, x1)
    early = np.arange(1, d + 1)
    own = S[:, early[:, None], early] * np.outer(signs, signs)
    mixed = S[:, early[:, None], later] * np.outer(signs, turned)
    start = S[:, later[:, None], later] * np.outer(turned, turned)
    back = own - mixed @ np.swapaxes(step, 1, 2) - step @ np.swapaxes(mixed, 1, 2)
    back = back + step @ start @ np.swapaxes(step, 1, 2)
    return np.asarray((np.trace(np.linalg.solve(noise, back), axis1=1, axis2=2) - d) / 2.0)


def _value_of(moments: Floats, d: int, signs: Floats) -> Floats:
    """Return the values of resampled blocks."""
    try:
        return _value(moments, d, signs)
    except np.linalg.LinAlgError:
        raise NotEnoughData(
            "without some of the blocks the variables do not move: a few outliers make up all of their spread; mend or "
            "cut them, or record longer"
        ) from None


def _require_noise(total: Floats, d: int) -> None:
    size = 2 * d + 1
    early = total.reshape(size, size)[: d + 1, : d + 1] / total[0]
    if float(np.linalg.eigvalsh(early)[0]) <= _SINGULAR:
        raise InvalidInput("a variable follows from the others, so its reversal says nothing: leave it out")
    S, _, noise = _parts(total[None], d)
    least = float(np.linalg.eigvalsh(noise[0])[0])
    if least <= _SINGULAR * float(np.abs(S[0]).max()):
        raise InvalidInput(
            "a combination of variables is predicted without error, so its reversal is impossible: one variable "
            "follows "
            "from others, or the lag is too short; leave it out or take a longer lag"
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """Fitted entropy production of single transitions."""

    step: Floats
    precision: Floats
    centre: Floats
    scale: Floats
    signs: Floats

    @classmethod
    def of(cls, total: Floats, d: int, centre: Floats, scale: Floats, signs: Floats) -> "_Step":
        _, step, noise = _parts(total[None], d)
        return cls(step[0], np.linalg.inv(noise[0]), centre, scale, signs)

    def __call__(self, x0: Floats, x1: Floats) -> Floats:
        before, after = (x0 - self.centre) / self.scale, (x1 - self.centre) / self.scale
        ahead = after - before @ self.step[:, 1:].T - self.step[:, 0]
        back = before * self.signs - (after * self.signs) @ self.step[:, 1:].T - self.step[:, 0]
        costs = (np.einsum("ni,ij,nj->n", off, self.precision, off) for off in (back, ahead))
        first, second = costs
        return np.asarray((first - second) / 2.0)
