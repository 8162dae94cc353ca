r"""Linear Langevin dynamics (Ornstein-Uhlenbeck), sampled exactly, with every entropy production in closed form.

.. math:: dx = A x\,dt + \sqrt{2D}\,dW, \qquad A S + S A^T + 2D = 0

With :math:`M = A_{irr} S + D`, where :math:`A_{irr} = (A + P A P)/2` and P the signs of the variables under time
reversal (all +1: :math:`A_{irr} = A`), the steady state produces

.. math:: \sigma = \mathrm{tr}(D^+ M S^{-1} M^T)

nats per unit of time, the long-time rate (Spinney & Ford, Phys. Rev. E 85, 051113 (2012)); the mean local velocity is
:math:`\nu(x) = M S^{-1} x`. Seen at a finite lag the process is Gaussian, and so are the forward and the backward law:
their Kullback-Leibler divergence is what data at that lag can show, at most.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.systems.arguments import counted, covariance, positive, square
from secondlaw.systems.compiled import compiled

__all__ = ["LinearLangevin"]

Floats = NDArray[np.float64]

# An irreversible drift outside the range of the noise by less than this share of the drift is rounding.
_OUTSIDE = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class LinearLangevin:
    """Stationary linear Langevin dynamics in d variables.

    Parameters
    ----------
    drift : array_like, shape (d, d)
        The matrix A; every eigenvalue has a negative real part.
    diffusion : array_like, shape (d, d) or (d,)
        The matrix D, or its diagonal. It may be singular as long as the noise reaches every variable through the drift.
    parity : sequence of {1, -1}, optional
        Sign of each variable under time reversal, -1 for velocities; all +1 by default.

    Raises
    ------
    InvalidInput
        If the dynamics have no steady state, or shapes and signs do not fit.

    Examples
    --------
    >>> spinning = LinearLangevin([[-1, 2], [-2, -1]], [1, 1])
    >>> round(spinning.entropy_production_rate(), 6), round(spinning.lag_divergence(0.01) / 0.01, 3)
    (8.0, 7.919)
    >>> spinning.simulate(points=100, dt=0.01, trajectories=3, rng=np.random.default_rng(0)).shape
    (3, 100, 2)
    """

    drift: Floats
    diffusion: Floats
    parity: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        drift = square(self.drift, "drift")
        noise = np.asarray(self.diffusion, dtype=np.float64)
        diffusion = covariance(np.diag(noise) if noise.ndim == 1 else noise, "diffusion")
        if drift.shape != diffusion.shape:
            raise InvalidInput(f"drift is {len(drift)}-dimensional and diffusion {len(diffusion)}-dimensional")
        slowest = float(np.linalg.eigvals(drift).real.max())
        if slowest >= 0.0:
            raise InvalidInput(
                f"drift must pull back (eigenvalues with negative real part), the largest has {slowest:.3g}"
            )
        if self.parity is not None:
            signs = tuple(int(sign) for sign in self.parity)
            if len(signs) != len(drift) or set(signs) - {1, -1}:
                raise InvalidInput(f"parity must hold {len(drift)} signs, 1 or -1, got {self.parity}")
            object.__setattr__(self, "parity", signs)
        object.__setattr__(self, "drift", drift)
        object.__setattr__(self, "diffusion", diffusion)
        reached = np.linalg.eigvalsh(self.stationary_covariance())
        if reached[0] <= 1e-13 * reached[-1]:
            raise InvalidInput(
                f"the noise does not reach every variable (smallest stationary variance {reached[0]:.3g}): "
                "leave out what stays at rest"
            )

    @property
    def dimension(self) -> int:
        """Number of variables d."""
        return len(self.drift)

    @property
    def signs(self) -> Floats:
        """Signs of the variables under time reversal, shape (d,)."""
        return np.ones(self.dimension) if self.parity is None else np.array(self.parity, dtype=np.float64)

    def stationary_covariance(self) -> Floats:
        """Return S, shape (d, d), from the Lyapunov equation."""
        from scipy.linalg import solve_continuous_lyapunov

        solved = solve_continuous_lyapunov(self.drift, -2.0 * self.diffusion)
        return np.asarray((solved + solved.T) / 2.0)

    def velocity_matrix(self) -> Floats:
        """Return the matrix of the mean local velocity ``nu(x) = B x``, the irreversible part for odd variables."""
        return np.asarray(self._unbalanced() @ np.linalg.inv(self.stationary_covariance()))

    def entropy_production_rate(self) -> float:
        """Return the entropy production in nats per unit of time.

        ``inf`` if the irreversible drift moves variables without noise of their own: one such step tells the direction
        of time for certain. Velocities among the variables need their `parity`.
        """
        unbalanced = self._unbalanced()
        inverse = np.linalg.pinv(self.diffusion, hermitian=True)
        outside = unbalanced - self.diffusion @ inverse @ unbalanced
        if np.abs(outside).max() > _OUTSIDE * np.abs(self.drift @ self.stationary_covariance()).max():
            return math.inf
        return float(np.sum((inverse @ unbalanced) * self.velocity_matrix()))

    def propagator(self, dt: float) -> tuple[Floats, Floats]:
        """Return ``exp(A dt)`` and the covariance of the noise gathered over `dt`, each shape (d, d).

        The covariance is a block of one matrix exponential (Van Loan, IEEE Trans. Autom. Control 23, 395 (1978)) over a
        short time, doubled up to `dt`: no difference of nearly equal matrices, and nothing that overflows.
        """
        from scipy.linalg import expm

        d = self.dimension
        doublings = max(0, math.ceil(math.log2(positive(dt, "dt") * np.linalg.norm(self.drift, 2) + 1e-300)))
        blocks = np.block([[-self.drift, 2.0 * self.diffusion], [np.zeros((d, d)), self.drift.T]])
        whole = expm(blocks * (dt / 2.0**doublings))
        step = whole[d:, d:].T
        gathered = step @ whole[:d, d:]
        for _ in range(doublings):
            gathered = gathered + step @ gathered @ step.T
            step = step @ step
        return step, np.asarray((gathered + gathered.T) / 2.0)

    def lag_covariance(self, dt: float, *, points: int = 2) -> Floats:
        """Return the covariance of `points` successive states, shape (points, d, points, d)."""
        d, count = self.dimension, counted(points, "points")
        step, _ = self.propagator(dt)
        joint = np.empty((count, d, count, d))
        lagged = self.stationary_covariance()
        for lag in range(count):
            for first in range(count - lag):
                joint[first + lag, :, first, :] = lagged
                joint[first, :, first + lag, :] = lagged.T
            lagged = step @ lagged
        return joint

    def lag_divergence(self, dt: float) -> float:
        """Return the divergence of pairs `dt` apart from their time reversal, ``KL(p || p~)`` in nats.

        Divided by `dt` it rises to the rate as `dt` falls when no variable is odd; with odd variables, a stationary law
        that is not even in them adds a constant.
        """
        step, noise = self.propagator(dt)
        S, signs = self.stationary_covariance(), self.signs
        turn = np.outer(signs, signs)
        step_back, noise_back, S_back = step * turn, noise * turn, S * turn
        skew = step @ S - S @ step_back.T
        excess = S - S_back + step_back @ (S_back - S) @ step_back.T - step_back @ skew - (step_back @ skew).T
        ends = np.trace(np.linalg.solve(S_back, S - S_back))
        return float(np.trace(np.linalg.solve(noise_back, excess)) + ends) / 2.0

    def window_divergence(self, dt: float, *, points: int, observed: tuple[int, ...] | None = None) -> float:
        """Return the divergence of windows of `points` states from their time reversal, in nats.

        Parameters
        ----------
        dt : float
        points : int
            At least 2. The variables seen together are Markov: their value is ``points - 1`` times
            :meth:`lag_divergence`, less what the ends add for odd variables.
        observed : tuple of int, optional
            Variables that are seen; hiding some hides entropy production, all of it when one is left.
        """
        seen = tuple(range(self.dimension)) if observed is None else observed
        if not seen or set(seen) - set(range(self.dimension)):
            raise InvalidInput(f"observed must name variables among 0..{self.dimension - 1}, got {observed}")
        size = counted(points, "points", least=2) * len(seen)
        joint = self.lag_covariance(dt, points=points)[:, seen][:, :, :, seen]
        signs = self.signs[list(seen)]
        turned = joint[::-1, :, ::-1, :] * signs[None, :, None, None] * signs[None, None, None, :]
        ahead, back = joint.reshape(size, size), turned.reshape(size, size)
        return float(np.trace(np.linalg.solve(back, ahead - back))) / 2.0

    def simulate(
        self, *, points: int, dt: float, rng: np.random.Generator, trajectories: int = 1, start: ArrayLike | None = None
    ) -> Floats:
        """Draw trajectories, exactly at any `dt`.

        Parameters
        ----------
        points : int
            States of each trajectory, the first included.
        dt : float
            Time between them.
        rng : numpy.random.Generator
        trajectories : int
        start : array_like, shape (d,) or (trajectories, d), optional
            First states; by default drawn from the stationary law.

        Returns
        -------
        numpy.ndarray, shape (trajectories, points, d)
        """
        d = self.dimension
        step, noise = self.propagator(dt)
        shape = (counted(trajectories, "trajectories"), counted(points, "points"), d)
        path = rng.standard_normal(shape)
        if start is None:
            first = path[:, 0] @ _root(self.stationary_covariance()).T
        else:
            given = np.asarray(start, dtype=np.float64)
            if given.shape not in ((d,), (shape[0], d)) or not np.isfinite(given).all():
                raise InvalidInput(f"start must be finite of shape ({d},) or ({shape[0]}, {d}), got {given.shape}")
            first = np.broadcast_to(given, (shape[0], d))
        path = path @ _root(noise).T
        path[:, 0] = first
        compiled(_propagate)(np.ascontiguousarray(step), path)
        return path

    def trajectory_entropy_production(self, path: ArrayLike, dt: float) -> Floats:
        """Return ``ln p(path) - ln p(reversed path)`` of stationary trajectories seen every `dt`, in nats.

        Parameters
        ----------
        path : array_like, shape (trajectories, points, d)

        Returns
        -------
        numpy.ndarray, shape (trajectories,)
        """
        x = np.asarray(path, dtype=np.float64)
        if x.ndim != 3 or x.shape[2] != self.dimension:
            raise InvalidInput(f"path must have the shape (trajectories, points, {self.dimension}), got {x.shape}")
        step, noise = self.propagator(dt)
        precision, inverse = np.linalg.inv(noise), np.linalg.inv(self.stationary_covariance())
        back = x * self.signs

        def minus_log(start: Floats, before: Floats, after: Floats) -> Floats:
            off = after - before @ step.T
            return np.asarray(
                np.einsum("ai,ij,aj->a", start, inverse, start) + np.einsum("ati,ij,atj->a", off, precision, off)
            )

        ahead = minus_log(x[:, 0], x[:, :-1], x[:, 1:])
        return (minus_log(back[:, -1], back[:, 1:], back[:, :-1]) - ahead) / 2.0

    def _unbalanced(self) -> Floats:
        """Return ``M = A_irr S + D``; without odd variables its antisymmetric part alone, which is all there is."""
        S = self.stationary_covariance()
        if self.parity is None:
            moved = self.drift @ S
            return np.asarray((moved - moved.T) / 2.0)
        irreversible = (self.drift + self.drift * np.outer(self.signs, self.signs)) / 2.0
        return np.asarray(irreversible @ S + self.diffusion)


def _root(matrix: Floats) -> Floats:
    """Return R with ``R R^T = matrix``, also for singular matrices."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)))


def _propagate(step: Floats, path: Floats) -> None:
    d = path.shape[2]
    for trajectory in range(path.shape[0]):
        for point in range(1, path.shape[1]):
            for row in range(d):
                moved = 0.0
                for column in range(d):
                    moved += step[row, column] * path[trajectory, point - 1, column]
                path[trajectory, point, row] += moved
