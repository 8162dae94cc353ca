"""What an inferred entropy production says, in sentences that text and page share."""

from secondlaw.reports.words import count, level, number, p_value, reading
from secondlaw.trajectories import Flips, JumpRecords
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.inference_results import Inference
from secondlaw.types import Estimate, Insufficient

__all__ = [
    "NOTHING",
    "check_words",
    "data_words",
    "headline",
    "largest",
    "limit_words",
    "null_words",
    "parts_of",
    "train_words",
]

NOT_HELD_OUT = ("plug-in", "linear-model", "jumps", "waiting-times")
"""Estimators whose value is not judged on held-out rows, but freed of its bias."""

NOTHING = "no irreversibility is shown; this does not show reversibility"


def headline(found: Inference) -> str:
    """Return the number with its interval in one line.

    The value of a lower bound is shown as such; where its interval begins at 0 that is said too.
    """
    estimate = found.estimate
    held = "" if found.estimator in NOT_HELD_OUT else ", held-out"
    kind = f"a lower bound{held}" if found.result.bound == "lower" else "an estimate"
    said = f"{reading(estimate)}, {kind}, {level(estimate.level)} interval"
    return f"{said}: {NOTHING}" if not estimate.low > 0.0 else said


def null_words(found: Inference) -> str:
    """Return what the test of symmetry says."""
    null = found.result.null
    if null is None:
        return "no test of symmetry belongs to this estimator; the interval alone says how sure it is"
    return (
        f"sign flips: {p_value(null.p_value)}, the chance of as much in data that look the same reversed "
        f"({null.draws:,} random flips of {null.blocks:,} blocks)"
    )


def train_words(found: Inference) -> str:
    """Return what the fit claims for itself, and by how much that exceeds what held-out rows support."""
    claimed, held = found.result.train_value, found.estimate
    shown = type(held)(claimed, claimed, claimed, held.level, held.n, held.unit, "")
    gap = type(held)(*(claimed - held.value,) * 3, held.level, held.n, held.unit, "")
    if found.estimator in NOT_HELD_OUT:
        return f"before it was extrapolated or its bias removed the value was {number(shown)}"
    return (
        f"the fit claims {number(shown)} on its own data, {number(gap)} more than held-out data support; quote the "
        "held-out value"
    )


def limit_words(found: Inference) -> list[str]:
    """Return what values tend to: as the step gets shorter, as the memory taken into account grows."""
    out = []
    for what, limit in (
        ("without the term of first order in dt", found.extrapolated),
        ("as memory grows without end", found.in_memory),
    ):
        if isinstance(limit, Estimate):
            out.append(f"{what}: {reading(limit)}, extrapolated; no bound")
        elif limit is not None:
            out.append(f"{what}: {limit}")
    return out


def check_words(found: Inference) -> list[str]:
    """Return what the tests of the assumptions say."""
    if found.checks is None:
        return []
    drift, memory = found.checks.stationarity, found.checks.memory
    out = []
    if isinstance(drift, Insufficient):
        out.append(f"stationarity: {drift}")
    else:
        verdict = "no drift is seen" if drift.p_value > 0.05 else f"most of all the mean of {drift.largest} moves"
        out.append(f"stationarity: {p_value(drift.p_value)}, {verdict} ({drift.units} stretches or trajectories)")
    if isinstance(memory, Insufficient):
        out.append(f"memory beyond the last state: {memory}")
    else:
        verdict = (
            "something hidden moves" if memory.hidden else "none is seen, which does not show that nothing is hidden"
        )
        out.append(f"memory beyond the last state: {reading(memory.gain)}; {verdict}")
    return out


def data_words(found: Inference) -> str:
    """Return what was read."""
    data = found.recording.data
    if isinstance(data, Flips):
        states, spins = data.spins.shape
        return f"{count(states, 'states')} of {count(spins, 'spins')}, with a trial flip of each"
    if isinstance(data, JumpRecords):
        many = "1 trajectory" if len(data.states) == 1 else count(len(data.states), "trajectories")
        return (
            f"{many}, {count(data.jumps, 'jumps')} between {len(found.recording.states)} states in "
            f"{data.duration:.6g} units of time"
        )
    steps = sum(len(one) for one in data.series)
    kind = {"states": f"{len(found.recording.states)} states", "binary": "two values each"}.get(
        found.recording.kind, "continuous"
    )
    time = f"{data.dt:.6g} units of time a step" if data.dt is not None else "no time step given: values are per step"
    many = "1 trajectory" if len(data.series) == 1 else count(len(data.series), "trajectories")
    return f"{many}, {count(steps, 'steps')} in all, {count(data.dim, 'variables')} ({kind}); {time}"


def parts_of(found: Inference) -> list[tuple[str, tuple[Contribution, ...] | Insufficient]]:
    """Return what the value is divided among, by the name of a part; once where parts are the variables."""
    if found.variables == found.result.contributions:
        return [("variable", found.variables)]
    return [("variable", found.variables), ("observable", found.result.contributions)]


def largest(parts: tuple[Contribution, ...], most: int) -> tuple[Contribution, ...]:
    """Return the largest contributions, whatever their sign, the largest first."""
    return tuple(sorted(parts, key=lambda one: -abs(one.estimate.value))[:most])
