"""All spins of a kinetic Ising model in one run: ours beside one SciPy problem a spin and beside NEEP (torch).

    OMP_NUM_THREADS=1 python benchmarks/maxent.py                # N = 100, 100,000 states: some two minutes
    OMP_NUM_THREADS=1 python benchmarks/maxent.py --spins 1000   # some ten minutes
    OMP_NUM_THREADS=1 python benchmarks/maxent.py --dual         # also single fits of the dual, see below

Couplings as in arXiv 2505.10444 (degree 6, beta 1.3485), one sweep between states, 100 restarts. Shares are held-out
values over the instance's own ``sum_i f_i beta J_i . <g_i>``. CPU seconds of this process; peak memory so far.

- ours: one held-out fold of five, or all five in turn; a path of L1 penalties, or early stopping alone.
- a spin at a time: L-BFGS-B with the analytic gradient in float64, the iterate kept that does best on validation rows;
  the same rows as our one fold. Above 100 spins six of them, CPU seconds times N / 6; their share is of their own sum.
- NEEP: per flip, times the flips per attempt; so many rows that a whole cross-fit takes the CPU seconds named.

``--dual`` compares one fit of the dual of `MaxEnt` with SciPy's BFGS and L-BFGS-B and torch's LBFGS, and all fits of a
cross-fitted value at once with L-BFGS-B one by one.
"""

import argparse
import resource
import time

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from secondlaw.systems import CRITICAL, KineticIsing, random_couplings
from secondlaw.trajectories import CrossCorrelations, Flips, FlipsMaxEnt, Trajectories, Transitions
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


def line(name, share, low, high, seconds):
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    interval = f"[{low:.3f}, {high:.3f}]" if np.isfinite(low) else ""
    print(f"{name:42s} {share:7.3f} {interval:16s} {seconds:9.1f} {memory:8.2f}", flush=True)


def spin_at_a_time(sample, spins):
    """Return the held-out sum of some spins over what they should have, and their CPU seconds."""
    count = len(sample.states)
    bounds = np.linspace(0, count, 6).astype(int)
    found = 0.0

    def fit():
        nonlocal found
        for i in spins:
            moved = np.flatnonzero(sample.flips[:, i])
            s = sample.states[moved].astype(float)
            g = np.delete(-2.0 * s[:, [i]] * s, i, axis=1)
            test, judge, train = (g[(moved >= a) & (moved < b)] for a, b in
                                  ((0, bounds[1]), (bounds[1], bounds[2]), (bounds[2], count)))  # fmt: skip
            kept, best, since = np.zeros(g.shape[1]), 0.0, 0

            def look(theta, judge=judge):
                nonlocal kept, best, since
                value = -negative_dual(theta, judge, judge.mean(axis=0))[0]
                kept, best, since = (theta.copy(), value, 0) if value > best else (kept, best, since + 1)
                if since > 5:
                    raise StopIteration

            minimize(negative_dual, kept, (train, train.mean(axis=0)), "L-BFGS-B", jac=True, callback=look)
            found -= negative_dual(kept, test, test.mean(axis=0))[0] * len(test)

    seconds = timed(fit)[1]
    return found / bounds[1], seconds


def neep(sample, rng, seconds, epochs=12):
    """Return the held-out value per flip of a network that may take so many CPU seconds, and what it took."""
    from secondlaw.trajectories import NEEP

    rows, spins = np.nonzero(sample.flips)
    network, spent, count = NEEP(epochs=epochs, blocks=50, resamples=200, draws=99, hidden=(256, 256)), 0.0, 1500
    network_value = None
    while True:
        chosen = np.sort(rng.choice(len(rows), size=min(count, len(rows)), replace=False))
        before = sample.states[rows[chosen]].astype(float)
        after = before.copy()
        after[np.arange(len(chosen)), spins[chosen]] *= -1.0
        network_value, spent = timed(lambda a=before, b=after: network.fit(Transitions.of(a, b), rng=rng))
        if spent > 0.6 * seconds or count >= len(rows):
            return network_value.estimate, spent
        count = int(count * min(4.0, max(1.3, 0.95 * seconds / spent)))


def all_spins(spins, states, seconds, rng):
    model = KineticIsing(random_couplings(spins, rng=rng), beta=CRITICAL)
    sample = model.simulate(samples=states, rng=rng, runs=100)
    data, exact = Flips.of(sample.states, sample.flips), sample.entropy_production.value
    print(f"{spins} spins, {states:,} states, {sample.flips.mean():.2f} flips an attempt, {exact:.4f} nats an update")
    print(f"{'':42s} {'share':>7s} {'interval':16s} {'CPU-s':>9s} {'peak GiB':>8s}")
    for penalty, rounds in (("l1", 1), ("l1", 5), ("none", 1)):
        result, spent = timed(lambda p=penalty, r=rounds: FlipsMaxEnt(penalty=p, rounds=r).fit(data, rng=rng))
        e = result.estimate
        name = f"ours, {'L1 path' if penalty == 'l1' else 'early stopping'}, {rounds} of 5 folds held out"
        line(name, e.value / exact, e.low / exact, e.high / exact, spent)
    some = np.arange(spins) if spins <= 100 else rng.choice(spins, 6, replace=False)
    value, spent = spin_at_a_time(sample, some)
    own = -2.0 * (sample.flips * sample.states * model.local_fields(sample.states) * model.beta)[:, some].mean(axis=0)
    line("L-BFGS-B, a spin at a time, 1 fold", value / own.sum(), np.nan, np.nan, spent * spins / len(some))
    try:
        for budget in seconds:
            e, spent = neep(sample, rng, budget)
            scale = sample.flips.mean() / exact
            line(f"NEEP, budget of {budget:.0f} CPU-s", e.value * scale, e.low * scale, e.high * scale, spent)
    except ImportError:
        print("torch is not installed: NEEP is left out")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spins", type=int, default=100)
    parser.add_argument("--states", type=int, default=100_000)
    parser.add_argument("--neep", type=float, nargs="*", default=[3.0, 60.0], help="CPU seconds that NEEP may take")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dual", action="store_true")
    parser.add_argument("--rows", type=int, default=40_000, help="of --dual")
    parser.add_argument("--variables", type=int, default=16, help="of --dual")
    settings = parser.parse_args()
    generator = np.random.default_rng(settings.seed)
    all_spins(settings.spins, settings.states, settings.neep, generator)
    if settings.dual:
        one_fit(coupled_series(settings.rows, settings.variables, generator))
