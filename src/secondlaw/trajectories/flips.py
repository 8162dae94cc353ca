r"""Single-spin flips, all spins at once: the MaxEnt bound of multipartite systems (arXiv 2505.10444) for many spins.

One spin moves at a time. With :math:`g_{ij} = -2 s_i s_j` before the flip of i,
:math:`\Sigma_g = \sum_i f_i \Sigma_{g,i}`, where f_i counts flips of i per attempted update and each i is a concave
problem of its own on the rows where i flipped. All N problems share two matrix products per batch of rows:
:math:`H = S\Theta^T`, :math:`E = F \exp(2 s H)`, :math:`G = (E s)^T S`, 4 M N^2 operations an iteration for all spins.
Only the sum over spins compares with the exact entropy production.
"""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.results import block_estimate
from secondlaw.types import Estimate

__all__ = ["FlipResult", "Flips", "FlipsMaxEnt"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

BATCH = 4096
L1_PATH = (4.0, 2.5, 1.8, 1.2)
"""Penalties in standard errors of a gradient entry under reversibility; 3.7 would silence noise for N = 1000."""
_STEPS_EACH = 6  # passes at each penalty: warm starts leave little to do
_STEPS_PLAIN = 40


@dataclass(frozen=True, slots=True)
class Flips:
    """States, and which spins flip from them when each is tried once.

    Parameters
    ----------
    spins : ndarray of int8, shape (M, N)
        States of -1 and 1, before any flip; in order of time, chain after chain.
    flipped : ndarray of bool, shape (M, N)
        Whether a single trial update of spin i from this state flips it; trials are not applied.

    Examples
    --------
    >>> Flips.of([[1, -1], [1, 1]], [[True, False], [False, False]]).flipped.sum()
    np.int64(1)
    """

    spins: NDArray[np.int8]
    flipped: NDArray[np.bool_]

    @classmethod
    def of(cls, spins: ArrayLike, flipped: ArrayLike) -> "Flips":
        """Check and convert arrays.

        Raises
        ------
        InvalidInput
            If shapes differ or spins are not -1 and 1.
        """
        s, f = np.asarray(spins), np.asarray(flipped).astype(np.bool_)
        if s.ndim != 2 or s.shape != f.shape:
            raise InvalidInput(f"spins and flips need one shape (states, spins), got {s.shape} and {f.shape}")
        if not np.isin(s, (-1, 1)).all():
            raise InvalidInput("spins must be -1 and 1: map 0 to -1")
        return cls(np.ascontiguousarray(s, dtype=np.int8), np.ascontiguousarray(f))


@dataclass(frozen=True, slots=True)
class FlipResult:
    """Entropy production of single-spin flips.

    Parameters
    ----------
    estimate : Estimate
        Held-out bound per attempted single-spin update, with its block-bootstrap interval.
    train_value : float
        What the fits claim on their own rows.
    couplings : ndarray, shape (N, N)
        theta of the last round, row i from the flips of spin i: an estimate of ``beta J_ij``.
    silent : int
        Spins without enough flips to fit: they count as 0.
    """

    estimate: Estimate
    train_value: float
    couplings: Floats
    silent: int


@dataclass(frozen=True, slots=True)
class FlipsMaxEnt:
    """MaxEnt for all spins at once.

    Parameters
    ----------
    penalty : {"l1", "none"}
        A path of L1 penalties, or early stopping alone; for each spin the iterate that does best on validation rows.
    folds : int
        Contiguous folds; in each round one is held out, the next validates.
    rounds : int, optional
        Folds that are held out in turn; all if None. One round costs 1/folds of the time and has a wider interval.
    blocks : int
    level : float
    resamples : int

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> s = rng.choice([-1, 1], size=(2000, 4))
    >>> result = FlipsMaxEnt().fit(Flips.of(s, rng.random(s.shape) < 0.5), rng=rng)
    >>> result.estimate.low
    0.0
    """

    penalty: Literal["l1", "none"] = "l1"
    folds: int = 5
    rounds: int | None = None
    blocks: int = 100
    level: float = LEVEL
    resamples: int = RESAMPLES

    def fit(self, data: Flips, *, rng: np.random.Generator) -> FlipResult:
        """Estimate the entropy production per attempted update.

        Parameters
        ----------
        data : Flips
        rng : numpy.random.Generator

        Raises
        ------
        NotEnoughData
            If there are fewer states than 10 for each block, or no spin ever flips.
        """
        m, n = data.spins.shape
        if m < 10 * self.blocks:
            raise NotEnoughData(
                f"{m} states are too few for {self.blocks} blocks of 10: record more, or take fewer blocks"
            )
        bounds = np.linspace(0, m, self.folds + 1).astype(np.int64)
        rounds = self.folds if self.rounds is None else min(self.rounds, self.folds)
        values, sizes, trained, silent = [], [], [], 0
        theta = np.zeros((n, n), dtype=np.float32)
        for fold in range(rounds):
            after = (fold + 1) % self.folds
            train = [(int(bounds[k]), int(bounds[k + 1])) for k in range(self.folds) if k not in (fold, after)]
            judge = [(int(bounds[after]), int(bounds[after + 1]))]
            theta, log_norm, train_value, silent = self._fit_round(data, train, judge)
            trained.append(train_value)
            edges = np.linspace(bounds[fold], bounds[fold + 1], max(2, self.blocks // rounds) + 1).astype(np.int64)
            for a, b in itertools.pairwise(edges):
                values.append(float(_rows_value(data, theta, log_norm, [(int(a), int(b))]).sum()) / n)
                sizes.append(float(b - a))
        sums, counts = np.array(values), np.array(sizes)
        raw = block_estimate(
            sums, counts, resample_weights(len(sums), self.resamples, rng=rng), unit="nats/update", unit_of_time=1.0,
            method=f"held-out MaxEnt of all spins, {self.penalty} path, {len(sums)} blocks, BCa, clipped at 0",
            level=self.level,
        )  # fmt: skip
        estimate = Estimate(
            max(0.0, raw.value), max(0.0, raw.low), max(0.0, raw.high), raw.level, raw.n, raw.unit, raw.method, "states"
        )
        return FlipResult(estimate, float(np.mean(trained)), theta.astype(np.float64), silent)

    def _fit_round(
        self, data: Flips, train: list[tuple[int, int]], judge: list[tuple[int, int]]
    ) -> tuple[Singles, Floats, float, int]:
        """Fit all spins; return the iterates that validate best, their normalisation and value on training rows."""
        n = data.spins.shape[1]
        flips = sum(data.flipped[a:b].sum(axis=0, dtype=np.int64) for a, b in train)
        moving = np.asarray(flips) >= 10
        if not moving.any():
            raise NotEnoughData("no spin flips ten times or more in the training rows: record longer")
        problem = _Problem(data, train, np.maximum(flips, 1), moving)
        penalties = (0.0,) if self.penalty == "none" else L1_PATH
        each = _STEPS_PLAIN if self.penalty == "none" else _STEPS_EACH
        error = 4.0 / np.sqrt(np.maximum(flips, 1))[:, None]  # the gradient at 0 is twice a mean of entries of size 2
        theta = np.zeros((n, n), dtype=np.float32)
        best, score, norm_of_best = theta.copy(), np.zeros(n), np.zeros(n)
        value, gradient, norm = problem.evaluate(theta)
        length = np.full((n, 1), 0.125)
        train_of_best = np.zeros(n)
        for penalty in penalties:
            cost = penalty * error
            for step in range(each):
                trial = _soft(theta + length * gradient, length * cost)
                new_value, new_gradient, new_norm = problem.evaluate(trial)
                move = trial.astype(np.float64) - theta
                gain = (new_value - (cost * np.abs(trial)).sum(axis=1)) - (value - (cost * np.abs(theta)).sum(axis=1))
                better = np.isfinite(new_value) & (gain >= -1e-7)
                curved = (move * (gradient - new_gradient)).sum(axis=1)
                stretch = (move**2).sum(axis=1)
                ratio = np.where(curved > 1e-12 * stretch, stretch / np.maximum(curved, 1e-30), 0.125)
                length[:, 0] = np.where(better, np.clip(ratio, 0.01, 10.0), length[:, 0] * 0.3)
                theta = np.where(better[:, None], trial, theta).astype(np.float32)
                gradient = np.where(better[:, None], new_gradient, gradient)
                value, norm = np.where(better, new_value, value), np.where(better, new_norm, norm)
                if self.penalty == "none" and self._judge(data, theta, norm, judge, best, score, norm_of_best, value,
                                                          train_of_best) == 0 and step > 4:  # fmt: skip
                    break
            if self.penalty == "l1":
                self._judge(data, theta, norm, judge, best, score, norm_of_best, value, train_of_best)
        share = np.asarray(flips) / sum(b - a for a, b in train) / n
        return best, norm_of_best, float((share * train_of_best).sum()), int((~moving).sum())

    @staticmethod
    def _judge(
        data: Flips, theta: Singles, norm: Floats, judge: list[tuple[int, int]], best: Singles, score: Floats,
        norm_of_best: Floats, value: Floats, train_of_best: Floats,
    ) -> int:  # fmt: skip
        """Keep, in place, the rows of theta that validate better than all before; return how many."""
        new = _rows_value(data, theta, norm, judge)
        won = new > score
        best[won], score[won], norm_of_best[won], train_of_best[won] = theta[won], new[won], norm[won], value[won]
        return int(won.sum())


class _Problem:
    """Training objective and gradient of all spins."""

    def __init__(
        self, data: Flips, ranges: list[tuple[int, int]], flips: NDArray[np.int64], moving: NDArray[np.bool_]
    ) -> None:
        self._data, self._ranges, self._flips, self._moving = data, ranges, flips, moving
        n = data.spins.shape[1]
        mean = np.zeros((n, n))
        for spins, flipped in _batches(data, ranges):
            mean -= 2.0 * (np.where(flipped, spins, 0.0).T @ spins)
        self._mean = mean / flips[:, None]

    def evaluate(self, theta: Singles) -> tuple[Floats, Floats, Floats]:
        """Return value (N,), gradient (N, N) and logarithm of the normalisation (N,)."""
        n = len(theta)
        total, top, tilted = np.zeros(n), np.full(n, -np.inf), np.zeros((n, n))
        for spins, flipped in _batches(self._data, self._ranges):
            exponent = np.where(flipped, 2.0 * spins * (spins @ theta.T), np.float32(-np.inf))
            peak = np.maximum(top, exponent.max(axis=0))
            safe = np.where(np.isfinite(peak), peak, 0.0)
            weights = np.exp(exponent - safe.astype(np.float32))
            shrink = np.exp(np.where(np.isfinite(top), top, -np.inf) - safe)
            total = total * shrink + weights.sum(axis=0, dtype=np.float64)
            tilted = tilted * shrink[:, None] + (weights * spins).T @ spins
            top = peak
        found = total > 0.0
        norm = np.where(found, np.where(found, top, 0.0) + np.log(np.where(found, total, 1.0) / self._flips), 0.0)
        gradient = self._mean - 2.0 * tilted / np.where(found, total, 1.0)[:, None]
        np.fill_diagonal(gradient, 0.0)
        gradient[~self._moving] = 0.0
        value = (theta * self._mean).sum(axis=1) - norm
        return value, gradient, norm


def _rows_value(data: Flips, theta: Singles, norm: Floats, ranges: list[tuple[int, int]]) -> Floats:
    """Return, for each spin, the sum of ``u - exp(-u - b) - b + 1`` over rows where it flipped, shape (N,)."""
    total = np.zeros(len(theta))
    for spins, flipped in _batches(data, ranges):
        work = -2.0 * spins * (spins @ theta.T)
        with np.errstate(over="ignore"):
            rows = work - np.exp(-work - norm) - norm + 1.0
        total += np.where(flipped, rows, 0.0).sum(axis=0)
    return total


def _batches(data: Flips, ranges: list[tuple[int, int]]):  # type: ignore[no-untyped-def]  # noqa: ANN202
    for start, stop in ranges:
        for a in range(start, stop, BATCH):
            b = min(stop, a + BATCH)
            yield data.spins[a:b].astype(np.float32), data.flipped[a:b]


def _soft(values: Floats, threshold: Floats) -> Singles:
    return (np.sign(values) * np.maximum(np.abs(values) - threshold, 0.0)).astype(np.float32)
