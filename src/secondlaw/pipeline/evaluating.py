"""``secondlaw classifier evaluate``: an engine, or the labels that a file carries, against labels of people."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifier_identity import SEVERAL, identity_under, split_identity
from secondlaw.behavior.classifiers.evaluation import (
    Evaluation,
    EvaluationOptions,
    Intents,
    Predictions,
    compare_raters,
    evaluate,
)
from secondlaw.behavior.classifiers.labelled import GIVEN_BY_PEOPLE, LabelledRow
from secondlaw.behavior.classifiers.labelled_reading import RecordedLabel
from secondlaw.behavior.classifiers.large import LARGE
from secondlaw.behavior.classifiers.protocol import Classifier
from secondlaw.behavior.classifiers.training_folder import trained_on
from secondlaw.behavior.taxonomy import OUTSIDE, Intent, Taxonomy
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.pipeline.engines import engine_report, engine_warnings
from secondlaw.pipeline.file_shares import ShareRule
from secondlaw.pipeline.judged_shares import judged_under_share
from secondlaw.pipeline.labelled_input import LabelledInput

__all__ = ["Evaluated", "Told", "evaluate_engine", "evaluate_recorded", "seen_in_training"]

Progress = Callable[[str], Callable[[int, int], None]]
Told = Literal["both", "known", "unknown"]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation, what the reader must know of the rows, and what the engine says of its own work."""

    evaluation: Evaluation
    rows: int
    warnings: tuple[str, ...]
    engine: dict[str, Any] | None = None


def evaluate_engine(
    given: LabelledInput,
    classifier: Classifier,
    taxonomy: Taxonomy,
    options: EvaluationOptions,
    *,
    told: Told = "both",
    any_label: bool = False,
    seen: npt.NDArray[np.bool_] | None = None,
    unseen_only: bool = False,
    share: ShareRule = "as is",
    progress: Progress | None = None,
) -> Evaluated:
    """Let a classifier judge labelled responses and compare.

    Parameters
    ----------
    given : LabelledInput
    classifier : Classifier
    taxonomy : Taxonomy
    options : EvaluationOptions
    told : {"both", "known", "unknown"}
        Whether the classifier is told the stated intents; both asks it twice, which a paid judge makes twice as dear.
    any_label : bool
        Count labels that people did not give as well; the evaluation then says that it is no accuracy.
    seen : ndarray of bool, optional
        Rows whose prompts the classifier was trained on, see :func:`seen_in_training`.
    unseen_only : bool
        Leave these rows out.
    share : {"read", "join", "as is"}
        Whether unknown intents are judged under the share of harmful requests that is read off the rows of their
        source; "join" where there are enough.
    progress : callable, optional

    Raises
    ------
    NotEnoughData
        If no row that counts is left.
    """
    kept, labels, warnings = _counted(given.labelled.rows, any_label=any_label)
    if unseen_only:
        kept = _unseen(kept, seen, classifier.identity, warnings)
    rows = [given.labelled.rows[i] for i in kept]
    ways: tuple[Intents, ...] = ("known", "unknown") if told == "both" else (told,)
    usable = np.ones(len(rows), dtype=np.bool_)
    prompts, responses = [row.prompt for row in rows], [row.response for row in rows]
    intents: dict[Intents, list[Intent]] = {
        way: [row.intent if way == "known" else "unknown" for row in rows] for way in ways
    }
    judged = {
        way: classifier.judge(
            prompts, responses, intents[way], progress=progress(f"classifying, intent {way}") if progress else None
        )
        for way in ways
    }
    sources = [row.source for row in rows]
    judged, expected = judged_under_share(
        judged, prompts, sources, intents, classifier, taxonomy, share, seed=options.seed
    )
    identity, warnings = next(iter(judged.values())).classifier, [*expected.said, *warnings]
    predictions = {way: Predictions.of(one, taxonomy) for way, one in judged.items()}
    for one in judged.values():
        usable[list(one.unlabelled)] = False
    if not usable.all():
        warnings.append(f"{int((~usable).sum())} rows got no label from {classifier.identity} and are in no number")
    if seen is not None and seen[kept].any():
        warnings.append(
            f"{int(seen[kept].sum())} of {len(rows)} rows are of prompts that {classifier.identity} was trained on: on "
            "new prompts it is worse than here (--unseen-only leaves them out)"
        )
    warnings += engine_warnings(classifier)
    unknown = sum(row.intent == "unknown" for row in rows)
    notes = [f"{unknown} rows state no intent; there it is inferred in both ways of asking"] if unknown else []
    found = _evaluated(given, rows, predictions, usable, taxonomy, identity, labels, options, warnings, notes)
    return replace(found, engine=engine_report(classifier))


def _unseen(kept: list[int], seen: npt.NDArray[np.bool_] | None, identity: str, warnings: list[str]) -> list[int]:
    """Return the rows whose prompts the classifier was not trained on."""
    if seen is None:
        raise InvalidInput(f"{identity} does not say what it was trained on; leave --unseen-only out")
    fresh = [i for i in kept if not seen[i]]
    if not fresh:
        raise NotEnoughData(f"all {len(kept)} rows are of prompts that {identity} was trained on: none is left")
    if len(fresh) < len(kept):
        warnings.append(f"{len(kept) - len(fresh)} rows are left out: {identity} was trained on their prompts")
    return fresh


