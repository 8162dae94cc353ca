"""Act head and intent head from labelled rows: bent from the shipped ones, recalibrated, or made from nothing.

How much the shipped heads are bent is chosen on prompts held out, by log loss, and each head by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.adapted import AdaptedHead
from secondlaw.behavior.classifiers.answer_reading import harm_spoken
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.labelled import LabelledRow, prompt_groups
from secondlaw.behavior.classifiers.leaning import leaned
from secondlaw.behavior.classifiers.protocol import KNOWN_INTENTS, Judgements
from secondlaw.behavior.classifiers.training_fits import adapt_head, calibrate, fit_head, with_calibrations
from secondlaw.behavior.classifiers.training_folds import prompt_folds
from secondlaw.behavior.taxonomy import ACTS
from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["STARTS", "Design", "Heads", "Start", "choose_penalties", "fit_heads", "judged"]

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]
AnyHead = Head | AdaptedHead
Start = Literal["adapt", "recalibrate", "scratch"]
STARTS: tuple[Start, ...] = get_args(Start)
PENALTIES = (np.inf, 10.0, 3.0, 1.0, 0.3, 0.1)
"""Strengths of the penalty that are tried, from a recalibration alone to a head that nearly forgets its beginning."""
FEWEST_SHIFT = 12
"""Rows of the rarer class (act or intent) below which a head is only recalibrated."""
INNER = 3
"""Parts of the prompts on which the penalties are chosen."""
FEWEST_OF_CLASS = 5
"""Rows of every class that heads from nothing need."""
SCRATCH_ACT = {"hidden": 48, "nets": 2, "alpha": 1.0, "epochs": 10, "C": 0.003}
SCRATCH_INTENT = {"hidden": 32, "nets": 3, "alpha": 2.0, "epochs": 15, "C": 0.01}
"""Settings of the shipped heads."""


@dataclass(frozen=True, slots=True)
class Design:
    """Features and truth of labelled rows.

    Parameters
    ----------
    x, xi, xa : ndarray of float32, shape (n, act features), (n, intent features) of requests, and of answers or None
    act : ndarray of int, shape (n,)
    harmful : ndarray of int, shape (n,)
        0 benign, 1 harmful, -1 unknown.
    groups : ndarray of int, shape (n,)
        Prompts.
    """

    x: Features
    xi: Features
    act: Index
    harmful: Index
    groups: npt.NDArray[np.int64]
    xa: Features | None = None

    @classmethod
    def of(cls, rows: Sequence[LabelledRow], x: Features, xi: Features, xa: Features | None = None) -> "Design":
        """Build the design of rows from their features."""
        act = np.array([ACTS.index(row.act) for row in rows], dtype=np.intp)
        known: list[str] = list(KNOWN_INTENTS)
        harmful = np.array([-1 if row.intent == "unknown" else known.index(row.intent) for row in rows], dtype=np.intp)
        return cls(x, xi, act, harmful, prompt_groups(rows), xa)

    @property
    def condition(self) -> Index:
        """Calibration that holds for each row: 0 unknown, 1 benign, 2 harmful."""
        return self.harmful + 1

    def requests(self, mask: Mask) -> Index:
        """Return one row of each prompt with a known intent among the masked."""
        known = np.flatnonzero(mask & (self.harmful >= 0))
        keys = self.groups[known] * 2 + self.harmful[known]
        return known[np.unique(keys, return_index=True)[1]].astype(np.intp)


@dataclass(frozen=True, slots=True)
class Heads:
    """The two heads of a classifier."""

    act: AnyHead
    intent: AnyHead


def fit_heads(
    design: Design, mask: Mask, base: Heads, *, start: Start, penalties: tuple[float, float], rng: np.random.Generator
) -> Heads:
    """Train both heads on the masked rows.

    Parameters
    ----------
    design : Design
    mask : ndarray of bool, shape (n,)
    base : Heads
        The shipped ones.
    start : {"adapt", "recalibrate", "scratch"}
    penalties : tuple of (float, float)
        Of act and intent, see :func:`choose_penalties`; for ``"scratch"`` not used.
    rng : numpy.random.Generator
        Divides the prompts on which heads from nothing are calibrated.

    Raises
    ------
    NotEnoughData
        If a head from nothing lacks rows of a class.
    """
    if start == "scratch":
        return _from_nothing(design, mask, base, rng)
    act = _fit_act(design, np.flatnonzero(mask), base, penalties[0])
    return Heads(act, _fit_intent(design, design.requests(mask), base, penalties[1]))


def _fit_act(design: Design, rows: Index, base: Heads, penalty: float) -> AnyHead:
    penalty = penalty if _rarest(design.act[rows]) >= FEWEST_SHIFT else np.inf
    return adapt_head(_plain(base.act), design.x[rows], design.act[rows], design.condition[rows], penalty=penalty)


def _fit_intent(design: Design, asked: Index, base: Heads, penalty: float) -> AnyHead:
    rarest = _rarest(design.harmful[asked])
    if rarest < FEWEST_OF_CLASS:
        return base.intent  # one kind of request, and a few of the other, do not say where the line lies
    penalty = penalty if rarest >= FEWEST_SHIFT else np.inf
    nothing = np.zeros(len(asked), dtype=np.intp)
    return adapt_head(_plain(base.intent), design.xi[asked], design.harmful[asked], nothing, penalty=penalty)


def _plain(head: AnyHead) -> Head:
    if not isinstance(head, Head):
        raise InvalidInput("only the shipped classifier can be adapted, not one that was adapted before")
    return head


def _rarest(codes: Index) -> int:
    """Return the rows of the second most frequent class."""
    return int(np.sort(np.bincount(codes, minlength=2))[-2]) if len(codes) else 0


def choose_penalties(design: Design, base: Heads, *, rng: np.random.Generator) -> tuple[float, float]:
    """Return the penalties of act and intent with the least log loss on prompts held out.

    Penalties are tried from strong to weak, until two in a row are worse than the best. (Taking the strongest within
    one standard error instead was measured on Do-Not-Answer: a point better told the intent, one worse not told it.)
    """
    folds = prompt_folds(design.groups, folds=INNER, rng=rng)

    def act_loss(penalty: float) -> float:
        total = 0.0
        for fold in folds:
            fitted = _fit_act(design, np.flatnonzero(fold.trained), base, penalty)
            rows = np.flatnonzero(fold.held)
            total += _log_loss(fitted.probabilities(design.x[rows], design.condition[rows]), design.act[rows])
        return total

    def intent_loss(penalty: float) -> float:
        total = 0.0
        for fold in folds:
            fitted = _fit_intent(design, design.requests(fold.trained), base, penalty)
            rows = design.requests(fold.held)
            total += _log_loss(fitted.probabilities(design.xi[rows]), design.harmful[rows])
        return total

    return _least(act_loss), _least(intent_loss)


def _least(loss: Callable[[float], float]) -> float:
    best, least, worse = PENALTIES[0], np.inf, 0
    for penalty in PENALTIES:
        found = loss(penalty)
        best, least, worse = (penalty, found, 0) if found < least else (best, least, worse + 1)
        if worse == 2:
            break
    return best


def _log_loss(probabilities: Floats, truth: Index) -> float:
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-6)).sum())


def judged(heads: Heads, design: Design, mask: Mask, *, told: bool, name: str) -> Judgements:
    """Return what heads say of the masked rows, with the stated intents or as if none were stated."""
    rows = np.flatnonzero(mask)
    known = (design.harmful[rows] >= 0) & told
    x, answers = design.x[rows], None if design.xa is None else design.xa[rows]
    act = heads.act.probabilities(x, np.where(known, design.condition[rows], 0).astype(np.intp))
    deed = harm_spoken(heads.act, heads.intent, x, answers)
    inferred = leaned(heads.intent.probabilities(design.xi[rows]), act, deed=deed)
    intent = np.where(known[:, None], np.eye(2)[np.maximum(design.harmful[rows], 0)], inferred)
    return Judgements(act, intent, np.zeros(len(rows), dtype=np.bool_), name)


def _from_nothing(design: Design, mask: Mask, base: Heads, rng: np.random.Generator) -> Heads:
    rows, asked = np.flatnonzero(mask), design.requests(mask)
    for codes, names in ((design.act[rows], ACTS), (design.harmful[asked], KNOWN_INTENTS)):
        few = [
            f"{name} ({have})"
            for name, have in zip(names, np.bincount(codes, minlength=len(names)), strict=True)
            if have < FEWEST_OF_CLASS
        ]
        if few:
            raise NotEnoughData(
                f"a classifier from nothing needs {FEWEST_OF_CLASS} rows or prompts of each class, too few of: "
                f"{', '.join(few)}; label more of them, or start from the shipped one (--start adapt)"
            )
    act = _calibrated(
        design.x[rows], design.act[rows], design.groups[rows], design.condition[rows], SCRATCH_ACT, base.act.prior, rng
    )
    nothing = np.zeros(len(asked), dtype=np.intp)
    intent = _calibrated(
        design.xi[asked], design.harmful[asked], design.groups[asked], nothing, SCRATCH_INTENT, base.intent.prior, rng
    )
    return Heads(act, intent)


def _calibrated(
    x: Features,
    y: Index,
    groups: npt.NDArray[np.int64],
    condition: Index,
    settings: Mapping[str, Any],
    prior: Floats,
    rng: np.random.Generator,
) -> Head:
    """Fit a head, and calibrate it on prompts that heads of the same making never saw."""
    classes = len(prior)
    raw, sound = np.zeros((len(y), classes)), np.zeros(len(y), dtype=np.bool_)
    for fold in prompt_folds(np.unique(groups, return_inverse=True)[1], folds=3, rng=rng):
        if len(np.unique(y[fold.trained])) == classes:
            part = fit_head(x[fold.trained], y[fold.trained], np.ones(fold.trained.sum()), settings, prior)
            raw[fold.held], sound[fold.held] = part.raw(x[fold.held]), True
    head = fit_head(x, y, np.ones(len(y)), settings, prior)
    if len(np.unique(y[sound])) < classes:
        return head
    plain = calibrate(raw[sound], y[sound], np.ones(sound.sum()), prior)
    fitted = [plain]
    for number in range(1, 1 + int(condition.max())):
        q = sound & (condition == number)
        enough = len(np.unique(y[q])) == classes and np.bincount(y[q], minlength=classes).min() >= FEWEST_OF_CLASS
        fitted.append(calibrate(raw[q], y[q], np.ones(q.sum()), prior) if enough else plain)
    fitted += [plain] * (3 - len(fitted)) if classes == len(ACTS) else []
    return with_calibrations(head, fitted)
