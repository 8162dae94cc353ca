r"""Lower bounds from a learned antisymmetric score of transitions: a network, a classifier, whatever learns.

For any score u with :math:`u(x_1, x_0) = -u(x_0, x_1)`, :math:`\langle u\rangle - \ln\langle e^{-u}\rangle` is at most
the divergence of a transition from its reverse. For each fold the score is learned on the other folds, one of which
stops the learning and chooses the shrinkage of u (0 gives exactly 0) and the normalisation; the fold's rows then count
``u - exp(-u - b) - b + 1``, without upward bias. The p-value is that of :mod:`secondlaw.trajectories.learned_null`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.block_estimates import block_estimate
from secondlaw.trajectories.cautions import (
    changing_means,
    constant_variables,
    dependent_blocks,
    noiseless,
    not_rejected,
    outliers,
)
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.cross_fitting import SHRINKAGES
from secondlaw.trajectories.discrete.state_cautions import jump_table, state_cautions
from secondlaw.trajectories.dual import row_values
from secondlaw.trajectories.honesty import honest
from secondlaw.trajectories.layout import Layout, block_dependence, lay_out
from secondlaw.trajectories.learned_null import Learn, Score, learned_flips
from secondlaw.trajectories.null import DRAWS, SignFlips
from secondlaw.trajectories.parameters import Parameters
from secondlaw.trajectories.results import Diagnostics, EntropyProduction
from secondlaw.trajectories.two_sample_dual import log_mean_exp
from secondlaw.trajectories.window_rows import Windows

__all__ = ["Learn", "LearnedScore", "Score", "fit_learned"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedScore(Parameters):
    """What every learned score can be told.

    Parameters
    ----------
    discrete : bool
        Whether variables are states 0, 1, ...
    lag : int
    folds, blocks : int
        As in :class:`~secondlaw.trajectories.MaxEnt`.
    level : float
    resamples, draws : int
        Bootstrap replicates, and sign flips.
    """

    discrete: bool = False
    lag: int = 1
    folds: int = 5
    blocks: int = 100
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS

    def _prepared(self, data: Trajectories | Transitions, most_states: int) -> tuple[Transitions, int]:
        """Return the transitions, and the number of states of discrete variables, else 0."""
        pairs = data.transitions(self.lag) if isinstance(data, Trajectories) else data
        if not self.discrete:
            return pairs, 0
        both = np.concatenate([pairs.x0, pairs.x1])
        top = int(both.max()) + 1
        if both.min() < 0 or (both != np.rint(both)).any() or top > most_states:
            raise InvalidInput(f"discrete states are whole numbers from 0 to {most_states - 1}: number them first")
        return pairs, top


def fit_learned(
    pairs: Transitions,
    learn: Learn,
    settings: LearnedScore,
    *,
    parameters: int,
    name: str,
    states: int = 0,
    rng: np.random.Generator,
) -> EntropyProduction:
    """Cross-fit a learned score and judge it on held-out blocks.

    Parameters
    ----------
    pairs : Transitions
        Or windows.
    learn : callable
    settings : LearnedScore
    parameters : int
        Number of parameters of the score, for the diagnostics.
    name : str
        What learns, for the method.
    states : int
        Of discrete variables, else 0.
    rng : numpy.random.Generator
    """
    layout = lay_out(pairs, blocks=settings.blocks, folds=settings.folds)
    if (layout.x0 == layout.x1).all():
        raise NotEnoughData("the data never move, so there is nothing to learn from: check what was recorded")
    held = _hold_out(layout, learn, rng)
    span = float(pairs.lag) if pairs.dt is None else pairs.dt
    unit = "nats/step" if pairs.dt is None else "nats per unit of time"
    sizes = np.diff(layout.starts).astype(np.float64)
    sums = np.add.reduceat(held.values, layout.starts[:-1])
    weights = resample_weights(layout.blocks, settings.resamples, rng=rng)
    method = f"held-out bound of {name}, {settings.folds} folds, {layout.blocks} blocks, BCa bootstrap"
    raw = block_estimate(sums, sizes, weights, unit=unit, unit_of_time=span, level=settings.level, method=method)
    work = np.add.reduceat(held.work, layout.starts[:-1])
    chance = float(np.sqrt(2.0 / np.pi) * np.linalg.norm(work)) / layout.n / span
    null = learned_flips(layout, learn, null_mean=chance, draws=settings.draws, rng=rng)
    tilts = held.tilts
    diagnostics = Diagnostics(
        layout.n, parameters, layout.blocks, settings.folds, raw.value, held.train_value / span - raw.value,
        _effective(tilts), held.shrinkage,
        block_dependence(sums / sizes) if layout.stretches else 0.0, float(tilts.mean()),
    )  # fmt: skip
    return EntropyProduction(
        estimate=honest(raw, null),
        bound="lower",
        covers=f"the bound of the fitted {name}, a lower bound on the divergence of a transition from its reverse",
        train_value=held.train_value / span,
        null=null,
        diagnostics=diagnostics,
        warnings=(*_of_states(pairs, states), *_warnings(pairs, layout, diagnostics, null, settings.level)),
        block_values=sums,
        block_sizes=sizes,
        weights=weights,
        unit_of_time=span,
        fitted=held.fitted,
    )


def _effective(tilts: Floats) -> float:
    """Return how many rows the weights rest on."""
    shares = tilts / tilts.max()
    return float(shares.sum() ** 2 / (shares**2).sum())


@dataclass(frozen=True, slots=True)
class _Ensemble:
    """Mean fitted entropy production of the folds' scores."""

    scores: tuple[Score, ...]
    shrinkage: tuple[float, ...]
    log_norms: tuple[float, ...]

    def __call__(self, x0: Floats, x1: Floats) -> Floats:
        parts = zip(self.scores, self.shrinkage, self.log_norms, strict=True)
        return np.asarray(np.mean([c * score(x0, x1) - b for score, c, b in parts], axis=0))