def evaluate_recorded(
    given: LabelledInput,
    taxonomy: Taxonomy,
    options: EvaluationOptions,
    *,
    classifier: str | None = None,
    any_label: bool = False,
) -> Evaluated:
    """Compare the machine labels that the rows carry; no engine runs.

    Parameters
    ----------
    given, taxonomy, options, any_label
        As in :func:`evaluate_engine`.
    classifier : str, optional
        Whose labels; may be left out where all are of one, under whatever shares of harmful requests.

    Raises
    ------
    NotEnoughData
        If no row carries a label.
    InvalidInput
        If the labels are of several classifiers and none is named.
    """
    kept, labels, warnings = _counted(given.labelled.rows, any_label=any_label)
    found: list[tuple[int, RecordedLabel]] = [(i, one) for i in kept if (one := given.labelled.recorded[i]) is not None]
    names = Counter(one.classifier for _, one in found)
    if classifier is not None:
        found = [(i, one) for i, one in found if classifier in (one.classifier, _untold(one) + SEVERAL)]
    if not found:
        whose = f" of {classifier} (there are labels of {', '.join(names)})" if classifier and names else ""
        raise NotEnoughData(f"no labelled row carries a machine label{whose}; leave --recorded out to label them now")
    if len({_untold(one) for _, one in found}) > 1 and classifier is None:
        raise InvalidInput(f"the rows carry labels of {', '.join(names)}; name one with --classifier")
    if len(found) < len(kept):
        warnings.append(f"{len(kept) - len(found)} rows carry no such machine label and are in no number")
    rows = [given.labelled.rows[i] for i, _ in found]
    table = _recorded_probs([one for _, one in found], taxonomy)
    outside = np.array([one.label == OUTSIDE for _, one in found])
    codes = [taxonomy.keys.index(one.label) if one.label != OUTSIDE else 0 for _, one in found]
    if table is None and outside.any():
        warnings.append(f"{int(outside.sum())} rows are labelled outside without probabilities and are in no number")
    best = np.array(codes, dtype=np.int64) if table is None else table.argmax(axis=1).astype(np.int64)
    usable = ~outside if table is None else np.ones(len(rows), dtype=np.bool_)
    predictions: dict[Intents, Predictions] = {"recorded": Predictions(best, table, outside)}
    identity = identity_under(_untold(found[0][1]), [split_identity(one.classifier)[1] for _, one in found])
    return _evaluated(given, rows, predictions, usable, taxonomy, identity, labels, options, warnings, [])


def _untold(label: RecordedLabel) -> str:
    """Return the classifier of a label, whatever share of harmful requests it was told."""
    return split_identity(label.classifier)[0]


def seen_in_training(rows: Sequence[LabelledRow], engine: str) -> npt.NDArray[np.bool_] | None:
    """Return which rows are of prompts that an engine was trained on; None if that is not recorded."""
    shipped = engine in ("embedded", LARGE)  # both learned from the same prompts
    if not shipped and not Path(engine).is_dir():
        return None
    return trained_on([row.prompt for row in rows], None if shipped else Path(engine))


def _counted(rows: Sequence[LabelledRow], *, any_label: bool) -> tuple[list[int], str, list[str]]:
    """Return the rows that count, what their labels are, and what is left out."""
    people = [i for i, row in enumerate(rows) if row.strength in GIVEN_BY_PEOPLE]
    others = Counter(row.strength for row in rows if row.strength not in GIVEN_BY_PEOPLE)
    kinds = ", ".join(f"{name} ({n})" for name, n in others.most_common())
    if any_label:
        said = f"labels of all kinds, not only of people: {kinds}" if others else "human labels"
        return list(range(len(rows))), said, []
    if not people:
        raise NotEnoughData(
            f"no label says that a person gave it: label_strength is {kinds}; say --strength human if people did, or "
            "--any-label to compare with such labels, which is no accuracy"
        )
    warnings = (
        [f"{sum(others.values())} rows are left out, since no person gave their label: {kinds}"] if others else []
    )
    return people, "human labels", warnings


def _recorded_probs(found: Sequence[RecordedLabel], taxonomy: Taxonomy) -> npt.NDArray[np.float64] | None:
    if any(one.probs is None for one in found):
        return None
    table = np.array([[(one.probs or {}).get(key, 0.0) for key in taxonomy.keys] for one in found])
    mass = table.sum(axis=1, keepdims=True)
    out: npt.NDArray[np.float64] = np.divide(table, mass, out=np.full_like(table, 1 / table.shape[1]), where=mass > 0)
    return out


def _evaluated(
    given: LabelledInput,
    rows: Sequence[LabelledRow],
    predictions: dict[Intents, Predictions],
    usable: npt.NDArray[np.bool_],
    taxonomy: Taxonomy,
    identity: str,
    labels: str,
    options: EvaluationOptions,
    warnings: list[str],
    notes: list[str],
) -> Evaluated:
    if not usable.any():
        raise NotEnoughData(f"{identity} labelled none of the {len(rows)} rows: there is nothing to compare")
    raters = compare_raters(
        given.labelled.ratings, given.labelled.rated_prompts, classes=len(taxonomy.keys) + 1, options=options
    )
    if raters:
        annotators = given.labelled.annotators
        notes.append(
            f"{len(given.labelled.ratings)} responses were labelled by two or more of {len(annotators)} people"
        )
    found = evaluate(
        [row for row, kept in zip(rows, usable, strict=True) if kept],
        {way: said.take(usable) for way, said in predictions.items()},
        taxonomy,
        classifier=identity,
        options=options,
        labels=labels,
        notes=notes,
        raters=raters or None,
    )
    return Evaluated(found, int(usable.sum()), (*given.warnings, *warnings))
