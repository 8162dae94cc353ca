"""What comes of a labelling: rows with people's labels and their weights, how far people agree, what is missing."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.behavior import to_row
from secondlaw.behavior.label_journal import Label, consensus
from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.drift.measuring import ENOUGH_HUMAN_LABELS
from secondlaw.formats import BadRow, JsonlWriter
from secondlaw.pipeline.label_files import rows_of
from secondlaw.pipeline.label_session import LabelSession
from secondlaw.statistics.label_agreement import agreement
from secondlaw.statistics.rater_agreement import fleiss_kappa
from secondlaw.types import Insufficient, Measured

__all__ = ["CellLabels", "LabelSummary", "summarise_labels", "write_labelled"]


@dataclass(frozen=True, slots=True)
class CellLabels:
    """How many of a cell's responses people have labelled; `step` is None where rows state none."""

    stream: str
    model: str
    step: int | None
    responses: int
    labelled: int

    @property
    def missing(self) -> int:
        """Labels that PPI++ still lacks in this cell."""
        return max(0, min(ENOUGH_HUMAN_LABELS, self.responses) - self.labelled)


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """What a labelling amounts to.

    Parameters
    ----------
    planned, labelled : int
        Rows chosen, and rows that somebody labelled.
    by_annotator : mapping of str to (labelled, skipped)
    kappa : Estimate or Insufficient
        Cohen's of two annotators, Fleiss' of more.
    kappa_name : str
    agreed : Estimate or Insufficient
        Share of rows with two labels or more on which all agree.
    disputed : int
        Rows whose annotators differ and nobody has decided.
    cells : tuple of CellLabels
    """

    planned: int
    labelled: int
    by_annotator: dict[str, tuple[int, int]]
    kappa: Measured
    kappa_name: str
    agreed: Measured
    disputed: int
    cells: tuple[CellLabels, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        return {
            "planned": self.planned,
            "labelled": self.labelled,
            "annotators": {who: {"labelled": n, "skipped": skipped} for who, (n, skipped) in self.by_annotator.items()},
            "kappa": self.kappa.to_dict(),
            "kappa_name": self.kappa_name,
            "agreed": self.agreed.to_dict(),
            "disputed": self.disputed,
            "cells": [
                {"stream": c.stream, "model": c.model, "step": c.step, "responses": c.responses, "labelled": c.labelled}
                for c in self.cells
            ],
        }


def write_labelled(session: LabelSession, out: Path) -> tuple[CellLabels, ...]:
    """Write every sound row of the file, with the labels of people where there are some.

    A labelled row gets ``human_label`` (see :func:`secondlaw.behavior.label_journal.consensus`), ``annotator``,
    ``human_labels`` by annotator where there are several, and ``inclusion_probability``, by which PPI++ weights it.

    Returns
    -------
    tuple of CellLabels
        By stream, model and step, in order of occurrence.
    """
    labels, plan = session.state.by_row(), session.plan
    given = np.array([int(row) in labels for row in plan.rows], dtype=bool)
    inclusion = dict(zip(plan.rows.tolist(), plan.inclusion(given).tolist(), strict=True))
    responses: Counter[tuple[str, str, int | None]] = Counter()
    done: Counter[tuple[str, str, int | None]] = Counter()
    o, number = session.options, 0
    with JsonlWriter(out) as writer:
        for one in rows_of(
            session.source, session.taxonomy, relabel=o.relabel, file_format=o.file_format, assume_utc=o.assume_utc
        ):
            if isinstance(one, BadRow):
                continue
            transcript, _ = one
            row = to_row(transcript)
            cell = (transcript.stream, transcript.model, transcript.step)
            responses[cell] += 1
            if number in labels:
                done[cell] += 1
                row |= _people(labels[number], transcript.id, inclusion[number])
            writer.write(row)
            number += 1
    return tuple(CellLabels(*cell, n, done[cell]) for cell, n in responses.items())


def _people(labels: dict[str, Label], key: str, inclusion: float) -> dict[str, Any]:
    category, whose = consensus(labels, key=key)
    said = {who: label.category for who, label in labels.items() if not label.final}  # a decision is no second opinion
    found: dict[str, Any] = {"human_label": category, "annotator": whose, "inclusion_probability": inclusion}
    if len(said) > 1:
        found["human_labels"] = said
    intents = {label.intent for label in labels.values() if label.intent is not None}
    if len(intents) == 1:
        found["human_intent"] = intents.pop()
    return found


def summarise_labels(
    session: LabelSession, cells: tuple[CellLabels, ...], *, level: float, resamples: int, rng: np.random.Generator
) -> LabelSummary:
    """Summarise a labelling.

    Parameters
    ----------
    session : LabelSession
    cells : tuple of CellLabels
        From :func:`write_labelled`.
    level : float
        Of the interval of kappa, by prompt.
    resamples : int
    rng : numpy.random.Generator
    """
    labels = session.state.by_row()
    skipped = Counter(who for who, _ in session.state.skipped)
    given = Counter(who for who, _ in session.state.labels)
    disputed = [
        row
        for row, of in labels.items()
        if len({one.category for one in of.values()}) > 1 and not any(one.final for one in of.values())
    ]
    kappa, name, agreed = _agreement(session, level, resamples, rng)
    return LabelSummary(
        planned=len(session.plan),
        labelled=len(labels),
        by_annotator={who: (given[who], skipped[who]) for who in dict.fromkeys([*given, *skipped])},
        kappa=kappa,
        kappa_name=name,
        agreed=agreed,
        disputed=len(disputed),
        cells=cells,
    )


def _agreement(
    session: LabelSession, level: float, resamples: int, rng: np.random.Generator
) -> tuple[Measured, str, Measured]:
    """Return kappa, its name, and the share of agreement; decisions on disputed rows are no independent labels."""
    keys = (*session.taxonomy.keys, OUTSIDE)
    people = [who for who in session.state.annotators() if _independent(session, who)]
    rows = sorted({row for (who, row), one in session.state.labels.items() if not one.final})
    if len(people) < 2:
        none = Insufficient("one annotator: let a second one label the same file with --annotator NAME")
        return none, "kappa", none
    codes = np.full((len(rows), len(people)), -1, dtype=np.int64)
    for i, row in enumerate(rows):
        for j, who in enumerate(people):
            one = session.state.labels.get((who, row))
            if one is not None and not one.final:
                codes[i, j] = keys.index(one.category)
    twice = (codes >= 0).sum(axis=1) > 1
    if twice.sum() < 2:
        none = Insufficient(f"{int(twice.sum())} rows have labels of two annotators; let them label the same rows")
        return none, "kappa", none
    codes = codes[twice]
    prompts = [session.texts[row].group for row, both in zip(rows, twice, strict=True) if both]
    groups = np.unique(prompts, return_inverse=True)[1]
    if len(people) == 2:
        report = agreement(
            codes[:, 0], codes[:, 1], groups, classes=keys, rng=rng, level=level, resamples=resamples
        )  # fmt: skip
        return report.kappa, "Cohen's kappa", report.accuracy
    same = np.array([len(set(row[row >= 0].tolist())) == 1 for row in codes], dtype=np.int64)
    whole = agreement(np.ones(len(same), dtype=np.int64), same, groups, classes=("no", "yes"), rng=rng, level=level,
                      resamples=resamples)  # fmt: skip
    return (
        fleiss_kappa(codes, groups, classes=len(keys), rng=rng, level=level, resamples=resamples),
        "Fleiss' kappa",
        whole.accuracy,
    )


def _independent(session: LabelSession, who: str) -> bool:
    return any(at == who and not one.final for (at, _), one in session.state.labels.items())
