r"""The test behind ``check``: whole prompts change sides, matched ones by swapping, others by dealing, in one pattern.

A prompt that both runs answered is *swapped*: under the null hypothesis either run could have given either set of
answers. A prompt that one run alone answered is *dealt*: within its stratum (intent, prompt set) the prompts of both
runs could have gone to either. One random pattern does both, and every statistic is computed on the whole pattern, so
that a run of some matched and some new prompts is tested as one. Both sides of a pattern weigh prompts alike: a matched
prompt with n responses on each side counts n times, a stratum of unmatched prompts :math:`h P_1 P_2 / (P_1 + P_2)`
times, h its responses a prompt (Mantel & Haenszel, J. Natl. Cancer Inst. 22, 719 (1959)). The distribution is tested by
the G statistic of the shares under these weights, S and single shares by their differences, two-sided.

Equal numbers. Ten answers to a prompt cannot change places with one: the share in one answer is 0 or 1, and permuting
both kinds misstates the spread of either (17 rejections in 100 without drift at nominal 5, with 60 prompts of one
response against 60 of 20, also after studentising). Where numbers differ, responses are therefore left out at random:
matched prompts keep the smaller of their two numbers, unmatched ones so many that both runs have the same quantiles of
responses a prompt. That is done `THINNINGS` times and p is the mean. Each single p is exact; a mean of p-values could
double the level in theory (Rueschendorf, Adv. Appl. Probab. 14, 623 (1982)), and was below it in every design measured.

What must hold. Matched: a prompt's responses are alike in both runs and exchangeable, nothing about their numbers.
Unmatched: both runs drew the prompts of a stratum from one population, and the number of responses says as much or as
little about the answers in either run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.drift.check_tables import PromptTable
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.closed_form import plug_in
from secondlaw.statistics.permutation import g_statistic

__all__ = ["MOST_UNITS", "THINNINGS", "RunTest", "run_test"]

Floats = NDArray[np.float64]

MOST_UNITS = 4096
"""More prompts of a part are joined at random to blocks that change sides together."""
THINNINGS = 10
"""Times that responses are left out at random, where numbers differ."""
CHUNK_CELLS = 4_000_000
TIE = 1e-9  # relative; a pattern that changes nothing ties with what was observed


@dataclass(frozen=True, slots=True)
class RunTest:
    """P-values ``(1 + patterns at least as extreme) / (1 + patterns)``, their mean where responses were left out.

    Parameters
    ----------
    distribution, entropy : float
        Of the G statistic, and of the difference of S.
    contrasts : tuple of float
        Of each contrast's difference, two-sided.
    permutations : int
        Random patterns.
    matched, dealt : int
        Prompts that were swapped, and prompts that were dealt.
    left_out : float
        Share of the responses of these prompts that are left out to make numbers equal; 0 where they are.
    joined : bool
        Whether prompts were joined to blocks.
    """

    distribution: float
    entropy: float
    contrasts: tuple[float, ...]
    permutations: int
    matched: int
    dealt: int
    left_out: float = 0.0
    joined: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """Units that change sides alike: rows (U, K) of the first run and of the second, zeros where units are dealt."""

    first: Floats
    second: Floats
    held: int  # units of the first run, if dealt; all of them, if swapped
    weight: float
    paired: bool

    @property
    def mirrored(self) -> bool:
        """Whether the pattern with both sides exchanged exists for every pattern."""
        return self.paired or 2 * self.held == len(self.first)

    def patterns(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw `count` patterns (count, U): 1 where a unit's first row goes to the first side."""
        units = len(self.first)
        if self.paired:
            return rng.integers(0, 2, size=(count, units)).astype(np.float64)
        return rng.permuted(np.tile(np.arange(units) < self.held, (count, 1)), axis=1).astype(np.float64)

    def shares(self, patterns: Floats) -> tuple[Floats, Floats]:
        """Return the shares (b, K) of both sides."""
        one = self.second.sum(axis=0) + patterns @ (self.first - self.second)
        two = self.first.sum(axis=0) + self.second.sum(axis=0) - one
        return tuple(np.maximum(x, 0.0) / x.sum(axis=1, keepdims=True) for x in (one, two))


