r"""The sign-flip null of learned scores: each stretch of the data is judged by a score learned on what came before.

Scores of cross-fitting are no ground for it. Each fold's score has seen the blocks of the others, so that the sums of
two blocks lean the same way. Flips of all of them take no account of that: 6 to 8 % of reversible data had p <= .05 by
linear scores. Here a score is learned on the first fifth of the blocks and judged on the second, and so on
(:data:`STAGES`). Given all earlier blocks a score is fixed, and under time reversal symmetry the sum of a later block
is as likely as its negative; so the p-value of each stage is uniform whatever the stages before have shown, and the
normal scores of the stages are independent. They add with weights :math:`\sqrt{n_{learned}\, n_{judged}}`, in
proportion to what a weak effect moves.
"""

import itertools
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from secondlaw.trajectories.layout import Layout
from secondlaw.trajectories.null import SignFlips

__all__ = ["STAGES", "Learn", "Score", "learned_flips"]

Floats = NDArray[np.float64]
Score = Callable[[Floats, Floats], Floats]
"""From x0, x1 of shape (n, dim) to u of shape (n,), antisymmetric."""

Learn = Callable[[Floats, Floats, Floats, Floats, int], Score]
"""From x0, x1 of training rows, x0, x1 of validation rows, and a seed, to a score."""

STAGES = (0.2, 0.4, 0.7, 1.0)
"""Shares of the blocks: a score learned on those up to one is judged on those up to the next."""

_VALIDATION = 0.15  # of the blocks before a stage, the last of them, which stop the learning


def learned_flips(layout: Layout, learn: Learn, *, null_mean: float, draws: int, rng: np.random.Generator) -> SignFlips:
    """Test whether blocks lean to the direction of time that earlier blocks teach, one-sided.

    Parameters
    ----------
    layout : Layout
    learn : callable
    null_mean : float
        For the outcome.
    draws : int
        Flips of each stage; the p-value is ``1 / (1 + draws)`` at least.
    rng : numpy.random.Generator
    """
    cuts = np.rint(np.array(STAGES) * layout.blocks).astype(np.int64)
    scores, weights = [], []
    for begin, end in itertools.pairwise(cuts):
        taught = begin - max(1, round(_VALIDATION * begin))
        learning, judging, judged = (
            slice(int(layout.starts[a]), int(layout.starts[b])) for a, b in ((0, taught), (taught, begin), (begin, end))
        )
        score = learn(
            layout.x0[learning], layout.x1[learning], layout.x0[judging], layout.x1[judging],
            int(rng.integers(0, 2**31 - 1)),
        )  # fmt: skip
        own = score(layout.x0[judged], layout.x1[judged])
        sums = np.add.reduceat(own, layout.starts[begin:end] - layout.starts[begin])
        scores.append(_normal_score(sums, draws, rng))
        weights.append(np.sqrt(float(begin) * float(end - begin)))
    together = float(np.dot(weights, scores) / np.linalg.norm(weights))
    p_value = max(NormalDist().cdf(-together), 1.0 / (1 + draws))
    return SignFlips(p_value, null_mean, draws, layout.blocks)


def _normal_score(sums: Floats, draws: int, rng: np.random.Generator) -> float:
    """Return the normal score of a sum among those of flipped signs; 0 where nothing was learned."""
    size = np.abs(sums).sum()
    if size == 0.0:
        return 0.0
    signs = 1.0 - 2.0 * rng.integers(0, 2, size=(draws, len(sums)))
    beaten = int((signs @ sums >= sums.sum() - 1e-9 * size).sum())
    return NormalDist().inv_cdf(1.0 - (beaten + 0.5) / (1 + draws))
