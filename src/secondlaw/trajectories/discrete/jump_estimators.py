r"""Entropy production of jump processes: seen in full, or through a few transitions and the waiting times between them.

In full, :math:`\sigma = \frac1T \sum_{i<j} (n_{ij} - n_{ji}) \ln (n_{ij} / n_{ji})`: the flows of a steady state.

Through visible transitions, with :math:`\psi_{I \to J}(t)` the density of the chance that after I the next visible
transition is J, a time t later, and a bar for the reverse transition,

.. math:: \sum_{I,J} \int dt\, n_I\, \psi_{I \to J}(t) \ln \frac{\psi_{I \to J}(t)}{\psi_{\bar J \to \bar I}(t)}
          \le \sigma

(van der Meer, Ertel & Seifert, Phys. Rev. X 12, 031025; Harunari, Dutta, Polettini & Roldan, Phys. Rev. X 12, 041026
(2022)). Waiting times are binned at quantiles common to all pairs, which can only lower the bound. One visible edge of
a network with a single cycle suffices for the whole entropy production.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.discrete.jump_records import JumpRecords, VisibleTransitions
from secondlaw.trajectories.discrete.two_way_counts import TwoWayCounts, estimate_counts
from secondlaw.trajectories.null import DRAWS
from secondlaw.trajectories.parameters import Parameters
from secondlaw.trajectories.results import EntropyProduction

__all__ = ["JumpPlugIn", "WaitingTimes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FEWEST_TRAJECTORIES = 20


@dataclass(frozen=True, slots=True)
class JumpPlugIn(Parameters):
    """Entropy production of a jump process whose states are all seen, per unit of time.

    Parameters
    ----------
    blocks : int
        Stretches of equal numbers of jumps into which fewer than 20 trajectories are cut.
    level : float
    resamples, draws : int

    Examples
    --------
    >>> from secondlaw.systems import JumpProcess
    >>> rng = np.random.default_rng(0)
    >>> paths = JumpProcess([[0, 2, 1], [1, 0, 2], [2, 1, 0]]).simulate(duration=2000.0, rng=rng)  # ln 2
    >>> result = JumpPlugIn().fit(JumpRecords.of([(path.states, path.waits) for path in paths]), rng=rng)
    >>> result.estimate.covers(0.693), result.estimate.unit
    (True, 'nats per unit of time')
    """

    blocks: int = 100
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS

    def fit(self, data: JumpRecords, *, rng: np.random.Generator) -> EntropyProduction:
        """Estimate entropy production; NotEnoughData if jumps are too few."""
        K = max(int(path.max()) for path in data.states) + 1
        codes, spans = [], []
        for path, held in zip(data.states, data.waits, strict=True):
            low, high = np.minimum(path[:-1], path[1:]), np.maximum(path[:-1], path[1:])
            codes.append((low * K + high) * np.sign(path[1:] - path[:-1]))
            spans.append(np.append(held[: len(path) - 2], held[len(path) - 2 :].sum()) if len(path) > 1 else held[:0])
        signed, span = np.concatenate(codes), np.concatenate(spans)
        where, blocks = _block_of_rows([len(one) for one in codes], self.blocks)
        if not len(signed):
            raise NotEnoughData("nothing ever jumps")
        kinds, kind = np.unique(np.abs(signed), return_inverse=True)
        shape = (blocks, len(kinds))
        ahead, back = (_table(where[signed * s > 0], kind[signed * s > 0], shape) for s in (1, -1))
        time = np.bincount(where, weights=span, minlength=blocks).astype(np.float64)
        silent = np.array([held[0] for held in data.waits if len(held) == 1])
        counts = _with_silence(TwoWayCounts(ahead, back, np.ones_like(ahead), np.ones_like(back), time), silent)
        return estimate_counts(
            counts, exact=True,
            covers="the entropy production of a stationary Markov jump process all of whose states are seen",
            name="plug-in of jumps", level=self.level, resamples=self.resamples, draws=self.draws, rng=rng,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class WaitingTimes(Parameters):
    """Lower bound from visible transitions and the waiting times between them, per unit of time.

    Parameters
    ----------
    bins : int
        Of waiting times, at common quantiles; 1 takes their order alone.
    blocks : int
    level : float
    resamples, draws : int

    Examples
    --------
    >>> from secondlaw.systems import JumpProcess
    >>> rng = np.random.default_rng(0)
    >>> paths = JumpProcess([[0, 2, 1], [1, 0, 2], [2, 1, 0]]).simulate(duration=4000.0, rng=rng)  # ln 2
    >>> seen = JumpRecords.of([(path.states, path.waits) for path in paths]).visible([(0, 1)])
    >>> result = WaitingTimes().fit(seen, rng=rng)  # one edge shows a single cycle in full
    >>> result.estimate.covers(0.693), result.bound
    (True, 'lower')
    """

    bins: int = 6
    blocks: int = 100
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS

    def fit(self, data: VisibleTransitions, *, rng: np.random.Generator) -> EntropyProduction:
        """Estimate the bound.

        Raises
        ------
        InvalidInput
            If bins are fewer than 1.
        NotEnoughData
            If visible transitions are too few.
        """
        if self.bins < 1:
            raise InvalidInput(f"waiting times need a bin or more, got {self.bins}")
        rows, silent = [], []
        for label, when, end in zip(data.labels, data.times, data.ends, strict=True):
            silent.append(end if len(label) < 2 else end - float(when[-1] - when[0]))
            rows.append(np.stack([label[:-1], label[1:], np.diff(when)], axis=1))
        table = np.concatenate(rows)
        if not len(table):
            raise NotEnoughData("no record holds two visible transitions")
        where, blocks = _block_of_rows([len(one) for one in rows], self.blocks)
        first, second, wait = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2]
        edges = np.quantile(wait, np.arange(1, self.bins) / self.bins)
        bin_of = np.searchsorted(edges, wait)
        time = np.bincount(where, weights=wait, minlength=blocks).astype(np.float64)
        counts = _with_silence(_two_way(first, second, bin_of, where, time), np.array(silent))
        return estimate_counts(
            counts, exact=False,
            covers="a lower bound on the entropy production of the stationary Markov network behind what is visible",
            name=f"waiting times in {self.bins} bins", level=self.level, resamples=self.resamples, draws=self.draws,
            rng=rng,
        )  # fmt: skip


def _two_way(first: Ints, second: Ints, bin_of: Ints, where: Ints, time: Floats) -> TwoWayCounts:
    """Count (I, J, bin) against (-J, -I, bin), each pair once; occasions are the visits of I and of -J."""
    own = np.stack([first, second, bin_of], axis=1)
    turned = np.stack([-second, -first, bin_of], axis=1)
    kinds, place = np.unique(np.concatenate([own, turned]), axis=0, return_inverse=True)
    place = place.reshape(-1)
    mine, other = place[: len(own)], place[len(own) :]
    image = np.empty(len(kinds), dtype=np.int64)
    image[mine], image[other] = other, mine
    shape = (len(time), len(kinds))
    seen = _table(where, mine, shape)
    labels, at = np.unique(np.concatenate([first, kinds[:, 0]]), return_inverse=True)
    starts = _table(where, at[: len(first)], (len(time), len(labels)))[:, at[len(first) :]]
    pairs = np.flatnonzero(np.arange(len(kinds)) < image)
    return TwoWayCounts(seen[:, pairs], seen[:, image[pairs]], starts[:, pairs], starts[:, image[pairs]], time)


def _with_silence(counts: TwoWayCounts, silent: Floats) -> TwoWayCounts:
    """Spread the time in which nothing could be counted over the blocks: rates are per time observed."""
    share = float(silent.sum()) / len(counts.time)
    return TwoWayCounts(counts.ahead, counts.back, counts.ahead_of, counts.back_of, counts.time + share)


def _block_of_rows(rows: Sequence[int], blocks: int) -> tuple[Ints, int]:
    """Return the block of each row of all trajectories, and their number; from 20 trajectories on each is one."""
    out, start, total = [], 0, max(1, sum(rows))
    for count in rows:
        wanted = 1 if len(rows) >= _FEWEST_TRAJECTORIES else max(1, round(blocks * count / total))
        out.append(start + np.arange(count) * min(wanted, max(1, count)) // max(1, count))
        start = int(out[-1].max(initial=start - 1)) + 1
    return np.concatenate(out), start


def _table(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Floats:
    flat = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.float64)
