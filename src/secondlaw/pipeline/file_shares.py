"""The shares of harmful requests under which the rows of a file are labelled, settled when all of them are judged."""

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
    far_from,
    harm_said,
    prior_of,
    reads_by_default,
    share_read,
    words_of_mixing,
    words_of_share,
)
from secondlaw.pipeline.settings import Settings
from secondlaw.pipeline.sources_together import (
    MOST_SOURCES,
    EvidenceBySource,
    SharesExpected,
    expected_by_source,
    identity_under,
    source_of,
)
from secondlaw.types import Insufficient

__all__ = ["DIGITS", "ShareRule", "UnderShares", "rule_of", "shares_of_rows"]

ShareRule = Literal["read", "join", "follow", "as is"]
DIGITS = 6
"""Decimals of written probabilities: rounding moves a row's sum by less than the reader tolerates."""
NOTHING_READ = SharesExpected({}, None, ())
Stored = Iterable[tuple[Mapping[str, Any], bool | None]]


def rule_of(settings: Settings) -> ShareRule:
    """Return how the share of a file's fresh labels is found.

    "read": off all rows of each source; "join": that of labels which stand in the file, read where there are none;
    "follow": that of labels which stand in the file; "as is": what the classifier expects, or was told.
    """
    if settings.harmful_share is None:
        return "join" if reads_by_default(settings) else "follow"
    return "read" if settings.harmful_share == "auto" else "as is"


@dataclass(frozen=True)
class UnderShares:
    """Under which shares fresh labels are written, by the source that rows state.

    Parameters
    ----------
    plain : str
        Identity of their classifier, as it was asked.
    taxonomy : Taxonomy
    prior : LinePrior or None
        None: the classifier takes no share.
    expected : SharesExpected
    """

    plain: str
    taxonomy: Taxonomy
    prior: LinePrior | None = None
    expected: SharesExpected = NOTHING_READ

    @property
    def identity(self) -> str:
        """Whose labels are written."""
        return identity_under(self.plain, self.expected.shares or {"": self.expected.otherwise})

    def moved(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row that was labelled untold as it is labelled under the share of its source."""
        share = self.expected.of(source_of(row))
        if share is None or self.prior is None:
            return dict(row)
        out = {**row, "classifier": with_share(self.plain, share)}
        if "intent" not in row:
            by = move_between(self.prior, None, share)
            out["label"], probs = moved_label(row["label"], row["label_probs"], self.taxonomy, by=by)
            out["label_probs"] = {key: round(p, DIGITS) for key, p in probs.items()}
        return out


def shares_of_rows(
    rows: Stored, classifier: Classifier, taxonomy: Taxonomy, rule: ShareRule, *, seed: int
) -> UnderShares:
    """Find the shares under which a file's fresh labels are written.

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
    plain, prior = classifier.identity, prior_of(classifier)
    as_is = UnderShares(plain, taxonomy)
    if rule == "as is" or prior is None:
        return as_is
    if not movable(taxonomy):
        said = (words_of_mixing(taxonomy, prior),) if rule == "read" else ()
        return replace(as_is, expected=SharesExpected({}, None, said))
    evidence, stood = _evidence(rows, split_identity(plain)[0], prior, taxonomy)
    if rule != "read" and len(everywhere := set().union(*stood.values())) == 1:
        to = everywhere.pop()
        joined = SharesExpected({}, to, _joined(evidence.whole, prior, to, seed=seed))
        return UnderShares(plain, taxonomy, prior, joined)
    settled = {} if rule == "read" else {source: next(iter(of)) for source, of in stood.items() if len(of) == 1}
    if rule == "follow":
        return UnderShares(plain, taxonomy, prior, SharesExpected(settled, None, ()))
    asked = rule == "read"
    return UnderShares(
        plain, taxonomy, prior, expected_by_source(evidence, prior, asked=asked, seed=seed, settled=settled)
    )


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
) -> tuple[EvidenceBySource, dict[str, set[float | None]]]:
    """Return what requests of unknown intent say, and the shares of labels that stood in the file, by source."""
    evidence, stood, sides = EvidenceBySource(), dict[str, set[float | None]](), harm_sides(taxonomy)
    for row, fresh in rows:
        base, told = split_identity(row.get("classifier") or "")
        if base != plain or row.get("label") is None:
            continue
        source = source_of(row)
        if fresh is None:
            stood.setdefault(source if source in stood or len(stood) < MOST_SOURCES else "", set()).add(told)
        probs = row.get("label_probs")
        if "intent" not in row and probs is not None and fresh is not False:
            p = np.array([[probs.get(key, 0.0) for key in taxonomy.keys]])
            request = group_hash(row.get("conversation_id") or row["prompt_id"])
            evidence.add(source, request, float(harm_said(p, sides, prior, told)[0]))
    return evidence, stood
