"""Small processes with exact entropy production, written here so that tests do not lean on the package's simulators."""

import numpy as np
from scipy.linalg import expm, solve_continuous_lyapunov

CYCLE = 0.3 * np.log(2.5)  # nats a step: forward .5, backward .2


def driven_cycle(steps, rng, *, forward=0.5, backward=0.2):
    moves = rng.choice([1, -1, 0], p=[forward, backward, 1.0 - forward - backward], size=steps)
    return (np.cumsum(moves) % 3).astype(float)


def reversible_noise(steps, dim, rng, *, memory=0.7):
    """Independent first-order autoregressions: time-reversible, autocorrelated."""
    x = np.empty((steps, dim))
    x[0] = rng.normal(size=dim) / np.sqrt(1 - memory**2)
    noise = rng.normal(size=(steps, dim))
    for t in range(1, steps):
        x[t] = memory * x[t - 1] + noise[t]
    return x


def metropolis_chain(steps, weights, rng):
    """Reversible discrete chain on the states of `weights`."""
    states, k = np.empty(steps), 0
    proposals, dice = rng.integers(0, len(weights), size=steps), rng.random(steps)
    for t in range(steps):
        if dice[t] * weights[k] < weights[proposals[t]]:
            k = proposals[t]
        states[t] = k
    return states


def linear_langevin(drift, noise, dt, runs, steps, rng):
    """Exact samples of dx = A x dt + sqrt(2 D) dW in the steady state, shape (runs, steps, dim)."""
    covariance = solve_continuous_lyapunov(drift, -2.0 * noise)
    step = expm(drift * dt)
    root = np.linalg.cholesky(covariance - step @ covariance @ step.T)
    x = np.empty((runs, steps, len(drift)))
    x[:, 0] = rng.multivariate_normal(np.zeros(len(drift)), covariance, size=runs)
    for t in range(1, steps):
        x[:, t] = x[:, t - 1] @ step.T + rng.normal(size=(runs, len(drift))) @ root.T
    return x


def bead_spring(beads):
    drift = -2.0 * np.eye(beads) + np.eye(beads, k=1) + np.eye(beads, k=-1)
    return drift, np.diag(np.linspace(1.0, 10.0, beads))


def glauber_flips(couplings, beta, chains, snapshots, rng, *, warm_up=60):
    """States of random-sequential Glauber chains, one trial flip a spin in each; shapes (chains x snapshots, N)."""
    n = len(couplings)
    s = rng.choice([-1, 1], size=(chains, n))
    rows, states, flips = np.arange(chains), [], []
    for sweep in range(warm_up + 5 * snapshots):
        for _ in range(n):
            i = rng.integers(0, n, size=chains)
            field = np.einsum("cn,cn->c", couplings[i], s)
            s[rows, i] = np.where(rng.random(chains) < (1 + np.tanh(beta * field)) / 2, 1, -1)
        if sweep >= warm_up and (sweep - warm_up) % 5 == 0:
            field = s @ couplings.T
            states.append(s.copy())
            flips.append(rng.random(s.shape) < (1 - s * np.tanh(beta * field)) / 2)
    return np.concatenate(states), np.concatenate(flips)
