"""What is monitored and what is promised: one frozen value from which the monitor of every stream is made."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self, get_args

from secondlaw.drift.monitoring_budget import lasting_part, part_of_alpha, promise_words
from secondlaw.drift.monitors import (
    Adwin,
    BettingMonitor,
    BettingSettings,
    Cusum,
    PageHinkley,
    PaperRule,
    Promise,
    UniversalMonitor,
    standard_scores,
)
from secondlaw.drift.monitors.scores import CATEGORY, FALLING, Score, category_name
from secondlaw.drift.monitors.settings import ALPHA, DELTA
from secondlaw.drift.monitors.step_values import StepValueMonitor
from secondlaw.drift.score_fields import ScoreField
from secondlaw.drift.step_counts import StepCounts, Strata
from secondlaw.errors import InvalidInput

__all__ = ["DETECTORS", "Detector", "MonitorPlan", "ScoreField", "StreamMonitor"]

Detector = Literal["betting", "universal", "cusum", "page-hinkley", "adwin", "paper"]
DETECTORS: tuple[Detector, ...] = get_args(Detector)
StreamMonitor = BettingMonitor | UniversalMonitor | StepValueMonitor
WATCHED = ("all", "rises", "surprisal", "misaligned", "entropy")


@dataclass(frozen=True, slots=True)
class MonitorPlan:
    """Settings of all monitors of a source, with the budget that they share.

    Parameters
    ----------
    misaligned : tuple of bool (K,)
        Whether each category is misaligned.
    detector : str
        ``betting`` (default; its false alarms are bounded), ``universal`` (bounded for independent responses), and
        without any guarantee ``cusum``, ``page-hinkley``, ``adwin``, ``paper``.
    watch : str
        ``all``: surprisal, misaligned share, their falls, and the rise of each category; ``rises`` of the first two;
        ``surprisal`` or ``misaligned`` alone, both directions. The detectors of one number watch ``entropy`` (S of the
        step; also under ``all``) or ``misaligned``.
    score : ScoreField or None
        A score of the user's is watched instead of the categories.
    promise, alpha, delta, baseline_steps, tolerance
        See :class:`~secondlaw.drift.monitors.BettingSettings`; alpha and delta are for all streams together.
    streams : int
        J, how many series share the budget: streams and models, times the parts of `by`.
    more_streams : bool
        Whether others may come up later (:mod:`secondlaw.drift.monitoring_budget`). Otherwise another one is an error.
    by : {"prompt_set", "intent"} or None
        One monitor for each, so that another mix of prompts is no alarm. By default one for each stream and model, with
        the change of the mix told beside an alarm.
    restarts : bool
        Whether a drift alarm is followed by a fresh run at once; otherwise a series stays *drifting*.
    categories : tuple of str (K,)
        Keys of the taxonomy, by which scores of single categories are called; else they are numbered. Names alone:
        plans that differ in nothing else are equal.

    Raises
    ------
    InvalidInput
        If a value is out of range, or does not go with the detector.

    Examples
    --------
    >>> plan = MonitorPlan((False, True), alpha=1e-3, streams=4)
    >>> plan.betting_settings(0).alpha, plan.is_guaranteed
    (0.00025, True)
    """

    misaligned: tuple[bool, ...]
    detector: Detector = "betting"
    watch: str = "all"
    score: ScoreField | None = None
    promise: Promise = "e-SR"
    alpha: float = ALPHA
    delta: float = DELTA
    baseline_steps: int = 100
    tolerance: tuple[tuple[str, float], ...] = ()
    streams: int = 1
    more_streams: bool = False
    by: Strata | None = None
    restarts: bool = False
    categories: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.categories and len(self.categories) != len(self.misaligned):
            raise InvalidInput(f"{len(self.misaligned)} categories have other names: {', '.join(self.categories)}")
        if self.detector not in DETECTORS:
            raise InvalidInput(f"a detector is one of {', '.join(DETECTORS)}, got {self.detector!r}")
        if self.watch not in WATCHED:
            raise InvalidInput(f"what is watched is one of {', '.join(WATCHED)}, got {self.watch!r}")
        if self.streams < 1:
            raise InvalidInput(f"a budget is shared by 1 series or more, got {self.streams}")
        if self.by not in (None, "prompt_set", "intent"):
            raise InvalidInput(f"series are told apart by prompt_set or intent, got {self.by!r}")
        if self.detector == "betting" and self.score is None and self.watch == "entropy":
            raise InvalidInput("S itself is watched by cusum, page-hinkley, adwin and paper; betting watches surprisal")
        if self.detector == "universal" and (self.score is not None or self.watch != "all"):
            raise InvalidInput("the universal detector watches all categories together: no --score, no --watch")
        if self.detector in _ONE_NUMBER and self.watch not in ("all", "entropy", "misaligned"):
            raise InvalidInput(f"{self.detector} watches entropy or misaligned, got {self.watch!r}")
        if self.detector != "betting" and self.tolerance:
            raise InvalidInput(f"a tolerance goes with the betting detector, not with {self.detector}")
        if self.detector != "betting" and self.restarts:
            raise InvalidInput(f"restarts go with the betting detector, not with {self.detector}")
        self.betting_settings(0)

    @property
    def is_guaranteed(self) -> bool:
        """Whether false alarms are bounded (universal: for independent responses)."""
        return self.detector in ("betting", "universal")

    @property
    def shares_discoveries(self) -> bool:
        """Whether e-Benjamini-Hochberg decides over all series together."""
        several = self.streams > 1 or self.more_streams
        return self.detector == "betting" and self.promise == "e-process" and several

    @property
    def shares_by_step(self) -> bool:
        """Whether alpha is shared by the series that have come up so far, whenever that is (e-SR)."""
        return self.detector == "betting" and self.promise == "e-SR"

    @property
    def promise_words(self) -> str:
        """What is promised of false alarms, in one sentence."""
        return promise_words(self)

    def weight_of(self, place: int) -> float:
        """Return which part of the budget the series with this place (from 0) has for good.

        Raises
        ------
        InvalidInput
            If it is one more than those that the budget is for.
        """
        return lasting_part(place, streams=self.streams, more_streams=self.more_streams)

    def alpha_of(self, place: int, *, seen: int = 1) -> float:
        """Return the alpha of the series with this place while `seen` series have come up."""
        return self.alpha * part_of_alpha(self, place, seen=max(seen, place + 1))

    def settled(self, series: int) -> Self:
        """Return the plan of one of so many series once all of them have come up.

        Examples
        --------
        >>> MonitorPlan((False, True), alpha=1e-3, more_streams=True).settled(4).alpha_of(0)
        0.00025
        """
        return self.with_(streams=max(self.streams, series)) if self.shares_by_step else self

    def scores(self) -> tuple[Score, ...]:
        """Return what a betting monitor watches."""
        found = standard_scores(self.misaligned, keys=self.categories)
        if self.watch == "rises":
            return tuple(score for score in found if not score.mirrored)
        if self.watch in ("surprisal", "misaligned"):
            return tuple(score for score in found if score.name.removesuffix(FALLING) == self.watch)
        return found

    def betting_settings(self, place: int, *, seen: int = 1) -> BettingSettings:
        """Return the settings of one series' betting monitor while `seen` series have come up."""
        scores = self.scores() if self.score is None else BettingSettings.of_values(
            self.score.name, low=self.score.low, high=self.score.high
        ).scores  # fmt: skip
        return BettingSettings(
            scores,
            promise=self.promise,
            alpha=self.alpha_of(place, seen=seen) if self.promise == "e-SR" else self.alpha,
            delta=self.delta * self.weight_of(place),
            baseline_steps=self.baseline_steps,
            tolerance=self._tolerance(),
            restarts=self.restarts and not self.shares_discoveries,
            bounds=None if self.score is None else (self.score.low, self.score.high),
        )

    def _tolerance(self) -> tuple[tuple[str, float], ...]:
        """Return the tolerance by the scores' names; ``category 4`` names the fourth whatever its key is."""
        numbered = {f"{CATEGORY}{i + 1}": category_name(i, self.categories) for i in range(len(self.misaligned))}
        return tuple((numbered.get(name, name), size) for name, size in self.tolerance)

    def new_monitor(self, place: int) -> StreamMonitor:
        """Return the monitor of the series with this place, when it comes up."""
        if self.detector == "betting":
            return BettingMonitor(self.betting_settings(place))
        weight = self.weight_of(place)
        if self.detector == "universal":
            return UniversalMonitor(
                alpha=self.alpha * weight, delta=self.delta * weight, baseline_steps=self.baseline_steps
            )
        watches: Literal["entropy", "value"] = "value" if self.watches_value else "entropy"
        if self.detector == "cusum":
            return Cusum(baseline_steps=self.baseline_steps, watches=watches)
        if self.detector == "page-hinkley":
            return PageHinkley(minimum=self.baseline_steps, watches=watches)
        return Adwin(watches=watches) if self.detector == "adwin" else PaperRule(watches=watches)

    def load_monitor(self, state: Mapping[str, Any]) -> StreamMonitor:
        """Return a monitor that goes on from its state."""
        kinds = {
            "betting": BettingMonitor, "universal": UniversalMonitor, "cusum": Cusum, "page-hinkley": PageHinkley,
            "adwin": Adwin, "paper": PaperRule,
        }  # fmt: skip
        found: StreamMonitor = kinds[self.detector].from_state(state)  # type: ignore[attr-defined]
        return found

    @property
    def watches_value(self) -> bool:
        """Whether a detector of one number is given that number instead of counts."""
        return self.detector in _ONE_NUMBER and (self.score is not None or self.watch == "misaligned")

    def value_of(self, step: StepCounts) -> float:
        """Return the number of a step that is watched: a mean score or the misaligned share; NaN for none."""
        if self.score is not None:
            return math.fsum(step.scores) / len(step.scores) if step.scores else math.nan
        bad = sum(int(count) for count, is_bad in zip(step.counts, self.misaligned, strict=True) if is_bad)
        return bad / step.n if step.n else math.nan

    def with_(self, **changes: Any) -> Self:  # noqa: ANN401 - fields
        """Return the plan with other fields."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        values = asdict(self)
        return values | {
            "misaligned": list(self.misaligned), "tolerance": dict(self.tolerance), "categories": list(self.categories),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild a plan from :meth:`to_dict`."""
        known = dict(values)
        known["misaligned"] = tuple(known["misaligned"])
        known["tolerance"] = tuple(known["tolerance"].items())
        known["categories"] = tuple(known.get("categories", ()))
        known["score"] = None if known["score"] is None else ScoreField(**known["score"])
        return cls(**known)


_ONE_NUMBER = ("cusum", "page-hinkley", "adwin", "paper")
