"""Spins of known entropy production."""

import numpy as np
import pytest
from known_processes import glauber_flips

from secondlaw.trajectories import Flips


def couplings_of(rng, n=12, k=4):
    j = rng.normal(size=(n, n)) / np.sqrt(k) * (rng.random((n, n)) < k / (n - 1))
    np.fill_diagonal(j, 0.0)
    return j


@pytest.fixture(scope="session")
def driven():
    """Couplings, flips, and the mean over all flips of ``beta h . g``, in nats an attempted update."""
    rng = np.random.default_rng(0)
    j = couplings_of(rng)
    states, flips = glauber_flips(j, 1.0, 500, 40, rng)
    fields = states @ j.T
    chance = (1 - states * np.tanh(fields)) / 2
    return j, Flips.of(states, flips), (chance * (-2.0 * states * fields)).mean()


@pytest.fixture(scope="session")
def driven_fit(driven):
    from secondlaw.trajectories import FlipsMaxEnt

    return FlipsMaxEnt().fit(driven[1], rng=np.random.default_rng(0))
