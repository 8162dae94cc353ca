r"""How far shares, S and the misaligned share changed, with intervals, for the attribution of :mod:`.anchors`.

Three changes are measured, all by resampling whole prompts:

- one set of rows under two versions (the classifier's part);
- two periods under one version (the model's part);
- two periods under two versions, each corrected by its version's confusion with people on the anchor. The anchor's
  prompts are resampled for both versions at once, so that errors they share cancel.

A change that was never seen is not thereby impossible: where no row moved into (or out of) a category, the interval
reaches as far as the exact bound on the share of prompts that could move unseen, :math:`1 - a^{1/G}`, and that of S as
far as a move of this share between two categories could change it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.anchors import Movement
from secondlaw.errors import NotEnoughData
from secondlaw.statistics.intervals import percentile_interval
from secondlaw.statistics.mixture import mixture_weights
from secondlaw.statistics.resampling import resample_weights
from secondlaw.statistics.share_entropy import entropy_from_shares
from secondlaw.types import NATS, SHARE, Estimate, Insufficient, Measured

__all__ = ["ChangeOptions", "corrected_movement", "movement"]

Floats = NDArray[np.float64]

PSEUDO_COUNT = 0.5
"""Jeffreys' prior of a row of a confusion table."""
FEWEST_GROUPS = 5
"""Prompts below which an interval over prompts says nothing."""


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """How changes are measured.

    Parameters
    ----------
    keys : tuple of str, length K
        The categories.
    misaligned : tuple of bool, length K
    level : float
        Coverage of each interval.
    resamples : int
    """

    keys: tuple[str, ...]
    misaligned: tuple[bool, ...]
    level: float
    resamples: int


def movement(
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    options: ChangeOptions,
    *,
    p_value: float,
    paired: bool,
    rng: np.random.Generator,
    method: str,
) -> Movement:
    """Measure the change between two tables of counts by group.

    Parameters
    ----------
    before, after : ndarray of int, shape (G, K + 1)
        Counts by group; the last column is *outside* and in no share.
    options : ChangeOptions
    p_value : float
        Of the test that goes with it.
    paired : bool
        Whether only groups are used that both hold.
    rng : numpy.random.Generator
    method : str
        In words.

    Returns
    -------
    Movement
    """
    first, second = before[:, :-1].astype(np.float64), after[:, :-1].astype(np.float64)
    used = (first.sum(axis=1) > 0) & (second.sum(axis=1) > 0) if paired else (first + second).sum(axis=1) > 0
    first, second = first[used], second[used]
    if len(first) < FEWEST_GROUPS or not first.sum() or not second.sum():
        reason = Insufficient(f"{len(first)} prompts; a change needs {FEWEST_GROUPS} or more that both sides answered")
        return _none(reason, options.keys, p_value, len(first), method)
    weights = np.concatenate([np.ones((1, len(first))), resample_weights(len(first), options.resamples, rng=rng)])
    shares = [_shares(weights @ table) for table in (first, second)]
    fewest = len(first) if paired else min(int((table.sum(axis=1) > 0).sum()) for table in (first, second))
    gains = np.maximum(second - first, 0.0).sum(axis=0) if paired else None
    losses = np.maximum(first - second, 0.0).sum(axis=0) if paired else None
    unseen = (
        (gains == 0 if gains is not None else second.sum(axis=0) == 0),
        (losses == 0 if losses is not None else first.sum(axis=0) == 0),
    )
    return _movement(shares[0], shares[1], options, p_value, fewest, method, unseen)


