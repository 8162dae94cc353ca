r"""Permutation tests of two models on the same prompts: swap their responses within prompts, at all steps together.

If the two models behaved alike, either could have given either set of responses to a prompt, so every pattern of swaps
is as likely as the one observed. One set of random patterns serves several statistics: the effective alignment work (slope of
S(t), arXiv:2512.03047), the mean difference of S, the mean difference of a share, and the G statistic

.. math:: G = 2 \sum_{t,m,k} N_{tmk} \ln \frac{N_{tmk} N_t}{N_{tm} N_{tk}},

which sees any difference of the distributions over categories.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["SwapTest", "swap_test", "swapped_totals"]

Array = NDArray[np.float64]
PERMUTATIONS = 9999  # smallest p-value 1e-4
CHUNK_CELLS = 4_000_000
TIE = 1e-9  # relative; a pattern that changes nothing ties with what was observed


@dataclass(frozen=True, slots=True)
class SwapTest:
    """P-values ``(1 + patterns at least as extreme) / (1 + patterns)``, valid at any number of patterns.

    Parameters
    ----------
    alignment_work : float or None
        One-sided, of gamma_eff > 0; None with one step.
    entropy_difference, misaligned_difference : float
        Two-sided.
    distribution : float
        Of the G statistic.
    prompts : int
        Prompts that both models answered at one step or more.
    permutations : int
        Random patterns.
    """

    alignment_work: float | None
    entropy_difference: float
    misaligned_difference: float
    distribution: float
    prompts: int
    permutations: int


def swap_test(
    counts: ArrayLike,
    *,
    steps: ArrayLike,
    misaligned: ArrayLike,
    n_permutations: int = PERMUTATIONS,
    rng: np.random.Generator,
) -> SwapTest:
    """Test two models for any difference, and for differences of rate, level and share.

    Parameters
    ----------
    counts : array (2, T, P, K)
        Counts of base and tuned, per step, prompt and category. A prompt that one of the two lacks at a step is left
        out of that step.
    steps : array (T,)
        When the steps were; distinct.
    misaligned : array (K,) of bool
        Categories whose joint share is compared.
    n_permutations : int
        Random patterns of swaps.
    rng : numpy.random.Generator

    Returns
    -------
    SwapTest

    Raises
    ------
    NotEnoughData
        If no step has a prompt that both models answered.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> base = rng.multinomial(10, [0.5, 0.5], size=(3, 20))
    >>> tuned = rng.multinomial(10, [0.9, 0.1], size=(3, 20))
    >>> swap_test([base, tuned], steps=[0, 1, 2], misaligned=[False, True], n_permutations=999, rng=rng).distribution
    0.001
    """
    if n_permutations < 1:
        raise InvalidInput(f"a permutation test needs one permutation or more, got {n_permutations}")
    N, t = np.asarray(counts, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    members = np.asarray(misaligned, dtype=np.float64)
    if N.ndim != 4 or len(N) != 2 or t.shape != (N.shape[1],) or members.shape != (N.shape[3],):
        raise InvalidInput(
            f"counts (2, T, P, K), steps (T,), misaligned (K,) do not fit: {N.shape}, {t.shape}, {members.shape}"
        )
    matched = np.all(N.sum(axis=3) > 0.0, axis=0)  # (T, P)
    used = matched.any(axis=1)
    if not used.any():
        raise NotEnoughData("no prompt was answered by both models at one step: give both the same prompts")
    N, t = (N * matched[None, :, :, None])[:, used], t[used]
    signs = rng.integers(0, 2, size=(n_permutations + 1, N.shape[2])) * 2 - 1
    signs[0] = 1
    found = np.concatenate([_statistics(first, second, t, members) for first, second in swapped_totals(N, signs)])
    extreme = [_p_value(found[:, 0]) if len(t) > 1 else None, *(_p_value(np.abs(found[:, i])) for i in (1, 2))]
    return SwapTest(
        alignment_work=extreme[0],
        entropy_difference=float(extreme[1] or 0.0),
        misaligned_difference=float(extreme[2] or 0.0),
        distribution=_p_value(found[:, 3]),
        prompts=int(matched.any(axis=0).sum()),
        permutations=n_permutations,
    )


def swapped_totals(counts: ArrayLike, signs: ArrayLike) -> Iterator[tuple[Array, Array]]:
    """Yield the totals of both models over prompts under patterns of swaps, some patterns at a time.

    Parameters
    ----------
    counts : array (2, T, P, K)
        Zero where a prompt is not matched.
    signs : array (B, P)
        +1 keeps a prompt's labels, -1 swaps them at all steps.

    Yields
    ------
    base, tuned : array (b, T, K)
        For the next b patterns.
    """
    N, s = np.asarray(counts, dtype=np.float64), np.asarray(signs, dtype=np.float64)
    both, half = N.sum(axis=(0, 2)), (N[0] - N[1]) / 2.0  # (T, K), (T, P, K)
    T, P, K = half.shape
    flat = np.ascontiguousarray(half.transpose(1, 0, 2)).reshape(P, T * K)
    chunk = max(1, CHUNK_CELLS // max(P, T * K))
    for start in range(0, len(s), chunk):
        first = both / 2.0 + (s[start : start + chunk] @ flat).reshape(-1, T, K)
        yield np.maximum(first, 0.0), np.maximum(both - first, 0.0)


def _statistics(first: Array, second: Array, t: Array, members: Array) -> Array:
    """Return gamma_eff, differences of S and of the share, and G, as (b, 4)."""
    entropies, shares, terms = [], [], np.zeros(len(first))
    whole = first + second
    for one in (first, second):
        n = one.sum(axis=2)
        entropies.append(_plug_in(one, n) + (one.shape[2] - 1) / (2.0 * n))
        shares.append((one @ members) / n)
        expected = whole * (n / whole.sum(axis=2))[..., None]
        ratio = np.where(one > 0.0, one / np.where(expected > 0.0, expected, 1.0), 1.0)
        terms += 2.0 * (one * np.log(ratio)).sum(axis=(1, 2))
    gap = entropies[0] - entropies[1]
    work = np.zeros(len(first))
    if len(t) > 1:
        work = gap @ ((t - t.mean()) / ((t - t.mean()) ** 2).sum())
    return np.stack([work, gap.mean(axis=1), (shares[0] - shares[1]).mean(axis=1), terms], axis=1)


def _plug_in(counts: Array, n: Array) -> Array:
    p = counts / n[..., None]
    return np.asarray(-(p * np.log(np.where(p > 0.0, p, 1.0))).sum(axis=-1))


def _p_value(values: Array) -> float:
    """Return the share of patterns that reach the first, which is what was observed."""
    slack = TIE * max(abs(float(values[0])), 1e-300)
    return float((values >= values[0] - slack).sum() / len(values))
