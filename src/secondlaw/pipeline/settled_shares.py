"""One share of harmful requests for all labels of a classifier: as stated, as they stand, or read off all requests."""

from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.classifier_identity import KEEP_PROBS, split_identity, with_share
from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.classifiers.told_share import LinePrior, harm_sides, movable, move_between, shipped_priors
from secondlaw.behavior.observations import Observations
from secondlaw.behavior.taxonomy import INTENTS
from secondlaw.pipeline.engines import stated_share
from secondlaw.pipeline.requests_together import (
    RequestEvidence,
    expected_together,
    far_from,
    harm_said,
    prior_of,
    reads_by_default,
    share_read,
    smallest_requests,
    words_of_mixing,
    words_of_share,
)
from secondlaw.pipeline.settings import Settings
from secondlaw.statistics.common_shift import tilted
from secondlaw.types import Insufficient

__all__ = ["known_priors", "labelled_names", "settle_shares"]

Ints = NDArray[np.int64]
UNKNOWN = INTENTS.index("unknown")
BLOCK = 65_536
"""Rows whose probabilities are held in full width at a time."""


def known_priors(engines: Iterable[Classifier]) -> dict[str, LinePrior]:
    """Return what classifiers expect of unknown intents, by their identity untold: those that ship, and those given."""
    found = dict(shipped_priors())
    for one in engines:
        if (prior := prior_of(one)) is not None:
            found[split_identity(one.identity)[0]] = prior
    return found


def labelled_names(observations: Observations) -> frozenset[str]:
    """Return the classifiers by which rows are labelled."""
    codes = np.unique(observations.classifier[observations.label >= 0])
    return frozenset(name for code in codes.tolist() if code >= 0 and (name := observations.classifiers[code]))


def settle_shares(
    observations: Observations, settings: Settings, *, standing: Collection[str], priors: Mapping[str, LinePrior]
) -> list[str]:
    """Bring all labels of a classifier under one share of harmful requests, in place, and say so.

    A stated share holds for every label, whoever made it when; ``auto`` reads it off all requests. Nothing stated,
    labels that stood in the files stay under their share, others join them, and where there are none, or of several
    shares, it is read off all requests. Labels that stay under a share far from what requests have together are pointed
    out.

    Parameters
    ----------
    observations : Observations
        Labelled.
    settings : Settings
    standing : collection of str
        Classifiers whose labels stood in the files.
    priors : mapping
        See :func:`known_priors`.

    Returns
    -------
    list of str
        What the reader must know.
    """
    said: list[str] = []
    names = labelled_names(observations)
    for plain, prior in priors.items():
        shares = {name: told for name in names for base, told in (split_identity(name),) if base == plain}
        if not shares:
            continue
        stood = {told for name, told in shares.items() if name in standing}
        if not movable(observations.taxonomy):
            said += [words_of_mixing(observations.taxonomy, prior)] if settings.harmful_share == "auto" else []
            continue
        asked, nothing_stated = settings.harmful_share == "auto", settings.harmful_share is None
        read = asked or (nothing_stated and (len(stood) > 1 or (not stood and reads_by_default(settings))))
        if read:
            evidence = _evidence(observations, shares, prior)
            at = next(iter(shares.values())) if len(shares) == 1 else None
            to, noted = expected_together(evidence, prior, asked=asked, seed=settings.seed, left_at=at)
            said += noted
            if to is None and len(shares) == 1:
                continue
        else:
            to = next(iter(stood or shares.values())) if nothing_stated else stated_share(settings)
        moved = sum(_move(observations, name, told, to, plain, prior) for name, told in shares.items() if told != to)
        if moved and (len(stood) > 1 or stood - {to}):
            under = ", ".join(sorted("none" if told is None else f"{told:g}" for told in stood))
            said.append(
                f"labels of {plain} stood under other shares of harmful requests ({under}) and are read under "
                f"{'none' if to is None else f'{to:g}'}"
            )
        left = sorted(name for name in labelled_names(observations) if split_identity(name)[0] == plain)
        if len(left) > 1:
            said.append(
                f"labels of {plain} are under several shares of harmful requests ({', '.join(left)}), and those "
                f"without label_probs cannot be brought under another: {KEEP_PROBS}"
            )
        if nothing_stated and not read:
            said += _unexpected(observations, plain, to, prior, seed=settings.seed)
    return said


