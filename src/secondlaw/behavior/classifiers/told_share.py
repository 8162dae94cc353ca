"""Labels under one share of harmful requests or another: a view of the same judgement, and the way between them.

A classifier that was told a share of harmful requests moves the log odds of unknown intents
(:mod:`~secondlaw.behavior.classifiers.expected_harm`), and its version says so. Probabilities that were kept move on to
another share, or back to what the classifier expects untold, exactly: labels made under different shares become
comparable without judging anything again. What has no probabilities and no stated intent stays as it was labelled, and
so does everything in a taxonomy with a category that joins what different requests lead to in different ways
(:func:`movable`): there the probability of a category does not tell that of harm.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifier_identity import split_identity, with_share
from secondlaw.behavior.classifiers.shipped import LINE_SPREAD, load_weights, shipped_folder
from secondlaw.behavior.taxonomy import OUTSIDE, Taxonomy
from secondlaw.behavior.transcripts import Transcript
from secondlaw.statistics.common_shift import log_odds, tilted

__all__ = [
    "LinePrior",
    "harm_sides",
    "movable",
    "move_between",
    "moved_label",
    "shipped_priors",
    "under_share",
]

Ints = npt.NDArray[np.int64]


class LinePrior(NamedTuple):
    """What a classifier expects of unknown intents, untold."""

    share: float
    """Of harmful requests."""
    spread: float
    """Log odds by which a new source's line of harm is off, which its probabilities have integrated out."""


@cache
def shipped_priors() -> Mapping[str, LinePrior]:
    """Return what the classifiers that ship expect, by identity; no embedding model is opened."""
    found = {}
    for folder in (None, shipped_folder() / "large"):
        manifest, arrays = load_weights(folder)
        found[f"{manifest['name']}/{manifest['version']}"] = LinePrior(float(arrays["intent.prior"][1]), LINE_SPREAD)
    return found


def harm_sides(taxonomy: Taxonomy) -> Ints:
    """Return 1 for categories that only harmful requests reach, -1 for those of benign ones alone, 0 for the rest.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE
    >>> harm_sides(FIVE).tolist()
    [-1, 1, 1, -1, 0]
    """
    benign, harmful = (np.array(taxonomy.reachable(intent), np.int64) for intent in ("benign", "harmful"))
    return np.asarray(harmful - benign)


def movable(taxonomy: Taxonomy) -> bool:
    """Return whether labels of a taxonomy can be brought from one share to another by their probabilities alone.

    Each category is then reached from one kind of request, or from both by the same acts.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE, THREE
    >>> movable(FIVE), movable(THREE)
    (True, False)
    """
    acts: dict[str, dict[str, set[str]]] = {key: {"benign": set(), "harmful": set()} for key in taxonomy.keys}
    for (intent, act), key in taxonomy.composition.items():
        acts[key][intent].add(act)
    return all(not of["benign"] or not of["harmful"] or of["benign"] == of["harmful"] for of in acts.values())


def move_between(prior: LinePrior, told: float | None, to: float | None) -> float:
    """Return by how much log odds of harm move from one share that was told to another; None: nothing is told.

    Examples
    --------
    >>> move_between(LinePrior(0.5, 2.0), 0.5, None), round(move_between(LinePrior(0.5, 2.0), None, 0.1), 2)
    (0.0, -2.2)
    """
    return log_odds(prior.share if to is None else to) - log_odds(prior.share if told is None else told)


def under_share(
    transcript: Transcript, share: float | None, taxonomy: Taxonomy, priors: Mapping[str, LinePrior] | None = None
) -> Transcript:
    """Return a transcript as it is labelled under a share of harmful requests.

    Parameters
    ----------
    transcript : Transcript
        Labelled by a classifier of `priors`, or it comes back as it is.
    share : float or None
        None: nothing is told.
    taxonomy : Taxonomy
        Of the label.
    priors : mapping, optional
        What is known of classifiers, by their identity untold; those that ship.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE
    >>> probs = {"g1": 0.4, "g2": 0.6}
    >>> said = Transcript("Hi", "Hello.", "r1", "p1", label="g2", classifier="mine/1", label_probs=probs)
    >>> moved = under_share(said, 0.1, FIVE, {"mine/1": LinePrior(0.5, 0.0)})
    >>> moved.label, moved.classifier, round(moved.label_probs["g2"], 3)
    ('g1', 'mine/1+harmful-0.1', 0.143)
    """
    if transcript.classifier is None or transcript.label is None:
        return transcript
    plain, told = split_identity(transcript.classifier)
    if told == share:
        return transcript
    prior = (shipped_priors() if priors is None else priors).get(plain)
    if prior is None or not movable(taxonomy):
        return transcript
    identity = with_share(plain, share)
    if transcript.intent != "unknown":
        return replace(transcript, classifier=identity)
    if transcript.label_probs is None:
        return transcript
    by = move_between(prior, told, share)
    label, probs = moved_label(transcript.label, transcript.label_probs, taxonomy, by=by)
    return replace(transcript, label=label, label_probs=probs, classifier=identity)


def moved_label(
    label: str, probs: Mapping[str, float], taxonomy: Taxonomy, *, by: float
) -> tuple[str, dict[str, float]]:
    """Return a label of unknown intent and its probabilities where log odds of harm are moved.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE
    >>> moved_label("g1", {"g1": 0.75, "g2": 0.25}, FIVE, by=np.log(9.0))[0]
    'g2'
    """
    before = np.array([[probs.get(key, 0.0) for key in taxonomy.keys]])
    after = tilted(before, harm_sides(taxonomy), by)[0]
    best = label if label == OUTSIDE else taxonomy.keys[int(after.argmax())]
    return best, dict(zip(taxonomy.keys, after.tolist(), strict=True))
