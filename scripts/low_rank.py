"""What the trainings of both prompt readers share: low-rank changes of linear layers, their batches and their rate."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import nn

SCALE = 2.0


class LowRank(nn.Module):
    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Parameter(torch.randn(rank, base.in_features) * 0.02)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base(x) + SCALE * (x @ self.down.T) @ self.up.T


def let_learn(model: nn.Module, layers: Iterable[nn.Module], places: tuple[str, ...], rank: int) -> nn.Module:
    """Freeze a model and give the linear layers at `places` of some layers a change that learns."""
    model.requires_grad_(False)
    for layer in layers:
        for place in places:
            where, name = place.rsplit(".", 1)
            holder = layer.get_submodule(where)
            setattr(holder, name, LowRank(getattr(holder, name), rank))
    return model


def changes_of(
    layers: Iterable[nn.Module], places: tuple[str, ...], *, first: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the learnt changes by the name of the matrix; layers are numbered from `first`."""
    changes = {}
    for number, layer in enumerate(layers, first):
        for place in places:
            change = layer.get_submodule(place)
            down, up = change.down.detach().numpy().T, SCALE * change.up.detach().numpy().T
            changes[f"encoder.layer.{number}.{place}"] = (down.copy(), up.copy())
    return changes


def warmed_up(optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """Let the rate grow over a tenth of the steps, and fall to 0 at the last."""
    return torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda k: min(1.0, (k + 1) / (0.1 * steps)) * max(0.0, 1 - k / steps)
    )


def epoch_batches(lengths: np.ndarray, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the places of an epoch's batches, like lengths together, though not always the same."""
    order = np.argsort(lengths + rng.normal(0, 3, len(lengths)))
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    rng.shuffle(batches)
    yield from batches
