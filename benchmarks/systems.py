"""Speed of the simulators, each beside a named peer in the same run.

Run: OMP_NUM_THREADS=1 python benchmarks/systems.py
Peers: quantecon (pip install quantecon) for Markov chains, sdeint (pip install sdeint) for Langevin dynamics where they
are installed, and the plain loop in NumPy that one would write first. Slow peers are timed on fewer
steps and scaled; compilation is left out on both sides.
"""

import time

import numpy as np

from secondlaw.systems import (
    JumpProcess,
    KineticIsing,
    MarkovChain,
    QuarticGyrator,
    bead_spring_chain,
    random_couplings,
)

STATES, CHAIN_POINTS = 20, 2_000_000
LINEAR_POINTS = 500_000


def seconds(call, rounds: int = 3) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def show(name: str, ours: float, peers: dict[str, float], unit: str) -> None:
    print(f"{name:34s} {ours * 1e9:8.1f} ns/{unit}")
    for peer, spent in peers.items():
        print(f"  {peer:32s} {spent * 1e9:8.1f} ns/{unit} {spent / ours:8.1f} x")


def chains() -> None:
    rng = np.random.default_rng(0)
    weights = rng.random((STATES, STATES))
    chain = MarkovChain(weights / weights.sum(axis=1, keepdims=True))
    chain.simulate(points=10, rng=rng)
    ours = seconds(lambda: chain.simulate(points=CHAIN_POINTS, rng=rng)) / CHAIN_POINTS

    def plain(points: int) -> None:
        state = 0
        for _ in range(points):
            state = rng.choice(STATES, p=chain.transition[state])

    peers = {"NumPy loop over rng.choice": seconds(lambda: plain(5000), 1) / 5000}
    try:
        from quantecon import MarkovChain as Peer
    except ImportError:
        print("quantecon is not installed: its row is left out")
    else:
        peer = Peer(chain.transition)
        peer.simulate(10)
        peers["quantecon MarkovChain.simulate"] = seconds(lambda: peer.simulate(CHAIN_POINTS)) / CHAIN_POINTS
    show(f"Markov chain, {STATES} states", ours, peers, "step")


def jumps() -> None:
    rng = np.random.default_rng(0)
    process = JumpProcess(rng.random((STATES, STATES)))
    duration = 500_000 / float(process.flows().sum())
    process.simulate(duration=1.0, rng=rng)
    ours = seconds(lambda: process.simulate(duration=duration, rng=rng)) / 500_000
    shares = process.jump_chain().transition
    waits = process.mean_waits()

    def plain(points: int) -> None:
        state, now = 0, 0.0
        for _ in range(points):
            now += rng.exponential(waits[state])
            state = rng.choice(STATES, p=shares[state])

    show(
        f"jump process, {STATES} states",
        ours,
        {"NumPy loop (Gillespie)": seconds(lambda: plain(5000), 1) / 5000},
        "jump",
    )


def linear() -> None:
    rng = np.random.default_rng(0)
    system = bead_spring_chain(5)
    system.simulate(points=10, dt=0.01, rng=rng)
    ours = seconds(lambda: system.simulate(points=LINEAR_POINTS, dt=0.01, rng=rng)) / LINEAR_POINTS
    noise = np.sqrt(2.0 * 0.01 * np.diag(system.diffusion))

    def plain(points: int) -> None:
        x = np.zeros(5)
        for _ in range(points):
            x = x + system.drift @ x * 0.01 + noise * rng.standard_normal(5)

    peers = {"NumPy loop, Euler (O(dt) error)": seconds(lambda: plain(20_000), 1) / 20_000}
    try:
        import sdeint
    except Exception as error:  # an old package that newer NumPy may break
        print(f"sdeint is left out: {error}")
    else:
        root = np.sqrt(2.0 * system.diffusion)
        times = np.linspace(0.0, 20.0, 2001)
        spent = seconds(lambda: sdeint.itoint(lambda x, t: system.drift @ x, lambda x, t: root, np.zeros(5), times), 1)
        peers["sdeint.itoint"] = spent / 2000
    show("linear Langevin, 5 beads, exact", ours, peers, "step")


def ising() -> None:
    for spins, samples in ((100, 100_000), (1000, 10_000)):
        rng = np.random.default_rng(0)
        model = KineticIsing(random_couplings(spins, rng=rng))
        model.simulate(samples=2, warm_up=0, rng=rng)
        attempts = 2 * spins * samples  # each state: N updates and N trial flips
        ours = seconds(lambda: model.simulate(samples=samples, warm_up=0, rng=rng), 1) / attempts  # noqa: B023
        dense = model.couplings.toarray()

        def plain(updates: int) -> None:
            state = rng.choice([-1.0, 1.0], spins)  # noqa: B023
            for _ in range(updates):
                spin = rng.integers(spins)  # noqa: B023
                up = rng.random() < 0.5 * (1.0 + np.tanh(model.beta * (dense[spin] @ state)))  # noqa: B023
                state[spin] = 1.0 if up else -1.0

        peers = {"NumPy loop, dense row": seconds(lambda: plain(50_000), 1) / 50_000}
        show(f"kinetic Ising, N = {spins}, M = {samples:,}", ours, peers, "attempt")
        print(f"  {ours * attempts:.2f} s in all; {model.simulate(samples=2000, rng=rng).entropy_production}")


def reference() -> None:
    for cells in (72, 144):
        start = time.perf_counter()
        found = QuarticGyrator().entropy_production_rate(cells=cells)
        spent = time.perf_counter() - start
        print(f"quartic gyrator, {cells} cells: {found.value:.8f} +- {found.error:.0e}, {spent:.2f} s")


def main() -> None:
    chains()
    jumps()
    linear()
    ising()
    reference()


if __name__ == "__main__":
    main()