def corrected_movement(
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    confusions: tuple[NDArray[np.int64], NDArray[np.int64]],
    options: ChangeOptions,
    *,
    rng: np.random.Generator,
    method: str,
) -> Movement:
    """Measure and test the change between two periods that two versions labelled, each corrected by the anchor.

    Parameters
    ----------
    before, after : ndarray of int, shape (G, K + 1)
        Counts by group, labelled by the old and the new version.
    confusions : pair of ndarray of int, shape (A, K + 1, K + 1)
        Counts of the old and of the new version by anchor group: category by people, category by the version.
    options, rng, method
        As in :func:`movement`.

    Returns
    -------
    Movement
        The p-value is Bonferroni's over the categories, from Student's t of the bootstrap's standard errors; it is
        approximate, where that of one version is exact.

    Raises
    ------
    NotEnoughData
        If the anchor has too few prompts.
    """
    anchored = confusions[0].shape[0]
    if anchored < FEWEST_GROUPS:
        raise NotEnoughData(f"the anchor set has {anchored} prompts, and {FEWEST_GROUPS} are needed: add rows")
    of_anchor = np.concatenate([np.ones((1, anchored)), resample_weights(anchored, options.resamples, rng=rng)])
    of_stream = np.concatenate([np.ones((1, len(before))), resample_weights(len(before), options.resamples, rng=rng)])
    unknown = confusions[0].sum(axis=(0, 2)) == 0  # people found no such row in the anchor
    found = []
    for counts, tables in zip((before, after), confusions, strict=True):
        drawn = np.einsum("ba,ajk->bjk", of_anchor, tables) + PSEUDO_COUNT
        rates = drawn / drawn.sum(axis=2, keepdims=True)
        rates[:, unknown] = np.eye(counts.shape[1])[unknown]
        labels = of_stream @ counts
        present = labels[0] > 0
        shares = mixture_weights(np.swapaxes(rates, 1, 2)[:, present], labels[:, present]).shares
        inside = shares[:, :-1]
        found.append(inside / np.maximum(inside.sum(axis=1, keepdims=True), 1e-12))
    change = found[1] - found[0]
    spread = change[1:].std(axis=0, ddof=1)
    sides = [int((table.sum(axis=1) > 0).sum()) for table in (before, after)]
    fewest = min(anchored, *sides)
    moving = spread > 1e-9
    p_value = 1.0
    if moving.any():
        from scipy.special import stdtr

        largest = float((np.abs(change[0, moving]) / spread[moving]).max())
        p_value = min(1.0, 2.0 * float(stdtr(fewest - 1, -largest)) * int(moving.sum()))
    unseen = after[:, :-1].sum(axis=0) == 0, before[:, :-1].sum(axis=0) == 0
    return _movement(found[0], found[1], options, p_value, fewest, method, unseen)


def _movement(
    first: Floats,
    second: Floats,
    options: ChangeOptions,
    p_value: float,
    groups: int,
    method: str,
    unseen: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> Movement:
    """Turn shares (1 + B, K), of which the first row is the data, into changes with intervals."""
    keys, level = options.keys, options.level
    change = second - first
    reach = 1.0 - ((1.0 - level) / 2.0) ** (1.0 / groups)
    members = np.asarray(options.misaligned, dtype=np.float64)
    how = f"{method}; bootstrap over {groups} prompts"

    def estimate(values: Floats, unit: str, up: float = 0.0, down: float = 0.0) -> Measured:
        low, high = percentile_interval(values[1:], level, groups=groups)
        value = float(values[0])
        ends = min(float(low), value - down), max(float(high), value + up)
        return Estimate(value, *ends, level, groups, unit, how, "prompts")

    entropies = [entropy_from_shares(shares[0], shares[1:]) for shares in (first, second)]
    entropy = np.concatenate(
        [[entropies[1].value - entropies[0].value], entropies[1].replicates - entropies[0].replicates]
    )
    up, down = _unseen_entropy(second[0], reach, unseen)
    return Movement(
        p_value=p_value,
        shares={
            key: estimate(change[:, k], SHARE, reach * unseen[0][k], reach * unseen[1][k]) for k, key in enumerate(keys)
        },
        misaligned=estimate(
            change @ members, SHARE, *(reach * bool((members * side).sum() == members.sum()) for side in unseen)
        ),
        entropy=estimate(entropy, NATS, up, down),
        groups=groups,
        method=method,
    )


def _unseen_entropy(
    shares: Floats, reach: float, unseen: tuple[NDArray[np.bool_], NDArray[np.bool_]]
) -> tuple[float, float]:
    """Return how far S could have risen and fallen by moves between two categories that could go unseen."""
    from scipy.special import entr

    here, rise, fall = float(entr(shares).sum()), 0.0, 0.0
    for source, target in itertools.permutations(range(len(shares)), 2):
        if unseen[1][source] or unseen[0][target]:
            moved, share = shares.copy(), min(reach, float(shares[source]))
            moved[source] -= share
            moved[target] += share
            change = float(entr(moved).sum()) - here
            rise, fall = max(rise, change), max(fall, -change)
    return rise, fall


def _shares(totals: Floats) -> Floats:
    mass = totals.sum(axis=1, keepdims=True)
    return np.asarray(np.where(mass > 0.0, totals / np.maximum(mass, 1e-12), totals[:1] / mass[:1]))


def _none(reason: Insufficient, keys: Sequence[str], p_value: float, groups: int, method: str) -> Movement:
    return Movement(p_value, dict.fromkeys(keys, reason), reason, reason, groups, method)
