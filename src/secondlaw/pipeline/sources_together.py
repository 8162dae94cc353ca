"""The share of harmful requests source by source: a file of several sets of requests has several shares.

A row may state the data set or prompt set that it comes from (``source``, ``prompt_set``). Attacks and everyday
questions in one file have nothing in common, least of all their share of harmful requests, so each source is read by
itself (:mod:`~secondlaw.pipeline.requests_together`). Sources with few different requests are read together with each
other, and all rows as one where there are more sources than anyone keeps sets of requests.

Labels under several shares are still one judgement; where one name has to stand for all of them it is that of the
classifier with the mark ``+harmful-several``.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from secondlaw.behavior.classifiers.expected_harm import HarmRead
from secondlaw.behavior.classifiers.told_share import LinePrior
from secondlaw.formats.visible import visible
from secondlaw.pipeline.requests_together import RequestEvidence, expected_together, share_read
from secondlaw.statistics.side_share import FEWEST_MEMBERS
from secondlaw.types import Insufficient

__all__ = [
    "MOST_SOURCES",
    "EvidenceBySource",
    "SharesExpected",
    "expected_by_source",
    "source_of",
    "sources_in_words",
]

MOST_SOURCES = 50
"""A file with more is read as one: each keeps up to a thousand requests in memory."""
MOST_NAMED = 8
"""Sources of which a warning tells the share; the rest are counted."""
LONGEST_NAME = 40
"""Of a source in words."""


def source_of(row: Mapping[str, Any]) -> str:
    """Return the set of requests that a row states to come from, its source or else its prompt set; empty for none.

    Examples
    --------
    >>> source_of({"source": "chat", "prompt_set": "a"}), source_of({"prompt_set": 0}), source_of({"source": None})
    ('chat', '0', '')
    """
    for name in ("source", "prompt_set"):
        if (value := row.get(name)) not in (None, ""):
            return str(value)
    return ""


class EvidenceBySource:
    """What responses say of the harm of their requests, by the source of these.

    Parameters
    ----------
    most : int
        With more sources all requests are read as one.

    Examples
    --------
    >>> evidence = EvidenceBySource()
    >>> for source, request in (("a", 1), ("b", 1), ("b", 2)):
    ...     evidence.add(source, request, 0.5)
    >>> {sources: len(of.values()) for sources, of in evidence.groups(fewest=2).items()}
    {('b',): 2, ('a',): 1}
    """

    def __init__(self, most: int = MOST_SOURCES) -> None:
        self._most = most
        self._each: dict[str, RequestEvidence] | None = {}
        self._together = RequestEvidence()

    def add(self, source: str, request: int, said: float) -> None:
        """Take the log odds of harm that a response says; NaN says nothing."""
        if said != said:
            return
        if self._each is not None and source not in self._each and len(self._each) == self._most:
            self._together, self._each = self.whole, None
        of = self._together if self._each is None else self._each.setdefault(source, RequestEvidence())
        of.add(request, said)

    @property
    def whole(self) -> RequestEvidence:
        """What the requests of all sources say."""
        return self._together if self._each is None else RequestEvidence.joined(self._each.values())

    @property
    def divided(self) -> bool:
        """Whether sources are told apart."""
        return self._each is not None

    def of(self, source: str) -> RequestEvidence:
        """Return what the requests of a source say, those of all where sources are not told apart."""
        return self.whole if self._each is None else self._each.get(source, RequestEvidence())

    def groups(
        self, *, fewest: int = FEWEST_MEMBERS, without: Collection[str] = ()
    ) -> dict[tuple[str, ...], RequestEvidence]:
        """Return what is read by itself: every source of `fewest` requests or more, and the others together.

        Those of `without` are left out. The empty tuple stands for all, where sources are not told apart.
        """
        if self._each is None:
            return {(): self.whole}
        size = {source: len(said.values()) for source, said in self._each.items() if source not in without}
        large = sorted(
            (source for source in size if size[source] >= fewest), key=lambda source: (-size[source], source)
        )
        small = tuple(sorted(source for source in size if size[source] < fewest))
        found: dict[tuple[str, ...], RequestEvidence] = {(source,): self._each[source] for source in large}
        if small:
            found[small] = RequestEvidence.joined(self._each[source] for source in small)
        return found


class SharesExpected(NamedTuple):
    """What labels expect of requests of unknown intent, by source, and the words for it."""

    shares: Mapping[str, float | None]
    """None: what the classifier expects."""
    otherwise: float | None = None
    """Of sources that are not named."""
    said: tuple[str, ...] = ()

    def of(self, source: str) -> float | None:
        """Return what labels of a source expect."""
        return self.shares.get(source, self.otherwise)


def expected_by_source(
    evidence: EvidenceBySource,
    prior: LinePrior,
    *,
    asked: bool,
    seed: int,
    settled: Mapping[str, float | None] | None = None,
) -> SharesExpected:
    """Return the shares that labels expect by what the requests of each source say together.

    Parameters
    ----------
    evidence : EvidenceBySource
    prior : LinePrior
    asked : bool
        Whether somebody asked for it: then it is said where it has no effect.
    seed : int
    settled : mapping, optional
        Sources that are not read, with their shares.
    """
    shares = dict(settled or {})
    groups = evidence.groups(without=shares)
    if not evidence.divided or (len(groups) < 2 and not shares):
        sources, one = next(iter(groups.items()), ((), evidence.whole))
        to, noted = expected_together(one, prior, asked=asked, seed=seed)
        many = "" if evidence.divided else f" (more than {MOST_SOURCES} sources: read as one)"
        said = tuple(f"{word}{many}" for word in noted)
        return SharesExpected(dict.fromkeys(sources, to) | shares, to, said)
    read: list[tuple[tuple[str, ...], HarmRead]] = []
    few: list[tuple[tuple[str, ...], int]] = []
    for sources, one in groups.items():
        found = share_read(one.values(), prior, seed=seed)
        shares |= dict.fromkeys(sources, None if isinstance(found, Insufficient) else found.told)
        if isinstance(found, Insufficient):
            few.append((sources, len(one.values())))
        else:
            read.append((sources, found))
    one_for_all = next(iter(shares.values())) if len(set(shares.values())) == 1 else None
    return SharesExpected(shares, one_for_all, _words(read, few, prior, asked=asked))


def _words(
    read: list[tuple[tuple[str, ...], HarmRead]],
    few: list[tuple[tuple[str, ...], int]],
    prior: LinePrior,
    *,
    asked: bool,
) -> tuple[str, ...]:
    """Return in words what the requests of several sources say."""
    told = [
        f"{sources_in_words(sources)} {found.share.value:.2f} [{found.share.low:.2f}, {found.share.high:.2f}] of "
        f"{found.share.n:,}, labels expect {found.told:g}"
        for sources, found in read
    ]
    told[MOST_NAMED:] = [f"{len(told) - MOST_NAMED} more sources"] if len(told) > MOST_NAMED else []
    told += [
        f"{sources_in_words(sources)} too few to read ({n}), labels expect {prior.share:.2f}" for sources, n in few
    ]
    how = "" if asked else f" (--harmful-share prior: {prior.share:.2f} throughout)"
    if not read:
        return (f"requests of unknown intent: {'; '.join(told)}",) if asked and few else ()
    return (
        f"requests of unknown intent, read together source by source, look harmful in: {'; '.join(told)}; if lines are "
        f"where the classifier draws them{how}",
    )


def sources_in_words(sources: tuple[str, ...]) -> str:
    """Return sources in words, on one line and not too long.

    Examples
    --------
    >>> sources_in_words(("chat",)), sources_in_words(("",)), sources_in_words(("a", "b"))
    ('chat', 'rows without source', '2 small sources')
    """
    if len(sources) != 1:
        return f"{len(sources)} small sources"
    name = visible(sources[0]).replace("\n", " ")
    return (name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…") or "rows without source"
