r"""Model A: goals that diffuse under a mis-specified reward and alignment work, with an exact stationary law.

Logits z over G goals (summing to zero), p = softmax(z), proxy goals q, intended goals p*:

.. math:: dz = [\kappa (q - p) + \gamma (p^* - p)]\,dt + \sqrt{2D}\,dW

with the noise projected on sum zero. The force is the gradient of a potential, and the stationary law of p is the
Dirichlet distribution with :math:`\alpha = (\kappa q + \gamma p^*)/D`:

.. math:: E[S] = \psi(A+1) - \sum_i \frac{\alpha_i}{A} \psi(\alpha_i + 1), \qquad A = \sum_i \alpha_i

It is smooth in gamma: there is no critical alignment work. A potential flow at rest produces no entropy, so "the second
law" is the relaxation alone: from the stationary law of one setting to that of another the total entropy production is
the Kullback-Leibler divergence of the first from the second, nats.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.arguments import distribution, positive, rate, unwritable
from secondlaw.alignment.goal_entropy import shannon
from secondlaw.errors import InvalidInput

__all__ = ["GoalDiffusion"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GoalDiffusion:
    """The stationary law of goals under gaming, alignment work and noise.

    Parameters
    ----------
    proxy, intended : array_like, shape (goals,)
        Distributions over goals that the reward favors, and that were meant.
    gaming : float
        kappa, the rate at which the proxy pulls, per unit of time.
    work : float
        gamma, the rate at which alignment pulls, per unit of time.
    diffusion : float
        D, of the logits, per unit of time.

    Examples
    --------
    >>> proxy, intended = [0.4, 0.3, 0.1, 0.1, 0.05, 0.05], [0.05, 0.75, 0.05, 0.05, 0.05, 0.05]
    >>> models = [GoalDiffusion(proxy, intended, gaming=0.5, work=work, diffusion=0.05) for work in (0, 1, 10)]
    >>> [round(model.mean_entropy(), 4) for model in models]
    [1.2843, 1.1893, 1.0081]
    """

    proxy: Floats
    intended: Floats
    gaming: float
    work: float
    diffusion: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "proxy", distribution(self.proxy, "proxy"))
        object.__setattr__(self, "intended", distribution(self.intended, "intended"))
        if self.proxy.shape != self.intended.shape:
            raise InvalidInput(f"proxy has {self.proxy.size} goals and intended {self.intended.size}: give the same")
        rate(self.gaming, "gaming")
        rate(self.work, "work")
        positive(self.diffusion, "diffusion")

    @property
    def goals(self) -> int:
        """Number of goals."""
        return self.proxy.size

    def concentration(self) -> Floats:
        """Return alpha of the stationary Dirichlet law, shape (goals,).

        Raises
        ------
        InvalidInput
            If a goal is pulled towards by nothing: it then has no stationary law.
        """
        alpha = (self.gaming * self.proxy + self.work * self.intended) / self.diffusion
        if (alpha <= 0.0).any():
            raise InvalidInput(
                f"goal {int(np.argmin(alpha)) + 1} of {alpha.size} is favored by neither proxy nor intended goals, so "
                "there is no stationary law: give it a positive share"
            )
        return unwritable(alpha)

    def mean_shares(self) -> Floats:
        """Return E[p], shape (goals,)."""
        alpha = self.concentration()
        return np.asarray(alpha / alpha.sum())

    def mean_entropy(self) -> float:
        """Return E[S(p)], nats."""
        from scipy.special import digamma

        alpha = self.concentration()
        total = alpha.sum()
        return float(digamma(total + 1.0) - (alpha / total * digamma(alpha + 1.0)).sum())

    def entropy_of_mean(self) -> float:
        """Return S(E[p]), nats."""
        return float(shannon(self.mean_shares()))

    def divergence_from(self, target: Floats) -> float:
        """Return E[KL(target || p)], nats: how far agents are from `target` on average."""
        from scipy.special import digamma

        goals = distribution(target, "target")
        alpha = self.concentration()
        filled = goals > 0.0
        own = (goals[filled] * np.log(goals[filled])).sum()
        return float(own - (goals * (digamma(alpha) - digamma(alpha.sum()))).sum())

    def relaxation_production(self, after: "GoalDiffusion") -> float:
        """Return the entropy production of going from this stationary law to that of `after`, nats.

        The setting changes at once (a quench) and the agents relax: the total production is the divergence of the
        first law from the second. It is 0 for no change and positive for any.

        Examples
        --------
        >>> goals = dict(proxy=[0.6, 0.4], intended=[0.2, 0.8], gaming=0.5, diffusion=0.1)
        >>> round(GoalDiffusion(**goals, work=0.0).relaxation_production(GoalDiffusion(**goals, work=1.0)), 4)
        3.1069
        """
        from scipy.special import digamma, gammaln

        before, later = self.concentration(), after.concentration()
        if before.size != later.size:
            raise InvalidInput(f"the settings have {before.size} and {later.size} goals: give the same")
        total = gammaln(before.sum()) - gammaln(later.sum()) - (gammaln(before) - gammaln(later)).sum()
        return float(total + ((before - later) * (digamma(before) - digamma(before.sum()))).sum())

    def mixing_time(self) -> float:
        """Return a burn-in after which a simulation forgets its start: 5 D / min(kappa q + gamma p*)^2."""
        return float(5.0 * self.diffusion / (self.concentration().min() * self.diffusion) ** 2)

    def draw(self, agents: int, *, rng: np.random.Generator) -> Floats:
        """Draw goal distributions from the stationary law, shape (agents, goals)."""
        return rng.dirichlet(self.concentration(), size=agents)
