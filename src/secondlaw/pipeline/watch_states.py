"""What a watch remembers between two starts: its place in the log, the open steps, the monitors, its bad rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from secondlaw.drift.monitoring import MonitorSet
from secondlaw.drift.step_counts_builder import StepBuilder
from secondlaw.errors import FileFormatError, InvalidInput
from secondlaw.formats import replace_file

__all__ = ["WatchState", "read_watch_state", "watch_state_path"]

SCHEMA = "secondlaw/watch-state/1"


def watch_state_path(log: str | Path) -> Path:
    """Return where the state of a watch is kept: beside the log.

    Examples
    --------
    >>> watch_state_path("runs/log.jsonl").as_posix()
    'runs/log.jsonl.watch.json'
    """
    return Path(f"{log}.watch.json")


@dataclass(frozen=True, slots=True)
class WatchState:
    """The state of a watch.

    Parameters
    ----------
    cut : mapping
        How the log is cut into steps: a watch with another one cannot go on from it.
    place : mapping or None
        Where the next unread row of the log begins.
    bad_rows : mapping or None
        Up to where the file of bad rows was written.
    builder : StepBuilder or None
        The open steps; None before the first sound row.
    monitors : MonitorSet
    verdicts : mapping of str to str
        The latest of every series.
    """

    cut: Mapping[str, Any]
    place: Mapping[str, Any] | None
    bad_rows: Mapping[str, Any] | None
    builder: StepBuilder | None
    monitors: MonitorSet
    verdicts: Mapping[str, str]

    def write(self, path: Path) -> None:
        """Write the state whole: a kill leaves the old one or the new one."""
        content = {
            "schema": SCHEMA,
            "cut": self.cut,
            "place": self.place,
            "bad_rows": self.bad_rows,
            "builder": None if self.builder is None else self.builder.to_state(),
            "monitors": self.monitors.to_state(),
            "verdicts": self.verdicts,
        }
        replace_file(path, lambda file: file.write_bytes(orjson.dumps(content)))


def read_watch_state(path: Path) -> WatchState | None:
    """Return the state that was written last, None where there is none.

    Raises
    ------
    FileFormatError
        If the file is no state of a watch.
    InvalidInput
        If it is one of a version that wrote other fields or bets otherwise: none can go on from it.
    """
    if not path.exists():
        return None
    try:
        content = orjson.loads(path.read_bytes())
        if content["schema"] != SCHEMA:
            raise KeyError(content["schema"])
        if not isinstance(content["monitors"], dict):
            raise KeyError("monitors")
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path} is no state of a watch ({error}); begin anew with --fresh") from error
    try:
        return WatchState(
            content["cut"],
            content["place"],
            content["bad_rows"],
            None if content["builder"] is None else StepBuilder.from_state(content["builder"]),
            MonitorSet.from_state(content["monitors"]),
            dict(content["verdicts"]),
        )
    except (KeyError, TypeError) as error:
        raise InvalidInput(f"it lacks {error}") from error
