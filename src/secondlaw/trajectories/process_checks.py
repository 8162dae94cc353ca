"""Do the assumptions hold? Tests of stationarity and of memory for any recording, and the warnings that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.trajectories.cautions import DIFFERS
from secondlaw.trajectories.containers import Trajectories
from secondlaw.trajectories.discrete.markov_diagnostics import REMEMBER
from secondlaw.trajectories.discrete.memory import MemoryTest, memory_test
from secondlaw.trajectories.reading.recordings import Recording
from secondlaw.trajectories.stationarity import StationarityTest, stationarity_test
from secondlaw.types import Insufficient

__all__ = ["ProcessChecks", "check_process"]

_SURE = 0.01  # p-value of drift below which a warning is given: 1 in 100 stationary recordings has one
_MOST_NUMBERS = 1 << 26  # that a test lays out at once: 512 MiB
_MOST_JOINT = 64  # joint states of binary variables up to which their memory is counted


@dataclass(frozen=True, slots=True)
class ProcessChecks:
    """Outcome of :func:`check_process`.

    Parameters
    ----------
    stationarity : StationarityTest or Insufficient
    memory : MemoryTest or Insufficient
    """

    stationarity: StationarityTest | Insufficient
    memory: MemoryTest | Insufficient

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        drift, memory = self.stationarity, self.memory
        return {
            "stationarity": drift.to_dict() if isinstance(drift, Insufficient) else asdict(drift),
            "memory": memory.to_dict() if isinstance(memory, Insufficient) else {
                "gain": memory.gain.to_dict(), "hidden": memory.hidden, "warnings": list(memory.warnings),
            },
        }  # fmt: skip

    def warnings(self, given: Sequence[str] = (), *, driven: bool = False) -> tuple[str, ...]:
        """Return what the tests call for, each with its remedy.

        Parameters
        ----------
        given : sequence of str
            Warnings of the fit, which may have seen the same drift.
        driven : bool
            Whether the fit allows for change in time.
        """
        out: list[str] = []
        drift, memory = self.stationarity, self.memory
        if isinstance(drift, StationarityTest) and drift.p_value <= _SURE and not driven:
            if not any(DIFFERS in one for one in given):
                out.append(
                    f"the process drifts (p = {drift.p_value:.2g}; most of all the mean of {drift.largest}), and a "
                    "divergence is entropy production only in a steady state: cut the data into stationary stretches, "
                    "leave out the beginning, or fit a protocol with functions of time"
                )
            out += drift.warnings
        if isinstance(memory, MemoryTest) and not any(REMEMBER in one for one in given):
            out += memory.warnings
        return tuple(out)


def check_process(
    recording: Recording,
    *,
    lag: int = 1,
    periods: Mapping[str, float] | None = None,
    level: float,
    rng: np.random.Generator,
) -> ProcessChecks:
    """Test whether the recorded process is stationary, and whether the last state says all about the next.

    Parameters
    ----------
    recording : Recording
    lag : int
        Steps between states.
    periods : mapping of str to float, optional
        Variables that wrap around: their cosine and sine are looked at.
    level : float
        Of the interval of the gain by memory.
    rng : numpy.random.Generator

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(3000, 2))
    >>> found = check_process(Recording.of(Trajectories.of([x])), level=0.95, rng=np.random.default_rng(1))
    >>> found.stationarity.p_value > 0.05, found.memory.hidden, found.warnings()
    (True, False, ())
    """
    if recording.kind in ("flips", "jumps"):
        none = Insufficient(f"{recording.kind} are not recorded at equal steps")
        return ProcessChecks(none, none)
    data = _turned(recording.numbered, periods or {})
    counted = _counted(recording)
    try:
        drift: StationarityTest | Insufficient = stationarity_test(_some(data), rng=rng)
    except (NotEnoughData, InvalidInput) as error:
        drift = Insufficient(str(error))
    if isinstance(counted, Insufficient):
        return ProcessChecks(drift, counted)
    try:
        return ProcessChecks(drift, memory_test(data, rng=rng, lag=lag, discrete=counted, level=level))
    except (NotEnoughData, InvalidInput) as error:
        return ProcessChecks(drift, Insufficient(str(error)))


def _some(data: Trajectories) -> Trajectories:
    """Return some of the variables, evenly spread, where all of them would fill the memory."""
    most = max(1, _MOST_NUMBERS // (3 * sum(len(one) for one in data.series)))
    if data.dim <= most:
        return data
    kept = np.unique(np.linspace(0, data.dim - 1, most).astype(np.int64))
    names = tuple(data.variables[int(k)] for k in kept)
    return Trajectories(tuple(one[:, kept] for one in data.series), names, data.dt)


def _counted(recording: Recording) -> bool | Insufficient:
    """Return whether states are counted, False where variables are predicted, or why neither is done."""
    if recording.kind == "continuous":
        numbers = 6 * sum(len(one) for one in recording.trajectories.series) * recording.trajectories.dim
        return False if numbers <= 2 * _MOST_NUMBERS else Insufficient(
            "the recording is too large to predict every variable from all: choose some of the variables"
        )  # fmt: skip
    joint = len(recording.states) if recording.kind == "states" else 2**recording.trajectories.dim
    if joint <= _MOST_JOINT:
        return True
    what = "states" if recording.kind == "states" else "joint states of binary variables"
    return Insufficient(f"{joint:,} {what} are too many to count what the state before the last adds")


def _turned(data: Trajectories, periods: Mapping[str, float]) -> Trajectories:
    """Return cosine and sine of variables that wrap around, the others as they are."""
    if not periods:
        return data
    names, series = [], []
    for name in data.variables:
        names += [f"cos {name}", f"sin {name}"] if name in periods else [name]
    for one in data.series:
        columns = []
        for name, column in zip(data.variables, one.T, strict=True):
            angle = 2.0 * np.pi * column / periods.get(name, 1.0)
            columns += [np.cos(angle), np.sin(angle)] if name in periods else [column]
        series.append(np.stack(columns, axis=1))
    return Trajectories(tuple(series), tuple(names), data.dt)
