r"""The neural estimator of entropy production (NEEP), on held-out rows.

Kim, Bae, Lee & Jeong, Phys. Rev. Lett. 125, 140604 (2020). A network h of a transition gives the score
:math:`s = h(x_0, x_1) - h(x_1, x_0)`, trained to minimise :math:`\langle e^{-s} - s\rangle`, whose minimum is at
:math:`s = \ln p(x_0, x_1) / p(x_1, x_0)`. Training stops by a validation fold; the value is that of
:mod:`secondlaw.trajectories.learned_scores`, on rows that neither has seen. Needs torch; runs on the CPU.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.containers import Trajectories, Transitions
from secondlaw.trajectories.learned_scores import LearnedScore, Score, fit_learned
from secondlaw.trajectories.reading.installed import required
from secondlaw.trajectories.results import EntropyProduction

__all__ = ["NEEP"]

Floats = NDArray[np.float64]

_MOST_STATES = 4096


@dataclass(frozen=True, slots=True)
class NEEP(LearnedScore):
    """Neural lower bound on entropy production, on held-out rows.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers.
    discrete : bool
        Whether variables are states 0, 1, ..., each with an embedding; else they are standardised numbers.
    embedding : int
        Numbers by which a state is represented.
    lag : int
    rate : float
        Learning rate of Adam.
    batch : int
    epochs : int
        Most passes through the training rows.
    patience : int
        Passes without progress on the validation fold after which training stops.
    folds, blocks : int
    level : float
    resamples, draws : int

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> steps = rng.choice([1, -1, 0], p=[0.5, 0.2, 0.3], size=4000)
    >>> data = Trajectories.of([np.cumsum(steps) % 3])
    >>> result = NEEP(discrete=True, hidden=(16,), epochs=25, rate=0.01).fit(data, rng=rng)  # exact: .27489
    >>> result.estimate.low > 0.15, result.bound
    (True, 'lower')
    """

    hidden: tuple[int, ...] = (64, 64)
    embedding: int = 8
    rate: float = 3e-3
    batch: int = 1024
    epochs: int = 60
    patience: int = 6

    def fit(self, data: Trajectories | Transitions, *, rng: np.random.Generator) -> EntropyProduction:
        """Train and judge.

        Parameters
        ----------
        data : Trajectories or Transitions
            Windows for processes with memory.
        rng : numpy.random.Generator
            Seeds weights and batches; the same seed on the same machine gives the same result.

        Raises
        ------
        InvalidInput
            If torch is not installed, or discrete states are no whole numbers from 0.
        NotEnoughData
            If transitions are too few.
        """
        required("torch", "NEEP", remedy="pip install 'secondlaw[torch]'")
        if not self.hidden or min(self.hidden) < 1 or min(self.epochs, self.batch, self.patience) < 1:
            raise InvalidInput(
                f"NEEP needs hidden layers, epochs, batch and patience of 1 or more, got {self.hidden}, {self.epochs}, "
                f"{self.batch}, {self.patience}"
            )
        pairs, states = self._prepared(data, _MOST_STATES)
        width = pairs.x0.shape[1]
        sizes = (2 * width * (self.embedding if states else 1), *self.hidden, 1)
        parameters = states * self.embedding + sum((a + 1) * b for a, b in itertools.pairwise(sizes))

        def learn(x0: Floats, x1: Floats, v0: Floats, v1: Floats, seed: int) -> Score:
            return _trained(self, states, sizes, (x0, x1), (v0, v1), seed)

        return fit_learned(pairs, learn, self, parameters=parameters, name="neural score", states=states, rng=rng)


@dataclass(frozen=True, slots=True)
class _Network:
    """The antisymmetric score of a trained network."""

    net: Any
    middle: Floats
    spread: Floats
    discrete: bool

    def __call__(self, x0: Floats, x1: Floats) -> Floats:
        import torch

        with torch.no_grad():
            out = self.net(*(self.tensor(x) for x in (x0, x1)))
        return np.asarray(out.double().numpy())

    def tensor(self, x: Floats) -> Any:  # noqa: ANN401 - a torch tensor
        import torch

        if self.discrete:
            return torch.as_tensor(x.astype(np.int64))
        return torch.as_tensor((x - self.middle) / self.spread, dtype=torch.float32)


def _trained(
    settings: NEEP,
    states: int,
    sizes: tuple[int, ...],
    train: tuple[Floats, Floats],
    judge: tuple[Floats, Floats],
    seed: int,
) -> _Network:
    import torch

    both = np.concatenate(train)
    spread = both.std(axis=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _antisymmetric(states, settings.embedding, sizes)
        score = _Network(net, both.mean(axis=0), np.where(spread > 0.0, spread, 1.0), states > 0)
        x0, x1 = (score.tensor(x) for x in train)
        v0, v1 = (score.tensor(x) for x in judge)
        optimiser = torch.optim.Adam(net.parameters(), lr=settings.rate)
        best, kept, since = 0.0, None, 0  # loss less 1; a score of 0 has 0
        for _ in range(settings.epochs):
            for rows in torch.split(torch.randperm(len(x0)), settings.batch):
                s = net(x0[rows], x1[rows])
                loss = (torch.expm1(-s) - s).mean()
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
                optimiser.step()
            with torch.no_grad():
                s = net(v0, v1).double()
                found = float((torch.expm1(-s) - s).mean())
            if found < best or kept is None:
                best, kept, since = found, {k: v.clone() for k, v in net.state_dict().items()}, 0
            else:
                since += 1
                if since >= settings.patience:
                    break
    if kept is not None:
        net.load_state_dict(kept)
    return score


def _antisymmetric(states: int, embedding: int, sizes: tuple[int, ...]) -> Any:  # noqa: ANN401 - a torch module
    import torch

    layers: list[Any] = []
    for a, b in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(a, b), torch.nn.SiLU()]

    class Antisymmetric(torch.nn.Module):  # type: ignore[misc,unused-ignore]
        """``h(x0, x1) - h(x1, x0)``."""

        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(states, embedding) if states else None
            self.body = torch.nn.Sequential(*layers[:-1])

        def forward(self, x0: Any, x1: Any) -> Any:  # noqa: ANN401
            """Return the score, shape (n,)."""
            if self.embed is not None:
                x0, x1 = self.embed(x0).flatten(1), self.embed(x1).flatten(1)
            ahead, back = torch.cat([x0, x1], dim=1), torch.cat([x1, x0], dim=1)
            return (self.body(ahead) - self.body(back))[:, 0]

    return Antisymmetric()
