"""Monitors beside river's detectors on identical streams: false alarms, delays and speed, in one run.

    python benchmarks/monitors.py [--runs 300] [--steps 1000] [--universal 60] [--quiet 0] [--seed 0]

Streams: p0 = (.90, .03, .04, .01, .02), S = .453 nats, k = 100 responses a step. The first 100 steps are the baseline.
Without drift `steps` more follow; with drift p0 is mixed with the uniform distribution so that S rises linearly from
step 101 on, or after `quiet` more steps. "Clustered" steps draw their shares from a Dirichlet distribution of
concentration 50 (design effect 2.9).

Conventions, printed with the table, since they move the numbers of detectors that learn as they go: every detector sees
the same streams from their first step; a delay counts the steps from the drift's first to the alarm's, both included;
alarms before the drift are left out of it; the CUSUM is two-sided, on the plug-in S. Page-Hinkley's and ADWIN's delays
depend on how much they saw before the drift: `--quiet 900` begins it after 1,000 steps instead of 100.

After a false alarm a detector begins anew with the same baseline (river's reset themselves). Rates come with the exact
95 % Poisson interval (as if alarms came independently; those of a run whose baseline was unlucky do not, hence the
count of runs with any), median delays with the 95 % interval of order statistics; runs that never alarm count as slower
than any. "over" marks a rate that is above alpha beyond its interval: the delays beside it are worth nothing. CUSUM and
river's detectors (at their defaults) promise nothing; they see S_t, or the mean surprisal under the baseline's shares,
which is what the betting monitor's first score sees. The universal-inference process is slow and runs on the first
`universal` streams only. Two detectors that cannot be had in practice, or should not, stand for comparison: the
categorical Shiryaev-Roberts e-detector with p0 known exactly, and with p0 estimated from the baseline and plugged in.

Needs river (`pip install "secondlaw[detectors]"`).
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import math
import time

import numpy as np
import river
from river.drift import ADWIN, PageHinkley
from scipy.stats import binom, chi2

from secondlaw.drift.monitors.betting import BettingMonitor
from secondlaw.drift.monitors.cusum import Cusum
from secondlaw.drift.monitors.paper_rule import PaperRule
from secondlaw.drift.monitors.replay import replay_betting
from secondlaw.drift.monitors.settings import BettingSettings
from secondlaw.drift.monitors.universal import UniversalMonitor
from secondlaw.statistics.closed_form import plug_in

P0 = np.array([0.90, 0.03, 0.04, 0.01, 0.02])
MISALIGNED = [False, True, False, True, False]
K, BASELINE, ALPHA = 100, 100, 1e-4
RATES = {0.001: 600, 0.005: 250, 0.013: 150}  # nats a step, and steps after which a run is given up
CONCENTRATION = 50.0
LIMIT = {False: "85/29/15", True: "121/41/22"}
LIMIT_BASELINE = {False: "100/31/16", True: "148/46/23"}


def drifting_shares(rate: float, steps: int) -> np.ndarray:
    """Shares (steps, K) on the way from p0 to uniform with S = S0 + rate * t, t = 1, 2, ..."""
    part = np.linspace(0.0, 1.0, 20001)
    path = (1.0 - part)[:, None] * P0 + part[:, None] / len(P0)
    entropy = -(path * np.log(path)).sum(axis=1)
    wanted = np.minimum(entropy[0] + rate * np.arange(1, steps + 1), entropy[-1])
    mixed = np.interp(wanted, entropy, part)[:, None]
    return (1.0 - mixed) * P0 + mixed / len(P0)


def draw(
    rate: float, steps: int, runs: int, clustered: bool, rng: np.random.Generator, *, quiet: int = 0
) -> np.ndarray:
    """Counts (runs, BASELINE + quiet + steps, K)."""
    after = drifting_shares(rate, steps) if rate else np.tile(P0, (steps, 1))
    shares = np.concatenate([np.tile(P0, (BASELINE + quiet, 1)), after])
    shares = np.broadcast_to(shares, (runs, *shares.shape))
    if clustered:
        own = rng.standard_gamma(CONCENTRATION * shares)
        shares = own / own.sum(axis=2, keepdims=True)
    return rng.multinomial(K, shares)


def from_monitor(make, counts: np.ndarray) -> list[np.ndarray]:
    """Alarm steps after the baseline, restarting after each."""
    found = []
    for run in counts:
        monitor, steps = make(), []
        for step, row in enumerate(run):
            if monitor.update(row).alarm:
                steps.append(step)
                monitor.restart()
        found.append(np.array([s for s in steps if s >= BASELINE], dtype=int))
    return found


def surprisal(counts: np.ndarray) -> np.ndarray:
    """Mean surprisal (runs, steps) of each step under the shares of the run's baseline."""
    base = counts[:, :BASELINE].sum(axis=1) + 0.5
    scores = -np.log(base / base.sum(axis=1, keepdims=True))
    return np.einsum("rtk,rk->rt", counts, scores) / counts.sum(axis=2)


