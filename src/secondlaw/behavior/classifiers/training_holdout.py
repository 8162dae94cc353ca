"""What a training is worth on prompts, models and sources that it never saw: trained anew without each, and judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.evaluation import EvaluationOptions, Predictions, evaluate
from secondlaw.behavior.classifiers.evaluation_json import evaluation_to_dict
from secondlaw.behavior.classifiers.labelled import GIVEN_BY_PEOPLE, LabelledRow
from secondlaw.behavior.classifiers.protocol import Judgements
from secondlaw.behavior.classifiers.training_folder import trained_on
from secondlaw.behavior.classifiers.training_folds import Fold, unseen_model_folds, unseen_source_folds
from secondlaw.behavior.classifiers.training_heads import Design, Heads, Start, fit_heads, judged
from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.errors import InvalidInput
from secondlaw.types import Insufficient

__all__ = ["KNOWN_PROMPTS", "HoldOut"]

KNOWN_PROMPTS = "prompts that the shipped heads were trained on"
"""In the note on held-out rows that are not new to what was bent."""


@dataclass(slots=True)
class HoldOut:
    """Trains once for every held-out part and reports on it.

    Parameters
    ----------
    rows, taxonomy, design
        What is trained on.
    base : Heads
        The shipped ones.
    start, splits, evaluation
        See :class:`~secondlaw.behavior.classifiers.training.TrainingOptions`.
    penalties : tuple of (float, float)
    name : str
        Of the classifier, for the reports.
    progress : callable
        Called with (parts done, parts in all).
    """

    rows: Sequence[LabelledRow]
    taxonomy: Taxonomy
    design: Design
    base: Heads
    start: Start
    splits: tuple[str, ...]
    evaluation: EvaluationOptions
    penalties: tuple[float, float]
    name: str
    progress: Callable[[int, int], None]
    done: int = 0
    total: int = 0

    def rng(self) -> np.random.Generator:
        """Return the generator that every training begins with."""
        return np.random.default_rng([self.evaluation.seed, 4])

    def reports(self, parts: tuple[Fold, ...]) -> tuple[dict[str, Any], tuple[Judgements, Judgements]]:
        """Return the held-out reports, and what was said of every row when its prompt was held out."""
        models, sources = [row.model for row in self.rows], [row.source for row in self.rows]
        wanted: dict[str, tuple[Fold, ...] | Insufficient] = {"prompt": parts}
        if "model" in self.splits:
            wanted["model"] = unseen_model_folds(models, self.design.groups)
        if "source" in self.splits:
            wanted["source"] = unseen_source_folds(sources, self.design.groups)
        self.total = sum(len(folds) for folds in wanted.values() if isinstance(folds, tuple))
        out: dict[str, Any] = {}
        unseen: tuple[Judgements, Judgements] | None = None
        for split, folds in wanted.items():
            if isinstance(folds, Insufficient):
                out[f"unseen {split}"] = folds.to_dict()
                continue
            held, knowing, guessing = self.judge(folds)
            if split == "prompt":
                unseen = knowing, guessing
            if split in self.splits:
                out[f"unseen {split}"] = self.report(held, knowing, guessing, folds, split)
        if unseen is None:
            raise InvalidInput("the prompts were not divided; this is a defect")
        return out, unseen

    def judge(self, folds: tuple[Fold, ...]) -> tuple[npt.NDArray[np.bool_], Judgements, Judgements]:
        """Return which rows were held out and what was said of them, told the intent and not told it."""
        n, name = len(self.rows), "held-out"
        held = np.zeros(n, dtype=np.bool_)
        act, intent = np.full((2, n, 3), 1 / 3), np.full((2, n, 2), 1 / 2)
        for fold in folds:
            heads = fit_heads(
                self.design, fold.trained, self.base, start=self.start, penalties=self.penalties, rng=self.rng()
            )
            for way in (0, 1):
                said = judged(heads, self.design, fold.held, told=way == 0, name=name)
                act[way, fold.held], intent[way, fold.held] = said.act, said.intent
            held |= fold.held
            self.done += 1
            self.progress(self.done, self.total)
        nowhere = np.zeros(n, dtype=np.bool_)
        return held, Judgements(act[0], intent[0], nowhere, name), Judgements(act[1], intent[1], nowhere, name)

    def report(
        self,
        held: npt.NDArray[np.bool_],
        knowing: Judgements,
        guessing: Judgements,
        folds: tuple[Fold, ...],
        split: str,
    ) -> dict[str, Any]:
        """Return the evaluation of the held-out rows that people labelled."""
        people = np.array([row.strength in GIVEN_BY_PEOPLE for row in self.rows])
        mask = held & people
        if not mask.any():
            return Insufficient("no held-out row was labelled by a person: other labels carry no accuracy").to_dict()
        whole = "all rows of a prompt in one" if split == "prompt" else "; ".join(fold.name for fold in folds)
        notes = [f"held out in {len(folds)} parts: {whole}"]
        if (held & ~people).any():
            notes.append(f"{int((held & ~people).sum())} held-out rows without a person's label are in no number")
        if self.start == "adapt":
            notes.append("how far the shipped heads are bent was chosen on these prompts, held out in parts")
        known = trained_on([row.prompt for row, kept in zip(self.rows, mask, strict=True) if kept])
        if self.start != "scratch" and known is not None and known.any():
            notes.append(
                f"{int(known.sum())} of these rows are of {KNOWN_PROMPTS}: unseen by what these rows added, not by "
                "what it was added to, so the numbers are too good by an unknown part"
            )
        if split == "model":
            notes.append("the prompts of a held-out model were seen with answers of other models")
        found = evaluate(
            [row for row, kept in zip(self.rows, mask, strict=True) if kept],
            {
                "known": Predictions.of(knowing, self.taxonomy).take(mask),
                "unknown": Predictions.of(guessing, self.taxonomy).take(mask),
            },
            self.taxonomy,
            classifier=f"{self.name}, trained without these {split}s,",
            options=replace(self.evaluation, by=("model",) if split == "model" else ("source",)),
            notes=notes,
        )
        return evaluation_to_dict(found)
