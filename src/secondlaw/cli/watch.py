"""``secondlaw watch``: a growing log under monitors, live."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secondlaw.cli.guard import guarded
from secondlaw.cli.monitor_options import (
    Alpha,
    Baseline,
    Bounds,
    By,
    Delta,
    DetectorName,
    Lateness,
    PromiseName,
    RowsPerStep,
    Score,
    Streams,
    Tolerances,
    score_field,
    tolerances,
)
from secondlaw.cli.monitor_options import Watch as Watched
from secondlaw.cli.options import AssumeUtc, Engine, Every, MaxBad, Quiet, TaxonomyName

if TYPE_CHECKING:
    from secondlaw.drift.monitoring import StreamDecision
    from secondlaw.pipeline.watching import Decided, Watch

__all__ = ["watch"]

DRIFTING, NOT_YET = 10, 12


@guarded
def watch(
    log: Annotated[
        str, typer.Argument(metavar="FILE|-", help="A growing JSON-lines log, FILE#MODEL, or - for a pipe.")
    ],
    once: Annotated[
        bool, typer.Option("--once", help="Take what is there, then end: for a timer such as cron.")
    ] = False,
    until_alarm: Annotated[
        bool, typer.Option("--until-alarm", help="End at the first alarm: exit code 10, or 12 for missing data.")
    ] = False,
    on_alarm: Annotated[
        str | None,
        typer.Option("--on-alarm", help="Command run at every alarm, the decision as JSON on its input."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="Where place and monitors are kept (default: FILE.watch.json).")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget the state: read and learn from the beginning.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a decision and line.")] = False,
    quiet: Quiet = False,
    every: Every = None,
    rows_per_step: RowsPerStep = None,
    stride: Annotated[
        int, typer.Option("--stride", min=1, help="By how much stated steps grow.", rich_help_panel="Steps")
    ] = 1,
    lateness: Lateness = None,
    clock: Annotated[
        bool,
        typer.Option(
            "--clock/--no-clock",
            help="Close windows by the wall clock, or by the rows' times.",
            rich_help_panel="Steps",
        ),
    ] = True,
    detector: DetectorName = None,
    watched: Watched = None,
    promise: PromiseName = None,
    alpha: Alpha = None,
    delta: Delta = None,
    baseline: Baseline = None,
    tolerance: Tolerances = None,
    by: By = None,
    streams: Streams = 1,
    score: Score = None,
    bounds: Bounds = None,
    engine: Engine = None,
    taxonomy: TaxonomyName = None,
    max_bad: MaxBad = None,
    bad_rows: Annotated[
        Path | None,
        typer.Option(
            "--bad-rows",
            help="Where bad rows are kept (default: FILE.watch.bad.jsonl).",
            rich_help_panel="Reading",
        ),
    ] = None,
    assume_utc: AssumeUtc = None,
) -> None:
    """Follow a log that is still being written, and raise an alarm when behavior drifts.

    The first steps are the baseline. The place in the log and the monitors' state are kept in FILE.watch.json: stop and
    start as you like, no step is left out. Rotated and truncated logs are followed. Exit codes where it ends (--once,
    --until-alarm, a pipe): 10 while a series drifts or where its classifier changed, else 12 where one is or was silent
    or none has its baseline yet, else 0.
    """
    from secondlaw.behavior import load_taxonomy
    from secondlaw.cli.output import check_outputs
    from secondlaw.cli.watch_screen import screen_for
    from secondlaw.formats import FollowedFile, FollowedStream, Quarantine, quarantine_path
    from secondlaw.pipeline.monitoring import StepRowReader, plan_of
    from secondlaw.pipeline.settings import load_settings
    from secondlaw.pipeline.sources import parse_source
    from secondlaw.pipeline.watch_states import watch_state_path
    from secondlaw.pipeline.watching import Watch

    settings = load_settings(
        every=every, rows_per_step=rows_per_step, lateness=lateness, monitor_alpha=alpha, monitor_promise=promise,
        monitor_baseline=baseline, monitor_detector=detector, monitor_by=by, monitor_watch=watched, monitor_delta=delta,
        monitor_tolerance=tolerances(tolerance), engine=engine, taxonomy=taxonomy, max_bad=max_bad,
        assume_utc=assume_utc,
    )  # fmt: skip
    source = parse_source(log)
    piped = source.path == "-"
    kept = state if state is not None else None if piped else watch_state_path(source.path)
    check_outputs(kept, bad_rows)
    if fresh and kept is not None:
        kept.unlink(missing_ok=True)
    categories = load_taxonomy(settings.taxonomy)
    field = score_field(score, bounds)

    def open_log(place: Mapping[str, Any] | None) -> FollowedFile | FollowedStream:
        return FollowedStream(sys.stdin.buffer) if piped else FollowedFile(source.path, position=place)

    where = bad_rows or quarantine_path(source.path, of="watch")
    with Quarantine(where, max_bad=settings.max_bad, keeps=True) as quarantine:
        run = Watch(
            open_log,
            reader=StepRowReader(settings, taxonomy=categories, bad=quarantine.add, score=field, model=source.model),
            plan=plan_of(settings, categories, streams=streams, score=field),
            settings=settings,
            bad_rows=quarantine,
            state=kept,
            stride=stride,
        )
        if run.replayed_words:
            typer.echo(f"note: {run.replayed_words}", err=True)
        try:
            with run.log, screen_for(run, log, as_json=as_json, quiet=quiet) as screen:
                _Loop(run, screen.show, on_alarm, until_alarm=until_alarm, clock=clock and not piped).follow(once=once)
        finally:  # also where it is interrupted, which is how a live watch ends
            for note in (*run.notes, *([quarantine.describe()] if quarantine.count else [])):
                typer.echo(f"note: {note}", err=True)
    raise typer.Exit(_exit_code(run))


class _Loop:
    """The loop: take what has come, show what was decided, keep the state."""

    PAUSE = 0.5  # seconds between two looks at a log that does not grow
    SAVED_EVERY = 10.0  # seconds after which the state is kept though no step was closed

    def __init__(
        self,
        watched: "Watch",
        show: Any,  # noqa: ANN401 - a callable with an optional argument
        on_alarm: str | None,
        *,
        until_alarm: bool,
        clock: bool,
    ) -> None:
        self._watch, self._show, self._on_alarm = watched, show, on_alarm
        self._until_alarm, self._clock = until_alarm, clock
        self._saved = time.monotonic()

    def follow(self, *, once: bool) -> None:
        """Go on until the log ends, an alarm ends it, or forever."""
        while True:
            decided, grew = self._watch.poll()
            if not grew and not decided and self._clock:
                decided = self._watch.advance(time.time())
            ended = self._watch.log.ended
            if ended:
                decided = [*decided, *self._watch.end()]
            self._hand_on(decided)
            if ended or (once and not grew) or (self._until_alarm and self._watch.alarms):
                self._watch.save()
                return
            if not grew:
                time.sleep(self.PAUSE)

    def _hand_on(self, decided: "list[Decided]") -> None:
        self._show(decided)
        for one in decided:
            for said in one.decisions:
                if said.decision.alarm and self._on_alarm is not None:
                    _call(self._on_alarm, said, one.moved.get(str(said.series), ""))
        if decided or time.monotonic() - self._saved > self.SAVED_EVERY:
            self._watch.save()
            self._saved = time.monotonic()


def _call(command: str, said: "StreamDecision", moved: str) -> None:
    """Run the user's command; that it fails is told and stops nothing."""
    import shlex
    import subprocess

    import orjson

    content = orjson.dumps({"schema": "secondlaw/decision/1", **said.to_dict(), "moved": moved})
    try:
        ended = subprocess.run(shlex.split(command), input=content, timeout=60.0, check=False)  # noqa: S603 - the user's
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        typer.echo(f"secondlaw: --on-alarm {command!r} failed: {error}", err=True)
        return
    if ended.returncode:
        typer.echo(f"secondlaw: --on-alarm {command!r} ended with {ended.returncode}", err=True)


def _exit_code(watched: "Watch") -> int:
    verdicts = set(watched.verdicts.values())
    raised = {said.decision.verdict for said in watched.alarms}
    if "drifting" in verdicts or raised & {"drifting", "changed"}:
        return DRIFTING
    return NOT_YET if "missing" in verdicts | raised or "quiet" not in verdicts else 0
