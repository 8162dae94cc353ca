"""From rows, in the order in which they come, to steps, in order: the one place where a log is cut.

How a log is cut (:class:`StepPolicy`):

- *step*: by the number that rows state; a step is closed when a row of a later one comes (by `lateness` steps);
- *time*: by windows of `every` seconds, aligned to 1970; a window is closed when the latest time seen, of any stream,
  has passed its end by `lateness` seconds, or :meth:`StepBuilder.advance` says so;
- *rows*: every N rows of a stream and model.

What goes wrong is counted and told: a row of a closed step is *late*, a row with the id of another a *duplicate* (or a
*contradiction*, if it says something else) and in no count; a step between others without a row is emitted with counts
of zero. The state is plain JSON: rows read before and after a restart give the same steps as rows read in one go.
"""

import hashlib
import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Self

from secondlaw.behavior.windows import window_label
from secondlaw.drift.open_steps import OpenSeries, OpenStep
from secondlaw.drift.step_counts import NO_CATEGORY, StepCounts, StepRow
from secondlaw.drift.step_counts_policy import StepPolicy, StepTallies
from secondlaw.errors import InvalidInput

__all__ = ["StepBuilder"]
MOST_EMPTY = 10_000
"""Empty steps emitted of one gap; a longer one is jumped over, and the monitor counts what is left out as empty."""


