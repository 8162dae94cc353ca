r"""Is there memory beyond the last state? If so, something hidden moves, and hides entropy production.

Discrete states: held-out likelihood of order 2 against order 1. Continuous variables: the next state is predicted from
the last state (and its squares and products), and from the last two; with Gaussian errors of held-out mean squares
:math:`R_1, R_2` (matrices) the gain is :math:`\tfrac12 \ln (\det R_1 / \det R_2)` nats per step. A gain whose interval
lies above 0 says that the observed variables are no Markov process: variables are hidden, or measurement adds noise.
No gain does not show that nothing is hidden.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import NotEnoughData
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.statistics.intervals import centred_interval
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.discrete.discrete_states import discrete_states
from secondlaw.trajectories.discrete.markov_order import order_likelihoods
from secondlaw.trajectories.layout import lay_out
from secondlaw.trajectories.window_rows import windows
from secondlaw.types import Estimate

__all__ = ["MemoryTest", "memory_test"]

Floats = NDArray[np.float64]

_FOLDS = 5
_DISCRETE = 20  # different values of a variable up to which states are taken as discrete
_MOST_PRODUCTS = 8  # variables up to which squares and products enter the prediction
_RIDGE = 1e-6
_PER_TERM = 20  # steps for each term of a prediction


@dataclass(frozen=True, slots=True)
class MemoryTest:
    """Outcome of :func:`memory_test`.

    Parameters
    ----------
    gain : Estimate
        What the state before the last adds to the prediction of the next, in nats per step, on held-out data.
    hidden : bool
        Whether the interval lies above 0.
    warnings : tuple of str
    """

    gain: Estimate
    hidden: bool
    warnings: tuple[str, ...]


def memory_test(
    data: Trajectories,
    *,
    rng: np.random.Generator,
    lag: int = 1,
    discrete: bool | None = None,
    blocks: int = 100,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> MemoryTest:
    """Test whether the observed variables remember more than their last state.

    Parameters
    ----------
    data : Trajectories
    rng : numpy.random.Generator
    lag : int
        Steps between states.
    discrete : bool, optional
        Whether variables are discrete; if None, whether none takes more than 20 values.
    blocks : int
        Stretches into which fewer than 20 trajectories are cut.
    level : float
    resamples : int

    Raises
    ------
    NotEnoughData
        If there are too few triples of states.

    Examples
    --------
    >>> from secondlaw.systems import active_particle
    >>> rng = np.random.default_rng(0)
    >>> x = active_particle().simulate(points=400, dt=0.2, trajectories=30, rng=rng)
    >>> memory_test(Trajectories.of(x), rng=rng).hidden  # position and propulsion
    False
    >>> memory_test(Trajectories.of(x[:, :, :1]), rng=rng).hidden  # position alone
    True
    """
    if discrete is None:
        together = np.concatenate(data.series)
        discrete = all(len(np.unique(column)) <= _DISCRETE for column in together.T)
    if discrete:
        thinned = data if lag == 1 else Trajectories(tuple(s[::lag] for s in data.series), data.variables, data.dt)
        logs, sizes = order_likelihoods(discrete_states(thinned).sequences(blocks, length=3), 2)
        sums = logs[:, 2] - logs[:, 1]
        what = "held-out likelihood of order 2 less that of order 1"
    else:
        sums, sizes = _gaussian_gains(data, lag, blocks)
        what = "held-out Gaussian likelihood with two states less that with one"
    value = float(sums.sum() / sizes.sum())
    weights = resample_weights(len(sums), resamples, rng=rng)
    low, high = centred_interval(value, weights @ sums / (weights @ sizes), level, groups=len(sums))
    method = f"{what}, {_FOLDS} folds, bootstrap over {len(sums)} blocks"
    gain = Estimate(value, low, high, level, int(sizes.sum()), "nats/step", method, "transitions")
    out: tuple[str, ...] = ()
    if low > 0.0:
        out = (
            f"the state before the last still helps to predict the next, by {value:.3g} nats a step: the observed "
            "variables "
            "are no Markov process, hidden ones hide entropy production; observe more, or take windows",
        )
    return MemoryTest(gain, low > 0.0, out)


def _gaussian_gains(data: Trajectories, lag: int, blocks: int) -> tuple[Floats, Floats]:
    """Return held-out log likelihood ratios, summed over blocks, and block sizes."""
    layout = lay_out(windows(data, 3, lag=lag), blocks=blocks, folds=_FOLDS)
    before, now, then = np.split(layout.x0, 3, axis=1)
    moving = np.ptp(now, axis=0) > 0.0
    if not moving.any():
        raise NotEnoughData("the data never move: nothing can be predicted")
    before, now, then = before[:, moving], now[:, moving], then[:, moving]
    spread = now.std(axis=0)
    before, now, then = ((part - now.mean(axis=0)) / spread for part in (before, now, then))
    one, two = _terms(now), np.concatenate([_terms(now), _terms(before)], axis=1)
    if layout.n < _PER_TERM * two.shape[1]:
        raise NotEnoughData(
            f"{layout.n} steps are too few to predict from {two.shape[1]} terms of two states: "
            f"{_PER_TERM * two.shape[1]} are needed"
        )
    rows = layout.fold_rows
    logs = np.empty(layout.n)
    for a, b in itertools.pairwise(rows):
        held = np.zeros(layout.n, dtype=np.bool_)
        held[a:b] = True
        logs[held] = _log_likelihood(two, then, held) - _log_likelihood(one, then, held)
    return np.add.reduceat(logs, layout.starts[:-1]), np.diff(layout.starts).astype(np.float64)


def _terms(x: Floats) -> Floats:
    """Return 1, the variables, and their squares and products where they are few."""
    parts = [np.ones((len(x), 1)), x]
    if x.shape[1] <= _MOST_PRODUCTS:
        i, j = np.triu_indices(x.shape[1])
        parts.append(x[:, i] * x[:, j])
    return np.concatenate(parts, axis=1)


def _log_likelihood(terms: Floats, target: Floats, held: NDArray[np.bool_]) -> Floats:
    """Return the Gaussian log likelihood of held-out rows, less its constant."""
    train, goal = terms[~held], target[~held]
    gram = train.T @ train
    weights = np.linalg.solve(gram + _RIDGE * len(train) * np.eye(len(gram)), train.T @ goal)
    off = goal - train @ weights
    cover = off.T @ off / len(off) + 1e-12 * np.eye(off.shape[1])
    miss = target[held] - terms[held] @ weights
    return np.asarray(
        -0.5 * np.einsum("ni,ij,nj->n", miss, np.linalg.inv(cover), miss) - 0.5 * np.linalg.slogdet(cover)[1]
    )
