r"""The equation of arXiv:2511.10704 as printed, with every reading of its parameters as an option.

.. math:: \frac{dS}{dt} = \sigma - \gamma, \qquad
          \sigma = \frac{\eta \lambda_{max}}{2} \mathrm{Tr}\,\Sigma + \eta D_{KL}(p_{proxy} \| p_{true})

in nats per step, one step being one update of the optimiser. The paper prints :math:`\sigma_\epsilon^2 = 0.01`,
:math:`N = 7 \cdot 10^9`, :math:`\lambda_{max} = 1.2`, :math:`\eta = 10^{-4}`, :math:`S_0 = 0.32` and 10,000 steps, but
neither the trace, nor the divergence, nor the noise of S itself. S is a plain number here: nothing bounds it by the
entropy of any distribution, which is why the goal models of this room exist beside it.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.arguments import counted, finite, positive, rate

__all__ = ["PublishedDynamics", "Terms", "critical_work"]

Floats = NDArray[np.float64]


class Terms(StrEnum):
    """Which sources of entropy act."""

    NEITHER = "neither"
    NOISE = "noise"
    GAMING = "gaming"
    BOTH = "both"


def critical_work(*, largest_eigenvalue: float, parameters: float) -> float:
    r"""Return the paper's :math:`\gamma_{crit} = (\lambda_{max} / 2) \ln N`.

    Examples
    --------
    >>> round(critical_work(largest_eigenvalue=1.2, parameters=7e9), 4)
    13.6015
    """
    return positive(largest_eigenvalue, "largest_eigenvalue") / 2.0 * float(np.log(positive(parameters, "parameters")))


@dataclass(frozen=True, slots=True)
class PublishedDynamics:
    """One reading of the published equation.

    Parameters
    ----------
    noise_trace : float
        Tr Sigma. ``PublishedDynamics.stated()`` reads the printed variance as the trace (.01),
        ``.per_parameter()`` multiplies it by N, ``.fitted()`` uses the values that reproduce the printed figures.
    divergence : float
        KL divergence of the proxy from the intended goals, nats.
    spread : float
        Standard deviation of a Gaussian number added to S at every step, nats.
    learning_rate, largest_eigenvalue, parameters : float
    start : float
        S at step 0, nats.
    clipped : bool
        Whether S is set to 0 where it would fall below. The paper's .00 +- .00 needs it.
    scaled_work : bool
        False: gamma is taken from S at every step as it is, as the printed .00 needs. True: times the learning rate,
        as both terms of sigma are.

    Examples
    --------
    >>> reading = PublishedDynamics.fitted()
    >>> [round(reading.expected(10_000, terms=terms), 3) for terms in ("both", "noise", "gaming")]
    [1.69, 0.92, 1.09]
    >>> bool((reading.bounded().simulate(steps=99, trials=20, work=20.4, rng=np.random.default_rng(0)) == 0).all())
    True
    """

    noise_trace: float
    divergence: float = 0.0
    spread: float = 0.0
    learning_rate: float = 1e-4
    largest_eigenvalue: float = 1.2
    parameters: float = 7e9
    start: float = 0.32
    clipped: bool = True
    scaled_work: bool = False

    def __post_init__(self) -> None:
        for name in ("noise_trace", "divergence", "spread", "start"):
            rate(getattr(self, name), name)
        for name in ("learning_rate", "largest_eigenvalue", "parameters"):
            positive(getattr(self, name), name)

    @classmethod
    def stated(cls, *, divergence: float = 0.0, spread: float = 0.0) -> "PublishedDynamics":
        """Read the printed variance .01 as the trace: S goes from .320 to .326."""
        return cls(noise_trace=0.01, divergence=divergence, spread=spread)

    @classmethod
    def per_parameter(cls, *, divergence: float = 0.0, spread: float = 0.0) -> "PublishedDynamics":
        """Read the printed variance as that of each of the N parameters: S grows by 4,200 nats a step."""
        return cls(noise_trace=0.01 * 7e9, divergence=divergence, spread=spread)

    @classmethod
    def fitted(cls) -> "PublishedDynamics":
        """Return values chosen by us so that the printed 1.69 +- 1.08 comes out; no paper states them."""
        return cls(noise_trace=1.0, divergence=0.77, spread=0.0108, clipped=False)

    @property
    def critical_work(self) -> float:
        """The paper's critical alignment work, with its own choice of unit."""
        return critical_work(largest_eigenvalue=self.largest_eigenvalue, parameters=self.parameters)

    def production(self, terms: Terms | str = Terms.BOTH) -> float:
        """Return sigma, nats per step."""
        acting = Terms(terms)
        noise = self.learning_rate * self.largest_eigenvalue / 2.0 * self.noise_trace
        gaming = self.learning_rate * self.divergence
        return noise * (acting in (Terms.NOISE, Terms.BOTH)) + gaming * (acting in (Terms.GAMING, Terms.BOTH))

    def change(self, terms: Terms | str, work: float) -> float:
        """Return dS/dt = sigma - gamma, nats per step."""
        return self.production(terms) - finite(work, "work") * (self.learning_rate if self.scaled_work else 1.0)

    def expected(self, steps: int, *, terms: Terms | str = Terms.BOTH, work: float = 0.0) -> float:
        """Return the mean of S after `steps` where nothing is clipped, nats."""
        return self.start + counted(steps, "steps") * self.change(terms, work)

    def simulate(
        self,
        *,
        steps: int,
        trials: int,
        rng: np.random.Generator,
        terms: Terms | str = Terms.BOTH,
        work: float = 0.0,
    ) -> Floats:
        """Return S at the end of every trial, nats.

        Parameters
        ----------
        steps, trials : int
        rng : numpy.random.Generator
        terms : Terms or str
            ``"neither"``, ``"noise"``, ``"gaming"`` or ``"both"``.
        work : float
            gamma, nats per step (times the learning rate where `scaled_work`).

        Returns
        -------
        numpy.ndarray, shape (trials,)
        """
        return self.paths(steps=steps, trials=trials, rng=rng, terms=terms, work=work)[:, -1]

    def paths(
        self,
        *,
        steps: int,
        trials: int,
        rng: np.random.Generator,
        terms: Terms | str = Terms.BOTH,
        work: float = 0.0,
    ) -> Floats:
        """Return S after 0, 1, ..., `steps` steps of every trial, shape (trials, steps + 1), nats."""
        shape = counted(trials, "trials"), counted(steps, "steps")
        moves = np.full(shape, self.change(terms, work))
        if self.spread > 0.0:
            moves += self.spread * rng.standard_normal(shape)
        free = np.concatenate([np.full((trials, 1), self.start), self.start + np.cumsum(moves, axis=1)], axis=1)
        if not self.clipped:
            return free
        # A walk held at 0 is the free walk lifted by its deepest fall so far (Skorokhod).
        return free - np.minimum(np.minimum.accumulate(free, axis=1), 0.0)

    def bounded(self) -> "PublishedDynamics":
        """Return the same reading with S held at 0 or above."""
        return replace(self, clipped=True)
