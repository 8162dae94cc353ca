"""The MaxEnt dual and all-spins solver beside scipy.optimize and, if installed, torch, in one run.

    OMP_NUM_THREADS=1 python benchmarks/maxent.py [--rows 40000] [--variables 16] [--spins 60]

1. One fit of the same dual on the same rows: our preconditioned Barzilai-Borwein; SciPy's BFGS and L-BFGS-B with the
   analytic gradient in plain NumPy; torch's LBFGS in float64 with autograd. Objectives reached stand beside times.
2. All fits of a cross-fitted value at once (10 pairs of folds x 6 ridges + 7) beside L-BFGS-B,
   one by one.
3. All spins of a kinetic Ising model: batched, beside one L-BFGS-B problem a spin (train rows only, no validation).

CPU seconds of this process; nothing is asserted.
"""

import argparse
import time

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from secondlaw.trajectories import CrossCorrelations, Flips, FlipsMaxEnt, Trajectories
from secondlaw.trajectories.cross_fitting import cross_fit
from secondlaw.trajectories.dual import evaluate
from secondlaw.trajectories.layout import lay_out
from secondlaw.trajectories.rows import Rows
from secondlaw.trajectories.solver import RIDGES, maximise, metric_of


def timed(function):
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


def coupled_series(rows, variables, rng):
    pull = rng.normal(size=(variables, variables)) * 0.05 / np.sqrt(variables) + 0.3 * np.eye(variables)
    x = np.zeros((rows + 1, variables))
    for t in range(rows):
        x[t + 1] = pull @ x[t] + rng.normal(size=variables)
    return Trajectories.of([x])


def negative_dual(theta, g, mean):
    work = -(g @ theta)
    norm = logsumexp(work)
    return norm - np.log(len(g)) - theta @ mean, -(g.T @ np.exp(work - norm)) - mean


def torch_lbfgs(g):
    import torch

    table = torch.from_numpy(g)
    theta = torch.zeros(g.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([theta], max_iter=200, line_search_fn="strong_wolfe", tolerance_grad=1e-6)

    def closure():
        optimiser.zero_grad()
        loss = torch.logsumexp(-(table @ theta), 0) - np.log(len(g)) - theta @ table.mean(0)
        loss.backward()
        return loss

    optimiser.step(closure)
    return -float(closure().detach())


def one_fit(data):
    rows = Rows(lay_out(data.transitions(), blocks=100, folds=5), CrossCorrelations(data.variables))
    g = rows.observables.values(rows.layout.x0, rows.layout.x1) / rows.scale
    mean, start = g.mean(axis=0), np.zeros(rows.size)
    everything = np.ones((1, 5), dtype=bool)
    theta, seconds = timed(lambda: maximise(rows, metric_of(rows), everything, np.zeros(1), "exponential"))
    print(f"rows {rows.layout.n:,}, observables {rows.size}")
    print(f"  ours             {evaluate(rows, theta, everything, 'exponential')[0][0]:.6f} nats  {seconds:7.2f} CPU-s")
    for method in ("BFGS", "L-BFGS-B"):
        peer, spent = timed(lambda m=method: minimize(negative_dual, start, (g, mean), m, jac=True))
        print(f"  scipy {method:10s} {-peer.fun:.6f} nats  {spent:7.2f} CPU-s  ({spent / seconds:.1f} x ours)")
    try:
        value, spent = timed(lambda: torch_lbfgs(g))
        print(f"  torch LBFGS      {value:.6f} nats  {spent:7.2f} CPU-s  ({spent / seconds:.1f} x ours)")
    except ImportError:
        print("  torch is not installed: its row is left out")
    _, seconds = timed(lambda: cross_fit(rows, metric_of(rows), "exponential"))
    fits = 10 * len(RIDGES) + 7
    _, spent = timed(lambda: minimize(negative_dual, start, (g[: 3 * len(g) // 5], mean), "L-BFGS-B", jac=True))
    print(f"  {fits} fits of cross-fitting: {seconds:.2f} CPU-s in one batch; L-BFGS-B one by one, {fits * spent:.1f}")


def all_spins(spins, states, rng):
    from secondlaw.systems.kinetic_ising import CRITICAL, KineticIsing, random_couplings

    sample = KineticIsing(random_couplings(spins, rng=rng), beta=CRITICAL).simulate(samples=states, rng=rng)
    data, exact = Flips.of(sample.states, sample.flips), sample.entropy_production.value
    print(f"spins {spins}, states {states:,}, exact {exact:.4f} nats an update")
    for penalty in ("l1", "none"):
        result, seconds = timed(lambda p=penalty: FlipsMaxEnt(penalty=p, rounds=1).fit(data, rng=rng))
        print(f"  ours, {penalty:4s}       {result.estimate.value / exact:.3f} of it held out  {seconds:7.2f} CPU-s")

    def naive():
        total, held = 0.0, states // 5
        for i in range(spins):
            moved = np.flatnonzero(sample.flips[:, i])
            s = sample.states[moved].astype(float)
            g = np.delete(-2.0 * s[:, [i]] * s, i, axis=1)
            train, test = g[moved >= held], g[moved < held]
            theta = minimize(negative_dual, np.zeros(spins - 1), (train, train.mean(axis=0)), "L-BFGS-B", jac=True).x
            total -= negative_dual(theta, test, test.mean(axis=0))[0] * len(test)
        return total / held / spins

    value, seconds = timed(naive)
    print(f"  L-BFGS-B a spin  {value / exact:.3f} of it held out  {seconds:7.2f} CPU-s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--variables", type=int, default=16)
    parser.add_argument("--spins", type=int, default=60)
    parser.add_argument("--states", type=int, default=30_000)
    settings = parser.parse_args()
    generator = np.random.default_rng(0)
    one_fit(coupled_series(settings.rows, settings.variables, generator))
    all_spins(settings.spins, settings.states, generator)
