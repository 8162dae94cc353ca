"""Speed of the entropy estimators on a million count vectors, each beside a named peer in the same run.

Run: OMP_NUM_THREADS=1 python benchmarks/entropy_estimators.py
Peers: scipy.stats.entropy for the plug-in; for others infomeasure if installed (one vector per call, timed on few
vectors and scaled; its Grassberger is the older one of 1988).
"""

import time

import numpy as np

from secondlaw.statistics import (
    chao_shen,
    dirichlet,
    grassberger,
    jackknife,
    james_stein,
    miller_madow,
    nsb,
    plug_in,
)

VECTORS = 1_000_000
SHARES = (0.90, 0.03, 0.04, 0.01, 0.02)
TARGET_SECONDS = 1.0
OURS = {
    "plug-in": plug_in,
    "miller-madow": miller_madow,
    "grassberger": grassberger,
    "chao-shen": chao_shen,
    "james-stein": james_stein,
    "jackknife": jackknife,
    "dirichlet": dirichlet,
}
PEER_NAMES = {"miller-madow": "mm", "chao-shen": "cs", "james-stein": "js", "grassberger": "grassberger", "nsb": "nsb"}


def best(function, *arguments, rounds: int = 3) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def peer_seconds(counts: np.ndarray) -> dict[str, tuple[str, float]]:
    from scipy.stats import entropy

    seconds = {"plug-in": ("scipy.stats.entropy", best(lambda: entropy(counts, axis=1), rounds=1))}
    import warnings

    warnings.simplefilter("ignore", RuntimeWarning)  # the peer overflows in its NSB
    try:
        import infomeasure
    except ImportError:
        print("infomeasure is not installed: its rows are left out")
        return seconds
    data = [np.repeat(np.arange(5), row) for row in counts[:200]]
    for name, approach in PEER_NAMES.items():
        some = data[:10] if name == "nsb" else data
        spent = best(lambda some=some, a=approach: [infomeasure.entropy(d, approach=a) for d in some], rounds=1)
        seconds[name] = ("infomeasure, per vector", spent / len(some) * len(counts))
    return seconds


def main() -> None:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(100, SHARES, size=VECTORS)
    plug_in(counts[:10])
    ours = {name: best(function, counts) for name, function in OURS.items()}
    total = sum(ours.values())
    ours["nsb"] = best(nsb, counts, rounds=1)
    peers = peer_seconds(counts)
    print(f"{VECTORS:,} vectors x {counts.shape[1]} categories, 100 responses each")
    for name, seconds in ours.items():
        line = f"{name:13s} {seconds:8.3f} s"
        if name in peers:
            line += f"   {peers[name][0]}: {peers[name][1]:10.2f} s   {peers[name][1] / seconds:10.0f} x"
        print(line)
    print(f"all but NSB   {total:8.3f} s   target {TARGET_SECONDS} s: {'met' if total < TARGET_SECONDS else 'MISSED'}")


if __name__ == "__main__":
    main()
