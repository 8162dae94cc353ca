r"""Entropy production of a relaxing Markov chain, split into housekeeping and excess.

From many trajectories that start together, with shares :math:`p_i(t)` and transitions :math:`P_{ij}` that do not change
in time (counted over all of them) and have the stationary law :math:`\pi`, step t produces

.. math:: \sigma_{hk} = \sum p_i P_{ij} \ln \frac{\pi_i P_{ij}}{\pi_j P_{ji}}, \quad
          \sigma_{ex} = KL(p(t) \| \pi) - KL(p(t + 1) \| \pi),

neither negative: what the steady state costs, and what the relaxation to it does (Hatano & Sasa, Phys. Rev. Lett. 86,
3463 (2001); Esposito & Van den Broeck, Phys. Rev. Lett. 104, 090601 (2010)).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL, jackknife_weights, resample_weights
from secondlaw.statistics.intervals import centred_interval
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.systems import MarkovChain
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.discrete.discrete_states import discrete_states
from secondlaw.types import Estimate

__all__ = ["BLOCKS", "FEWEST", "RelaxationSplit", "relaxation_split", "split_of", "steps_of_ensemble"]

Floats = NDArray[np.float64]

FEWEST, BLOCKS = 100, 50
"""Trajectories that a split needs, and blocks of them that are resampled."""

_SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class RelaxationSplit:
    """Entropy production over the whole observation, in nats a trajectory.

    Parameters
    ----------
    total, housekeeping, excess : Estimate
        The last two add up to the first.
    steps : int
    """

    total: Estimate
    housekeeping: Estimate
    excess: Estimate
    steps: int


def relaxation_split(
    data: Trajectories,
    *,
    rng: np.random.Generator,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> RelaxationSplit:
    """Split the entropy production of an ensemble of discrete trajectories.

    Parameters
    ----------
    data : Trajectories
        100 or more, of one length, of discrete variables, from one preparation.
    rng : numpy.random.Generator
    level : float
    resamples : int

    Raises
    ------
    InvalidInput
        If trajectories differ in length, or a transition has no reverse in the data.
    NotEnoughData
        If there are fewer than 100.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> chain = MarkovChain([[0.3, 0.5, 0.2], [0.2, 0.3, 0.5], [0.5, 0.2, 0.3]])
    >>> x = chain.simulate(points=8, trajectories=4000, start=0, rng=rng)
    >>> split = relaxation_split(Trajectories.of(x[:, :, None]), rng=rng)
    >>> split.housekeeping.covers(7 * 0.27489), split.excess.covers(1.0986)  # all start in one of three states
    (True, True)
    """
    steps = steps_of_ensemble(data)
    if len(data) < FEWEST:
        raise NotEnoughData(f"{len(data)} trajectories are too few for shares at each time: {FEWEST} are needed")
    found = discrete_states(data)
    codes = np.stack([series[:, 0] for series in found.data.series]).astype(np.int64)
    K = len(found.states)
    blocks = np.array_split(rng.permutation(len(codes)), BLOCKS)
    jumps = np.stack([_jumps(codes[block], K) for block in blocks])  # (B, K, K)
    shares = np.stack([_shares(codes[block], K) for block in blocks])  # (B, T, K)
    whole = jumps.sum(axis=0)
    if ((whole > 0.0) & (whole.T == 0.0)).any():
        a, b = np.argwhere((whole > 0.0) & (whole.T == 0.0))[0]
        raise InvalidInput(
            f"the jump from {found.states[a].tolist()} to {found.states[b].tolist()} never occurs in reverse: the "
            "housekeeping part may be infinite; record more, or merge states"
        )
    seen = (whole + whole.T) > 0.0

    def split(weights: Floats) -> Floats:
        n, p = np.tensordot(weights, jumps, axes=1), np.tensordot(weights, shares, axes=1)
        return np.array([_parts(one, mine, seen) for one, mine in zip(n, p, strict=True)])

    return split_of(split, data, steps=steps, of="counts less their", level=level, resamples=resamples, rng=rng)


def steps_of_ensemble(data: Trajectories) -> int:
    """Return the number of steps of all trajectories; InvalidInput if they differ."""
    lengths = {len(series) for series in data.series}
    if len(lengths) > 1:
        raise InvalidInput(f"an ensemble has one length, got trajectories of {min(lengths)} to {max(lengths)} steps")
    return lengths.pop() - 1


def split_of(
    parts: Callable[[Floats], Floats],
    data: Trajectories,
    *,
    steps: int,
    of: str,
    level: float,
    resamples: int,
    rng: np.random.Generator,
) -> RelaxationSplit:
    """Return housekeeping, excess and their sum, each less its jackknife bias, with intervals from resampled blocks.

    Parameters
    ----------
    parts : callable
        From weights of the blocks, shape (R, BLOCKS), to housekeeping and excess, shape (R, 2).
    data : Trajectories
    steps : int
    of : str
        What loses its bias, for the method.
    level : float
    resamples : int
    rng : numpy.random.Generator
    """
    plain = parts(np.ones((1, BLOCKS)))[0]
    value = plain - (BLOCKS - 1) * (parts(jackknife_weights(BLOCKS)).mean(axis=0) - plain)
    drawn = parts(resample_weights(BLOCKS, resamples, rng=rng))
    method = f"{of} jackknife bias; bootstrap over {BLOCKS} blocks of trajectories"
    found = []
    for here, replicates in zip((*value, value.sum()), (*drawn.T, drawn.sum(axis=1)), strict=True):
        low, high = centred_interval(float(here), replicates, level, groups=BLOCKS)
        ends = max(0.0, low), max(0.0, high)
        found.append(Estimate(max(0.0, float(here)), *ends, level, len(data), "nats", method, "trajectories"))
    housekeeping, excess, total = found
    return RelaxationSplit(total, housekeeping, excess, steps)


def _jumps(codes: NDArray[np.int64], states: int) -> Floats:
    flat = (codes[:, :-1] * states + codes[:, 1:]).ravel()
    return np.bincount(flat, minlength=states**2).reshape(states, states).astype(np.float64)


def _shares(codes: NDArray[np.int64], states: int) -> Floats:
    return np.stack([np.bincount(column, minlength=states) for column in codes.T]).astype(np.float64)


def _parts(jumps: Floats, shares: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Return housekeeping and excess over all steps."""
    smooth = np.where(seen, jumps + _SMOOTHING, 0.0)
    chance = smooth / smooth.sum(axis=1, keepdims=True)
    steady = MarkovChain(chance).stationary_distribution()
    flows = steady[:, None] * chance
    odds = np.log(np.where(seen, flows, 1.0)) - np.log(np.where(seen, flows, 1.0).T)
    p = shares / shares.sum(axis=1, keepdims=True)
    housekeeping = (p[:-1].sum(axis=0)[:, None] * chance * odds).sum()
    ends = [float((q[q > 0] * np.log(q[q > 0] / steady[q > 0])).sum()) for q in (p[0], p[-1])]
    return np.array([housekeeping, ends[0] - ends[1]])
