r"""The dual with separate reverse samples.

.. math:: \theta \langle f\rangle_p - \ln\langle e^{\theta f}\rangle_{\tilde p}

is concave in theta for any features f; its maximum is a lower bound on :math:`KL(p \| \tilde p)` (Donsker & Varadhan
1975). Maximised by Newton steps with a ridge and step halving; the exponential is a log-sum-exp, never clipped.
"""

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.solver import SLACK

__all__ = ["RIDGES", "fit_path", "log_mean_exp"]

Floats = NDArray[np.float64]

RIDGES = (10.0, 1.0, 0.3, 0.1, 0.01, 1e-4)
"""Ridges of the path, in units of the variance of one feature."""

_MOST_STEPS = 60


def fit_path(forward: Floats, reverse: Floats) -> Floats:
    """Maximise the dual for each ridge, from the strongest on.

    Parameters
    ----------
    forward, reverse : ndarray, shape (n, d), (m, d)
        Features, of about unit variance.

    Returns
    -------
    ndarray, shape (ridges, d)
    """
    theta, out = np.zeros(forward.shape[1]), []
    mean = forward.mean(axis=0)
    for ridge in RIDGES:
        theta = _maximise(mean, reverse, ridge, theta, len(forward) + len(reverse))
        out.append(theta.copy())
    return np.stack(out)


def log_mean_exp(values: Floats) -> float:
    """Return ``ln <exp(values)>``.

    Examples
    --------
    >>> round(log_mean_exp(np.array([1000.0, 1000.0])), 6)
    1000.0
    """
    peak = float(values.max())
    return peak + float(np.log(np.exp(values - peak).mean()))


def _maximise(mean: Floats, reverse: Floats, ridge: float, theta: Floats, n: int) -> Floats:
    def objective(at: Floats) -> float:
        return float(mean @ at) - log_mean_exp(reverse @ at) - 0.5 * ridge * float(at @ at)

    value = objective(theta)
    for _ in range(_MOST_STEPS):
        work = reverse @ theta
        weights = np.exp(work - work.max())
        weights /= weights.sum()
        tilted = weights @ reverse
        gradient = mean - tilted - ridge * theta
        centred = reverse - tilted
        curvature = (centred * weights[:, None]).T @ centred + ridge * np.eye(len(theta))
        move = np.linalg.solve(curvature, gradient)
        gain = float(gradient @ move)
        if gain < SLACK / n:
            break
        length = 1.0
        while length > 1e-6:
            trial = objective(theta + length * move)
            if np.isfinite(trial) and trial >= value + 1e-4 * length * gain:
                theta, value = theta + length * move, trial
                break
            length *= 0.5
        else:
            break
    return theta