def _unexpected(
    observations: Observations, plain: str, told: float | None, prior: LinePrior, *, seed: int
) -> list[str]:
    """Say so where labels that stay under their share expect quite another than requests, read together, have."""
    mine = {name: told for name in labelled_names(observations) if split_identity(name) == (plain, told)}
    expected = prior.share if told is None else told
    found = share_read(_evidence(observations, mine, prior).values(), prior, seed=seed)
    if isinstance(found, Insufficient) or found.share.low <= expected <= found.share.high:
        return []
    if not far_from(expected, found.share.value if told is None else found.told):
        return []
    return [
        f"{words_of_share(found.share)}, and labels of {with_share(plain, told)} expect {expected:.2f}: read them "
        "under --harmful-share auto, or state the share; numbers corrected by EM are the same"
    ]


def _evidence(observations: Observations, shares: Mapping[str, float | None], prior: LinePrior) -> RequestEvidence:
    """Return what the requests of a classifier's rows say."""
    evidence, sides = RequestEvidence(), harm_sides(observations.taxonomy)
    without = [not prompt.strip() for prompt in observations.pending_prompts]
    unasked = observations.pending_rows[np.array(without, dtype=np.bool_)]
    for name, told in shares.items():
        rows = _of(observations, name)
        rows = rows[observations.intent[rows] == UNKNOWN]
        rows = rows[_with_probs(observations, rows)]
        for block in _blocks(rows[~np.isin(rows, unasked)]):
            assert observations.label_probs is not None  # noqa: S101 - rows have them
            says = harm_said(observations.label_probs[block].astype(np.float64), sides, prior, told)
            block, says = block[np.isfinite(says)], says[np.isfinite(says)]
            requests = observations.group_hashes[observations.group[block]]
            few = smallest_requests(requests)
            for request, one in zip(requests[few].tolist(), says[few].tolist(), strict=True):
                evidence.add(request, one)
    return evidence


def _move(
    observations: Observations, name: str, told: float | None, to: float | None, plain: str, prior: LinePrior
) -> int:
    """Bring a classifier's rows from one share to another; those that cannot be moved stay. Return how many moved."""
    rows, identity = _of(observations, name), with_share(plain, to)
    stated = observations.intent[rows] != UNKNOWN
    if stated.any():
        mine = rows[stated]
        observations.replace_labels(mine, observations.label[mine], classifier=identity)
    mine = rows[~stated & _with_probs(observations, rows)]
    sides, by = harm_sides(observations.taxonomy), move_between(prior, told, to)
    for block in _blocks(mine):
        assert observations.label_probs is not None  # noqa: S101 - rows have them
        after = tilted(observations.label_probs[block].astype(np.float64), sides, by)
        outside = observations.label[block] == len(observations.taxonomy.keys)
        labels = np.where(outside, observations.label[block], after.argmax(axis=1))
        observations.replace_labels(block, labels, classifier=identity, probs=after)
    return len(mine)


def _blocks(rows: Ints) -> Iterator[Ints]:
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]


def _of(observations: Observations, name: str) -> Ints:
    code = observations.classifiers.index(name)
    return np.flatnonzero((observations.classifier == code) & (observations.label >= 0))


def _with_probs(observations: Observations, rows: Ints) -> NDArray[np.bool_]:
    if observations.label_probs is None:
        return np.zeros(len(rows), dtype=np.bool_)
    return np.asarray(np.isfinite(observations.label_probs[rows, 0]))