class StepBuilder:
    """Takes rows and gives steps, each complete, in order.

    Parameters
    ----------
    policy : StepPolicy
    width : int
        K, how many categories there are.
    scored : bool
        Whether rows are taken for the user's score instead of their category.

    Examples
    --------
    >>> builder = StepBuilder(StepPolicy("step"), width=2)
    >>> rows = [StepRow("s", "m", 0, step=0), StepRow("s", "m", 1, step=0), StepRow("s", "m", 0, step=2)]
    >>> [(step.step, step.counts.tolist()) for step in [*builder.add_all(rows), *builder.end()]]
    [(0, [1, 1]), (1, [0, 0]), (2, [1, 0])]
    """

    def __init__(self, policy: StepPolicy, *, width: int, scored: bool = False) -> None:
        if width < 2:
            raise InvalidInput(f"a step has two categories or more, got {width}")
        self.policy, self.width, self.scored = policy, width, scored
        self.tallies = StepTallies()
        self._keys: dict[tuple[str, str], OpenSeries] = {}
        self._seen: dict[int, int] = {}
        self._first: int | None = None
        self._clock: float | None = None
        self._boundary: int | None = None

    def add_all(self, rows: Iterable[StepRow]) -> list[StepCounts]:
        """Take some rows; return the steps that they closed."""
        return [step for row in rows for step in self.add(row)]

    def add(self, row: StepRow) -> list[StepCounts]:
        """Take one row; return the steps that it closed, mostly none.

        Raises
        ------
        InvalidInput
            If the row has no step, or no time, where steps are cut by it.
        """
        key = self._keys.get((row.stream, row.model))
        if key is None:
            key = self._keys[row.stream, row.model] = OpenSeries()
        number = self._number(row, key)
        self.tallies.rows += 1
        again = self._again(row)
        if again is not None:
            self._leave_out(key, again)
            return []
        closed = self._close_before(row, key, number)
        if key.next is not None and number < key.next:
            self._leave_out(key, "late")
            return closed
        if (row.value is None) if self.scored else (row.category == NO_CATEGORY):
            key.open.setdefault(number, OpenStep())  # the step was seen, though nothing can be counted
            self._leave_out(key, "unlabelled")
            return closed
        key.open.setdefault(number, OpenStep()).take(row, width=self.width, scored=self.scored)
        key.rows += 1
        self.tallies.counted += 1
        if self.policy.kind == "rows" and key.rows % self.policy.rows == 0:
            closed += self._close((row.stream, row.model), number + 1)
        return closed

    def advance(self, now: float) -> list[StepCounts]:
        """Say what time it is (seconds since 1970): windows that passed are closed, empty ones too."""
        if self.policy.kind != "time":
            return []
        self._clock = now if self._clock is None else max(self._clock, now)
        return self._close_windows()

    def end(self, *, through: float | None = None) -> list[StepCounts]:
        """Close what is open, since nothing more will come.

        Parameters
        ----------
        through : float, optional
            With windows of time: emit empty ones up to this time, for a stream that stopped before.
        """
        closed = [] if through is None else self.advance(through)
        ends = [max(key.open) + 1 for key in self._keys.values() if key.open]
        for name, key in self._keys.items():
            if self.policy.kind == "rows":
                self.tallies.unfinished += sum(one.rows for one in key.open.values())
                key.open.clear()
            elif self.policy.kind == "time" and ends:
                closed += self._close(name, max(ends))
            elif key.open:
                closed += self._close(name, max(key.open) + 1)
        return sorted(closed, key=lambda step: step.step)

    def to_state(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        return {
            "policy": asdict(self.policy),
            "width": self.width,
            "scored": self.scored,
            "tallies": asdict(self.tallies),
            "seen": [list(pair) for pair in self._seen.items()],
            "first": self._first,
            "clock": self._clock,
            "keys": [{"name": list(name)} | key.to_state() for name, key in self._keys.items()],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Go on from a state.

        Raises
        ------
        InvalidInput
            If the state is incomplete.
        """
        try:
            builder = cls(StepPolicy(**state["policy"]), width=state["width"], scored=state["scored"])
            builder.tallies = StepTallies(**state["tallies"])
            builder._seen = dict(state["seen"])
            builder._first, builder._clock = state["first"], state["clock"]
            for one in state["keys"]:
                builder._keys[one["name"][0], one["name"][1]] = OpenSeries.from_state(one)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"the state of the steps is incomplete ({error}): begin anew") from error
        return builder

    def label_of(self, step: int) -> str:
        """Return a step as a person reads it."""
        if self.policy.kind == "time":
            return window_label(step + (self._first or 0), self.policy.every)
        if self.policy.kind == "rows":
            return f"rows {step * self.policy.rows + 1}-{(step + 1) * self.policy.rows}"
        return window_label(step * self.policy.stride + self.policy.offset, None)

    def _number(self, row: StepRow, key: OpenSeries) -> int:
        if self.policy.kind == "rows":
            return key.rows // self.policy.rows
        if self.policy.kind == "step":
            if row.step is None:
                raise InvalidInput(f"a row of {row.stream}/{row.model} states no step, others do: give every row one")
            return (row.step - self.policy.offset) // self.policy.stride
        if row.time is None:
            raise InvalidInput(f"a row of {row.stream}/{row.model} has no ts, and steps are windows of time")
        number = math.floor(row.time / self.policy.every)
        if self._first is None:
            self._first = number
        return number - self._first

    def _again(self, row: StepRow) -> str | None:
        """Say whether a row repeats the id of another."""
        if row.id is None:
            return None
        one = _digest(row.stream, row.model, row.id)
        content = zlib.crc32(repr((*row[2:9], row.value)).encode("utf-8", "surrogatepass"))
        before = self._seen.get(one)
        if before is not None:
            return "duplicates" if before == content else "contradictions"
        self._seen[one] = content
        if self.policy.horizon is not None and len(self._seen) > self.policy.horizon:
            del self._seen[next(iter(self._seen))]
        return None

    def _leave_out(self, key: OpenSeries, why: str) -> None:
        key.left_out[why] += 1
        setattr(self.tallies, why, getattr(self.tallies, why) + 1)

    def _close_before(self, row: StepRow, key: OpenSeries, number: int) -> list[StepCounts]:
        """Close the steps that this row shows to be over."""
        if self.policy.kind == "rows":
            return []
        if self.policy.kind == "time":
            if key.next is None and number < self._closed_windows():
                key.next = self._closed_windows()  # a stream that begins late: its first rows may be, too
            self._clock = row.time if self._clock is None else max(self._clock, row.time or 0.0)
            return self._close_windows()
        if key.latest is not None and number <= key.latest:
            return []
        key.latest = number
        return self._close((row.stream, row.model), number - math.floor(self.policy.lateness))

    def _closed_windows(self) -> int:
        if self._clock is None or self._first is None:
            return 0
        return math.floor((self._clock - self.policy.lateness) / self.policy.every) - self._first

    def _close_windows(self) -> list[StepCounts]:
        if self._first is None:
            return []
        boundary = self._closed_windows()
        if self._boundary is not None and boundary <= self._boundary:  # as for nearly every row
            return []
        self._boundary = boundary
        closed = [step for name in self._keys for step in self._close(name, boundary)]
        return sorted(closed, key=lambda step: step.step)

    def _close(self, name: tuple[str, str], boundary: int) -> list[StepCounts]:
        """Emit a stream's steps before the boundary, the empty ones too."""
        key, closed = self._keys[name], []
        if key.next is None:
            if not key.open:
                return []
            first = min(key.open)
            if first >= boundary:
                return []
            key.next = first
        while key.next < boundary:
            held = key.open.pop(key.next, None)
            if held is not None:
                closed.append(self._emit(name, key, key.next, held))
                key.next += 1
                continue
            upcoming = min([boundary, *(number for number in key.open if number > key.next)])
            shown = range(key.next, min(upcoming, key.next + MOST_EMPTY))
            closed += [self._emit(name, key, number, OpenStep()) for number in shown]
            key.next = upcoming
        return closed

    def _emit(self, name: tuple[str, str], key: OpenSeries, number: int, held: OpenStep) -> StepCounts:
        return StepCounts(
            *name,
            number,
            self.width,
            {cell: tuple(row) for cell, row in held.cells.items()},
            self.label_of(number),
            held.begins,
            held.ends,
            tuple(held.classifiers),
            values={cell: tuple(row) for cell, row in held.values.items()},
            ids={what: tuple(ids) for what, ids in held.ids.items()},
            **key.told(),
        )


def _digest(*parts: str) -> int:
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).digest())
