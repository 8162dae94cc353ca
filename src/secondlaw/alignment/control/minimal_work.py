r"""The least alignment work that is seen to hold the entropy at a tolerance.

.. math:: \gamma^* = \min \{\gamma : S(\gamma) \le S_{tol}\}

is searched while training goes on, on the assumption that more work never means more entropy once the network has
settled. A trial holds one gamma: `settle` measurements pass unread, then up to `patience` are read. It *holds* when
the mean upper end of their intervals is at most the tolerance, it *fails* when the mean lower end is above it; what is
still open after `patience` measurements counts as failed, so that gamma is never lowered on a value that merely looks
low. From the first trial gamma is doubled until one holds, or halved until one fails (below `start` / 1,024 none is
tried but 0), then the bracket is cut at its geometric mean until it is narrower than `precision`, and its upper end is
kept. When that fails later, as under a proxy that moves away, the search goes up from there, by twice the precision
first, then faster. When it has held for `recheck` measurements, a gamma lower by twice the precision is tried.

Measurements in a row are of one network, so that averaging them does not shrink their intervals; the interval of a
trial is the mean of theirs.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from secondlaw.alignment.arguments import counted, positive
from secondlaw.alignment.control.laws import checked_state
from secondlaw.errors import InvalidInput
from secondlaw.types import Estimate

__all__ = ["MinimalWork"]

_SMALLEST = 1.0 / 1024.0
_REMEMBERED = ("gamma", "failing", "holding", "stride", "waited", "lows", "highs", "held")


class MinimalWork:
    """Search of the smallest gamma with S <= tolerance.

    Parameters
    ----------
    tolerance : float
        S_tol, nats.
    start : float
        First gamma that is tried.
    highest : float
        Bound of gamma; there `saturated` says whether even that fails.
    precision : float
        Width of the bracket at which the search ends, as a share of gamma.
    settle, patience, recheck : int
        Measurements unread after gamma was changed; read at most before a trial is judged; held before a lower gamma
        is tried again.

    Raises
    ------
    InvalidInput
        If a value is not positive, or `start` exceeds `highest`.

    Examples
    --------
    A network whose entropy settles at 1.5 / (1 + gamma) nats:

    >>> law = MinimalWork(tolerance=0.5, start=0.5, highest=64.0, settle=0, patience=1, precision=0.05, recheck=99)
    >>> for _ in range(12):
    ...     entropy = 1.5 / (1.0 + law.gamma)
    ...     gamma = law.update(Estimate(entropy, entropy - 0.01, entropy + 0.01, 0.95, 40, "nats", "m"), elapsed=1.0)
    >>> round(gamma, 2)
    2.09
    """

    kind: ClassVar[str] = "minimal"

    def __init__(
        self,
        *,
        tolerance: float,
        start: float,
        highest: float,
        precision: float = 0.1,
        settle: int = 2,
        patience: int = 3,
        recheck: int = 20,
    ) -> None:
        self.tolerance, self.start = positive(tolerance, "tolerance"), positive(start, "start")
        self.highest, self.precision = positive(highest, "highest"), positive(precision, "precision")
        if self.start > self.highest:
            raise InvalidInput(f"start must not exceed highest, got {start:g} and {highest:g}")
        self.settle = counted(settle, "settle", least=0)
        self.patience, self.recheck = counted(patience, "patience"), counted(recheck, "recheck")
        self._gamma = self.start
        self._failing: float | None = None
        self._holding: float | None = None
        self._stride = 2.0
        self._waited = self._held = 0
        self._lows: list[float] = []
        self._highs: list[float] = []

    @property
    def gamma(self) -> float:
        """The alignment work that holds now."""
        return self._gamma

    @property
    def bracket(self) -> tuple[float | None, float | None]:
        """The largest gamma that failed below the smallest that held; None where there is none."""
        return self._failing, self._holding

    @property
    def saturated(self) -> bool:
        """Whether the highest gamma was tried and failed."""
        return self._failing == self.highest

    def update(self, entropy: Estimate, *, elapsed: float) -> float:
        """Return gamma after a measurement; its time matters only by the count."""
        positive(elapsed, "elapsed")
        if self._waited < self.settle:
            self._waited += 1
            return self._gamma
        self._lows.append(entropy.low)
        self._highs.append(entropy.high)
        verdict = self._verdict()
        if verdict is not None:
            self._lows, self._highs = [], []
            chosen = self._after_holding() if verdict else self._after_failing()
            if chosen != self._gamma:
                self._waited = self._held = 0
            self._gamma = chosen
        return self._gamma

    def _verdict(self) -> bool | None:
        count = len(self._highs)
        if math.fsum(self._highs) / count <= self.tolerance:
            return True
        return False if math.fsum(self._lows) / count > self.tolerance or count >= self.patience else None

    def _after_holding(self) -> float:
        self._holding = self._gamma
        self._held += 1
        if self._failing is not None and self._failing >= self._gamma:
            self._failing = None  # what failed once holds now
        if self._failing is not None and self._closed():
            if self._held < self.recheck:
                return self._gamma
            self._failing = None
            return self._gamma / (1.0 + 2.0 * self.precision)
        return self._lower()

    def _lower(self) -> float:
        """Return the next smaller gamma to try."""
        if self._gamma == 0.0:
            return 0.0
        if self._failing:
            return math.sqrt(self._failing * self._gamma)
        halved = self._gamma / 2.0
        if halved >= _SMALLEST * self.start:
            return halved
        return 0.0 if self._failing is None else self._gamma

    def _after_failing(self) -> float:
        self._failing = self._gamma
        if self._holding is not None and self._holding <= self._gamma:
            self._holding = None  # what held once fails now
            self._stride = 1.0 + 2.0 * self.precision
        if self._holding is None:
            raised = self._stride * self._gamma or self.start
            self._stride = min(self._stride**2, 2.0)
            return min(raised, self.highest)
        if self._closed():
            return self._holding
        return self._holding / 2.0 if self._failing == 0.0 else math.sqrt(self._failing * self._holding)

    def _closed(self) -> bool:
        """Whether the bracket is as narrow as asked for."""
        if self._failing is None or self._holding is None:
            return False
        floor = max(self._failing, _SMALLEST * self.start)
        return self._holding <= floor * (1.0 + self.precision)

    @property
    def state(self) -> dict[str, Any]:
        """Settings, the bracket, and what was read of the trial at hand."""
        names = ("tolerance", "start", "highest", "precision", "settle", "patience", "recheck")
        remembered = {name: getattr(self, f"_{name}") for name in _REMEMBERED}
        remembered |= {"lows": list(self._lows), "highs": list(self._highs)}
        return {"kind": self.kind, "settings": {name: getattr(self, name) for name in names}, **remembered}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same settings."""
        checked = checked_state(self, state)
        for name in _REMEMBERED:
            setattr(self, f"_{name}", checked[name])
        self._lows, self._highs = list(checked["lows"]), list(checked["highs"])
