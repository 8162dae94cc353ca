"""A long simulated run: responses drawn anew from recorded cells, the recorded steps stretched over many more.

At simulated step s of L the position u = s (T - 1) / (L - 1) on the recorded axis lies between two recorded steps; each
of the k responses to a prompt is drawn from that prompt's shares, interpolated linearly between the two. A prompt's
shares are the recorded ones shrunk towards the cell's, since few responses a prompt say little about it alone. S is the
plug-in entropy of all responses of a step, as in the paper; its range is that of as many independent responses, which
the fixed prompts do not exceed.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.cells import MeasuredCell
from secondlaw.drift.results import Replay, ReplayArm
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.closed_form import plug_in

__all__ = ["REPLAY_STEPS", "prompt_shares", "replay"]

REPLAY_STEPS = 1000
"""Steps of the paper's long run (arXiv 2512.03047)."""
RESPONSES = 100
"""Responses a prompt and step in the paper."""
PSEUDO = 5.0
"""Weight, in responses, of the cell's shares in a prompt's shares."""
BAND = 0.95

Floats = NDArray[np.float64]


def replay(
    models: Mapping[str, Mapping[int, MeasuredCell]],
    *,
    misaligned: NDArray[np.bool_],
    steps: int = REPLAY_STEPS,
    responses_per_prompt: int = RESPONSES,
    rng: np.random.Generator,
) -> Replay:
    """Simulate a long run from recorded cells.

    Parameters
    ----------
    models : mapping of model to (mapping of step to MeasuredCell)
    misaligned : ndarray of bool, shape (K,)
    steps : int
        Length of the run.
    responses_per_prompt : int
        k, responses drawn a prompt and step.
    rng : numpy.random.Generator

    Returns
    -------
    Replay
        Pooled S at each step as drawn, with the range that 95 % of such draws fall into.

    Raises
    ------
    NotEnoughData
        If a model has fewer than two recorded steps.
    """
    if steps < 2 or responses_per_prompt < 1:
        raise InvalidInput(f"a replay needs 2 steps and 1 response or more, got {steps} and {responses_per_prompt}")
    arms = tuple(_arm(name, cells, misaligned, steps, responses_per_prompt, rng) for name, cells in models.items())
    return Replay(steps, responses_per_prompt, arms)


def prompt_shares(cell: MeasuredCell, n_groups: int) -> Floats:
    """Return the shares of every prompt (n_groups, K), shrunk towards the cell's corrected shares.

    A cell's labels carry the classifier's error; so that the prompts' mean agrees with the cell's corrected shares,
    each category is rescaled by the ratio of corrected to counted shares.
    """
    counts = cell.group_counts.astype(np.float64)
    whole = counts.sum(axis=0) / counts.sum()
    ratio = np.divide(cell.shares.point, whole, out=np.ones_like(whole), where=whole > 0)
    found = (counts + PSEUDO * whole) / (counts.sum(axis=1, keepdims=True) + PSEUDO) * ratio
    unseen = np.where(whole > 0, 0.0, cell.shares.point)
    found = found + unseen
    out = np.tile(cell.shares.point, (n_groups, 1))
    out[cell.group_ids] = found / found.sum(axis=1, keepdims=True)
    return out


def _arm(
    name: str,
    cells: Mapping[int, MeasuredCell],
    misaligned: NDArray[np.bool_],
    steps: int,
    k: int,
    rng: np.random.Generator,
) -> ReplayArm:
    recorded = sorted(cells)
    if len(recorded) < 2:
        raise NotEnoughData(f"a replay stretches recorded steps and needs two or more, {name} has {len(recorded)}")
    n_groups = 1 + max(int(cell.group_ids.max()) for cell in cells.values())
    used = np.unique(np.concatenate([cell.group_ids for cell in cells.values()]))
    n = len(used) * k
    entropy, share, means = np.empty(steps), np.empty(steps), np.empty((steps, len(misaligned)))
    shares: dict[int, Floats] = {}  # (P, K) of the two recorded steps around the simulated one
    for s, position in enumerate(np.linspace(0.0, len(recorded) - 1.0, steps)):
        left = min(int(position), len(recorded) - 2)
        shares = {
            place: shares[place] if place in shares else prompt_shares(cells[recorded[place]], n_groups)[used]
            for place in (left, left + 1)
        }
        part = position - left
        at = (1.0 - part) * shares[left] + part * shares[left + 1]
        drawn = rng.multinomial(k, at / at.sum(axis=1, keepdims=True)).sum(axis=0)
        entropy[s] = float(plug_in(drawn.astype(np.float64)))
        share[s] = float(drawn[misaligned].sum() / n)
        means[s] = at.mean(axis=0)
    half = _half_width(means, n)
    centre = np.asarray(plug_in(means * n))
    top = math.log(len(misaligned))
    return ReplayArm(
        model=name,
        steps=tuple(range(steps)),
        entropy=tuple(entropy.tolist()),
        entropy_low=tuple(np.clip(centre - half, 0.0, top).tolist()),
        entropy_high=tuple(np.clip(centre + half, 0.0, top).tolist()),
        misaligned_share=tuple(share.tolist()),
    )


def _half_width(means: Floats, n: int) -> Floats:
    """Return the half width (steps,) of the range of S: at most that of n independent responses."""
    from scipy.special import ndtri

    logs = np.log(np.where(means > 0, means, 1.0))
    variance = (means * logs**2).sum(axis=1) - (means * logs).sum(axis=1) ** 2
    return np.asarray(ndtri((1.0 + BAND) / 2.0) * np.sqrt(variance / n))
