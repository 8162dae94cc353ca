r"""Lower bounds from a learned antisymmetric score of transitions: a network, a classifier, whatever learns.

For any score u with :math:`u(x_1, x_0) = -u(x_0, x_1)`, :math:`\langle u\rangle - \ln\langle e^{-u}\rangle` is at most
the divergence of a transition from its reverse. For each fold the score is learned on the other folds, one of which
stops the learning and chooses the shrinkage of u (0 gives exactly 0) and the normalisation; the fold's rows then count
``u - exp(-u - b) - b + 1``, without upward bias. Sign flips of the held-out sums of whole blocks give the p-value.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import NotEnoughData
from secondlaw.statistics import resample_weights
from secondlaw.trajectories.block_estimates import block_estimate
from secondlaw.trajectories.cautions import changing_means, constant_variables, noiseless, outliers
from secondlaw.trajectories.containers import Transitions
from secondlaw.trajectories.cross_fitting import SHRINKAGES
from secondlaw.trajectories.discrete.state_cautions import jump_table, state_cautions
from secondlaw.trajectories.dual import row_values
from secondlaw.trajectories.honesty import honest
from secondlaw.trajectories.layout import Layout, block_dependence, lay_out
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.results import Diagnostics, EntropyProduction
from secondlaw.trajectories.two_sample_dual import log_mean_exp
from secondlaw.trajectories.window_rows import Windows

__all__ = ["Learn", "LearnedSettings", "Score", "fit_learned"]

Floats = NDArray[np.float64]
Score = Callable[[Floats, Floats], Floats]
"""From x0, x1 of shape (n, dim) to u of shape (n,), antisymmetric."""

Learn = Callable[[Floats, Floats, Floats, Floats, int], Score]
"""From x0, x1 of training rows, x0, x1 of validation rows, and a seed, to a score."""

_DEPENDENT = 0.3


@dataclass(frozen=True, slots=True)
class LearnedSettings:
    """How a learned score is held out.

    Parameters
    ----------
    folds, blocks : int
        As in :class:`~secondlaw.trajectories.MaxEnt`.
    level : float
    resamples, draws : int
        Bootstrap replicates, and sign flips.
    """

    folds: int
    blocks: int
    level: float
    resamples: int
    draws: int


def fit_learned(
    pairs: Transitions,
    learn: Learn,
    settings: LearnedSettings,
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
    settings : LearnedSettings
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
    null = _sign_flips(np.add.reduceat(held.work, layout.starts[:-1]), layout.n, span, settings.draws, rng)
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


def _sign_flips(sums: Floats, n: int, span: float, draws: int, rng: np.random.Generator) -> SignFlips:
    """Test whether held-out scores lean to the direction of time that others have learned, one-sided."""
    signs = 1.0 - 2.0 * rng.integers(0, 2, size=(draws, len(sums)))
    found = signs @ sums
    beaten = int((found >= sums.sum() - 1e-9 * np.abs(sums).sum()).sum())
    return SignFlips((1 + beaten) / (1 + draws), float(np.abs(found).mean()) / n / span, draws, len(sums))


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
    if found.block_dependence > _DEPENDENT:
        out.append(
            f"neighbouring blocks still resemble each other (correlation {found.block_dependence:.2f}), so the "
            "interval "
            "is too narrow: use fewer blocks, or thin the data"
        )
    if all(c == 0.0 for c in found.shrinkage):
        out.append(
            "nothing irreversible was learned, so the bound is 0: this does not show reversibility; record longer, or "
            "try MaxEnt, which needs fewer data"
        )
    elif null.p_value > (1.0 - level) / 2.0:
        out.append(
            f"sign flips show as much irreversibility with p = {null.p_value:.2g}: do not quote the value as "
            "different from 0"
        )
    if isinstance(pairs, Windows) and -1 in pairs.signs:
        out.append(
            "with odd variables a window also shows what tells its two ends apart, so the value may exceed the entropy "
            "production: take LinearModel, or window_growth"
        )
    return tuple(out)
