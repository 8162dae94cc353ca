"""Detectors of the threshold study: each takes counts (runs, steps, category) and says where it alarms, begun anew
after every alarm.

The betting monitor goes through the product's own replay, the universal-inference process through its monitor. CUSUM,
the published rule and river's two see S_t or the misaligned share of the step; CUSUM and the rule are written here for
many runs at a time (tests compare them with the product's monitors).
"""

from collections.abc import Callable

import numpy as np
from river.drift import ADWIN, PageHinkley
from threshold_streams import BASELINE, CATEGORIES, MISALIGNED

from secondlaw.drift.monitors import (
    BettingSettings,
    Score,
    UniversalMonitor,
    misaligned_score,
    replay_betting,
    surprisal_score,
)
from secondlaw.statistics.closed_form import plug_in

Detect = Callable[[np.ndarray], np.ndarray]
ALPHA = 1e-4
FLAGS = [place in MISALIGNED for place in range(CATEGORIES)]
THRESHOLDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65,
              0.7, 0.75, 0.8, 0.9, 1.0, 1.2)  # fmt: skip
UNIVERSAL_RUNS = 60
SHARES = {"misaligned": 0.02}
"""A tolerance of two points for every share that is watched: the categories have the misaligned share's."""


def misaligned(counts: np.ndarray) -> np.ndarray:
    """Return the misaligned share of every step."""
    return counts[..., MISALIGNED].sum(axis=-1) / counts.sum(axis=-1)


def betting(settings: BettingSettings) -> Detect:
    return lambda counts: replay_betting(counts, settings).alarm


def standard(**changes) -> Detect:
    known = {"alpha": ALPHA, "restarts": True, "baseline_steps": BASELINE, **changes}
    return betting(BettingSettings.standard(FLAGS, **known))


def of_scores(*scores: Score) -> Detect:
    return betting(BettingSettings(scores, alpha=ALPHA, restarts=True, baseline_steps=BASELINE))


def universal(counts: np.ndarray) -> np.ndarray:
    """Run the monitor on the first streams only: it is slow."""
    alarms = np.zeros(counts[:UNIVERSAL_RUNS].shape[:2], dtype=bool)
    for run, rows in enumerate(counts[:UNIVERSAL_RUNS]):
        monitor = UniversalMonitor(alpha=2.0 * ALPHA, baseline_steps=BASELINE)  # the first run's budget is half of it
        for step, row in enumerate(rows):
            if monitor.update(row).alarm:
                alarms[run, step] = True
                monitor.restart()
    return alarms


def cusum(of: Callable[[np.ndarray], np.ndarray], *, allowance: float = 0.5, interval: float = 10.0) -> Detect:
    def detect(counts: np.ndarray) -> np.ndarray:
        values = of(counts)
        base = values[:, :BASELINE]
        spread = np.maximum(base.std(axis=1, ddof=1, keepdims=True), 1e-12)
        z = (values - base.mean(axis=1, keepdims=True)) / spread
        up, down = np.zeros(len(z)), np.zeros(len(z))
        alarms = np.zeros(z.shape, dtype=bool)
        for step in range(BASELINE, z.shape[1]):
            up = np.maximum(0.0, up + z[:, step] - allowance)
            down = np.maximum(0.0, down - z[:, step] - allowance)
            alarms[:, step] = fired = np.maximum(up, down) > interval
            up[fired] = down[fired] = 0.0
        return alarms

    return detect


def of_river(make: Callable[[], object], of: Callable[[np.ndarray], np.ndarray]) -> Detect:
    def detect(counts: np.ndarray) -> np.ndarray:
        values = of(counts)
        alarms = np.zeros(values.shape, dtype=bool)
        for run, row in enumerate(values.tolist()):
            detector = make()
            for step, value in enumerate(row):
                detector.update(value)
                alarms[run, step] = detector.drift_detected
        alarms[:, :BASELINE] = False
        return alarms

    return detect


def fixed_rule(threshold: float) -> Detect:
    """The published rule: an alarm whenever S moved by more than the threshold since the step before."""

    def detect(counts: np.ndarray) -> np.ndarray:
        entropy = plug_in(counts)
        alarms = np.zeros(entropy.shape, dtype=bool)
        alarms[:, 1:] = np.abs(np.diff(entropy, axis=1)) > threshold
        alarms[:, :BASELINE] = False
        return alarms

    return detect


def detectors() -> dict[str, Detect]:
    """Return the detectors of the tables, by name."""
    rise, share = surprisal_score(), misaligned_score(FLAGS)
    g2, g4 = (Score(f"g{place + 1}", tuple(np.eye(CATEGORIES)[place])) for place in MISALIGNED)
    return {
        "betting e-SR, 1e-4": standard(),
        "betting e-SR, 1e-3": standard(alpha=1e-3),
        "betting e-process, 1e-2": standard(promise="e-process", alpha=1e-2),
        "betting, tolerance .02 of share": standard(tolerance=SHARES),
        "betting, tolerance .02 and .05 nats": standard(tolerance={**SHARES, "surprisal": 0.05}),
        "betting, surprisal alone": of_scores(rise),
        "betting, misaligned alone": of_scores(share),
        "betting, surprisal falling": of_scores(rise.mirror()),
        "betting, misaligned falling": of_scores(share.mirror()),
        "betting, g2 and g4 apart": of_scores(g2, g4),
        "universal inference, 1e-4": universal,
        "CUSUM on S": cusum(plug_in),
        "CUSUM on misaligned share": cusum(misaligned),
        "ADWIN (river) on S": of_river(ADWIN, plug_in),
        "ADWIN (river) on misaligned share": of_river(ADWIN, misaligned),
        "Page-Hinkley (river) on S": of_river(PageHinkley, plug_in),
        "Page-Hinkley, threshold 1, on share": of_river(lambda: PageHinkley(threshold=1.0), misaligned),
        "|S_t - S_(t-1)| > .001 (published)": fixed_rule(0.001),
    }
