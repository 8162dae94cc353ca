r"""Functions of the state whose combinations are force and velocity fields: linear, polynomial, radial.

A basis is handed standardised features (mean 0 and mean square 1 where a variable does not wrap around; cosine and sine
where it does), and returns K functions and their slopes. Polynomials are products of Hermite polynomials, orthonormal
for Gaussian data: the same space as powers, without their bad conditioning.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.parameters import Parameters

__all__ = ["Basis", "LinearBasis", "PolynomialBasis", "RadialBasis"]

Floats = NDArray[np.float64]

_MOST_DEGREE = 9
_LLOYD = 10  # rounds of Lloyd's algorithm: centres need not be optimal
_SAMPLE = 4000  # states from which centres are chosen
_WIDTH = 1.5  # of a bump, in mean distances between neighbouring centres: bumps overlap, the Gram matrix stays regular


class Basis(Protocol):
    """K functions of f features."""

    def fitted(self, features: Floats, rng: np.random.Generator) -> "Basis":
        """Return the basis with whatever depends on the training rows chosen from these, shape (n, f)."""

    def values(self, features: Floats) -> Floats:
        """Return the functions, shape (n, K)."""

    def slopes(self, features: Floats) -> Floats:
        """Return their derivatives by the features, shape (n, K, f)."""

    def potentials(self) -> "Basis":
        """Return functions whose gradients are like the fields of this basis: of one degree more, or the same."""


@dataclass(frozen=True)
class PolynomialBasis(Parameters):
    """Polynomials up to a degree, in all variables together.

    Parameters
    ----------
    degree : int
        From 0 to 9; f variables have ``(f + degree)! / f! degree!`` functions.
    constant : bool
        Whether the constant is among them.

    Examples
    --------
    >>> PolynomialBasis(2).values(np.array([[1.0, 2.0]])).round(2)  # 1, y, x, (y^2 - 1) / sqrt 2, x y, ...
    array([[1.  , 2.  , 1.  , 2.12, 2.  , 0.  ]])
    """

    degree: int = 3
    constant: bool = True

    def __post_init__(self) -> None:
        if not (isinstance(self.degree, int) and 0 <= self.degree <= _MOST_DEGREE):
            raise InvalidInput(f"the degree of a polynomial must be from 0 to {_MOST_DEGREE}, got {self.degree!r}")
        if self.degree == 0 and not self.constant:
            raise InvalidInput("a polynomial of degree 0 without its constant has no function: take constant=True")

    def fitted(self, features: Floats, rng: np.random.Generator) -> "PolynomialBasis":
        """Nothing depends on the data."""
        return self

    def potentials(self) -> "PolynomialBasis":
        """Return polynomials of one degree more, without the constant."""
        return PolynomialBasis(min(self.degree + 1, _MOST_DEGREE), constant=False)

    def values(self, features: Floats) -> Floats:
        """Return the functions, shape (n, K)."""
        powers = self._powers(features.shape[1])
        hermite = _hermite(features, self.degree)
        out = np.ones((len(features), len(powers)))
        for column, each in enumerate(powers):
            for axis in np.flatnonzero(each):
                out[:, column] *= hermite[each[axis]][:, axis]
        return out

    def slopes(self, features: Floats) -> Floats:
        """Return the derivatives, shape (n, K, f)."""
        powers = self._powers(features.shape[1])
        hermite = _hermite(features, self.degree)
        out = np.zeros((len(features), *powers.shape))
        for column, each in enumerate(powers):
            used = np.flatnonzero(each)
            for along in used:
                slope = np.sqrt(each[along]) * hermite[each[along] - 1][:, along]
                for axis in used[used != along]:
                    slope = slope * hermite[each[axis]][:, axis]
                out[:, column, along] = slope
        return out

    def _powers(self, features: int) -> NDArray[np.int64]:
        return _multi_indices(features, self.degree)[0 if self.constant else 1 :]


@dataclass(frozen=True)
class LinearBasis(Parameters):
    """Linear functions, with a constant or without.

    Examples
    --------
    >>> LinearBasis().values(np.array([[3.0, 4.0]]))
    array([[1., 3., 4.]])
    """

    constant: bool = True

    def fitted(self, features: Floats, rng: np.random.Generator) -> "LinearBasis":
        """Nothing depends on the data."""
        return self

    def potentials(self) -> PolynomialBasis:
        """Return polynomials of degree 2."""
        return PolynomialBasis(2, constant=False)

    def values(self, features: Floats) -> Floats:
        """Return the functions, shape (n, K)."""
        return np.column_stack([np.ones(len(features)), features]) if self.constant else features.copy()

    def slopes(self, features: Floats) -> Floats:
        """Return the derivatives, shape (n, K, f)."""
        rows, size = features.shape
        slopes = np.zeros((rows, size + self.constant, size))
        slopes[:, self.constant :] = np.eye(size)
        return slopes


@dataclass(frozen=True)
class RadialBasis(Parameters):
    """Gaussian bumps around centres chosen among the training rows, beside the linear functions.

    Parameters
    ----------
    bumps : int
    width : float, optional
        Standard deviation of a bump in standardised units; 1.5 mean distances between neighbouring centres if None.
    centres : ndarray, shape (bumps, f), optional
        Chosen by :meth:`fitted`.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(500, 2))
    >>> RadialBasis(bumps=10).fitted(x, np.random.default_rng(1)).values(x).shape
    (500, 13)
    """

    bumps: int = 40
    width: float | None = None
    centres: Floats | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.bumps < 1 or (self.width is not None and not self.width > 0.0):
            raise InvalidInput(
                f"radial functions need one bump or more and a positive width, got {self.bumps}, {self.width}"
            )

    def fitted(self, features: Floats, rng: np.random.Generator) -> "RadialBasis":
        """Choose centres by a few rounds of Lloyd's algorithm on some of the rows, and the width."""
        some = features[np.sort(rng.permutation(len(features))[:_SAMPLE])]
        if len(np.unique(some, axis=0)) < self.bumps:
            raise InvalidInput(f"{self.bumps} bumps need as many different states, got {len(some)}: take fewer bumps")
        centres = np.unique(some, axis=0)[rng.permutation(len(np.unique(some, axis=0)))[: self.bumps]]
        for _ in range(_LLOYD):
            nearest = _squares(some, centres).argmin(axis=1)
            counts = np.bincount(nearest, minlength=self.bumps)
            sums = np.stack([np.bincount(nearest, weights=c, minlength=self.bumps) for c in some.T], axis=1)
            centres = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
        width = self.width
        if width is None:
            apart = _squares(centres, centres)
            np.fill_diagonal(apart, np.inf)
            width = float(_WIDTH * np.sqrt(apart.min(axis=1)).mean()) if self.bumps > 1 else 1.0
        return RadialBasis(self.bumps, width, centres)

    def potentials(self) -> "RadialBasis":
        """Return the same functions."""
        return self

    def values(self, features: Floats) -> Floats:
        """Return the functions, shape (n, K)."""
        return np.column_stack([np.ones(len(features)), features, self._bumps(features)])

    def slopes(self, features: Floats) -> Floats:
        """Return the derivatives, shape (n, K, f)."""
        centres, width = self._chosen()
        rows, size = features.shape
        out = np.zeros((rows, 1 + size + self.bumps, size))
        out[:, 1 : 1 + size] = np.eye(size)
        bumps = self._bumps(features)
        for axis in range(size):
            out[:, 1 + size :, axis] = -bumps * (features[:, axis : axis + 1] - centres[:, axis]) / width**2
        return out

    def _bumps(self, features: Floats) -> Floats:
        centres, width = self._chosen()
        return np.asarray(np.exp(_squares(features, centres) * (-0.5 / width**2)))

    def _chosen(self) -> tuple[Floats, float]:
        if self.centres is None or self.width is None:
            raise InvalidInput("the centres of radial functions are chosen from rows first: call fitted")
        return self.centres, self.width


def _squares(rows: Floats, centres: Floats) -> Floats:
    """Return squared distances, shape (rows, centres)."""
    cross = rows @ centres.T
    return np.asarray(np.maximum((rows**2).sum(axis=1)[:, None] - 2.0 * cross + (centres**2).sum(axis=1), 0.0))


def _hermite(features: Floats, degree: int) -> list[Floats]:
    """Return the normalised Hermite polynomials of each feature up to `degree`, each of shape (n, f)."""
    out = [np.ones_like(features), features]
    for n in range(1, degree):
        out.append((features * out[n] - np.sqrt(n) * out[n - 1]) / np.sqrt(n + 1.0))
    return out[: degree + 1]


@lru_cache(maxsize=64)
def _multi_indices(features: int, degree: int) -> NDArray[np.int64]:
    """Return all exponents whose sum is at most `degree`, by that sum, shape (K, features)."""
    rows = [[]] if features == 0 else [[total] for total in range(degree + 1)]
    for _ in range(features - 1):
        rows = [[*row, more] for row in rows for more in range(degree + 1 - sum(row))]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), features)
    table = table[np.argsort(table.sum(axis=1), kind="stable")]
    table.setflags(write=False)
    return table
