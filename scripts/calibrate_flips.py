"""Measures how often the bound of single-spin flips errs, on spins whose entropy production is known by enumeration.

Run: python scripts/calibrate_flips.py [--runs 200] (about a minute at 200 runs; numba speeds it up)
     python scripts/calibrate_flips.py --reversible --rounds 1 --runs 3000 (some four minutes)

Symmetric couplings are in equilibrium: the lower end may exceed 0 in at most 2.5 % of runs; beside it stands the upper
end of a one-sided 95 % interval for that share. Asymmetric couplings have an exact value: the lower end may exceed it
in at most 2.5 %, and the value, of which the observables show only a part, should lie below it on average. p <= .025
counts sign-flip tests that reject.
"""

import argparse

import numpy as np
from scipy.stats import beta

from secondlaw.systems import KineticIsing, random_couplings, sequential_chain
from secondlaw.trajectories import Flips, FlipsMaxEnt

SETTINGS = (
    # spins, states, thinning in sweeps, penalty, rounds
    (4, 1500, 2, "l1", None),
    (8, 2000, 2, "l1", None),
    (8, 2000, 2, "none", None),
    (10, 20000, 1, "l1", None),
    (40, 2000, 2, "l1", None),
    (3, 1000, 2, "l1", 1),
    (4, 1500, 2, "l1", 1),
    (8, 2000, 2, "l1", 1),
    (8, 20000, 1, "l1", 1),
    (10, 5000, 1, "l1", 1),
    (40, 2000, 2, "l1", 1),
    (8, 5000, 0.25, "l1", 1),  # neighbouring states share three quarters of the spins or more
)


def one(spins, states, thinning, penalty, rounds, *, symmetric, seed):
    rng = np.random.default_rng([seed, spins, states, symmetric])
    model = KineticIsing(random_couplings(spins, rng=rng, degree=min(4, spins - 1), symmetric=symmetric), beta=0.8)
    sample = model.simulate(samples=states, rng=rng, thinning=int(thinning * spins), warm_up=60, runs=20)
    fit = FlipsMaxEnt(penalty=penalty, rounds=rounds, resamples=500, draws=999)
    found = fit.fit(Flips.of(sample.states, sample.flips), rng=rng)
    exact = 0.0 if symmetric else sample.entropy_production.value
    if not symmetric and spins <= 8:
        exact = sequential_chain(model).entropy_production_rate()
    return found, exact


def main(runs, rounds, reversible):
    said = "spins states sweeps penalty rounds | reversible: low > 0, at most, p <= .025 |"
    print(said + ("" if reversible else " asymmetric: low > exact, value / exact, low > 0"))
    for spins, states, thinning, penalty, taken in SETTINGS:
        if rounds is not None and taken != rounds:
            continue
        said = f"{spins:5d} {states:6d} {thinning:6g} {penalty:7s} {taken or 'all'!s:6s} |"
        for symmetric in (True,) if reversible else (True, False):
            pairs = [
                one(spins, states, thinning, penalty, taken, symmetric=symmetric, seed=seed) for seed in range(runs)
            ]
            low = np.array([found.estimate.low for found, _ in pairs])
            exact = np.array([truth for _, truth in pairs])
            if symmetric:
                p, hits = np.mean([found.null.p_value <= 0.025 for found, _ in pairs]), int((low > 0).sum())
                most = beta.ppf(0.95, hits + 1, runs - hits)
                said += f" {hits / runs:19.4f} {most:8.4f} {p:9.4f} |"
            else:
                value = np.array([found.estimate.value for found, _ in pairs])
                said += f" {np.mean(low > exact):12.3f} {value.sum() / exact.sum():16.3f} {np.mean(low > 0):12.3f}"
        print(said, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--rounds", type=int, help="only the settings with so many rounds")
    parser.add_argument("--reversible", action="store_true", help="leave out asymmetric couplings")
    main(**vars(parser.parse_args()))
