"""The tables of an evaluation's page: every number that the pictures show, and more."""

from collections.abc import Sequence
from html import escape

from secondlaw.behavior.classifiers.evaluation import Evaluation, Slice
from secondlaw.reports.classifier_words import WAYS, named
from secondlaw.reports.tables import entry, table
from secondlaw.reports.words import one_line
from secondlaw.types import Estimate, Measured

__all__ = ["evaluation_tables"]


def evaluation_tables(found: Evaluation, whole: Sequence[Slice]) -> str:
    """Return the slices, the categories of each way of asking, and what else was measured, as tables that fold.

    Parameters
    ----------
    found : Evaluation
    whole : sequence of Slice
        Those of all rows, one a way of asking.
    """
    slices = [
        [
            escape(f"{named(one)}, {WAYS[one.intent]}"),
            f"{one.agreement.n:,} / {one.agreement.groups:,}",
            *(
                entry(m, unit=False, reason=False)
                for m in (one.agreement.accuracy, one.agreement.macro_f1, one.agreement.kappa)
            ),
            _worst(one),
            f"{one.outside:,}",
        ]
        for one in found.slices
    ]
    heads = ("rows", "n / prompts", "accuracy", "macro-F1", "Cohen's κ", "worst ECE, debiased", "called outside")
    parts = [f"<details open><summary>All slices</summary>{table(heads, slices)}</details>"]
    for one in whole:
        rows = []
        for place, key in enumerate(one.agreement.classes):
            numbers: list[Measured | None] = [
                one.agreement.recall[place],
                one.agreement.precision[place],
                one.agreement.f1[place],
            ]
            numbers.append(one.calibration.ece_debiased[place] if one.calibration else None)
            rows.append([escape(one_line(key, 20)), *(entry(m, reason=False) for m in numbers)])
        named_by = ("category", "recall", "precision", "F1", "ECE, debiased")
        parts.append(
            f"<details open><summary>Categories, {WAYS[one.intent]}</summary>{table(named_by, rows)}</details>"
        )
    others = [[escape(name), entry(m, unit=False)] for name, m in _others(found, whole)]
    parts.append(f"<details open><summary>Further numbers</summary>{table(('quantity', 'estimate'), others)}</details>")
    return "".join(parts)


def _worst(one: Slice) -> str:
    errors = [m for m in (one.calibration.ece_debiased if one.calibration else ()) if isinstance(m, Estimate)]
    return entry(max(errors, key=lambda m: m.value)) if errors else '<span class="none">no probabilities</span>'


def _others(found: Evaluation, whole: Sequence[Slice]) -> list[tuple[str, Measured]]:
    rows: list[tuple[str, Measured]] = []
    for one in whole:
        way = WAYS[one.intent]
        rows += [(f"{pair}, {way}", m) for pair, m in one.mistaken.items()]
        if one.calibration is not None:
            rows.append((f"Brier score, {way}", one.calibration.brier))
        for name, e in (("prompts", one.entropy_prompts), ("cells of source and model", one.entropy_cells)):
            if e is not None:
                rows.append((f"correlation of entropies over {name} (Pearson), {way}", e.pearson))
                rows.append((f"correlation of entropies over {name} (Spearman), {way}", e.spearman))
    names = {"fleiss_kappa": "Fleiss' κ among annotators", "krippendorff_alpha": "Krippendorff's α among annotators"}
    return rows + [(names.get(name, name), m) for name, m in (found.raters or {}).items()]
