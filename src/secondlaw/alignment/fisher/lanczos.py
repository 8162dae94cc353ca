r"""Lanczos with full reorthogonalisation, restarted where the basis would outgrow its memory.

After k products the basis V spans a Krylov space, :math:`F V = V T + \beta v_{k+1} e_k^\top`. An eigenpair
:math:`T s = \theta s` gives the Ritz pair (theta, V s), whose residual :math:`\|F y - \theta y\| = \beta |s_k|`
needs no further product; an eigenvalue of F lies within the residual of theta, and the largest theta never exceeds the
largest eigenvalue. A restart keeps the best Ritz vectors (thick restart: Wu and Simon, SIAM J. Matrix Anal. Appl. 22,
2000).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from secondlaw.alignment.fisher.products import FisherProducts

__all__ = ["RitzPairs", "ritz_pairs"]

Floats = NDArray[np.float64]

_BREAKDOWN = 1e-12
"""A remainder this small beside the largest eigenvalue, in float64: the Krylov space is invariant."""


@dataclass(frozen=True, slots=True, eq=False)
class RitzPairs:
    """What Lanczos knows after some products.

    Parameters
    ----------
    values : numpy.ndarray, shape (k,)
        From the largest down.
    residuals : numpy.ndarray, shape (k,)
    products : int
        Done so far.
    spread : int
        Dimension of the unrestarted Krylov space; 0 after a restart.
    invariant : bool
        Whether the space is invariant: its eigenvalues are exact.
    basis : tensor, shape (k, size)
    coefficients : numpy.ndarray, shape (k, k)
        Ritz vectors in the basis, as columns.
    """

    values: Floats
    residuals: Floats
    products: int
    spread: int
    invariant: bool
    basis: "Tensor"
    coefficients: Floats

    def vectors(self, count: int) -> "Tensor":
        """Return the first Ritz vectors, shape (count, size), of norm 1."""
        import torch

        weights = torch.as_tensor(self.coefficients[:, :count].T.copy(), dtype=self.basis.dtype)
        out: Tensor = weights.to(self.basis.device) @ self.basis
        lengths: Tensor = torch.linalg.vector_norm(out, dim=1, keepdim=True)
        return out / lengths


def ritz_pairs(products: "FisherProducts", start: "Tensor", *, most_vectors: int, kept: int = 1) -> Iterator[RitzPairs]:
    """Yield the Ritz pairs after each product; go on for as many products as wanted.

    Parameters
    ----------
    products : FisherProducts
    start : tensor, shape (size,)
    most_vectors : int
        Vectors of the basis, at least `kept` + 2; beyond it Lanczos restarts.
    kept : int
        Ritz vectors that a restart keeps.
    """
    import torch

    limit = min(max(most_vectors, kept + 2), products.size + 1)
    basis = torch.empty(limit, products.size, dtype=start.dtype, device=start.device)
    basis[0] = start / torch.linalg.vector_norm(start)
    projected = np.zeros((limit, limit))
    used, done, restarted = 1, 0, False
    rounding = _BREAKDOWN if start.dtype == torch.float64 else 1e-6
    while True:
        remainder, overlaps = _orthogonal(products.matvec(basis[used - 1]), basis[:used])
        done += 1
        projected[used - 1, :used] = projected[:used, used - 1] = overlaps
        left = float(torch.linalg.vector_norm(remainder))
        values, vectors = np.linalg.eigh(projected[:used, :used])
        values, vectors = values[::-1], vectors[:, ::-1]
        scale = max(abs(float(values[0])), np.finfo(np.float64).tiny)
        invariant = left <= rounding * scale or used == products.size
        residuals = np.zeros(used) if invariant else left * np.abs(vectors[-1])
        yield RitzPairs(values, residuals, done, 0 if restarted else used, invariant, basis[:used], vectors)
        if invariant:
            return
        if used == limit:
            held = min(max(kept, limit // 2), limit - 2)
            weights = torch.as_tensor(vectors[:, :held].T.copy(), dtype=basis.dtype).to(basis.device)
            basis[:held] = weights @ basis
            projected[:] = 0.0
            projected[range(held), range(held)] = values[:held]
            used, restarted = held, True
        basis[used] = remainder / left
        used += 1


def _orthogonal(image: "Tensor", basis: "Tensor") -> tuple["Tensor", Any]:
    """Return the part of `image` orthogonal to the rows of `basis`, and its overlaps with them, done twice over."""
    first = basis @ image
    image = image - first @ basis
    again = basis @ image
    return image - again @ basis, (first + again).double().cpu().numpy()
