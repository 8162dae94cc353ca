"""A combined score from labelled answers: trained, measured out of fold, kept in a file, given to new answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from secondlaw.errors import FileFormatError, InvalidInput, NotEnoughData, SourceError
from secondlaw.faithfulness import CombinedScore, Scored, features_of, fit_combined
from secondlaw.pipeline.json_files import write_json
from secondlaw.statistics import LEVEL

__all__ = ["combined_scores", "load_combined", "save_combined", "train_combined"]

SCHEMA = "secondlaw/combined-score/1"
WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def train_combined(
    results: Sequence[Scored], *, field: str, seed: int, level: float = LEVEL
) -> tuple[CombinedScore, int]:
    """Fit a combined score to the labels that rows carry.

    Parameters
    ----------
    results : sequence of Scored
    field : str
        Field of the rows that says whether the answer is faithful: true or false, 1 or 0, yes or no.
    seed : int
        Of folds and resamples.
    level : float
        Coverage of the AUROC's interval.

    Returns
    -------
    CombinedScore, int
        Its AUROC is out of fold, by whole groups; and how many rows had no label or no features.

    Raises
    ------
    InvalidInput
        If a label is none of these.
    NotEnoughData
        If no row has the field, or there are fewer than 10 answers of either kind, or 5 groups.
    """
    kept = [one for one in results if one.embedded.example.fields.get(field) is not None and one.grounding.sentences]
    if not kept:
        raise NotEnoughData(f"none of {len(results)} answers has a label in {field!r} and sentences in a context")
    labels = [_truth(one, field) for one in kept]
    groups = [one.embedded.example.group for one in kept]
    features = np.array([features_of(one.grounding) for one in kept])
    fitted = fit_combined(
        features, labels, groups, rng=np.random.default_rng(seed), level=level, embedding=kept[0].embedding
    )
    return fitted, len(results) - len(kept)


def combined_scores(results: Sequence[Scored], model: CombinedScore) -> list[float | None]:
    """Return the fitted probability of being faithful of each answer, None where it has no features.

    Raises
    ------
    InvalidInput
        If the score was trained with another embedding.
    """
    other = next((one.embedding for one in results if one.embedding != model.embedding), None)
    if other is not None:
        raise InvalidInput(
            f"the combined score was trained with the embedding {model.embedding}, not {other}: give the same, or "
            "train it anew"
        )
    return [
        float(model.score(features_of(one.grounding))) if one.grounding.sentences else None for one in results
    ]  # fmt: skip


def save_combined(model: CombinedScore, path: Path) -> None:
    """Write a combined score as JSON, replacing an older file in one step."""
    write_json(path, {"schema": SCHEMA, **model.to_dict()})


def load_combined(path: Path) -> CombinedScore:
    """Read a combined score.

    Raises
    ------
    SourceError
        If the file cannot be read.
    FileFormatError
        If it holds none.
    """
    import orjson

    try:
        values: dict[str, Any] = orjson.loads(path.read_bytes())
        if values["schema"] != SCHEMA:
            raise FileFormatError(f"{path} has the schema {values['schema']!r}, a combined score has {SCHEMA}")
        return CombinedScore.from_dict(values)
    except OSError as error:
        raise SourceError(f"cannot read the combined score {path}: {error}; make it with --train") from error
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is no combined score: {error!r}") from error


def _truth(one: Scored, field: str) -> bool:
    value = one.embedded.example.fields[field]
    found = WORDS.get(str(value).strip().casefold())
    if found is None:
        raise InvalidInput(
            f"{field} of answer {one.embedded.example.id[:40]} is true or false, 1 or 0, yes or no, got {value!r}"
        )
    return found
