"""The inner loops of the kinetic Ising model: Glauber updates on a sparse network, recording, and trial flips.

The network of incoming couplings is in compressed rows (`starts`, `sources`, `weights`); `weights` and `fields` hold
twice the inverse temperature, so that a spin becomes +1 with probability ``1 / (1 + exp(-local))``.
"""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["parallel_run", "sequential_run"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Spins = NDArray[np.int8]

# The exponential must not overflow; beyond it a chance is 0 to all digits.
STEEPEST = 700.0


def sequential_run(
    spins: Spins,
    starts: Integers,
    sources: Integers,
    weights: Floats,
    fields: Floats,
    warm_up: int,
    gap: int,
    states: Spins,
    flips: NDArray[np.bool_],
    produced: Floats,
    rng: np.random.Generator,
) -> None:
    """Update random spins one by one; after each `gap` record the state, a trial flip per spin, and their mean cost."""
    size = len(spins)
    for sample in range(len(states)):
        for _ in range(gap + warm_up if sample == 0 else gap):
            draw = rng.random() * size  # one draw chooses the spin and, with its fraction, the outcome
            spin = int(draw)
            local = fields[spin]
            for entry in range(starts[spin], starts[spin + 1]):
                local += weights[entry] * spins[sources[entry]]
            spins[spin] = 1 if (draw - spin) * (1.0 + math.exp(min(-local, STEEPEST))) < 1.0 else -1
        cost = 0.0
        for spin in range(size):
            local = fields[spin]
            for entry in range(starts[spin], starts[spin + 1]):
                local += weights[entry] * spins[sources[entry]]
            against = -local * spins[spin]  # ln p(flip) - ln p(flip back)
            chance = 1.0 / (1.0 + math.exp(min(-against, STEEPEST)))
            states[sample, spin] = spins[spin]
            flips[sample, spin] = rng.random() < chance
            cost += chance * against
        produced[sample] = cost / size


def parallel_run(
    spins: Spins,
    starts: Integers,
    sources: Integers,
    weights: Floats,
    fields: Floats,
    warm_up: int,
    states: Spins,
    rng: np.random.Generator,
) -> None:
    """Update all spins at once from the state before, and record each state after `warm_up` of these sweeps."""
    before = spins.copy()
    for sweep in range(warm_up + len(states)):
        if sweep >= warm_up:
            states[sweep - warm_up, :] = spins
        before[:] = spins
        for spin in range(len(spins)):
            local = fields[spin]
            for entry in range(starts[spin], starts[spin + 1]):
                local += weights[entry] * before[sources[entry]]
            spins[spin] = 1 if rng.random() * (1.0 + math.exp(min(-local, STEEPEST))) < 1.0 else -1
