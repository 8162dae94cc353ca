"""What is known of the error of the classifiers whose labels a file carries."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson

from secondlaw.behavior.classifier_identity import SEVERAL, split_identity
from secondlaw.behavior.classifiers.embedded import EmbeddedClassifier
from secondlaw.behavior.classifiers.protocol import Classifier
from secondlaw.behavior.taxonomy import INTENTS, Taxonomy
from secondlaw.drift.cells import ClassifierError
from secondlaw.errors import FileFormatError, InvalidInput

__all__ = ["confused_classifier", "error_of", "errors_of", "read_confusion"]


def error_of(classifier: Classifier, taxonomy: Taxonomy) -> ClassifierError:
    """Return priors by intent and, where the classifier carries one, its calibration sample; nothing if it has none."""
    priors = [prior for intent in INTENTS if (prior := classifier.prior(taxonomy, intent)) is not None]
    if len(priors) < len(INTENTS):
        return ClassifierError()
    calibration = getattr(classifier, "calibration", None)
    return ClassifierError(
        priors=np.stack(priors),
        calibration=None if calibration is None else calibration(taxonomy),
        line_spread=getattr(classifier, "line_spread", 0.0),
        line_integrated=getattr(classifier, "line_integrated", True),
        expected_harm=getattr(classifier, "expected_share", None),
        moved=getattr(classifier, "moved", 0.0),
    )


def errors_of(
    classifiers: Iterable[Classifier], names: Iterable[str | None], taxonomy: Taxonomy
) -> dict[str | None, ClassifierError]:
    """Return what is known of classifiers by identity, and of those among `names` that differ by a told share alone.

    Parameters
    ----------
    classifiers : iterable of Classifier
    names : iterable of str or None
        Whose labels there are; ``secondlaw-embedded/1.4.0+harmful-0.05`` is known where 1.4.0 is.
    taxonomy : Taxonomy
    """
    found: dict[str | None, ClassifierError] = {}
    stated = [name for name in names if name is not None]
    for one in classifiers:
        known = found[one.identity] = error_of(one, taxonomy)
        if not isinstance(one, EmbeddedClassifier):
            continue
        plain = one.expecting(None).identity
        found[plain] = replace(known, moved=0.0)
        for name in stated:
            identity, told = split_identity(name)
            if told is not None and identity == plain:
                found[name] = replace(known, moved=one.expecting(told).moved)
    return found


def confused_classifier(path: Path) -> str:
    """Return the classifier that a confusion file is about; empty where it does not say, which its reader refuses."""
    try:
        return str(orjson.loads(path.read_bytes())["classifier"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def read_confusion(path: Path, taxonomy: Taxonomy, classifiers: Iterable[str]) -> dict[str, ClassifierError]:
    """Read counts of (true, predicted) categories of a classifier from a JSON file.

    Parameters
    ----------
    path : Path
        ``{"classifier": NAME, "categories": [keys], "counts": [[...], ...]}``; a row of counts is a true category.
    taxonomy : Taxonomy
    classifiers : iterable of str
        The classifiers that the file under measurement names.

    Raises
    ------
    InvalidInput
        If there is no such file, or it speaks of another classifier or other categories.
    FileFormatError
        If it is not of that form.
    """
    if not path.is_file():
        raise InvalidInput(f"no confusion file {str(path)!r}")
    try:
        content = orjson.loads(path.read_bytes())
        name, keys = str(content["classifier"]), [str(key) for key in content["categories"]]
        counts = np.array(content["counts"], dtype=np.float64)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"{path}: a confusion file holds classifier, categories and counts (true by row): {error}"
        ) from error
    if sorted(keys) != sorted(taxonomy.keys) or counts.shape != (len(keys), len(keys)):
        raise InvalidInput(
            f"{path}: counts of {keys} by {counts.shape} do not fit the categories {list(taxonomy.keys)}"
        )
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts.sum(axis=1) > 0).all()):
        raise InvalidInput(f"{path}: counts must be finite, not negative, and some for every true category")
    known = list(classifiers)
    if name.endswith(SEVERAL):
        raise InvalidInput(
            f"{path} is about labels under several shares of harmful requests, {name!r}: count again with classifier "
            "evaluate --harmful-share prior (or a number), and measure with the same"
        )
    if name not in known:
        plain, share = split_identity(name)
        told = any(split_identity(one)[0] == plain for one in known)
        way = f"; label under its share: --harmful-share {share or 'prior'}" if told else ""
        raise InvalidInput(
            f"{path} is about {name!r}; the labels are of {', '.join(known) or 'no named classifier'}{way}"
        )
    order = [keys.index(key) for key in taxonomy.keys]
    return {name: ClassifierError(confusion=counts[np.ix_(order, order)])}
