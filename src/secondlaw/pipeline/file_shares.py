"""The share of harmful requests under which the rows of a file are labelled, settled when all of them are judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.classifiers.told_share import (
    LinePrior,
    harm_sides,
    movable,
    move_between,
    moved_label,
    split_identity,
    with_share,
)
from secondlaw.behavior.hashing import group_hash
from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.pipeline.requests_together import (
    RequestEvidence,
    expected_together,
    far_from,
    harm_said,
    prior_of,
    reads_by_default,
    share_read,
    words_of_mixing,
    words_of_share,
)
from secondlaw.pipeline.settings import Settings
from secondlaw.types import Insufficient

__all__ = ["DIGITS", "ShareRule", "UnderShare", "rule_of", "share_of_rows"]

ShareRule = Literal["read", "join", "follow", "as is"]
DIGITS = 6
"""Decimals of written probabilities: rounding moves a row's sum by less than the reader tolerates."""
Stored = Iterable[tuple[Mapping[str, Any], bool | None]]


def rule_of(settings: Settings) -> ShareRule:
    """Return how the share of a file's fresh labels is found.

    "read": off all rows; "join": that of labels which stand in the file, read off all rows where there are none;
    "follow": that of labels which stand in the file; "as is": what the classifier expects, or was told.
    """
    if settings.harmful_share is None:
        return "join" if reads_by_default(settings) else "follow"
    return "read" if settings.harmful_share == "auto" else "as is"


@dataclass(frozen=True)
class UnderShare:
    """Under which share fresh labels are written.

    Parameters
    ----------
    identity : str
        Of their classifier.
    taxonomy : Taxonomy
    by : float
        By how much log odds of harm move.
    said : tuple of str
        What the reader must know.
    """

    identity: str
    taxonomy: Taxonomy
    by: float = 0.0
    said: tuple[str, ...] = ()

    def moved(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row that was labelled untold as it is labelled under the share."""
        if row.get("classifier") == self.identity:
            return dict(row)
        out = {**row, "classifier": self.identity}
        if "intent" not in row:
            out["label"], probs = moved_label(row["label"], row["label_probs"], self.taxonomy, by=self.by)
            out["label_probs"] = {key: round(p, DIGITS) for key, p in probs.items()}
        return out


def share_of_rows(
    rows: Stored, classifier: Classifier, taxonomy: Taxonomy, rule: ShareRule, *, seed: int
) -> UnderShare:
    """Find the share under which a file's fresh labels are written.

    Parameters
    ----------
    rows : iterable of (row, fresh)
        As stored, and whether `classifier` labelled them now: None for those labelled before, False for those without a
        prompt; read once where the rule asks for it.
    classifier : Classifier
        Untold.
    taxonomy : Taxonomy
    rule : ShareRule
    seed : int
    """
    prior, as_is = prior_of(classifier), UnderShare(classifier.identity, taxonomy)
    if rule == "as is" or prior is None:
        return as_is
    if not movable(taxonomy):
        return replace(as_is, said=(words_of_mixing(taxonomy, prior),) if rule == "read" else ())
    plain = split_identity(classifier.identity)[0]
    evidence, stood = _evidence(rows, plain, prior, taxonomy)
    if rule != "read" and len(stood) == 1:
        to = next(iter(stood))
        noted = _joined(evidence, prior, to, seed=seed)
        return UnderShare(with_share(plain, to), taxonomy, move_between(prior, None, to), noted)
    if rule == "follow":
        return as_is
    to, said = expected_together(evidence, prior, asked=rule == "read", seed=seed)
    return UnderShare(with_share(plain, to), taxonomy, move_between(prior, None, to), tuple(said))


def _joined(evidence: RequestEvidence, prior: LinePrior, to: float | None, *, seed: int) -> tuple[str, ...]:
    """Return what must be known of the share of standing labels that fresh ones join."""
    found = share_read(evidence.values(), prior, seed=seed)
    expected = prior.share if to is None else to
    if isinstance(found, Insufficient) or not far_from(expected, found.told):
        return ()
    return (
        f"{words_of_share(found.share)}; labels expect {expected:.2f}, as those that stand in the file: give "
        "--harmful-share auto --relabel, or state the share",
    )


def _evidence(
    rows: Stored, plain: str, prior: LinePrior, taxonomy: Taxonomy
) -> tuple[RequestEvidence, set[float | None]]:
    """Return what requests of unknown intent say, and the shares of labels that stood in the file."""
    evidence, stood, sides = RequestEvidence(), set[float | None](), harm_sides(taxonomy)
    for row, fresh in rows:
        base, told = split_identity(row.get("classifier") or "")
        if base != plain or row.get("label") is None:
            continue
        if fresh is None:
            stood.add(told)
        probs = row.get("label_probs")
        if "intent" not in row and probs is not None and fresh is not False:
            p = np.array([[probs.get(key, 0.0) for key in taxonomy.keys]])
            evidence.add(
                group_hash(row.get("conversation_id") or row["prompt_id"]), float(harm_said(p, sides, prior, told)[0])
            )
    return evidence, stood
