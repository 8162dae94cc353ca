r"""Entropy production of relaxing linear Langevin dynamics from data, split into housekeeping and excess.

From many trajectories of one preparation the step :math:`x' = c + M x` and its noise Q are fitted to all transitions,
which do not change in time. They give the drift :math:`A = \ln M / \Delta t`, the steady covariance
:math:`S = M S M^T + Q`, and the noise :math:`2D = -(A S + S A^T)`. With :math:`K = A + D S^{-1}`, the matrix of the
steady state's mean local velocity, and the steady mean :math:`\mu`,

.. math:: \sigma_{hk} = \int dt\, \langle (x_t - \mu)^T K^T D^{-1} K (x_t - \mu) \rangle, \quad
          \sigma_{ex} = KL(p_0 \| p_{ss}) - KL(p_T \| p_{ss})

(Hatano & Sasa, Phys. Rev. Lett. 86, 3463 (2001); Esposito & Van den Broeck, Phys. Rev. Lett. 104, 090601 (2010)), with
the ensemble's own second moments at every recorded time, by Simpson's rule, and Gaussian laws at both ends. All are
functions of sums over trajectories: the jackknife removes their bias, and blocks of trajectories are resampled.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.discrete.relaxation_parts import (
    BLOCKS,
    FEWEST,
    RelaxationSplit,
    split_of,
    steps_of_ensemble,
)

__all__ = ["linear_relaxation_split"]

Floats = NDArray[np.float64]

_FEWEST_STEPS = 8  # over the observation, for Simpson's rule
_LEAST_NOISE = 1e-10
NO_NOISE = "a combination of variables has no noise, so its reversal is impossible: leave out what follows from others"


def linear_relaxation_split(
    data: Trajectories, *, rng: np.random.Generator, level: float = LEVEL, resamples: int = RESAMPLES
) -> RelaxationSplit:
    """Split the entropy production of an ensemble of trajectories of linear Langevin dynamics.

    Parameters
    ----------
    data : Trajectories
        100 or more with their dt, of one length, from one preparation; even variables, all of them seen, Gaussian at
        the beginning. Steps are short beside the relaxation.
    rng : numpy.random.Generator
    level : float
    resamples : int

    Raises
    ------
    InvalidInput
        If dt is missing, trajectories differ in length, or a combination of variables has no noise.
    NotEnoughData
        If trajectories are fewer than 100 or shorter than 8 steps, or the fitted step does not pull back.

    Examples
    --------
    >>> from secondlaw.systems import spinning_particle
    >>> rng = np.random.default_rng(0)
    >>> start = rng.normal(size=(1000, 2)) + [2.0, 0.0]
    >>> x = spinning_particle().simulate(points=51, dt=0.02, trajectories=1000, start=start, rng=rng)
    >>> split = linear_relaxation_split(Trajectories.of(x, dt=0.02), rng=rng)
    >>> split.housekeeping.covers(14.917), split.excess.covers(1.729)  # |x|^2 / 2 falls from 2 to .27
    (True, True)
    """
    sums = _Sums.of(data, rng)
    return split_of(
        sums.parts, data, steps=sums.steps, of="fitted linear step less its", level=level, resamples=resamples, rng=rng
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over the trajectories of each block: products of (1, x, x') and, of (1, x), over time and at both ends."""

    steps: int
    dt: float
    scale: Floats
    pairs: Floats  # (B, 2d + 1, 2d + 1)
    path: Floats  # (B, d + 1, d + 1), integrated over time
    ends: Floats  # (B, 2, d + 1, d + 1)

    @classmethod
    def of(cls, data: Trajectories, rng: np.random.Generator) -> "_Sums":
        steps = steps_of_ensemble(data)
        if data.dt is None:
            raise InvalidInput("the split of Langevin dynamics needs the time between steps: pass dt")
        if len(data) < FEWEST or steps < _FEWEST_STEPS:
            raise NotEnoughData(
                f"{len(data)} trajectories of {steps} steps are too few: {FEWEST} of {_FEWEST_STEPS} are needed"
            )
        x = np.stack(data.series)
        scale = x.reshape(-1, data.dim).std(axis=0)
        if (scale <= 0.0).any():
            raise InvalidInput(f"the variable {data.variables[int(np.argmin(scale))]} never changes: leave it out")
        x = (x - x.mean(axis=(0, 1))) / scale
        x = np.concatenate([np.ones((*x.shape[:2], 1)), x], axis=2)  # (N, T + 1, d + 1)
        both = np.concatenate([x[:, :-1], x[:, 1:, 1:]], axis=2)
        over = _simpson(steps) * data.dt
        pairs, path, ends = [], [], []
        for block in np.array_split(rng.permutation(len(x)), BLOCKS):
            one, two = x[block], both[block]
            pairs.append(np.tensordot(two, two, axes=([0, 1], [0, 1])))
            path.append(np.tensordot(one * over[:, None], one, axes=([0, 1], [0, 1])))
            ends.append(np.stack([one[:, at].T @ one[:, at] for at in (0, -1)]))
        return cls(steps, float(data.dt), scale, np.stack(pairs), np.stack(path), np.stack(ends))

    def parts(self, weights: Floats) -> Floats:
        """Return housekeeping and excess for blocks weighted by rows of `weights`, shape (R, 2)."""
        pairs, path, ends = (np.tensordot(weights, one, axes=1) for one in (self.pairs, self.path, self.ends))
        law = _Law.of(pairs, len(self.scale), self.dt)
        around = path[:, 1:, 1:] - _outer(path[:, 1:, 0], law.middle) - _outer(law.middle, path[:, 1:, 0])
        around = around + path[:, :1, :1] * _outer(law.middle, law.middle)
        times = self.steps / pairs[:, 0, 0]  # one over the weight of trajectories
        housekeeping = np.einsum("rij,rij->r", law.cost, around) * times
        first, last = (_divergence(ends[:, at], law) for at in (0, 1))
        return np.stack([housekeeping, first - last], axis=1)


