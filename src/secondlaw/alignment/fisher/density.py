r"""The spectral density of a Fisher matrix by stochastic Lanczos quadrature.

From a random unit vector v, k steps of Lanczos give a tridiagonal T whose eigenvalues :math:`\theta_j` and squared
first components :math:`\tau_j^2` are the Gauss quadrature of the measure :math:`\sum_i (u_i^\top v)^2
\delta_{\lambda_i}`, exact for polynomials up to degree 2k - 1; averaged over v it estimates the spectral density
(Ubaru, Chen and Saad, SIAM J. Matrix Anal. Appl. 38, 2017; for networks arXiv 1901.10159). Shares are of all
parameters: a Fisher matrix has rank N (C - 1) at most, the rest lies at 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.alignment.fisher.random_vectors import normal_vectors
from secondlaw.errors import InvalidInput
from secondlaw.statistics.student import student_reach
from secondlaw.types import SHARE, Estimate

if TYPE_CHECKING:
    from torch import Tensor

    from secondlaw.alignment.fisher.products import FisherProducts

__all__ = ["SpectralDensity", "spectral_density"]

Floats = NDArray[np.float64]
Advance = Callable[[int, int], None]

_BASIS_BYTES = 2e9


@dataclass(frozen=True, slots=True, eq=False)
class SpectralDensity:
    """Quadratures of the spectrum, one a probe.

    Parameters
    ----------
    nodes, weights : numpy.ndarray, shape (probes, steps)
        Eigenvalues, and the share of the spectrum that each stands for; weights of a probe sum to 1.
    size : int
        Parameters.
    reorthogonalised : bool
        Whether the bases were kept orthogonal; without, copies of large eigenvalues share their weight.
    """

    nodes: Floats
    weights: Floats
    size: int
    reorthogonalised: bool

    def share_above(self, value: float, *, level: float = 0.95) -> Estimate:
        """Return the share of eigenvalues above `value`.

        The interval covers the spread of probes and what a quadrature leaves open: between two nodes the share lies
        within the weights of both (the inequalities of Chebyshev, Markov and Stieltjes).
        """
        above = np.where(self.nodes > value, self.weights, 0.0).sum(axis=1)
        up, down = self._next(value, above=True), self._next(value, above=False)
        half = student_reach(level, len(above) - 1) * above.std(ddof=1) / np.sqrt(len(above))
        low, mean, high = (float(one.mean()) for one in (above - up, above, above + down))
        words = f"stochastic Lanczos quadrature, {self.nodes.shape[1]} steps"
        low, high = max(low - half, 0.0), min(high + half, 1.0)
        return Estimate(mean, low, high, level, len(above), SHARE, words, "probes")

    def _next(self, value: float, *, above: bool) -> Floats:
        """Return the weight of the node next to `value` in each probe; 0 where there is none."""
        order = np.argsort(self.nodes, axis=1)
        nodes, weights = np.take_along_axis(self.nodes, order, 1), np.take_along_axis(self.weights, order, 1)
        place = (nodes <= value).sum(axis=1) - (0 if above else 1)
        found = np.take_along_axis(weights, np.clip(place, 0, nodes.shape[1] - 1)[:, None], 1)[:, 0]
        return np.where((place >= 0) & (place < nodes.shape[1]), found, 0.0)

    def moment(self, power: int) -> Floats:
        """Return the estimate of tr(F^power) / size of each probe, shape (probes,)."""
        return np.asarray((self.weights * self.nodes**power).sum(axis=1))

    def smoothed(self, grid: ArrayLike, *, width: float) -> Floats:
        """Return the density on a grid of log10 eigenvalues, each node a Gaussian of `width` decades.

        Returns
        -------
        numpy.ndarray, shape (len(grid),)
            Share of eigenvalues a decade; nodes at 0 are in no decade.
        """
        points = np.asarray(grid, dtype=np.float64)
        if width <= 0.0:
            raise InvalidInput(f"width is a positive number of decades, got {width}")
        out = np.zeros(len(points))
        for node, weight in zip(self.nodes.ravel(), self.weights.ravel(), strict=True):
            if node > 0.0 and weight > 0.0:
                out += weight * np.exp(-0.5 * ((points - np.log10(node)) / width) ** 2)
        return np.asarray(out / (len(self.nodes) * width * np.sqrt(2.0 * np.pi)))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "nodes": self.nodes.tolist(), "weights": self.weights.tolist(), "size": self.size,
            "reorthogonalised": self.reorthogonalised,
        }  # fmt: skip


def spectral_density(
    products: "FisherProducts",
    *,
    rng: np.random.Generator,
    probes: int = 6,
    steps: int = 30,
    progress: Advance | None = None,
) -> SpectralDensity:
    """Estimate the spectral density.

    Parameters
    ----------
    products : FisherProducts
    rng : numpy.random.Generator
    probes : int
        Random vectors, at least 2.
    steps : int
        Lanczos steps from each, at least 2.
    progress : callable, optional
        Told (done, total) products.

    Raises
    ------
    InvalidInput
        If an argument is out of range.
    """
    if probes < 2 or steps < 2:
        raise InvalidInput(f"a density needs at least 2 probes and 2 steps, got {probes} and {steps}")
    import torch

    steps = min(steps, products.size)
    each = products.size * products.dtype.itemsize
    together = max(1, min(probes, int(_BASIS_BYTES / (steps * each))))
    orthogonal = steps * each <= _BASIS_BYTES
    nodes, weights, done = [], [], 0
    while done < probes:
        count = min(together, probes - done)
        start = normal_vectors(products, count, rng=rng)
        start /= torch.linalg.vector_norm(start, dim=1, keepdim=True)

        def tell(step: int, count: int = count, done: int = done) -> None:
            if progress is not None:
                progress(done * steps + step * count, probes * steps)

        diagonals, sides = _tridiagonal(products, start, steps, orthogonal, tell)
        for diagonal, side in zip(diagonals, sides, strict=True):
            values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(side, 1) + np.diag(side, -1))
            nodes.append(np.maximum(values, 0.0))  # below 0 by rounding alone
            weights.append(vectors[0] ** 2)
        done += count
    return SpectralDensity(np.array(nodes), np.array(weights), products.size, orthogonal)


def _tridiagonal(
    products: "FisherProducts", start: "Tensor", steps: int, orthogonal: bool, tell: Callable[[int], None]
) -> tuple[Floats, Floats]:
    """Return diagonals (probes, steps) and sides (probes, steps - 1) of T; a probe whose space is invariant stops."""
    import torch

    diagonals, sides = np.zeros((len(start), steps)), np.zeros((len(start), max(steps - 1, 0)))
    basis = start.new_empty(len(start), steps - 1 if orthogonal else 0, start.shape[1])
    now = start
    before, side = torch.zeros_like(start), torch.zeros(len(start), 1, dtype=start.dtype, device=start.device)
    small = 1e-12 if start.dtype == torch.float64 else 1e-6
    for step in range(steps):
        image = products.matmat(now.T).T - side * before
        diagonal = (image * now).sum(1, keepdim=True)
        diagonals[:, step] = diagonal[:, 0].double().cpu().numpy()
        tell(step + 1)
        if step == steps - 1:
            break
        image = image - diagonal * now
        if orthogonal:
            basis[:, step] = now
            held = basis[:, : step + 1]  # (probe, step, size)
            for _ in range(2):
                overlaps = torch.bmm(held, image.unsqueeze(2))
                image = image - torch.bmm(overlaps.transpose(1, 2), held)[:, 0]
        side = torch.linalg.vector_norm(image, dim=1, keepdim=True)
        scale = torch.as_tensor(np.abs(diagonals).max(1)[:, None]).to(side)
        side = torch.where(side > small * scale, side, torch.zeros_like(side))
        sides[:, step] = side[:, 0].double().cpu().numpy()
        before, now = now, torch.where(side > 0.0, image / side.clamp_min(1e-300), 0.0 * image)
    return diagonals, sides