def run_test(table: PromptTable, *, contrasts: ArrayLike = (), permutations: int, rng: np.random.Generator) -> RunTest:
    """Test whether two runs answer alike.

    Parameters
    ----------
    table : PromptTable
        Whole counts by prompt.
    contrasts : array_like, shape (C, K)
        Weights of the categories; of each the difference of the weighted share is tested.
    permutations : int
        Random patterns.
    rng : numpy.random.Generator

    Returns
    -------
    RunTest

    Raises
    ------
    NotEnoughData
        If no prompt is matched and no stratum has unmatched prompts of both runs.
    InvalidInput
        If there is no permutation.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> before, after = rng.multinomial(10, [0.5, 0.5], size=30), rng.multinomial(10, [0.9, 0.1], size=30)
    >>> before[20:], after[:10] = 0, 0  # 10 prompts of the first alone, 10 matched, 10 of the second alone
    >>> run_test(PromptTable(before, after), permutations=999, rng=rng).distribution
    0.001
    """
    if permutations < 1:
        raise InvalidInput(f"a permutation test needs one permutation or more, got {permutations}")
    dealt = table.dealt()
    if not dealt and not table.matched.any():
        raise NotEnoughData("the runs have no prompt in common, and no stratum with two prompts or more of each")
    rows = np.asarray(contrasts, dtype=np.float64).reshape(-1, table.first.shape[1])
    whole = table.taking_part()
    before = whole.first.sum() + whole.second.sum()
    p_values, joined, kept = [], False, before
    for _ in range(1 if whole.balanced else THINNINGS):
        thin = whole if whole.balanced else whole.thinned(rng)
        kept = thin.first.sum() + thin.second.sum()
        parts = _parts(thin, rng)
        joined = sum(len(part.first) for part in parts) < len(thin.first)
        found = np.concatenate(list(_statistics(parts, rows, permutations, rng)))
        if not all(part.mirrored for part in parts):
            found[:, 1] -= found[:, 1].mean()  # sides of other sizes: noise moves their S apart in every pattern
        found[:, 1:] = np.abs(found[:, 1:])
        p_values.append([_p_value(column) for column in found.T])
    mean = np.mean(p_values, axis=0).tolist()
    return RunTest(
        mean[0], mean[1], tuple(mean[2:]), permutations, int(table.matched.sum()),
        sum(len(one) + len(two) for _, one, two in dealt), float(1.0 - kept / before), joined,
    )  # fmt: skip


def _parts(table: PromptTable, rng: np.random.Generator) -> list[_Part]:
    """Return the swapped prompts (if any), and each stratum's dealt ones, as sums per unit."""
    parts, matched = [], table.matched
    if matched.any():
        sides = _joined(np.stack([table.first[matched], table.second[matched]], axis=1), rng)  # (U, 2, K)
        parts.append(_Part(sides[:, 0], sides[:, 1], len(sides), float(sides.sum()) / 4.0, True))
    for _, one, two in table.dealt():
        first, second = table.first[one], table.second[two]
        responses = float(first.sum() + second.sum()) / (len(one) + len(two))
        held = [_joined(side, rng) for side in (first, second)]
        rows = np.concatenate(held)
        weight = responses * len(one) * len(two) / (len(one) + len(two))
        parts.append(_Part(rows, np.zeros_like(rows), len(held[0]), weight, False))
    return parts


def _joined(rows: Floats, rng: np.random.Generator) -> Floats:
    """Return the sums of rows joined at random to at most `MOST_UNITS`, or the rows themselves if they are few."""
    if len(rows) <= MOST_UNITS:
        return rows
    out = np.zeros((MOST_UNITS, *rows.shape[1:]))
    np.add.at(out, rng.permutation(len(rows)) % MOST_UNITS, rows)
    return out


def _statistics(parts: list[_Part], contrasts: Floats, permutations: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield G and the differences of S and of the contrasts, (b, 2 + C); the first row is what was observed."""
    chunk = max(1, CHUNK_CELLS // max(len(part.first) for part in parts))
    weights = np.array([part.weight for part in parts])
    for start in range(0, permutations + 1, chunk):
        drawn = [part.patterns(min(chunk, permutations + 1 - start), rng) for part in parts]
        if start == 0:
            for part, pattern in zip(parts, drawn, strict=True):
                pattern[0] = np.arange(len(part.first)) < part.held
        shares = [part.shares(pattern) for part, pattern in zip(parts, drawn, strict=True)]
        one, two = (2.0 * np.einsum("s,sbk->bk", weights, np.stack([each[i] for each in shares])) for i in (0, 1))
        n = 2.0 * weights.sum()
        moved = [(plug_in(two) - plug_in(one))[:, None], (two - one) @ contrasts.T / n]
        yield np.concatenate([g_statistic(one, two)[:, None], *moved], axis=1)


def _p_value(values: Floats) -> float:
    """Return the share of patterns that reach the first, which is what was observed."""
    slack = TIE * max(abs(float(values[0])), 1e-12)
    return float((values >= values[0] - slack).sum() / len(values))
