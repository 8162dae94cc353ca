"""Force fields that are small networks; trained with torch, evaluated by NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.currents.steps import Coordinates
from secondlaw.trajectories.parameters import Parameters

__all__ = ["Layers", "Network", "NetworkField", "inputs_of"]

Floats = NDArray[np.float64]
Layers = tuple[tuple[Floats, Floats], ...]


@dataclass(frozen=True, slots=True)
class Network(Parameters):
    """A network in place of a basis.

    Parameters
    ----------
    hidden : tuple of int
        Width of each hidden layer.
    steps : int
        Most steps of Adam.
    batch : int
        Rows of a batch.
    learning_rate : float
    patience : int
        Looks at the validation fold (one every 25 steps) without improvement after which training stops.
    device : str
        Of torch: ``"cpu"``, ``"cuda"``.

    Examples
    --------
    >>> Network(hidden=(16,)).hidden
    (16,)
    """

    hidden: tuple[int, ...] = (32, 32)
    steps: int = 1500
    batch: int = 4096
    learning_rate: float = 5e-3
    patience: int = 12
    device: str = "cpu"

    def __post_init__(self) -> None:
        whole = (*self.hidden, self.steps, self.batch, self.patience)
        if not self.hidden or min(whole) < 1 or not self.learning_rate > 0.0:
            raise InvalidInput(f"a network needs positive widths, steps, batch, patience and learning rate, got {self}")


@dataclass(frozen=True, slots=True)
class NetworkField:
    """Trained networks, their mean taken; standardised coordinates.

    Parameters
    ----------
    coordinates : Coordinates
    members : tuple of (layers, ndarray of shape (dim, dim))
        Weights and offsets of each layer; and the matrix that turns the output into a force.
    in_time : bool
    """

    coordinates: Coordinates
    members: tuple[tuple[Layers, Floats], ...]
    in_time: bool

    def __call__(self, z: Floats, times: Floats) -> Floats:
        """Return the field, shape (n, dim)."""
        inputs = inputs_of(self.coordinates, z, times, in_time=self.in_time)
        out = np.zeros_like(z)
        for layers, turn in self.members:
            here = inputs
            for number, (weight, offset) in enumerate(layers):
                here = here @ weight + offset
                if number < len(layers) - 1:
                    here = here / (1.0 + np.exp(-np.clip(here, -60.0, 60.0)))
            out += here @ turn.T
        return out / len(self.members)


def inputs_of(coordinates: Coordinates, z: Floats, times: Floats, *, in_time: bool) -> Floats:
    """Return features, and the time from -1 to 1 where fields depend on it."""
    features = coordinates.features(z)
    return np.column_stack([features, coordinates.clock(times)]) if in_time else features