def from_river(make, watched: np.ndarray) -> list[np.ndarray]:
    found = []
    for run in watched:
        detector, steps = make(), []
        for step, value in enumerate(run.tolist()):
            detector.update(value)
            if detector.drift_detected and step >= BASELINE:
                steps.append(step)
        found.append(np.array(steps, dtype=int))
    return found


def of_value(make, watched):
    def detect(counts: np.ndarray) -> list[np.ndarray]:
        return from_monitor(lambda: make(watches="value"), watched(counts))

    return detect


def betting(**changes):
    settings = BettingSettings.standard(MISALIGNED, alpha=ALPHA, baseline_steps=BASELINE, restarts=True, **changes)

    def detect(counts: np.ndarray) -> list[np.ndarray]:
        return [np.flatnonzero(row) for row in replay_betting(counts, settings).alarm]

    return detect


def categorical(known: bool):
    """Shiryaev-Roberts over responses, averaged over mixtures of p0 with the uniform distribution."""

    def detect(counts: np.ndarray) -> list[np.ndarray]:
        base = counts[:, :BASELINE].sum(axis=1) + 0.5
        p0 = np.broadcast_to(P0, base.shape) if known else base / base.sum(axis=1, keepdims=True)  # (runs, K)
        parts = np.array([0.02, 0.05, 0.1, 0.2, 0.4])[:, None, None]
        logs = np.log(((1.0 - parts) * p0 + parts / len(P0)) / p0)  # (alternative, runs, K)
        evidence = np.zeros(logs.shape[:2])
        alarms = [[] for _ in counts]
        for step in range(BASELINE, counts.shape[1]):
            gain = np.exp((logs * counts[:, step]).sum(axis=2))
            evidence = np.minimum((evidence + 1.0) * gain, 1e100)
            for run in np.flatnonzero(evidence.mean(axis=0) >= 1.0 / ALPHA):
                alarms[run].append(step)
                evidence[:, run] = 0.0
        return [np.array(steps, dtype=int) for steps in alarms]

    return detect


def universal(streams: int, **changes):
    def detect(counts: np.ndarray) -> list[np.ndarray]:
        # The first run's budget of 1 / alpha, so that all detectors have the same threshold.
        return from_monitor(lambda: UniversalMonitor(alpha=2.0 * ALPHA, **changes), counts[:streams])

    return detect


def detectors(universal_streams: int) -> dict:
    return {
        "paper rule *": of_value(PaperRule, plug_in),
        "CUSUM k=.5 h=10 on S *": of_value(Cusum, plug_in),
        "CUSUM k=.5 h=10 on surprisal *": of_value(Cusum, surprisal),
        "river Page-Hinkley on S *": lambda counts: from_river(PageHinkley, plug_in(counts)),
        "river Page-Hinkley on surprisal *": lambda counts: from_river(PageHinkley, surprisal(counts)),
        "river ADWIN .002 on S *": lambda counts: from_river(ADWIN, plug_in(counts)),
        "river ADWIN .002 on surprisal *": lambda counts: from_river(ADWIN, surprisal(counts)),
        "categorical e-SR, p0 known +": categorical(True),
        "categorical e-SR, p0 plugged in *": categorical(False),
        "universal inference +": universal(universal_streams),
        "betting e-SR, all scores": betting(),
        "betting e-process, all scores": betting(promise="e-process"),
        "betting e-SR + .05 nats": betting(tolerance={"surprisal": 0.05}),
    }


def rate_words(alarms: int, steps: int) -> str:
    """Alarms in 10,000 steps with their interval, and whether they are more than alpha allows."""
    low = chi2.ppf(0.025, 2 * alarms) / 2 if alarms else 0.0
    high = chi2.ppf(0.975, 2 * alarms + 2) / 2
    rate, low, high = (value * 1e4 / steps for value in (alarms, low, high))
    words = f"{rate:.0f} [{low:.0f}-{high:.0f}]" if rate >= 100 else f"{rate:.2f} [{low:.2f}-{high:.2f}]"
    return f"{words} over" if low > ALPHA * 1e4 else f"{words}     "


