r"""Semantic divergence metrics of paraphrased prompts and their answers (arXiv:2508.10192).

M paraphrases of a prompt are answered N times each; the sentences of all are clustered together. The metrics:

- *ensemble Jensen-Shannon*: mean over paraphrases of JS(paraphrase m, its answers pooled), in nats, at most ln 2;
- *global Jensen-Shannon*: of all paraphrases pooled and all answers pooled;
- *Wasserstein*: distance of order 1 between the clouds of prompt and answer sentences (Euclidean, uniform weights);
- *entropy gap*: H(answers) - H(prompts), in nats;
- *semantic exploration*: KL(answers || prompts), smoothed; *its reverse*: KL(prompts || answers);
- *instability*: the paper's weighted ``(0.7 JS_ensemble + 0.3 W) / H(prompts)``; None where H(prompts) = 0.

The ensemble divergence has an interval over paraphrases (answers to one are not independent). It is of the metric at
these numbers of sentences, which are few in a prompt, so that even prompts and answers of one law diverge: the *null*
deals the sentences of each paraphrase and its answers to the two at random. Measured at nominal 95 %, 5 to 15
paraphrases: .93 to 1.00. The other metrics describe these sentences and have no interval: resampling paraphrases cannot
see topics that none of them has, and covered as little as .71 of the exploration.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness.divergence import SMOOTHING
from secondlaw.faithfulness.mean_interval import mean_interval
from secondlaw.faithfulness.measured_levels import Null
from secondlaw.statistics import (
    LEVEL,
    jensen_shannon,
    kullback_leibler,
    plug_in,
)
from secondlaw.statistics.counts import checked_counts
from secondlaw.types import NATS, Estimate, Insufficient, Measured

__all__ = ["SemanticDivergence", "semantic_divergence", "wasserstein"]

Floats = NDArray[np.float64]

WEIGHT_JS, WEIGHT_DISTANCE = 0.7, 0.3
"""Of the paper."""
FEWEST_PARAPHRASES = 5
DEALS = 200
"""Of the null."""
MOST_MOVED = 250_000
"""Pairs of sentences whose optimal transport is solved exactly; of larger clouds sentences are drawn."""


@dataclass(frozen=True, slots=True)
class SemanticDivergence:
    """The metrics; the mean over paraphrases with its interval.

    Parameters
    ----------
    ensemble : Estimate or Insufficient
        Ensemble Jensen-Shannon, in nats.
    exploration, reverse, global_divergence, entropy_gap : float
        KL(answers || prompts), KL(prompts || answers), Jensen-Shannon and difference of entropies, in nats, of all
        sentences pooled.
    distance : float or None
        Wasserstein distance; None without embeddings.
    instability : float or None
        The paper's weighted score.
    paraphrases, topics : int
    null : Null
        The ensemble divergence where sentences are dealt to prompt and answers at random.
    p_value : float
        Of a divergence as large as the one found, under the null.
    """

    ensemble: Measured
    exploration: float
    reverse: float
    global_divergence: float
    entropy_gap: float
    distance: float | None
    instability: float | None
    paraphrases: int
    topics: int
    null: Null
    p_value: float


def semantic_divergence(
    prompts: ArrayLike,
    answers: ArrayLike,
    *,
    rng: np.random.Generator,
    prompt_vectors: ArrayLike | None = None,
    answer_vectors: ArrayLike | None = None,
    smoothing: float = SMOOTHING,
    level: float = LEVEL,
    draws: int = DEALS,
) -> SemanticDivergence:
    """Compare paraphrases of a prompt with their answers.

    Parameters
    ----------
    prompts : array_like, shape (M, K)
        Sentences of each paraphrase in each topic.
    answers : array_like, shape (M, N, K)
        Sentences of each of its N answers.
    rng : numpy.random.Generator
        Source of the resamples.
    prompt_vectors, answer_vectors : array_like, shape (sentences, d), optional
        Embeddings, for the Wasserstein distance.
    smoothing : float
        Pseudo-count of every topic in the KL divergences.
    level : float
        Coverage of intervals.
    draws : int
        Deals of the null.

    Returns
    -------
    SemanticDivergence

    Raises
    ------
    InvalidInput
        If the shapes do not fit.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = semantic_divergence(rng.multinomial(5, [0.5, 0.5], 8), rng.multinomial(9, [0.5, 0.5], (8, 4)), rng=rng)
    >>> found.paraphrases, found.global_divergence < 0.01
    (8, True)
    """
    p = np.asarray(checked_counts(prompts), dtype=np.float64)
    a = np.asarray(answers, dtype=np.float64)
    if p.ndim != 2 or a.ndim != 3 or a.shape[::2] != p.shape:
        raise InvalidInput(f"prompts are (M, K) and answers (M, N, K), got {p.shape} and {a.shape}")
    mine = np.asarray(checked_counts(a.sum(axis=1)), dtype=np.float64)  # (paraphrase, topic)
    m, k = p.shape
    each = jensen_shannon(p, mine)
    explored = float(kullback_leibler(mine.sum(axis=0), p.sum(axis=0), smoothing=smoothing))
    distance = None
    if prompt_vectors is not None and answer_vectors is not None:
        distance = wasserstein(prompt_vectors, answer_vectors, rng=rng)
    entropy = float(plug_in(p.sum(axis=0)))
    instability = None
    if distance is not None and entropy > 1e-12:
        instability = (WEIGHT_JS * float(each.mean()) + WEIGHT_DISTANCE * distance) / entropy
    return SemanticDivergence(
        _mean(each, level, rng),
        explored,
        float(kullback_leibler(p.sum(axis=0), mine.sum(axis=0), smoothing=smoothing)),
        float(jensen_shannon(mine.sum(axis=0), p.sum(axis=0))),
        float(plug_in(mine.sum(axis=0))) - entropy,
        distance,
        instability,
        m,
        k,
        *_null(p, mine, float(each.mean()), draws, rng),
    )


def _null(prompts: Floats, answers: Floats, value: float, draws: int, rng: np.random.Generator) -> tuple[Null, float]:
    """Deal the sentences of each paraphrase and its answers to the two, as many to each as it has."""
    if draws < 1:
        raise InvalidInput(f"a null needs a draw, got {draws}")
    dealt = np.zeros(draws)
    for mine, theirs in zip(prompts.astype(np.int64), answers.astype(np.int64), strict=True):
        drawn = rng.multivariate_hypergeometric(mine + theirs, int(mine.sum()), size=draws)
        dealt += jensen_shannon(drawn, mine + theirs - drawn) / len(prompts)
    low, high = np.quantile(dealt, (0.025, 0.975))
    reached = int((dealt >= value - 1e-12).sum())
    return Null(float(dealt.mean()), float(low), float(high), draws), (1 + reached) / (1 + draws)


def _mean(each: Floats, level: float, rng: np.random.Generator) -> Measured:
    """Return the mean divergence with its interval over paraphrases."""
    n, value = len(each), float(each.mean())
    if n < FEWEST_PARAPHRASES:
        return Insufficient(
            f"an interval needs {FEWEST_PARAPHRASES} paraphrases, got {n}; the value is {value:.3g} nats"
        )
    found = mean_interval(each, np.ones(n), rng=rng, level=level, bounds=(0.0, float(np.log(2.0))))
    low, high = found or (value, value)
    method = f"mean Jensen-Shannon of paraphrase and its answers, wider of bootstrap and t over {n} paraphrases"
    return Estimate(value, min(low, value), max(high, value), level, n, NATS, method, "paraphrases")


def wasserstein(first: ArrayLike, second: ArrayLike, *, rng: np.random.Generator) -> float:
    """Return the Wasserstein distance of order 1 of two clouds of points with equal weights within each.

    Parameters
    ----------
    first, second : array_like, shape (n, d), (m, d)
    rng : numpy.random.Generator
        Draws points where there are more pairs than 250,000.

    Returns
    -------
    float
        In the unit of the points; solved exactly as a linear program.

    Examples
    --------
    >>> round(wasserstein([[0.0], [1.0]], [[2.0]], rng=np.random.default_rng(0)), 6)
    1.5
    """
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    most = int(MOST_MOVED**0.5)
    if len(x) * len(y) > MOST_MOVED:
        x, y = (one if len(one) <= most else one[rng.choice(len(one), most, replace=False)] for one in (x, y))
    n, m = len(x), len(y)
    if not n or not m:
        raise InvalidInput(f"a distance of clouds needs points in both, got {n} and {m}")
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2.0 * x @ y.T
    cost = np.sqrt(np.maximum(squares, 0.0)).ravel()
    pair = np.arange(n * m)
    rows = np.concatenate((pair // m, n + pair % m))
    sums = coo_array((np.ones(2 * n * m), (rows, np.concatenate((pair, pair)))), shape=(n + m, n * m)).tocsr()
    to = np.concatenate((np.full(n, 1.0 / n), np.full(m, 1.0 / m)))
    return float(linprog(cost, A_eq=sums, b_eq=to, method="highs").fun)
