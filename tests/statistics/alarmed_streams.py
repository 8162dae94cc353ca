"""Streams whose shares are known, watched until the betting monitor alarms, and what stands on either side of it."""

from typing import NamedTuple

import numpy as np

from secondlaw.behavior import FIVE
from secondlaw.drift.attribution_sides import Side
from secondlaw.drift.monitors import BettingMonitor, BettingSettings
from secondlaw.statistics.change_points import change_point
from secondlaw.types import Insufficient

RARE = np.array([0.90, 0.03, 0.04, 0.01, 0.02])
RARER = np.array([0.955, 0.03, 0.01, 0.004, 0.001])
BEGINS, LASTS = 150, 500
"""First changed step, and steps after which a stream that never alarmed is given up."""
KINDS = ("independent", "conversations", "steps", "prompts")
"""How responses resemble each other: not; turns of new conversations (rho .2); whole steps (phi 50); the same prompts
again at every step (rho .3)."""


class Stretches(NamedTuple):
    """Counts (T, G, K) by step and group from the first step to the alarm, the shares (T, K) behind, and the split."""

    counts: np.ndarray
    shares: np.ndarray
    split: int

    @property
    def change(self):
        """The change of the mean shares, which the intervals speak of."""
        return self.shares[self.split :].mean(axis=0) - self.shares[: self.split].mean(axis=0)


def shares_of(start, shape, size, towards, *, steps=LASTS, begins=BEGINS):
    """Return shares (steps, K): from the first category to others, at once (jump) or by `size` a step (ramp)."""
    times = np.arange(steps)
    moved = np.where(times >= begins, size, 0.0)
    if shape == "ramp":
        moved = np.clip((times - begins + 1) * size, 0.0, 0.5)
    path = np.repeat(start[None], steps, axis=0)
    path[:, 0] -= moved
    for category, part in towards:
        path[:, category] += part * moved
    return path


def _own(mean, concentration, size, rng):
    drawn = np.maximum(rng.gamma(np.maximum(concentration * mean, 1e-9), size=(*size, mean.shape[-1])), 1e-300)
    return drawn / drawn.sum(axis=-1, keepdims=True)


def draw_counts(path, size, kind, *, rng):
    """Return counts (T, G, K) of steps of `size` responses."""
    if kind == "independent":
        return rng.multinomial(1, path[:, None, :], size=(len(path), size))
    if kind == "conversations":
        return rng.multinomial(5, np.stack([_own(p, 4.0, (max(1, size // 5),), rng) for p in path]))
    if kind == "steps":
        return rng.multinomial(1, np.repeat(np.stack([_own(p, 50.0, (), rng) for p in path])[:, None], size, axis=1))
    prompts = {100: 50, 15: 15}[size]
    own = _own(path[0], 1 / 0.3 - 1, (prompts,), rng)
    change = path - path[0]
    gained = np.maximum(change, 0.0)
    towards = gained / np.maximum(gained.sum(axis=1, keepdims=True), 1e-300)
    left = own[None, :, 0] * (-change[:, :1] / path[0, 0])  # (T, G): every prompt loses the same part of its first
    now = np.repeat(own[None], len(path), axis=0)
    now[:, :, 0] -= left
    now += left[:, :, None] * towards[:, None, :]
    return rng.multinomial(size // prompts, np.maximum(now, 0.0) / np.maximum(now, 0.0).sum(axis=-1, keepdims=True))


def until_alarm(path, size, kind, *, rng):
    """Return what a watch with the default budget knows at its first drift alarm; None where there was none."""
    counts = draw_counts(path, size, kind, rng=rng)
    totals = counts.sum(axis=1).astype(float)
    monitor = BettingMonitor(BettingSettings.standard(FIVE.misaligned))
    for row in totals:
        said = monitor.update_counts(row)
        if said.alarm:
            break
    else:
        return None
    step = said.step
    began = change_point(totals[: step + 1], earliest=100)
    since = said.change_point if isinstance(began, Insufficient) else round(began.began.value)
    split = min(max(step if since is None else since, 1), step)
    return Stretches(counts[: step + 1], path[: step + 1], split)


def sides(found, kind):
    """Return the two stretches as an attribution takes them."""
    out = []
    for name, part in (("b", found.counts[: found.split]), ("a", found.counts[found.split :])):
        cells = part.reshape(-1, part.shape[2])
        table = part.sum(axis=0) if kind == "prompts" else cells
        first = "" if kind == "prompts" else name
        prompts = [f"{first}{i}" for i in range(len(table))]
        out.append(Side(prompts, table, steps=part.sum(axis=1), cells=cells))
    return tuple(out)
