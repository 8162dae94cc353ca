"""The second-order model of each spin's objective: one matrix that all share, and what each step shows of it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.flips.products import Products

__all__ = ["Curvature", "row_dot"]

Singles = NDArray[np.float32]

LEAST_CURVATURE = 0.05  # of what the model expects along a step: below it, or 20 times above, a step teaches nothing


@dataclass(slots=True)
class Curvature:
    """Four times the correlations of the states, and a pair of rank-one terms for each step and spin (BFGS).

    Parameters
    ----------
    products : Products
    correlations : ndarray of float32, shape (N, N)
    bound : float
        At least the largest eigenvalue of the model before any step.
    """

    products: Products
    correlations: Singles
    bound: float
    _pairs: list[tuple[Singles, Singles, Singles, Singles]] = field(default_factory=list)

    @classmethod
    def of(cls, products: Products, correlations: Singles) -> "Curvature":
        """Return the model at theta = 0."""
        x = np.random.default_rng(0).normal(size=(1, len(correlations))).astype(np.float32)
        size = 1.0
        for _ in range(30):
            x = products.turn(x / np.linalg.norm(x), correlations)
            size = float(np.linalg.norm(x))
        return cls(products, correlations, 4.0 * 1.05 * size)

    def times(self, v: Singles) -> Singles:
        """Return the curvature of each spin times its vector, shape (n, N)."""
        out = np.float32(4.0) * self.products.turn(v, self.correlations)
        for old, old_scale, new, new_scale in self._pairs:
            out -= old * (row_dot(old, v) * old_scale)
            out += new * (row_dot(new, v) * new_scale)
        return out

    def largest(self, spins: int) -> Singles:
        """Return a bound on the largest curvature of each of so many spins, shape (n, 1)."""
        out = np.full((spins, 1), self.bound, dtype=np.float32)
        for _, _, new, new_scale in self._pairs:
            out += row_dot(new, new) * new_scale
        return out

    def learn(self, move: Singles, change: Singles) -> NDArray[np.bool_]:
        """Take up by how much the gradient fell along a move; return for which spins that could be used."""
        old = self.times(move)
        expected, seen = row_dot(move, old), row_dot(move, change)
        usable = np.isfinite(seen) & (expected > 1e-8) & (seen > LEAST_CURVATURE * expected)
        usable &= seen < expected / LEAST_CURVATURE
        scales = [np.where(usable, 1.0 / np.where(usable, x, 1.0), 0.0).astype(np.float32) for x in (expected, seen)]
        self._pairs.append((old, scales[0], np.where(usable, change, np.float32(0.0)), scales[1]))
        return np.asarray(usable[:, 0])

    def only(self, rows: NDArray[np.bool_]) -> "Curvature":
        """Return the model of some of the spins."""
        pairs = [(a[rows], b[rows], c[rows], d[rows]) for a, b, c, d in self._pairs]
        return Curvature(self.products, self.correlations, self.bound, pairs)


def row_dot(a: Singles, b: Singles) -> Singles:
    """Return the products of rows, shape (n, 1)."""
    out: Singles = np.einsum("ij,ij->i", a, b)[:, None]
    return out
