"""The shares of harmful requests under which the rows of a file are labelled, settled when all of them are judged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from secondlaw.behavior.classifier_identity import SEVERAL, split_identity, with_share
from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.classifiers.told_share import LinePrior, harm_sides, movable, move_between, moved_label
from secondlaw.behavior.hashing import group_hash
from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.pipeline.requests_together import (
    far_from,
    harm_in_label,
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
    source_of,
    sources_in_words,
)
from secondlaw.types import Insufficient

__all__ = ["DIGITS", "ShareRule", "UnderShares", "Written", "rule_of", "shares_of_rows"]

ShareRule = Literal["read", "join", "follow", "as is"]
DIGITS = 6
"""Decimals of written probabilities: rounding moves a row's sum by less than the reader tolerates."""
AS_IS = SharesExpected({})
MOST_SAID = 5
"""Sources of which it is said that their standing labels expect a share far from what they have."""
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
    asked : bool
        Whether these shares are wanted of all labels, so that others in the file are worth a word.
    """

    plain: str
    taxonomy: Taxonomy
    prior: LinePrior | None = None
    expected: SharesExpected = AS_IS
    asked: bool = False

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

    def differs(self, row: Mapping[str, Any]) -> bool:
        """Return whether the label that stands in a row is under another share than is expected of its source."""
        base, told = split_identity(row.get("classifier") or "")
        mine = self.prior is not None and base == self.plain and row.get("label") is not None
        return mine and "intent" not in row and told != self.expected.of(source_of(row))


class Written:
    """What of a file is written under which shares.

    Parameters
    ----------
    under : UnderShares
    """

    def __init__(self, under: UnderShares) -> None:
        self._under = under
        self._names: set[str] = set()
        self._elsewhere = 0
        self.shares: dict[str, float | None] = {}
        """Of fresh labels of unknown intent, by source."""

    def moved(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row that was labelled untold, as it is written."""
        out = self._under.moved(row)
        self._names.add(out["classifier"])
        if "intent" not in row and self._under.prior is not None:
            source, expected = source_of(row), self._under.expected
            self.shares[source if source in expected.shares else ""] = expected.of(source)
        return out

    def standing(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row that is written as it stands."""
        self._elsewhere += self._under.asked and self._under.differs(row)
        return row

    @property
    def identity(self) -> str:
        """Whose labels are written."""
        if len(self._names) == 1:
            return next(iter(self._names))
        return f"{self._under.plain}{SEVERAL}" if self._names else self._under.plain

    def said(self) -> list[str]:
        """Return what the reader must know of labels that stand in the file."""
        if not self._elsewhere:
            return []
        return [f"{self._elsewhere:,} labels that stand in the file are under other shares: --relabel makes them again"]


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
    plain, prior, asked = classifier.identity, prior_of(classifier), rule == "read"
    as_is = UnderShares(plain, taxonomy)
    if rule == "as is" or prior is None:
        return as_is
    if not movable(taxonomy):
        return replace(as_is, expected=SharesExpected({}, None, (words_of_mixing(taxonomy, prior),) if asked else ()))
    evidence, stood, everywhere = _evidence(rows, split_identity(plain)[0], prior, taxonomy)
    one_for_all = len(everywhere) == 1 and not asked
    one = next(iter(everywhere)) if one_for_all else None
    settled = {} if asked else {source: next(iter(of)) for source, of in stood.items() if len(of) == 1}
    if rule == "follow":
        expected = SharesExpected(settled, one)
    elif one_for_all and not evidence.divided:
        expected = SharesExpected({}, one)
    else:
        expected = expected_by_source(evidence, prior, asked=asked, seed=seed, settled=settled)
    if not evidence.divided:
        settled = {"": one} if one_for_all else {}
    said = (*expected.said, *_joined(evidence, settled, prior, seed=seed))
    return UnderShares(plain, taxonomy, prior, expected._replace(said=said), asked)


def _joined(
    evidence: EvidenceBySource, settled: Mapping[str, float | None], prior: LinePrior, *, seed: int
) -> list[str]:
    """Return what must be known of the shares of standing labels that fresh ones join."""
    said = []
    for source, to in settled.items():
        found = share_read(evidence.of(source).values(), prior, seed=seed)
        expected = prior.share if to is None else to
        if isinstance(found, Insufficient) or not far_from(expected, found.told):
            continue
        of, there = (f"{sources_in_words((source,))}: ", "their source") if source else ("", "the file")
        said.append(
            f"{of}{words_of_share(found.share)}; labels expect {expected:.2f}, as those that stand in {there}: give "
            "--harmful-share auto --relabel, or state the share"
        )
    return said[:MOST_SAID]


def _evidence(
    rows: Stored, plain: str, prior: LinePrior, taxonomy: Taxonomy
) -> tuple[EvidenceBySource, dict[str, set[float | None]], set[float | None]]:
    """Return what requests of unknown intent say, and under which shares their labels stood, by source and in all."""
    evidence, stood, everywhere = EvidenceBySource(), dict[str, set[float | None]](), set[float | None]()
    sides = harm_sides(taxonomy)
    for row, fresh in rows:
        base, told = split_identity(row.get("classifier") or "")
        if base != plain or row.get("label") is None or "intent" in row:
            continue
        source, probs = source_of(row), row.get("label_probs")
        if fresh is None:
            everywhere.add(told)
            if source in stood or len(stood) < MOST_SOURCES:
                stood.setdefault(source, set()).add(told)
        if probs is not None and fresh is not False:
            request = group_hash(row.get("conversation_id") or row["prompt_id"])
            evidence.add(source, request, harm_in_label(probs, taxonomy, sides, prior, told))
    return evidence, stood, everywhere