@dataclass(frozen=True, slots=True)
class _Law:
    """Steady means and covariances, and the matrices of the housekeeping cost, of each of R fits."""

    middle: Floats  # (R, d)
    steady: Floats  # (R, d, d)
    cost: Floats  # (R, d, d)

    @classmethod
    def of(cls, pairs: Floats, d: int, dt: float) -> "_Law":
        moments = pairs / pairs[:, :1, :1]
        if np.linalg.eigvalsh(moments[:, : d + 1, : d + 1]).min() <= _LEAST_NOISE:
            raise InvalidInput(NO_NOISE)
        cross = moments[:, d + 1 :, : d + 1]
        step = np.swapaxes(np.linalg.solve(moments[:, : d + 1, : d + 1], np.swapaxes(cross, 1, 2)), 1, 2)
        noise = moments[:, d + 1 :, d + 1 :] - step @ np.swapaxes(cross, 1, 2)
        noise, turn = (noise + np.swapaxes(noise, 1, 2)) / 2.0, step[:, :, 1:]
        roots, modes = np.linalg.eig(turn)
        backward = (np.abs(roots.imag) < 1e-12) & (roots.real <= 0.0)
        if np.abs(roots).max() >= 1.0 or backward.any():
            raise NotEnoughData(
                f"the fitted step does not relax (its eigenvalues reach {np.abs(roots).max():.3g}): more, longer or "
                "more finely recorded trajectories are needed"
            )
        if np.linalg.eigvalsh(noise).min() <= _LEAST_NOISE:
            raise InvalidInput(NO_NOISE)
        middle = np.asarray(np.linalg.solve(np.eye(d) - turn, step[:, :, :1])[:, :, 0], dtype=np.float64)
        drift = np.real((modes * np.log(roots.astype(np.complex128))[:, None]) @ np.linalg.inv(modes)) / dt
        both = np.einsum("rij,rkl->rikjl", turn, turn).reshape(-1, d * d, d * d)
        steady = np.linalg.solve(np.eye(d * d) - both, noise.reshape(-1, d * d, 1)).reshape(-1, d, d)
        pull = drift @ steady
        spread = -(pull + np.swapaxes(pull, 1, 2)) / 2.0
        kept = drift + spread @ np.linalg.inv(steady)
        return cls(middle, steady, np.asarray(np.swapaxes(kept, 1, 2) @ np.linalg.solve(spread, kept)))


def _simpson(steps: int) -> Floats:
    """Return the weights of Simpson's rule on `steps` + 1 points one apart; the last step by trapezoids if odd."""
    weights = np.zeros(steps + 1)
    even = steps - steps % 2
    weights[0 : even + 1 : 2] += 2.0 / 3.0
    weights[1:even:2] += 4.0 / 3.0
    weights[[0, even]] -= 1.0 / 3.0
    if steps % 2:
        weights[[even, steps]] += 0.5
    return weights


def _outer(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[:, :, None] * b[:, None, :])


def _divergence(moments: Floats, law: _Law) -> Floats:
    """Return ``KL(p || p_ss)`` of Gaussians with moments of (1, x), shape (R,)."""
    shares = moments / moments[:, :1, :1]
    mean = shares[:, 1:, 0]
    spread = shares[:, 1:, 1:] - _outer(mean, mean)
    off = (mean - law.middle)[:, :, None]
    inverse = np.linalg.inv(law.steady)
    shape = np.einsum("rij,rij->r", inverse, spread) - mean.shape[1]
    volume = np.linalg.slogdet(law.steady)[1] - np.linalg.slogdet(spread)[1]
    return np.asarray((shape + volume + (np.swapaxes(off, 1, 2) @ inverse @ off)[:, 0, 0]) / 2.0)
