r"""Exact test of the effective alignment work: swap base and tuned within prompts.

If tuning changed nothing, the two models' responses to one prompt could change places, at all steps together, and
:math:`\gamma_{\text{eff}}` would have the same distribution. The statistic under every swap is a contraction of the
counts, so thousands of swaps cost one matrix product.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["alignment_work_p_value", "swapped_alignment_work"]

Array = NDArray[np.float64]

PERMUTATIONS = 9999  # smallest p-value 1e-4
CHUNK_CELLS = 4_000_000


def swapped_alignment_work(counts: ArrayLike, signs: ArrayLike, *, steps: ArrayLike) -> Array:
    """Return gamma_eff of the pooled entropies under each swap of the models within prompts.

    Parameters
    ----------
    counts : array (2, T, P, K)
        Counts (or expected counts) of base and tuned, per step, prompt and category. A prompt that one of the two
        lacks at a step is left out of that step.
    signs : array (B, P)
        +1 keeps a prompt's labels, -1 swaps them at all steps.
    steps : array (T,)
        When the steps were; distinct.

    Returns
    -------
    array (B,)
        Least-squares slope of base minus that of tuned, nats per step, with the Miller-Madow correction.

    Raises
    ------
    NotEnoughData
        If fewer than two steps, or a step without a matched prompt.
    InvalidInput
        If shapes do not match or counts are negative.

    Examples
    --------
    >>> counts = np.array([[[[10, 0]], [[5, 5]]], [[[10, 0]], [[10, 0]]]])
    >>> swapped_alignment_work(counts, [[1], [-1]], steps=[0, 1]).round(3).tolist()
    [0.643, -0.643]
    """
    N, t = np.asarray(counts, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    s = np.atleast_2d(np.asarray(signs, dtype=np.float64))
    if N.ndim != 4 or len(N) != 2 or t.shape != (N.shape[1],) or s.shape[1] != N.shape[2]:
        raise InvalidInput(f"counts (2, T, P, K), signs (B, P), steps (T,) do not fit: {N.shape}, {s.shape}, {t.shape}")
    if not np.all(np.isfinite(N)) or np.any(N < 0.0) or not np.all(np.abs(s) == 1.0):
        raise InvalidInput("counts must be finite and nonnegative, signs +1 or -1")
    if len(t) < 2 or len(np.unique(t)) < len(t):
        raise NotEnoughData(f"the test needs two or more distinct steps, got {t.tolist()}")
    matched = np.all(N.sum(axis=3) > 0.0, axis=0)  # (T, P)
    if not np.all(matched.any(axis=1)):
        raise NotEnoughData(f"step {t[~matched.any(axis=1)][0]:g} has no prompt that both models answered")
    N = N * matched[None, :, :, None]
    both, half = N.sum(axis=(0, 2)), (N[0] - N[1]) / 2.0  # (T, K), (T, P, K)
    T, P, K = half.shape
    flat = np.ascontiguousarray(half.transpose(1, 0, 2)).reshape(P, T * K)
    c = (t - t.mean()) / ((t - t.mean()) ** 2).sum()
    out = np.empty(len(s))
    chunk = max(1, CHUNK_CELLS // max(P, T * K))
    for start in range(0, len(s), chunk):
        part = slice(start, start + chunk)
        base = both / 2.0 + (s[part] @ flat).reshape(-1, T, K)
        out[part] = (_entropy(base) - _entropy(both - base)) @ c
    return out


def alignment_work_p_value(
    counts: ArrayLike, *, steps: ArrayLike, n_permutations: int = PERMUTATIONS, rng: np.random.Generator
) -> float:
    """Return the one-sided p-value of gamma_eff > 0, by random swaps of base and tuned within prompts.

    Parameters
    ----------
    counts, steps
        As in :func:`swapped_alignment_work`.
    n_permutations : int
        Random swaps B.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    float
        ``(1 + swaps at least as large) / (1 + B)``: valid at any B.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> base = np.array([rng.multinomial(10, [1 - q, q], size=20) for q in (0.05, 0.2, 0.35)])
    >>> tuned = np.array([rng.multinomial(10, [0.95, 0.05], size=20) for _ in range(3)])
    >>> alignment_work_p_value([base, tuned], steps=[0, 1, 2], n_permutations=999, rng=rng)
    0.001
    """
    if n_permutations < 1:
        raise InvalidInput(f"a permutation test needs one permutation or more, got {n_permutations}")
    N = np.asarray(counts, dtype=np.float64)
    if N.ndim != 4:
        raise InvalidInput(f"counts must be (2, T, P, K), got shape {N.shape}")
    signs = rng.integers(0, 2, size=(n_permutations + 1, N.shape[2])) * 2 - 1
    signs[0] = 1
    work = swapped_alignment_work(N, signs, steps=steps)
    slack = 1e-12 * max(abs(float(work[0])), 1e-300)  # a swap that changes nothing ties with what was observed
    return float(np.sum(work >= work[0] - slack) / (n_permutations + 1))


def _entropy(counts: Array) -> Array:
    """Return the Miller-Madow entropy with known K over the last axis."""
    n = counts.sum(axis=-1, keepdims=True)
    p = np.maximum(counts, 0.0) / n
    plug_in = -(p * np.log(np.where(p > 0.0, p, 1.0))).sum(axis=-1)
    K = counts.shape[-1]
    return np.asarray(np.clip(plug_in + (K - 1) / (2.0 * n[..., 0]), 0.0, np.log(K)))
