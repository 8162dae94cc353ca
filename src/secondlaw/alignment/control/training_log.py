"""The log of a training run under alignment work: rows that every monitor and report of the package reads.

A measurement is one row a probe: the probe is the prompt, its most probable goal the response, the number of updates
the step, and S(p), the divergences, gamma and work are scores::

    secondlaw backtest run.jsonl --score goal_entropy --bounds 0 1.792
    secondlaw watch run.jsonl --score kl_intended --bounds 0 10

The first row of a measurement also carries, as ``measurement``, what is known of the whole probe set, with intervals.
Appending survives a kill; a run that goes on from a checkpoint first takes back what was written after it.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.alignment.control.goal_measurement import GoalMeasurement
from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats import Journal, journal_rows

__all__ = ["TrainingLog", "measurements"]


class TrainingLog:
    """Rows of one training run, appended to a file.

    Parameters
    ----------
    path : str or Path
    stream, model : str
        What the rows are told apart by.
    goals : sequence of str, optional
        Names of the goals; ``"goal 0"``, ``"goal 1"``, ... without.

    Raises
    ------
    InvalidInput
        On the first row of a new run, if the file holds rows already.
    """

    def __init__(
        self, path: str | Path, *, stream: str = "training", model: str = "model", goals: Sequence[str] | None = None
    ) -> None:
        self.path, self.stream, self.model = Path(path), stream, model
        self._goals = None if goals is None else tuple(goals)
        self._journal: Journal | None = None
        self._continued = False

    @property
    def position(self) -> int:
        """Bytes written so far; what a checkpoint remembers."""
        return self.path.stat().st_size if self._journal is not None or self._continued else 0

    def rewind(self, position: int) -> None:
        """Take back what was written after a checkpoint.

        Parameters
        ----------
        position : int
            Bytes at the checkpoint. At 0 nothing is taken back: a file with rows might be of any run.

        Raises
        ------
        FileFormatError
            If the file is shorter than the checkpoint says, or no row ends there: it is not the log of that run.
        """
        self.close()
        self._continued = False
        if position == 0:
            return
        found = self.path.stat().st_size if self.path.exists() else 0
        if found < position:
            raise FileFormatError(
                f"{self.path} holds {found} bytes, the checkpoint was made after {position}: give the log of that run"
            )
        with Journal(self.path), self.path.open("rb+") as file:  # nobody else may write meanwhile
            file.seek(position - 1)
            if file.read(1) != b"\n":
                raise FileFormatError(
                    f"no row of {self.path} ends at byte {position}, where the checkpoint was made: give the log of "
                    "that run"
                )
            file.truncate(position)
        self._continued = True

    def append(self, step: int, found: GoalMeasurement, *, gamma: float, work: float, whole: dict[str, Any]) -> None:
        """Write one measurement: a row a probe, the first with `whole`."""
        journal = self._opened()
        for probe, entropy in enumerate(found.entropy_each):
            goal = int(found.preferred[probe])
            row: dict[str, Any] = {
                "id": f"{self.stream}/{self.model}/{step}/{probe}",
                "stream": self.stream,
                "model": self.model,
                "prompt_id": f"probe-{probe}",
                "step": step,
                "response": f"goal {goal}" if self._goals is None else self._goals[goal],
                "goal_entropy": float(entropy),
                "gamma": gamma,
                "work": work,
            }
            for name, each in (("kl_proxy", found.to_proxy_each), ("kl_intended", found.to_intended_each)):
                if np.isfinite(each[probe]):
                    row[name] = float(each[probe])
            if probe == 0:
                row["measurement"] = whole
            journal.append(row)

    def close(self) -> None:
        """Force the rows to the disk; the next one opens the file again."""
        if self._journal is not None:
            self._journal.close()
            self._journal, self._continued = None, True

    def _opened(self) -> Journal:
        if self._journal is None:
            if not self._continued and self.path.exists() and self.path.stat().st_size:
                raise InvalidInput(
                    f"{self.path} holds rows of another run: go on from its checkpoint, or name another file"
                )
            self._journal = Journal(self.path)
        return self._journal


def measurements(path: str | Path) -> Iterator[dict[str, Any]]:
    """Yield what a log knows of the whole probe set at each step, in order, with ``step`` among its fields."""
    for row in journal_rows(path):
        if "measurement" in row:
            yield {"step": row["step"], **row["measurement"]}
