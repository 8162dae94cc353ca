r"""The two matrix products that all spin problems share, over batches of rows, in NumPy.

With states S (rows, N), flips F and parameters Theta (one row a spin), :math:`H = S\Theta^T` gives all exponents
:math:`-\theta_i g_i = 2 s_i H_i`, and :math:`(E s)^T S` with :math:`E = F \exp(2 s H)` all tilted means: 4 M N^2
operations an evaluation for all N spins. Products are in float32, sums over batches in float64; the exponent is never
clipped, its maximum is carried along.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.flips.rows import Flips

__all__ = ["Judged", "Moments", "NumpyProducts", "Products", "Ranges", "open_products"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
Ranges = Sequence[tuple[int, int]]

BATCH = 1024  # rows: the arrays of a batch of 1,000 spins are then 4 MiB each
METRIC_SHARE = 4  # every fourth batch: correlations of states only set the metric of steps
HEADROOM = 40.0  # exp(40) times all rows fits into float32
LEAST_VALUE = -1e30  # of a held-out sum: as bad as can be, yet a number
LEAST_SUM = 1e-20  # of weights: below it float32 begins to lose them


@dataclass(frozen=True, slots=True)
class Moments:
    """What the fit needs once.

    Parameters
    ----------
    flips : ndarray, shape (N,)
        How often each spin flips.
    mean : ndarray of float32, shape (N, N)
        Mean of ``g_ij = -2 s_i s_j`` over the flips of i; 0 on the diagonal.
    correlations : ndarray of float32, shape (N, N)
        Mean of ``s_j s_k`` over a share of all rows.
    rows : int
        How many these are.
    """

    flips: Integers
    mean: Singles
    correlations: Singles
    rows: int

    @classmethod
    def joined(cls, parts: Sequence["Moments"]) -> "Moments":
        """Return the moments of the rows of all parts."""
        flips, rows = np.sum([one.flips for one in parts], axis=0), sum(one.rows for one in parts)
        mean, correlations = np.zeros_like(parts[0].mean), np.zeros_like(parts[0].correlations)
        for one in parts:
            mean += one.mean * (one.flips / np.maximum(flips, 1))[:, None].astype(np.float32)
            correlations += one.correlations * np.float32(one.rows / rows)
        return cls(flips, mean, correlations, rows)


@dataclass(frozen=True, slots=True)
class Judged:
    """Sums over the flips of each spin in stretches of rows, each of shape (B, n).

    Parameters
    ----------
    flips : ndarray
    work : ndarray
        Of ``u = theta g``.
    weights, squares : ndarray
        Of ``exp(-u - b)`` with the logarithm b of the normalisation, and of its square.
    log_norm : ndarray, shape (n,)
        b.
    """

    flips: Floats
    work: Floats
    weights: Floats
    squares: Floats
    log_norm: Floats

    @property
    def values(self) -> Floats:
        """Sums of ``u - exp(-u - b) - b + 1``, shape (B, n): at most the divergence on average, for any theta and b."""
        return np.maximum(self.work - self.weights + self.flips * (1.0 - self.log_norm), LEAST_VALUE)


class Products(Protocol):
    """Where the products are made."""

    def moments(self, ranges: Ranges) -> Moments:
        """Return the moments of rows."""

    def tilted(self, theta: Singles, chosen: Integers, ranges: Ranges) -> tuple[Floats, Singles]:
        """Return ``ln sum exp(-theta g)`` over flips, shape (n,), and the tilted means of ``s_i s_j``, shape (n, N).

        `theta` has shape (n, N), one row for each spin of `chosen`.
        """

    def judged(self, theta: Singles, log_norm: Floats, chosen: Integers, edges: Integers) -> "Judged":
        """Return sums over the flips between `edges`, for each chosen spin."""

    def turn(self, vectors: Singles, matrix: Singles) -> Singles:
        """Return ``vectors @ matrix``."""


def open_products(data: Flips, device: str | None) -> Products:
    """Return the products in NumPy, or in torch on a device."""
    if device is None:
        return NumpyProducts(data)
    from secondlaw.trajectories.flips.device_products import TorchProducts

    return TorchProducts(data, device)


class NumpyProducts:
    """The products on the CPU."""

    def __init__(self, data: Flips) -> None:
        self._data = data

    def moments(self, ranges: Ranges) -> Moments:
        """Return the moments of rows."""
        n = self._data.spins.shape[1]
        mean, correlations = np.zeros((n, n), dtype=np.float32), np.zeros((n, n), dtype=np.float32)
        flips, used = np.zeros(n, dtype=np.int64), 0
        for k, (spins, flipped) in enumerate(self._batches(ranges)):
            flips += flipped.sum(axis=0)
            mean += (spins * flipped).T @ spins  # whole numbers: exact below 2^24 rows
            if k % METRIC_SHARE == 0:
                correlations += spins.T @ spins
                used += len(spins)
        mean *= (-2.0 / np.maximum(flips, 1)[:, None]).astype(np.float32)
        np.fill_diagonal(mean, 0.0)
        return Moments(flips, mean, correlations / np.float32(used), used)

    def tilted(self, theta: Singles, chosen: Integers, ranges: Ranges) -> tuple[Floats, Singles]:
        """Return ``ln sum exp(-theta g)`` and the tilted means of ``s_i s_j``."""
        log_sum, means = self._tilted(theta, chosen, ranges, masked=False)
        lost = ~np.isfinite(log_sum)  # rows without a flip have exponents so large that those of flips vanish
        if lost.any():
            log_sum[lost], means[lost] = self._tilted(theta[lost], chosen[lost], ranges, masked=True)
        return log_sum, means

    def _tilted(self, theta: Singles, chosen: Integers, ranges: Ranges, *, masked: bool) -> tuple[Floats, Singles]:
        """Sum over rows; masked, the exponents of rows without a flip do not count in the maximum that is carried."""
        place = (np.arange(len(chosen)), chosen)
        twice = np.ascontiguousarray(2.0 * theta.T)
        every = len(chosen) == self._data.spins.shape[1]
        top = np.full(len(chosen), -np.inf if masked else 0.0, dtype=np.float32)
        sums = np.zeros(theta.shape, dtype=np.float32)
        for spins, flipped in self._batches(ranges):
            own, moved = (spins, flipped) if every else (spins[:, chosen], flipped[:, chosen])
            work = spins @ twice
            work *= own
            if masked:
                np.copyto(work, -np.inf, where=~moved)
            peak = work.max(axis=0)
            if (peak > top + HEADROOM).any():
                new = np.where(peak > top + HEADROOM, peak, top).astype(np.float32)
                with np.errstate(invalid="ignore"):
                    sums *= np.where(np.isfinite(top), np.exp(top - new), 0.0).astype(np.float32)[:, None]
                top = new
            if top.any():
                work -= np.where(np.isfinite(top), top, np.float32(0.0))
            np.exp(work, out=work)
            work *= own * moved
            sums += work.T @ spins
        total = sums[place].astype(np.float64)  # s_i s_i = 1: the diagonal sums the weights themselves
        sums /= np.maximum(total, LEAST_SUM).astype(np.float32)[:, None]
        with np.errstate(divide="ignore"):
            log_sum = np.where(np.isfinite(top), top, 0.0) + np.log(np.where(total > LEAST_SUM, total, 0.0))
        return np.asarray(log_sum), sums

    def judged(self, theta: Singles, log_norm: Floats, chosen: Integers, edges: Integers) -> Judged:
        """Return sums over the flips between `edges`, for each chosen spin."""
        twice = np.ascontiguousarray(-2.0 * theta.T)
        every = len(chosen) == self._data.spins.shape[1]
        flips, works, weights, squares = np.zeros((4, len(edges) - 1, len(chosen)))
        shift = log_norm.astype(np.float32)
        for block in range(len(edges) - 1):
            for spins, flipped in self._batches([(int(edges[block]), int(edges[block + 1]))]):
                own, moved = (spins, flipped) if every else (spins[:, chosen], flipped[:, chosen])
                work = spins @ twice
                work *= own
                work *= moved
                works[block] += work.sum(axis=0)
                work += shift
                np.negative(work, out=work)
                with np.errstate(over="ignore"):
                    np.exp(work, out=work)
                    work *= moved
                    weights[block] += work.sum(axis=0, dtype=np.float64)
                    work *= work
                squares[block] += work.sum(axis=0, dtype=np.float64)
                flips[block] += moved.sum(axis=0)
        return Judged(flips, works, weights, squares, log_norm)

    def turn(self, vectors: Singles, matrix: Singles) -> Singles:
        """Return ``vectors @ matrix``."""
        return vectors @ matrix

    def _batches(self, ranges: Ranges) -> Iterator[tuple[Singles, NDArray[np.bool_]]]:
        for start, stop in ranges:
            for a in range(start, stop, BATCH):
                b = min(stop, a + BATCH)
                yield self._data.spins[a:b].astype(np.float32), self._data.flipped[a:b]
