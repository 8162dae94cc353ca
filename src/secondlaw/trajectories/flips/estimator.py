r"""Single-spin flips, all spins at once: the MaxEnt bound of multipartite systems (arXiv 2505.10444) for many spins.

One spin moves at a time. With :math:`g_{ij} = -2 s_i s_j` before the flip of i,
:math:`\Sigma_g = \sum_i f_i \Sigma_{g,i}`, where f_i counts flips of i per attempted update and each i is a concave
problem of its own on the rows where i flipped. All N problems share two matrix products per batch of rows
(:mod:`secondlaw.trajectories.flips.products`). Only the sum over spins compares with the exact entropy production.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics import LEVEL, resample_weights
from secondlaw.statistics.resampling import RESAMPLES
from secondlaw.trajectories.block_estimates import block_estimate
from secondlaw.trajectories.flips.held_out import HeldOut, hold_out, round_flips
from secondlaw.trajectories.flips.products import open_products
from secondlaw.trajectories.flips.results import FlipDiagnostics, FlipResult
from secondlaw.trajectories.flips.rows import Flips
from secondlaw.trajectories.honesty import honest, rejects
from secondlaw.trajectories.layout import block_dependence
from secondlaw.trajectories.null import DRAWS, SignFlips
from secondlaw.trajectories.parameters import Parameters

__all__ = ["FlipsMaxEnt"]

PATH = (0.85, 0.72, 0.66)
"""Penalties of the steps, as shares of the largest of N pure noise terms, ``sqrt(2 ln N)`` standard errors."""
STEPS_PLAIN = 15
FEW_EFFECTIVE = 100.0
DEPENDENT = 0.3
LEAST_FLIPS_A_SPIN = 10.0  # for each coupling; with 7 (N = 1000, 20,000 states) a tenth stays hidden


@dataclass(frozen=True, slots=True)
class FlipsMaxEnt(Parameters):
    """MaxEnt for all spins at once.

    Parameters
    ----------
    penalty : {"l1", "none"}
        A path of L1 penalties, or early stopping alone; for each spin the iterate that does best on validation rows.
    folds : int
        Contiguous folds, at least 3; in each round one is held out, the next validates.
    rounds : int, optional
        Folds that are held out in turn; all if None. One round costs 1/folds of the time and has a wider interval.
    blocks : int
        Stretches of held-out rows that are resampled and whose signs are flipped.
    level : float
    resamples, draws : int
        Bootstrap replicates, and random sign flips.
    device : str, optional
        ``"cuda"`` or ``"cpu"`` for the products in torch; NumPy if None.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> s = rng.choice([-1, 1], size=(2000, 4))
    >>> result = FlipsMaxEnt().fit(Flips.of(s, rng.random(s.shape) < 0.5), rng=rng)
    >>> result.estimate.low
    0.0
    """

    penalty: Literal["l1", "none"] = "l1"
    folds: int = 5
    rounds: int | None = None
    blocks: int = 100
    level: float = LEVEL
    resamples: int = RESAMPLES
    draws: int = DRAWS
    device: str | None = None

    def fit(self, data: Flips, *, rng: np.random.Generator) -> FlipResult:
        """Estimate the entropy production per attempted update.

        Parameters
        ----------
        data : Flips
        rng : numpy.random.Generator
            For bootstrap and sign flips.

        Raises
        ------
        InvalidInput
            If a setting is wrong, or the device is not there.
        NotEnoughData
            If there are fewer states than 10 for each block, or no spin flips often enough.
        """
        m, n = data.spins.shape
        rounds = self.folds if self.rounds is None else self.rounds
        if self.penalty not in ("l1", "none"):
            raise InvalidInput(f"the penalty is 'l1' or 'none', got {self.penalty!r}")
        if self.folds < 3 or not 1 <= rounds <= self.folds or self.blocks < 2 * rounds:
            raise InvalidInput(
                "3 or more folds, 1 to as many rounds, and 2 or more blocks a round are needed, got "
                f"{self.folds} folds, {rounds} rounds, {self.blocks} blocks"
            )
        if m < 10 * self.blocks:
            raise NotEnoughData(
                f"{m} states are too few for {self.blocks} blocks of 10: record more, or take fewer blocks"
            )
        noise = float(np.sqrt(2.0 * np.log(max(n, 3))))
        penalties = tuple(share * noise for share in PATH) if self.penalty == "l1" else (0.0,) * STEPS_PLAIN
        held = hold_out(
            open_products(data, self.device), m, penalties, folds=self.folds, rounds=rounds, blocks=self.blocks
        )
        return self._result(held, m, rng)

    def _result(self, held: HeldOut, states: int, rng: np.random.Generator) -> FlipResult:
        n = held.parts.shape[1]
        sizes = np.diff(held.edges, axis=1)[:, 0].astype(np.float64)
        values, weights = held.parts.sum(axis=1), resample_weights(len(sizes), self.resamples, rng=rng)
        raw = block_estimate(
            values, sizes, weights, unit="nats/update", unit_of_time=1.0, level=self.level,
            method=f"held-out MaxEnt of all spins, {self.penalty} path, {len(sizes)} blocks, BCa",
        )  # fmt: skip
        null = round_flips(held, draws=self.draws, rng=rng)
        diagnostics = FlipDiagnostics(
            states, n, held.silent, held.flips, raw.value, held.train_value - raw.value, held.effective_sample_size,
            block_dependence(values / sizes), held.parameters, len(held.theta), len(sizes),
        )  # fmt: skip
        estimate = honest(replace(raw, n_unit="states"), null)
        return FlipResult(
            estimate, held.train_value, held.theta.mean(axis=0).astype(np.float64), held.silent, null, diagnostics,
            _warnings(diagnostics, null, self.level), values, sizes, held.parts, weights, held.theta,
            held.edges, held.round_of,
        )  # fmt: skip


def _warnings(found: FlipDiagnostics, null: SignFlips, level: float) -> tuple[str, ...]:
    out = []
    if found.silent:
        out.append(f"{found.silent} spins flip too seldom to be fitted and count as 0: record longer")
    if found.flips_per_spin < LEAST_FLIPS_A_SPIN * found.spins:
        out.append(
            f"{found.flips_per_spin:.0f} flips of a spin are few for {found.spins - 1} couplings: the bound hides much "
            "of the entropy production; record longer"
        )
    if found.effective_sample_size < FEW_EFFECTIVE:
        out.append(
            f"the exponential weights rest on {found.effective_sample_size:.0f} flips of a spin: the interval cannot "
            "be trusted; record longer"
        )
    if found.block_dependence > DEPENDENT:
        out.append(
            f"neighbouring blocks resemble each other (correlation {found.block_dependence:.2f}), so the interval is "
            "too narrow: use fewer blocks, or thin the states"
        )
    if not rejects(null, level):
        out.append(
            f"sign flips show as much irreversibility with p = {null.p_value:.2g}: do not quote the value as entropy "
            "production; this does not show reversibility either"
        )
    return tuple(out)
