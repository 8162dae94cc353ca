"""What an inferred entropy production says, in sentences that text and page share."""

from secondlaw.reports.words import count, level, number, p_value, reading
from secondlaw.trajectories import Flips
from secondlaw.trajectories.diagnostics import Contribution
from secondlaw.trajectories.inference_results import Inference

__all__ = ["NOTHING", "data_words", "headline", "largest", "null_words", "train_words"]

NOTHING = "no irreversibility is shown; this does not show reversibility"


def headline(found: Inference) -> str:
    """Return the number with its interval in one line.

    The value of a lower bound is shown as such; where its interval begins at 0 that is said too.
    """
    estimate = found.estimate
    kind = "a lower bound, held-out" if found.result.bound == "lower" else "an estimate"
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
    return (
        f"the fit claims {number(shown)} on its own data, {number(gap)} more than held-out data support; quote the "
        "held-out value"
    )


def data_words(found: Inference) -> str:
    """Return what was read."""
    data = found.recording.data
    if isinstance(data, Flips):
        states, spins = data.spins.shape
        return f"{count(states, 'states')} of {count(spins, 'spins')}, with a trial flip of each"
    steps = sum(len(one) for one in data.series)
    kind = {"states": f"{len(found.recording.states)} states", "binary": "two values each"}.get(
        found.recording.kind, "continuous"
    )
    time = f"{data.dt:.6g} units of time a step" if data.dt is not None else "no time step given: values are per step"
    many = "1 trajectory" if len(data.series) == 1 else count(len(data.series), "trajectories")
    return f"{many}, {count(steps, 'steps')} in all, {count(data.dim, 'variables')} ({kind}); {time}"


def largest(parts: tuple[Contribution, ...], most: int) -> tuple[Contribution, ...]:
    """Return the largest contributions, whatever their sign, the largest first."""
    return tuple(sorted(parts, key=lambda one: -abs(one.estimate.value))[:most])