def delay_words(found: list[np.ndarray], begin: int, limit: int) -> str:
    late = [one[one >= begin] for one in found]
    delays = np.sort([one[0] - begin + 1 if len(one) else math.inf for one in late])
    n = len(delays)
    low, high = int(binom.ppf(0.025, n, 0.5)), int(binom.isf(0.025, n, 0.5))
    middle = (delays[(n - 1) // 2] + delays[n // 2]) / 2
    if low < 1 or high >= n:
        raise SystemExit(f"a median of {n} runs has no 95 % interval: 6 or more are needed")
    words = [f">{limit}" if math.isinf(value) else f"{value:.0f}" for value in (middle, delays[low - 1], delays[high])]
    return f"{words[0]} [{words[1]}-{words[2]}]"


def table(clustered: bool, options: argparse.Namespace) -> None:
    rng = np.random.default_rng([options.seed, int(clustered)])
    still = draw(0.0, options.steps, options.runs, clustered, rng)
    moving = {
        rate: draw(rate, steps, options.runs, clustered, rng, quiet=options.quiet) for rate, steps in RATES.items()
    }
    begin = BASELINE + options.quiet
    kind = "clustered (Dirichlet-multinomial, 50)" if clustered else "independent"
    print(f"\n{kind}: {options.runs} runs, {options.steps} steps without drift each, alpha = {ALPHA:g}")
    print(f"drift begins after {begin} steps, all seen by every detector; CUSUM is two-sided, on the plug-in S")
    print(
        f"{'detector':33} {'false alarms / 10k steps':>25} {'in runs':>8}  median delay at "
        + ", ".join(map(str, RATES))
        + " nats/step"
    )
    for name, detect in detectors(options.universal).items():
        quiet = detect(still)
        rate = rate_words(sum(map(len, quiet)), len(quiet) * options.steps)
        delays = [delay_words(detect(counts), begin, RATES[r]) for r, counts in moving.items()]
        runs = f"{sum(len(one) > 0 for one in quiet)}/{len(quiet)}"
        print(f"{name:33} {rate:>25} {runs:>8}  " + "  ".join(f"{words:>15}" for words in delays), flush=True)
    print("* promises nothing   + promise holds for independent responses only   over: above alpha beyond its interval")
    print(
        f"{'limit, all known / 100-step base':33} {'':>25} {'':>8}  {LIMIT[clustered]} / {LIMIT_BASELINE[clustered]}"
        " steps for any detector of S at an average run length of 1e4 (approximation)"
    )


def best_seconds(work, rounds: int = 3) -> float:
    """Least processor time of some rounds: what else runs on the machine does not count."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def speeds(seed: int) -> None:
    rng = np.random.default_rng([seed, 2])
    counts = draw(0.0, 3000 - BASELINE, 1, False, rng)[0]
    many = draw(0.0, 900, 512, False, rng)
    labels = rng.choice(len(P0), size=100_000, p=P0)
    values = (-np.log(P0))[labels].tolist()
    settings = BettingSettings.standard(MISALIGNED, alpha=ALPHA, baseline_steps=BASELINE)
    rows = list(counts)

    def through(make):
        def work() -> None:
            monitor = make()
            for row in rows:
                monitor.update(row)

        return work

    def events(make):
        def work() -> None:
            detector = make()
            for value in values:
                detector.update(value)

        return work

    def of_steps(make):
        def work() -> None:
            detector = make()
            for value in plug_in(counts).tolist():
                detector.update(value)

        return work

    print(f"\nspeed on one core (processor time, best of 3), k = {K} responses a step")
    for name, make in {
        "betting, all scores, update": lambda: BettingMonitor(settings),
        "CUSUM, update from counts": Cusum,
        "paper rule, update from counts": PaperRule,
        "universal inference, update": UniversalMonitor,
    }.items():
        per_second = len(rows) / best_seconds(through(make))
        print(f"{name:32} {per_second:10.3g} steps/s {per_second * K:10.3g} events/s")
    replayed = many.sum() / best_seconds(lambda: replay_betting(many, settings))
    print(f"{'betting, all scores, replay':32} {replayed / K:10.3g} steps/s {replayed:10.3g} events/s")
    for name, make in {"Page-Hinkley": PageHinkley, "ADWIN": ADWIN}.items():
        one = len(values) / best_seconds(events(make))
        step = len(rows) / best_seconds(of_steps(make))
        print(f"{'river ' + name + ', an event at a time':32} {'':>18} {one:10.3g} events/s")
        print(f"{'river ' + name + ', S_t from counts':32} {step:10.3g} steps/s {step * K:10.3g} events/s")
        print(f"{'':32} replay handles {replayed / one:.0f} times as many events a second as {name} does one at a time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--steps", type=int, default=1000, help="monitored steps of a run without drift")
    parser.add_argument("--universal", type=int, default=60, help="runs of the universal-inference process")
    parser.add_argument("--quiet", type=int, default=0, help="steps without drift between baseline and drift")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=["table", "speed"])
    options = parser.parse_args()
    print(f"river {river.__version__}, NumPy {np.__version__}, one thread")
    if options.only != "speed":
        for clustered in (False, True):
            table(clustered, options)
    if options.only != "table":
        speeds(options.seed)


if __name__ == "__main__":
    main()
