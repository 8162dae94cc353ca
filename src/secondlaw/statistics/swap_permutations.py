r"""Permutation tests of two models over many steps, whole prompts at a time.

Where both models answered the same prompts, either could have given either set of answers if they behaved alike: the
two are *swapped* within prompts, at all steps together. Where the prompts differ, they could have been *dealt* to the
models in any way. One set of random patterns serves several statistics: the effective alignment work (slope of S(t),
arXiv:2512.03047), the mean difference of S, the mean difference of a share, and the G statistic summed over steps,
which sees any difference of the distributions over categories.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.closed_form import plug_in
from secondlaw.statistics.permutation import PERMUTATIONS, g_statistic

__all__ = ["SwapTest", "deal_test", "swap_test"]

Array = NDArray[np.float64]
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
        Prompts that change sides.
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
    """Test two models on the same prompts for any difference, and for differences of rate, level and share.

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
    N, t, members = _checked(counts, steps, misaligned, n_permutations)
    matched = np.all(N.sum(axis=3) > 0.0, axis=0)  # (T, P)
    used = matched.any(axis=1)
    if not used.any():
        raise NotEnoughData("no prompt was answered by both models at one step: give both the same prompts")
    N, t = (N * matched[None, :, :, None])[:, used], t[used]
    signs = rng.integers(0, 2, size=(n_permutations + 1, N.shape[2]), dtype=np.int8) * np.int8(2) - np.int8(1)
    signs[0] = 1
    both, half = N.sum(axis=(0, 2)), (N[0] - N[1]) / 2.0  # (T, K), (T, P, K)
    totals = ((both / 2.0 + part, both / 2.0 - part) for part in _contract(signs, half))
    return _outcome(totals, t, members, int(matched.any(axis=0).sum()), n_permutations)


def deal_test(
    counts: ArrayLike,
    *,
    steps: ArrayLike,
    misaligned: ArrayLike,
    n_permutations: int = PERMUTATIONS,
    rng: np.random.Generator,
) -> SwapTest:
    """Test two models that answered different prompts; takes prompts of both sides to be of one kind.

    Parameters
    ----------
    counts : array (2, T, P, K)
        Counts of base and tuned; each prompt belongs to one of the two.
    steps, misaligned, n_permutations, rng
        As in :func:`swap_test`.

    Returns
    -------
    SwapTest

    Raises
    ------
    NotEnoughData
        If one of the models lacks a step, or patterns leave one without a response.
    InvalidInput
        If a prompt was answered by both.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> counts = np.zeros((2, 1, 20, 2))
    >>> counts[0, 0, :10], counts[1, 0, 10:] = [9, 1], [1, 9]
    >>> deal_test(counts, steps=[0], misaligned=[False, True], n_permutations=999, rng=rng).distribution
    0.002
    """
    N, t, members = _checked(counts, steps, misaligned, n_permutations)
    of_base, of_tuned = (N[m].sum(axis=(0, 2)) > 0.0 for m in (0, 1))
    if (of_base & of_tuned).any():
        raise InvalidInput(f"{int((of_base & of_tuned).sum())} prompts were answered by both models: use swap_test")
    present = of_base | of_tuned
    table, first = N.sum(axis=0)[:, present], of_base[present]  # (T, P, K), (P,)
    dealt = rng.permuted(np.tile(first, (n_permutations + 1, 1)), axis=1)
    dealt[0] = first
    both = table.sum(axis=1)
    totals = ((part, both - part) for part in _contract(dealt, table))
    return _outcome(totals, t, members, int(present.sum()), n_permutations)


def _checked(
    counts: ArrayLike, steps: ArrayLike, misaligned: ArrayLike, n_permutations: int
) -> tuple[Array, Array, Array]:
    if n_permutations < 1:
        raise InvalidInput(f"a permutation test needs one permutation or more, got {n_permutations}")
    N, t = np.asarray(counts, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    members = np.asarray(misaligned, dtype=np.float64)
    if N.ndim != 4 or len(N) != 2 or t.shape != (N.shape[1],) or members.shape != (N.shape[3],):
        raise InvalidInput(
            f"counts (2, T, P, K), steps (T,), misaligned (K,) do not fit: {N.shape}, {t.shape}, {members.shape}"
        )
    if not np.all(np.isfinite(N)) or np.any(N < 0.0) or len(np.unique(t)) < len(t):
        raise InvalidInput("counts must be finite and not negative, steps distinct")
    return N, t, members


def _contract(patterns: ArrayLike, table: Array) -> Iterator[Array]:
    """Yield patterns (b, P) @ table (T, P, K) as (b, T, K), some patterns at a time."""
    T, P, K = table.shape
    flat = np.ascontiguousarray(table.transpose(1, 0, 2)).reshape(P, T * K)
    rows = np.asarray(patterns)  # a byte a sign until it is used
    chunk = max(1, CHUNK_CELLS // max(P, T * K))
    for start in range(0, len(rows), chunk):
        yield (rows[start : start + chunk].astype(np.float64) @ flat).reshape(-1, T, K)


def _outcome(
    totals: Iterator[tuple[Array, Array]], t: Array, members: Array, prompts: int, permutations: int
) -> SwapTest:
    found = np.concatenate([_statistics(np.maximum(a, 0.0), np.maximum(b, 0.0), t, members) for a, b in totals])
    return SwapTest(
        alignment_work=_p_value(found[:, 0]) if len(t) > 1 else None,
        entropy_difference=_p_value(np.abs(found[:, 1])),
        misaligned_difference=_p_value(np.abs(found[:, 2])),
        distribution=_p_value(found[:, 3]),
        prompts=prompts,
        permutations=permutations,
    )


def _statistics(first: Array, second: Array, t: Array, members: Array) -> Array:
    """Return gamma_eff, differences of S and of the share, and G, as (b, 4)."""
    entropies, shares = [], []
    for one in (first, second):
        n = one.sum(axis=2)
        if (n <= 0.0).any():
            raise NotEnoughData("a step has too few prompts to deal them to two models: pool steps, or add prompts")
        entropies.append(plug_in(one) + (one.shape[2] - 1) / (2.0 * n))
        shares.append((one @ members) / n)
    gap = entropies[0] - entropies[1]
    work = np.zeros(len(first))
    if len(t) > 1:
        work = gap @ ((t - t.mean()) / ((t - t.mean()) ** 2).sum())
    distance = g_statistic(first, second).sum(axis=1)
    return np.stack([work, gap.mean(axis=1), (shares[0] - shares[1]).mean(axis=1), distance], axis=1)


def _p_value(values: Array) -> float:
    """Return the share of patterns that reach the first, which is what was observed."""
    slack = TIE * max(abs(float(values[0])), 1e-300)
    return float((values >= values[0] - slack).sum() / len(values))
