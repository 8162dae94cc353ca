"""Whether cells may be set side by side: labels of different making move the numbers without the model having moved."""

from collections.abc import Iterable, Mapping

from secondlaw.drift.cells import MeasuredCell
from secondlaw.pipeline.cells import CellKey, CellSource
from secondlaw.types import Insufficient

__all__ = ["unlike", "unlike_steps"]


def unlike(cells: Iterable[tuple[str | None, MeasuredCell]]) -> Insufficient | None:
    """Return why cells cannot be compared, or None.

    Parameters
    ----------
    cells : iterable of (classifier, MeasuredCell)
    """
    found = list(cells)
    names = sorted({name for name, cell in found if cell.labels != "human" and name is not None})
    if len(names) > 1:
        return Insufficient(f"the classifier changes between cells ({', '.join(names)}): label all with one")
    if len({cell.uncorrected for _, cell in found}) > 1:
        return Insufficient(
            "some cells are corrected or labelled by people, others read uncorrected machine labels: "
            "label or correct all alike"
        )
    return None


def unlike_steps(
    sources: Iterable[CellSource], cells: Mapping[CellKey, MeasuredCell | str]
) -> dict[tuple[str, str], Insufficient]:
    """Return the (stream, model) pairs whose steps cannot be compared, with the reason."""
    groups: dict[tuple[str, str], list[tuple[str | None, MeasuredCell]]] = {}
    for source in sources:
        cell = cells[source.key]
        if isinstance(cell, MeasuredCell):
            groups.setdefault((source.key.stream, source.key.model), []).append((source.classifier, cell))
    reasons = {model: unlike(found) for model, found in groups.items()}
    return {model: reason for model, reason in reasons.items() if reason is not None}
