"""What a betting monitor promises and how it bets: one frozen value, recorded with every state."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from secondlaw.drift.monitors.scores import MISALIGNED, Score, category_name, standard_scores
from secondlaw.errors import InvalidInput
from secondlaw.statistics.e_values import spent_alpha

__all__ = ["MIN_BASELINE", "WINDOWS", "BettingSettings", "Promise"]

Promise = Literal["e-SR", "e-process"]

MIN_BASELINE = 20
"""Fewest steps of a baseline: from fewer, a bound exceeds the mean by a standard deviation of a step and more."""
ALPHA, DELTA = 1e-4, 0.0
WINDOWS = (5.0, 20.0, 100.0, 500.0)
"""Windows that adapt the stake to what was seen lately; measured: 2 to 9 steps slower than fixed fractions on ramps."""
FRACTIONS = (0.2, 0.8)  # of the largest bet; a third changes no median delay by more than a step
CLIP_AWAY, CLIP_TOWARDS = 0.7, 5.0
"""Measured at .001, .005, .013 nats a step: 96, 36, 23 steps to an alarm at 1.5; 97, 32, 19 at .7; 103, 33, 18 at 0.

The largest bet is one over the distance from the clip to the mean, so that a near clip pays more for a large step, but
its mean is known less well.
"""


@dataclass(frozen=True, slots=True)
class BettingSettings:
    r"""The promise, the budget and the bets of a :class:`~secondlaw.drift.monitors.betting.BettingMonitor`.

    Parameters
    ----------
    scores : tuple of Score
        What is watched; see :func:`~secondlaw.drift.monitors.scores.standard_scores`.
    promise : {"e-SR", "e-process"}
        What alpha bounds. ``e-SR``: false alarms a step; in T steps at most alpha T are expected, restarts included, so
        that P(a false alarm by step T) is at most alpha T. ``e-process``: the probability of ever raising one,
        restarts included.
    alpha : float
        Budget of the evidence.
    delta : float
        0, the default: nothing is risked on the baseline, and what alpha bounds is bounded on average over baselines.
        Otherwise the probability that some bound of the baseline is too low, shared by the scores by their ``risk``:
        with the rest, 1 - delta, every run of e-SR lasts 1 / alpha steps on average, so that the average run length is
        (1 - delta) / alpha at least, and an e-process ever alarms with probability alpha + delta at most. Slower.
    baseline_steps : int
        Steps learnt from before monitoring begins.
    tolerance : tuple of (str, float)
        Smallest drift one cares about, by name of the score, in its own unit (nats, share); its mirror has the same,
        and a category without one of its own has that of the misaligned share.
    windows : tuple of float
        Steps after which past steps are forgotten, one bettor each; see :data:`WINDOWS`. None by default.
    fractions : tuple of float
        Bettors that always stake this fraction of the largest bet.
    clip_away, clip_towards : float
        Standard deviations of a step below and above its mean, in the direction of the drift, where scores are clipped.
    step_size : int or None
        Responses that a bet needs: smaller steps wait and are pooled with the next. By default half the median of the
        baseline's steps.
    restarts : bool
        Whether an alarm is followed by a fresh run at once; otherwise the monitor stays *drifting* until told.
    bounds : (float, float) or None
        Where a step is given as the values of its responses instead of counts by category: the range they cannot leave.

    Raises
    ------
    InvalidInput
        If a value is out of range, or names repeat.

    Examples
    --------
    >>> settings = BettingSettings.standard([False, True, False, True, False], tolerance={"surprisal": 0.05})
    >>> settings == BettingSettings.from_dict(settings.to_dict())
    True
    """

    scores: tuple[Score, ...]
    promise: Promise = "e-SR"
    alpha: float = ALPHA
    delta: float = DELTA
    baseline_steps: int = 100
    tolerance: tuple[tuple[str, float], ...] = ()
    windows: tuple[float, ...] = ()
    fractions: tuple[float, ...] = FRACTIONS
    clip_away: float = CLIP_AWAY
    clip_towards: float = CLIP_TOWARDS
    step_size: int | None = None
    restarts: bool = False
    bounds: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        names = [score.name for score in self.scores]
        if not names or len(set(names)) < len(names):
            raise InvalidInput(f"a monitor needs scores with different names, got {names}")
        if self.promise not in ("e-SR", "e-process"):
            raise InvalidInput(f"a promise is 'e-SR' or 'e-process', got {self.promise!r}")
        widths = {len(score.values) for score in self.scores if score.values is not None}
        if len(widths) > 1:
            raise InvalidInput(f"scores speak of different numbers of categories, {sorted(widths)}")
        if not 0.0 < self.alpha < 1.0:
            raise InvalidInput(f"alpha is a probability between 0 and 1, got {self.alpha}")
        if not 0.0 <= self.delta < 1.0:
            raise InvalidInput(f"delta is a probability between 0 and 1, or 0 to risk nothing, got {self.delta}")
        if self.baseline_steps < MIN_BASELINE:
            raise InvalidInput(f"a baseline needs {MIN_BASELINE} steps or more, got {self.baseline_steps}")
        unknown = [name for name, _ in self.tolerance if name not in names]
        if unknown:
            raise InvalidInput(f"tolerance is given for {unknown[0]!r}, the scores are {names}")
        if any(not 0.0 <= size < math.inf for _, size in self.tolerance):
            raise InvalidInput(f"a tolerance is a finite number of 0 or more, got {dict(self.tolerance)}")
        if not self.windows + self.fractions:
            raise InvalidInput("a monitor needs windows or fractions to bet with, got neither")
        if any(not 1.0 < window < math.inf for window in self.windows):
            raise InvalidInput(f"windows are numbers of steps above 1, got {self.windows}")
        if any(not 0.0 < fraction < 1.0 for fraction in self.fractions):
            raise InvalidInput(f"fractions of the largest bet lie between 0 and 1, got {self.fractions}")
        if not (0.0 < self.clip_away < math.inf and 0.0 < self.clip_towards < math.inf):
            raise InvalidInput(f"scores are clipped at positive distances, got {self.clip_away}, {self.clip_towards}")
        if self.step_size is not None and self.step_size < 1:
            raise InvalidInput(f"a bet needs 1 response or more, got a step size of {self.step_size}")
        if self.bounds is not None and not (-math.inf < self.bounds[0] < self.bounds[1] < math.inf):
            raise InvalidInput(f"a score's bounds need low < high, got {self.bounds}")

    @classmethod
    def standard(
        cls,
        misaligned: Sequence[bool],
        *,
        keys: Sequence[str] = (),
        tolerance: Mapping[str, float] | None = None,
        **changes: Any,  # noqa: ANN401
    ) -> Self:
        """Return the settings with the standard scores: surprisal, misaligned share, their mirrors, each category.

        Parameters
        ----------
        misaligned : sequence of bool (K,)
            Whether each category is misaligned.
        keys : sequence of str (K,), optional
            Names of the categories, as in ``taxonomy.keys``; else they are numbered.
        tolerance : mapping of score to float, optional
        **changes
            Any other field.
        """
        scores = standard_scores(misaligned, keys=keys)
        return cls(scores, tolerance=tuple((tolerance or {}).items()), **changes)

    @classmethod
    def of_values(
        cls,
        name: str,
        *,
        low: float,
        high: float,
        tolerance: Mapping[str, float] | None = None,
        **changes: Any,  # noqa: ANN401
    ) -> Self:
        """Return the settings that watch one bounded score of the user's responses, in both directions.

        Parameters
        ----------
        name : str
            Of the score.
        low, high : float
            The range that its values cannot leave.
        tolerance : mapping of score to float, optional
        **changes
            Any other field.

        Examples
        --------
        >>> [score.name for score in BettingSettings.of_values("toxicity", low=0.0, high=1.0).scores]
        ['toxicity', 'toxicity, falling']
        """
        if not -math.inf < low < high < math.inf:
            raise InvalidInput(f"a score's bounds need low < high, got {(low, high)}")
        score = Score(name, (high - low, 0.0))
        both = (score, score.mirror())
        return cls(both, tolerance=tuple((tolerance or {}).items()), bounds=(low, high), **changes)

    @property
    def categories(self) -> int | None:
        """How many categories the scores speak of; None where the surprisal alone is watched."""
        return next((len(score.values) for score in self.scores if score.values is not None), None)

    def tolerance_of(self, score: Score) -> float:
        """Return the tolerance of a score: its own, else its original's, else for a category the misaligned share's."""
        known = dict(self.tolerance)
        if score.name in known:
            return known[score.name]
        if score.mirrored:
            return known.get(score.mirror().name, 0.0)
        return known.get(MISALIGNED, 0.0) if score.category is not None and self.bounds is None else 0.0

    def named(self, keys: Sequence[str]) -> Self:
        """Return the settings with the scores of single categories called by these keys: it watches the same.

        Examples
        --------
        >>> numbered = BettingSettings.standard([False, True, False], tolerance={"category 1": 0.01})
        >>> numbered.named(("g1", "g2", "g3")).tolerance
        (('g1', 0.01),)
        """
        if self.bounds is not None or len(keys) != self.categories:
            return self
        names = {score.name: category_name(score.category, keys) for score in self.scores if score.category is not None}
        scores = tuple(replace(score, name=names.get(score.name, score.name)) for score in self.scores)
        tolerance = tuple((names.get(name, name), size) for name, size in self.tolerance)
        return replace(self, scores=scores, tolerance=tolerance)

    def risks(self) -> tuple[float, ...]:
        """Return the part of delta that each score's bound may use; they sum to delta."""
        total = sum(score.risk for score in self.scores)
        return tuple(self.delta * score.risk / total for score in self.scores)

    def weights(self) -> tuple[float, ...]:
        """Return each score's weight in the average of the evidence; they sum to 1."""
        total = sum(score.weight for score in self.scores)
        return tuple(score.weight / total for score in self.scores)

    def alpha_of_run(self, run: int) -> float:
        """Return what the run may spend: alpha after every restart anew for e-SR, a part of it for e-processes."""
        return self.alpha if self.promise == "e-SR" else spent_alpha(self.alpha, run)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        values = asdict(self)
        values["tolerance"] = dict(self.tolerance)
        for name in ("windows", "fractions", "scores"):
            values[name] = list(values[name])
        values["bounds"] = None if self.bounds is None else list(self.bounds)
        for score in values["scores"]:
            score["values"] = None if score["values"] is None else list(score["values"])
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild the settings from :meth:`to_dict`."""
        known = dict(values)
        known["scores"] = tuple(
            Score(**{**score, "values": None if score["values"] is None else tuple(score["values"])})
            for score in known["scores"]
        )
        known["tolerance"] = tuple(known["tolerance"].items())
        known["windows"], known["fractions"] = tuple(known["windows"]), tuple(known["fractions"])
        known["bounds"] = None if known["bounds"] is None else tuple(known["bounds"])
        return cls(**known)
