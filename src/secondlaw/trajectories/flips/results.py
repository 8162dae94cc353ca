"""The entropy production of single-spin flips: value, null, what each spin and each pair adds."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.block_estimates import block_estimate
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.flips.rows import Flips
from secondlaw.trajectories.null import SignFlips
from secondlaw.trajectories.results import EntropyProduction
from secondlaw.types import Estimate

__all__ = ["FlipDiagnostics", "FlipResult", "PairAsymmetry"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FlipDiagnostics:
    """What says how far the number can be trusted.

    Parameters
    ----------
    states, spins, silent : int
        Rows; spins; spins without enough flips to fit.
    flips_per_spin : float
        Mean number of flips of a spin in the rows of a fit; fewer than 10 N leave much of the value hidden.
    held_out_value : float
        Before it is clipped at 0.
    gap : float
        `train_value` less the held-out value.
    effective_sample_size : float
        ``(sum w)^2 / sum w^2`` of the exponential weights of a spin's held-out flips: median over the fitted spins.
    block_dependence : float
        Correlation of neighbouring blocks.
    parameters : float
        Couplings other than 0, for each fitted spin.
    rounds, blocks : int
    """

    states: int
    spins: int
    silent: int
    flips_per_spin: float
    held_out_value: float
    gap: float
    effective_sample_size: float
    block_dependence: float
    parameters: float
    rounds: int
    blocks: int


@dataclass(frozen=True, slots=True)
class PairAsymmetry:
    """How unequally two spins act on each other, and what follows from it.

    Parameters
    ----------
    one, other : int
        Places of the spins, `one` below `other`.
    onto_one, onto_other : float
        theta of the flips of `one` with the state of `other`, and the reverse.
    estimate : Estimate
        What both parameters add to the mean of ``theta . g`` over held-out flips, which in a steady state is
        ``(onto_one - onto_other)`` times a current, with its paired interval. Parts of all pairs add up to that mean.
    """

    one: int
    other: int
    onto_one: float
    onto_other: float
    estimate: Estimate

    @property
    def difference(self) -> float:
        """``theta_ij - theta_ji``: 0 in equilibrium."""
        return self.onto_one - self.onto_other


@dataclass(frozen=True, slots=True)
class FlipResult:
    """Entropy production of single-spin flips.

    Parameters
    ----------
    estimate : Estimate
        Held-out bound per attempted single-spin update, with its block-bootstrap interval.
    train_value : float
        What the fits claim on their own rows; never quote it.
    couplings : ndarray, shape (N, N)
        Mean theta of the rounds, row i from the flips of spin i: ``beta J_ij`` less a symmetric part, so that
        ``couplings - couplings.T`` estimates ``beta (J_ij - J_ji)``.
    silent : int
        Spins without enough flips to fit: they count as 0.
    null : SignFlips, optional
        Held-out blocks against random signs, each round by itself; twice the mean p-value, which is valid however the
        rounds depend on each other.
    diagnostics : FlipDiagnostics, optional
    warnings : tuple of str
        Each names its remedy.
    block_values, block_sizes : ndarray, shape (B,)
        Sum over held-out rows, and their number, of each block.
    block_parts : ndarray, shape (B, N)
        The same for each spin.
    weights : ndarray, shape (resamples, B)
        The resampled blocks.
    round_couplings : ndarray of float32, shape (rounds, N, N)
    block_edges, block_rounds : ndarray
        Rows at which blocks begin and end, shape (B, 2), and the round in which each was held out, shape (B,).
    unit_of_time : float
        Updates, or units of time, that a row of one attempt for each spin stands for, divided by N.
    """

    estimate: Estimate
    train_value: float
    couplings: Floats
    silent: int
    null: SignFlips | None = None
    diagnostics: FlipDiagnostics | None = None
    warnings: tuple[str, ...] = ()
    block_values: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    block_sizes: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    block_parts: Floats = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    weights: Floats = field(default_factory=lambda: np.empty((0, 0)), repr=False)
    round_couplings: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, 0, 0), dtype=np.float32), repr=False
    )
    block_edges: Integers = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64), repr=False)
    block_rounds: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64), repr=False)
    unit_of_time: float = field(default=1.0, repr=False)

    def spin_contributions(self, names: tuple[str, ...] | None = None) -> tuple[Contribution, ...]:
        """Divide the held-out value, before it is clipped at 0, among the spins, with paired intervals.

        They add up exactly. Only the sum compares with the entropy production: what single spins show also holds
        changes of the system's own entropy, which cancel in the sum.

        Parameters
        ----------
        names : tuple of str, optional
            ``spin 0``, ``spin 1``, ... if None.
        """
        names = tuple(f"spin {i}" for i in range(len(self.couplings))) if names is None else names
        return tuple(
            Contribution(name, 1, self._part(sums)) for name, sums in zip(names, self.block_parts.T, strict=True)
        )

    def pair_asymmetries(self, data: Flips, *, most: int = 100) -> tuple[PairAsymmetry, ...]:
        """Return the pairs with the largest ``|theta_ij - theta_ji|``, and what they add on held-out rows.

        Parameters
        ----------
        data : Flips
            The data that were fitted.
        most : int
            How many pairs.

        Raises
        ------
        InvalidInput
            If the data are others than those of the fit.
        """
        if data.spins.shape[1] != len(self.couplings) or len(data.spins) < int(self.block_edges.max(initial=0)):
            raise InvalidInput("pairs are judged on the held-out rows of the fit: give the data that were fitted")
        size = len(self.couplings)
        i, j = np.triu_indices(size, 1)
        order = np.argsort(-np.abs(self.couplings[i, j] - self.couplings[j, i]), kind="stable")[:most]
        out = []
        for a, b in zip(i[order].tolist(), j[order].tolist(), strict=True):
            aligned = data.spins[:, a] * data.spins[:, b]
            moved = [-2.0 * np.where(data.flipped[:, k], aligned, 0) for k in (a, b)]
            sums = np.array([
                float(self.round_couplings[r, a, b]) * moved[0][start:stop].sum()
                + float(self.round_couplings[r, b, a]) * moved[1][start:stop].sum()
                for (start, stop), r in zip(self.block_edges, self.block_rounds, strict=True)
            ])  # fmt: skip
            out.append(
                PairAsymmetry(a, b, float(self.couplings[a, b]), float(self.couplings[b, a]), self._part(sums / size))
            )
        return tuple(out)

    def common(self, names: tuple[str, ...] | None = None) -> EntropyProduction:
        """Return the result as that of every other estimator, with the spins as contributions.

        Parameters
        ----------
        names : tuple of str, optional
            Of the spins.
        """
        return EntropyProduction(
            estimate=self.estimate,
            bound="lower",
            covers="the MaxEnt bound of single-spin flips at the fitted couplings, a lower bound on entropy production",
            train_value=self.train_value,
            null=self.null,
            diagnostics=self.diagnostics,
            warnings=self.warnings,
            contributions=self.spin_contributions(names),
            block_values=self.block_values,
            block_sizes=self.block_sizes,
            weights=self.weights,
            unit_of_time=self.unit_of_time,
        )

    def rescaled(self, factor: float, unit: str) -> "FlipResult":
        """Return the result in another unit: all numbers times `factor`.

        Parameters
        ----------
        factor : float
            For example N, for a step that tries one spin where a row stands for a try of every spin.
        unit : str
        """
        if not factor > 0.0:
            raise InvalidInput(f"a unit is larger or smaller by a factor above 0, got {factor}")
        one = self.estimate
        estimate = replace(
            one, value=one.value * factor, low=one.low * factor, high=one.high * factor, unit=unit
        )  # fmt: skip
        null = None if self.null is None else replace(self.null, null_mean=self.null.null_mean * factor)
        diagnostics = self.diagnostics
        if diagnostics is not None:
            diagnostics = replace(
                diagnostics, held_out_value=diagnostics.held_out_value * factor, gap=diagnostics.gap * factor
            )
        return replace(
            self, estimate=estimate, train_value=self.train_value * factor, null=null, diagnostics=diagnostics,
            unit_of_time=self.unit_of_time / factor,
        )  # fmt: skip

    def _part(self, sums: Floats) -> Estimate:
        return block_estimate(
            sums, self.block_sizes, self.weights, unit=self.estimate.unit, unit_of_time=self.unit_of_time,
            level=self.estimate.level, method="part of a held-out value, paired block bootstrap",
        )  # fmt: skip
