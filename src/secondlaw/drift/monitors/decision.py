"""What every monitor says at a step, and what every monitor can do.

A monitor is a stream: it takes one step at a time, answers with a :class:`Decision`, and its state is a plain dict that
survives a restart: ``from_state(json.loads(json.dumps(to_state())))`` goes on with the very same decisions.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, runtime_checkable

from numpy.typing import ArrayLike

__all__ = ["Decision", "Monitor", "Verdict"]

Verdict = Literal["baseline", "quiet", "drifting", "missing", "changed"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a monitor said at one step.

    Parameters
    ----------
    step : int
        The step it speaks of.
    alarm : bool
        Whether the alarm is raised at this very step. Afterwards `verdict` stays, `alarm` does not.
    log_evidence : float
        Evidence for a change, in the monitor's own log scale (the log of an e-value where it has one); may be -inf.
    log_threshold : float
        Where `log_evidence` raises an alarm.
    verdict : {"baseline", "quiet", "drifting", "missing", "changed"}
        ``baseline``: still learning what is normal; ``quiet``: monitored, nothing found; ``drifting``: an alarm was
        raised and not reset; ``missing``: nothing was seen at this step (monitored, n = 0); ``changed``: what is
        measured changed by construction, for example a new classifier version.
    since : int or None
        Step of the alarm (drifting), first empty step (missing), first step of the new regime (changed).
    score : str or None
        The score that carries most of the evidence, where there are several.
    n : int or None
        Responses at this step.
    change_point : int or None
        Where the change probably began: first step of the stretch that carries the evidence; estimated, no interval.
    reason : str
        The verdict in one sentence.

    Examples
    --------
    >>> print(Decision(132, True, 9.4, 9.21, "drifting", since=132, score="surprisal", change_point=104))
    step 132: drifting since 132, log evidence 9.40 of 9.21, surprisal, probably from 104
    """

    step: int
    alarm: bool
    log_evidence: float
    log_threshold: float
    verdict: Verdict
    since: int | None = None
    score: str | None = None
    n: int | None = None
    change_point: int | None = None
    reason: str = ""

    def __str__(self) -> str:
        since = "" if self.since is None else f" since {self.since}"
        score = "" if self.score is None else f", {self.score}"
        began = "" if self.change_point is None else f", probably from {self.change_point}"
        evidence = f"log evidence {self.log_evidence:.2f} of {self.log_threshold:.2f}"
        return f"step {self.step}: {self.verdict}{since}, {evidence}{score}{began}"

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain JSON values; an infinite evidence becomes None."""
        values = {name: getattr(self, name) for name in self.__slots__}
        for name in ("log_evidence", "log_threshold"):
            values[name] = None if math.isinf(values[name]) else values[name]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild a decision from :meth:`to_dict`; infinite evidence is that of nothing seen."""
        known = dict(values)
        for name in ("log_evidence", "log_threshold"):
            known[name] = -math.inf if known[name] is None else known[name]
        return cls(**known)


@runtime_checkable
class Monitor(Protocol):
    """A stream of decisions with a state that survives a restart."""

    def update(self, values: ArrayLike, /, *, step: int | None = None) -> Decision:
        """Take one step and say what it means.

        Parameters
        ----------
        values : array
            What the monitor watches at this step: counts (K,) by category, or the values themselves.
        step : int, optional
            Number of the step; by default one more than the last.
        """
        ...

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from a state."""
        ...