@dataclass(frozen=True, slots=True)
class _HeldOut:
    values: Floats
    work: Floats
    tilts: Floats
    shrinkage: tuple[float, ...]
    train_value: float
    fitted: _Ensemble


def _hold_out(layout: Layout, learn: Learn, rng: np.random.Generator) -> _HeldOut:
    bounds, folds = layout.fold_rows, len(layout.folds) - 1
    seeds = rng.integers(0, 2**31 - 1, size=folds)
    values, work, tilts = np.empty(layout.n), np.empty(layout.n), np.empty(layout.n)
    scores, shrinkage, norms, trained = [], [], [], []
    for k in range(folds):
        judge = (k + 1) % folds
        rows = [slice(int(bounds[fold]), int(bounds[fold + 1])) for fold in (k, judge)]
        train = np.ones(layout.n, dtype=np.bool_)
        for part in rows:
            train[part] = False
        v0, v1 = layout.x0[rows[1]], layout.x1[rows[1]]
        score = learn(layout.x0[train], layout.x1[train], v0, v1, int(seeds[k]))
        c, b = _shrunk(score(v0, v1))
        own = c * score(layout.x0[rows[0]], layout.x1[rows[0]])
        values[rows[0]], work[rows[0]] = row_values(own, b, "exponential"), own
        with np.errstate(over="ignore"):
            tilts[rows[0]] = np.minimum(np.exp(-own - b), 1e150)
        known = score(layout.x0[train], layout.x1[train])
        trained.append(float(known.mean()) - log_mean_exp(-known))
        scores.append(score)
        shrinkage.append(c)
        norms.append(b)
    values = np.maximum(values, -1e150)
    ensemble = _Ensemble(tuple(scores), tuple(shrinkage), tuple(norms))
    return _HeldOut(values, work, tilts, tuple(shrinkage), float(np.mean(trained)), ensemble)


def _shrunk(u: Floats) -> tuple[float, float]:
    """Return the shrinkage with the largest bound on validation rows, and the normalisation with it."""
    best, chosen = 0.0, (0.0, 0.0)
    for c in SHRINKAGES[1:]:
        norm = log_mean_exp(-c * u)
        value = float(c * u.mean()) - norm
        if value > best:
            best, chosen = value, (float(c), norm)
    return chosen


def _of_states(pairs: Transitions, states: int) -> list[str]:
    width = len(pairs.signs) if isinstance(pairs, Windows) else pairs.x0.shape[1]
    if not states or width != 1:
        return []
    after = pairs.x0[:, 1] if isinstance(pairs, Windows) else pairs.x1[:, 0]
    return state_cautions(jump_table(pairs.x0[:, 0], after, states))


def _warnings(pairs: Transitions, layout: Layout, found: Diagnostics, null: SignFlips, level: float) -> tuple[str, ...]:
    out = [*constant_variables(pairs), *noiseless(pairs), *outliers(pairs), *changing_means(pairs, layout)]
    if found.effective_sample_size < 100.0:
        out.append(
            f"the exponential weights rest on {found.effective_sample_size:.0f} transitions: the interval cannot be "
            "trusted; take a shorter lag, or UncertaintyRelation"
        )
    out += dependent_blocks(found.block_dependence)
    if all(c == 0.0 for c in found.shrinkage):
        out.append(
            "nothing irreversible was learned, so the bound is 0: this does not show reversibility; record longer, or "
            "try MaxEnt, which needs fewer data"
        )
    else:
        out += not_rejected(null, level)
    if isinstance(pairs, Windows) and -1 in pairs.signs:
        out.append(
            "with odd variables a window also shows what tells its two ends apart, so the value may exceed the entropy "
            "production: take LinearModel, or window_growth"
        )
    return tuple(out)
