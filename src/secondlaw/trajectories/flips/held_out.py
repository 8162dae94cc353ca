"""Folds of contiguous rows held out in turn: what each block of held-out rows says about parameters from other rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import NotEnoughData
from secondlaw.trajectories.flips.products import Moments, Products
from secondlaw.trajectories.flips.solver import LEAST_FLIPS, fit_path
from secondlaw.trajectories.null import SignFlips

__all__ = ["HeldOut", "hold_out", "round_flips"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST_ROWS = 10  # of a block: neighbouring states may depend on each other


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out values of all rounds.

    Parameters
    ----------
    parts, work : ndarray, shape (B, N)
        Sums over each block, divided by N: of the held-out value, and of ``theta . g``.
    edges : ndarray, shape (B, 2)
        First row of each block, and the row after its last.
    round_of : ndarray, shape (B,)
    theta : ndarray of float32, shape (rounds, N, N)
    train_value, flips, effective_sample_size, parameters : float
        As in the result and its diagnostics.
    silent : int
        Spins that could not be fitted in some round.
    """

    parts: Floats
    work: Floats
    edges: Integers
    round_of: Integers
    theta: NDArray[np.float32]
    train_value: float
    flips: float
    effective_sample_size: float
    parameters: float
    silent: int


def hold_out(
    products: Products, states: int, penalties: tuple[float, ...], *, folds: int, rounds: int, blocks: int
) -> HeldOut:
    """Fit in each round without one fold, and judge its blocks.

    Raises
    ------
    NotEnoughData
        If no spin flips ten times in the rows of a fit.
    """
    bounds = np.linspace(0, states, folds + 1).astype(np.int64)
    per_round = max(2, min(blocks // rounds, states // folds // LEAST_ROWS))
    found: list[dict[str, Any]] = []
    needed = range(folds) if rounds > 1 else range(1, folds)  # each fold is gone through once for its moments
    of_fold = {k: products.moments([(int(bounds[k]), int(bounds[k + 1]))]) for k in needed}
    for fold in range(rounds):
        after = (fold + 1) % folds
        kept = [k for k in range(folds) if k not in (fold, after)]
        train = [(int(bounds[k]), int(bounds[k + 1])) for k in kept]
        moments = Moments.joined([of_fold[k] for k in kept])
        judge = (int(bounds[after]), int(bounds[after + 1]))
        silent = moments.flips < LEAST_FLIPS
        if silent.all():
            raise NotEnoughData("no spin flips ten times or more in the training rows: record longer")
        fit = fit_path(products, train, judge, penalties, moments, of_fold[after])
        size = len(fit.flips)
        edges = np.linspace(bounds[fold], bounds[fold + 1], per_round + 1).astype(np.int64)
        judged = products.judged(fit.theta, fit.log_norm, np.arange(size), edges)
        rows = sum(b - a for a, b in train) + (0 if not any(penalties) else int(bounds[after + 1] - bounds[after]))
        fitted = np.isfinite(fit.penalties)
        weights, squares = judged.weights.sum(axis=0), judged.squares.sum(axis=0)
        known = np.isfinite(squares) & (squares > 0.0)  # beyond the largest float32 one flip has all the weight
        effective = np.where(known, weights, 1.0) ** 2 / np.where(known, squares, 1.0)
        found.append({
            "parts": judged.values / size, "work": judged.work / size, "edges": np.stack([edges[:-1], edges[1:]], 1),
            "theta": fit.theta, "train": float((fit.flips * fit.train).sum()) / rows / size,
            "flips": float(fit.flips.mean()), "effective": effective[fitted], "silent": silent,
            "parameters": np.count_nonzero(fit.theta) / max(int(fitted.sum()), 1),
        })  # fmt: skip

    def joined(key: str) -> Any:  # noqa: ANN401 - an array
        return np.concatenate([one[key] for one in found])

    def mean(key: str) -> float:
        return float(np.mean([one[key] for one in found]))

    effective = joined("effective")
    return HeldOut(
        parts=joined("parts"),
        work=joined("work"),
        edges=joined("edges"),
        round_of=np.repeat(np.arange(rounds), per_round),
        theta=np.stack([one["theta"] for one in found]),
        train_value=mean("train"),
        flips=mean("flips"),
        effective_sample_size=float(np.median(effective)) if len(effective) else float("inf"),
        parameters=mean("parameters"),
        silent=int(np.any([one["silent"] for one in found], axis=0).sum()),
    )


def round_flips(held: HeldOut, *, draws: int, rng: np.random.Generator) -> SignFlips:
    """Test whether held-out blocks lean to the direction of time that other rows have taught, one-sided.

    In each round the parameters are fixed by other rows, so that without irreversibility the sum of ``theta . g`` over
    a block is as likely as its negative. Rounds share rows, so their p-values are joined by twice their mean
    (Rueschendorf, 1982), which holds under any dependence; the null mean is that of the positive parts.
    """
    p_values, chance = [], 0.0
    rows = float(np.diff(held.edges, axis=1).sum())
    for number in range(len(held.theta)):
        sums = held.work[held.round_of == number].sum(axis=1)
        signs = 1.0 - 2.0 * rng.integers(0, 2, size=(draws, len(sums)))
        drawn = signs @ sums
        beaten = int((drawn >= sums.sum() - 1e-9 * np.abs(sums).sum()).sum())
        p_values.append((1 + beaten) / (1 + draws))
        chance += float(np.maximum(drawn, 0.0).mean()) / rows
    p = p_values[0] if len(p_values) == 1 else min(1.0, 2.0 * float(np.mean(p_values)))
    return SignFlips(p, chance, draws, len(held.work))
