r"""After an alarm: what moved. Categories, intents, groups of prompts, single prompts, and responses to read.

*Categories.* The divergence between the shares before (p) and after (q) is a sum over categories,

.. math:: JS = \sum_k \tfrac12 \left(p_k \ln \frac{p_k}{m_k} + q_k \ln \frac{q_k}{m_k}\right), \quad m = (p + q) / 2,
          \qquad KL(q \| p) = \sum_k \left( q_k \ln \frac{q_k}{p_k} - q_k + p_k \right),

both written so that every term is 0 or more. The differences :math:`q_k - p_k` come with *simultaneous* intervals
(:mod:`secondlaw.drift.attribution_categories`): all of them together hold at the stated level.

*Parts.* A part is an intent, a domain, any group of prompts. The change of a category's share splits without remainder
into *behavior* (the shares moved inside the part, at the mean of its weights) and *mix* (its weight moved, at the mean
of its shares), Kitagawa's decomposition (J. Am. Stat. Assoc. 50, 1168 (1955)): a shift of the prompt mix is not drift
of the model. Whether the shares moved inside a part is tested by permuting whole prompts, p-values by Holm's method
over the parts: the probability of naming any part falsely is at most 1 - level.

*Single prompts.* With several responses to a prompt on both sides, its responses are dealt anew (they are independent
given the prompt); which prompts moved is listed with a false discovery rate of at most 1 - level (Benjamini & Hochberg,
J. R. Stat. Soc. B 57, 289 (1995)).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from secondlaw.drift.attribution_categories import category_changes, jensen_shannon_terms, kullback_leibler_terms
from secondlaw.drift.attribution_results import Attribution, PartChange, PromptChange
from secondlaw.drift.attribution_sides import Side
from secondlaw.drift.attribution_tests import benjamini_hochberg, dealt_shift, holm, one_prompt, paired_shift
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.intervals import LEVEL
from secondlaw.statistics.permutation import g_statistic
from secondlaw.types import Insufficient

__all__ = ["attribute_change", "part_changes"]

Floats = NDArray[np.float64]

PERMUTATIONS = 1999  # p-values in steps of 5e-4
FEWEST_PROMPTS = 4  # 4 prompts a side can be dealt in 70 ways; below, no permutation can reach .05
MOST_PROMPTS = 2000  # single prompts tested, those with the largest divergence times size


def attribute_change(
    before: Side,
    after: Side,
    *,
    categories: Sequence[str],
    parts: Mapping[str, str] | None = None,
    rng: np.random.Generator,
    level: float = LEVEL,
    examples: int = 5,
    is_chosen: bool = False,
) -> Attribution:
    """Say which categories, parts and prompts changed between two stretches of a stream.

    Parameters
    ----------
    before, after : Side
        Counts by prompt of the two stretches, for example the baseline and the steps since the change point.
    categories : sequence of str, length K
        Names.
    parts : mapping of prompt to part, optional
        Intent, domain or any other group of the prompts; prompts without one are in ``"(none)"``.
    rng : numpy.random.Generator
    level : float
        Of the simultaneous intervals; 1 - level is the error rate of the tests.
    examples : int
        Ids of responses to read, at most, for each category that rose.
    is_chosen : bool
        Whether the second stretch was chosen because it looks moved: from a change point to an alarm. Its intervals are
        then wider.

    Returns
    -------
    Attribution

    Raises
    ------
    InvalidInput
        If the categories do not match the counts.
    NotEnoughData
        If a side holds no response.

    Notes
    -----
    What the intervals cover is the change of the mean shares between the two stretches as they are stated. Measured
    coverage stands in ``docs/monitors.md``. With `is_chosen` they hold given that something moved: an alarm without any
    change would still have picked the stretch that looks most moved.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> names = [f"p{i}" for i in range(20)]
    >>> old = Side(names, rng.multinomial(20, [0.9, 0.06, 0.04], size=20))
    >>> new = Side(names, rng.multinomial(20, [0.7, 0.26, 0.04], size=20))
    >>> found = attribute_change(old, new, categories=["g1", "g2", "g5"], rng=rng)
    >>> [(change.category, change.moved) for change in found.categories]
    [('g1', True), ('g2', True), ('g5', False)]
    """
    for name, side in (("before", before), ("after", after)):
        if side.counts.shape[1] != len(categories):
            raise InvalidInput(f"{len(categories)} categories are named, the counts {name} have {side.counts.shape[1]}")
        if not side.counts.sum():
            raise NotEnoughData(f"the stretch {name} the change holds no response")
    if not 0.0 < level < 1.0:
        raise InvalidInput(f"a confidence level lies between 0 and 1, got {level}")
    changes = category_changes(before, after, categories, level=level, is_chosen=is_chosen)
    found_parts = () if parts is None else part_changes(before, after, parts=parts, rng=rng, level=level)
    prompts = _prompts(before, after, categories, rng, level)
    rising = [change.category for change in changes if change.rose]
    by_category = {name: _examples(before, after, list(categories).index(name), limit=examples) for name in rising}
    p, q = (side.counts.sum(axis=0) / side.counts.sum() for side in (before, after))
    return Attribution(
        categories=changes,
        parts=found_parts,
        prompts=prompts,
        examples={name: ids for name, ids in by_category.items() if ids},
        jensen_shannon=float(jensen_shannon_terms(p, q).sum()),
        kullback_leibler=float(kullback_leibler_terms(before, after).sum()),
        paired=before.shares_prompts(after),
        level=level,
    )


def part_changes(
    before: Side, after: Side, *, parts: Mapping[str, str], rng: np.random.Generator, level: float = LEVEL
) -> tuple[PartChange, ...]:
    """Say which parts changed between two stretches; see :func:`attribute_change` for the arguments."""
    names = sorted({parts.get(prompt, "(none)") for prompt in (*before.prompts, *after.prompts)})
    totals = (before.counts.sum(), after.counts.sum())
    rows = []
    for name in names:
        one, two = (side.part(parts, name) for side in (before, after))
        weights = (one.counts.sum() / totals[0], two.counts.sum() / totals[1])
        p, q = _shares(one), _shares(two)
        p, q = (q if p is None else p), (p if q is None else q)  # a part seen on one side only moved the mix alone
        if p is None or q is None:
            continue
        behavior = (weights[0] + weights[1]) / 2.0 * (q - p)
        mix = (weights[1] - weights[0]) * (p + q) / 2.0
        rows.append((name, one, two, weights, p, q, behavior, mix, _part_test(one, two, rng)))
    tested = [i for i, row in enumerate(rows) if isinstance(row[8], float)]
    adjusted = dict(zip(tested, holm([float(rows[i][8]) for i in tested]), strict=True))  # type: ignore[arg-type]
    return tuple(
        PartChange(
            part=name,
            weight_before=float(weights[0]),
            weight_after=float(weights[1]),
            n_prompts=(len(one.prompts), len(two.prompts)),
            behavior=tuple(behavior.tolist()),
            mix=tuple(mix.tolist()),
            jensen_shannon=float(jensen_shannon_terms(p, q).sum()),
            p_value=adjusted.get(i, test if isinstance(test, Insufficient) else 1.0),
            moved=i in adjusted and adjusted[i] <= 1.0 - level,
        )
        for i, (name, one, two, weights, p, q, behavior, mix, test) in enumerate(rows)
    )


def _part_test(one: Side, two: Side, rng: np.random.Generator) -> float | Insufficient:
    paired = one.shares_prompts(two)
    fewest = min(len(one.prompts), len(two.prompts))
    needed = FEWEST_PROMPTS + 2 if paired else FEWEST_PROMPTS  # 2**5 sign changes give 1/16 two-sided
    if fewest < needed:
        return Insufficient(f"a test by prompt needs {needed} prompts or more on each side, got {fewest}")
    if paired:
        return paired_shift(one.counts, two.ordered_as(one.prompts), rng=rng, permutations=PERMUTATIONS)
    return dealt_shift(one.counts, two.counts, rng=rng, permutations=PERMUTATIONS)


def _prompts(
    before: Side, after: Side, names: Sequence[str], rng: np.random.Generator, level: float
) -> tuple[PromptChange, ...]:
    place = {prompt: i for i, prompt in enumerate(before.prompts)}
    pairs = [(place[prompt], j) for j, prompt in enumerate(after.prompts) if prompt in place]
    pairs = [(i, j) for i, j in pairs if before.counts[i].sum() >= 2 and after.counts[j].sum() >= 2]
    if not pairs:
        return ()
    first, second = (side.counts[[pair[k] for pair in pairs]] for k, side in enumerate((before, after)))
    strength = np.asarray(g_statistic(first, second))
    largest = np.argsort(-strength, kind="stable")[:MOST_PROMPTS]
    values = np.array([one_prompt(first[i], second[i], rng=rng) for i in largest])
    adjusted = benjamini_hochberg(values, tests=len(pairs))
    total = float(strength.sum())
    rows = []
    for i, p_value in zip(largest.tolist(), adjusted.tolist(), strict=True):
        p, q = first[i] / first[i].sum(), second[i] / second[i].sum()
        k = int((q - p).argmax())
        share = float(strength[i]) / total if total > 0 else 0.0
        rows.append(
            PromptChange(
                before.prompts[pairs[i][0]],
                names[k],
                float(q[k] - p[k]),
                share,
                float(p_value),
                bool(p_value <= 1.0 - level),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.p_value, -row.contribution)))


def _examples(before: Side, after: Side, category: int, *, limit: int) -> tuple[str, ...]:
    """Return ids of responses in a category that rose, from the prompts where it rose most."""
    place = {prompt: i for i, prompt in enumerate(before.prompts)}
    found: list[tuple[float, int, str]] = []
    for j, prompt in enumerate(after.prompts):
        ids = after.examples.get((prompt, category), ())
        if not ids:
            continue
        old = before.counts[place[prompt]] if prompt in place else np.zeros(1)
        past = float(old[category] / old.sum()) if prompt in place and old.sum() else 0.0
        rise = float(after.counts[j, category] / after.counts[j].sum()) - past
        found.extend((-rise, turn, one) for turn, one in enumerate(ids))
    found.sort(key=lambda item: (item[1], item[0]))  # one of each prompt before a second one of any
    return tuple(one for _, _, one in found[:limit])


def _shares(side: Side) -> Floats | None:
    total = side.counts.sum()
    return np.asarray(side.counts.sum(axis=0) / total) if total else None
