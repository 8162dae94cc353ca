"""Turns that one classifier labelled under several shares of harmful requests, brought under one.

``secondlaw classify`` labels each source of a file under the share that its requests have
(:mod:`~secondlaw.pipeline.sources_together`). What follows what is asked of labels of one kind, so turns that stand
under several shares are read under the one that all their requests have together.
"""

from collections.abc import Sequence

from secondlaw.behavior.classifier_identity import split_identity, with_share
from secondlaw.behavior.classifiers.told_share import LinePrior, harm_sides, movable, shipped_priors, under_share
from secondlaw.behavior.hashing import group_hash
from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.behavior.transcripts import Transcript
from secondlaw.pipeline.requests_together import RequestEvidence, harm_in_label, share_read
from secondlaw.pipeline.settings import Settings
from secondlaw.types import Insufficient

__all__ = ["turns_under_one_share"]


def turns_under_one_share(
    runs: Sequence[Sequence[Transcript]], taxonomy: Taxonomy, settings: Settings
) -> tuple[list[list[Transcript]], list[str]]:
    """Bring labels of a classifier that stand under several shares under one.

    Parameters
    ----------
    runs : sequence of sequences of Transcript
        All that is measured together.
    taxonomy : Taxonomy
    settings : Settings
        A share that they state holds.

    Returns
    -------
    runs, what the reader must know
    """
    found, said = [list(rows) for rows in runs], []
    names = {row.classifier for rows in found for row in rows if row.classifier is not None and row.label is not None}
    for plain, prior in shipped_priors().items():
        told = sorted(name for name in names if split_identity(name)[0] == plain)
        if len(told) < 2 or not movable(taxonomy):
            continue
        to = _share_of(found, plain, prior, taxonomy, settings)
        found = [[_moved(row, plain, to, taxonomy) for row in rows] for rows in found]
        said.append(f"labels of {', '.join(told)} are one judgement and are read as {with_share(plain, to)}")
    return found, said


def _moved(row: Transcript, plain: str, to: float | None, taxonomy: Taxonomy) -> Transcript:
    mine = row.classifier is not None and split_identity(row.classifier)[0] == plain
    return under_share(row, to, taxonomy) if mine else row


def _share_of(
    runs: Sequence[Sequence[Transcript]], plain: str, prior: LinePrior, taxonomy: Taxonomy, settings: Settings
) -> float | None:
    """Return the share that is stated, else that which requests have together; None for what the classifier expects."""
    if settings.harmful_share not in (None, "auto"):
        return None if isinstance(settings.harmful_share, str) else settings.harmful_share
    evidence, sides = RequestEvidence(), harm_sides(taxonomy)
    for rows in runs:
        for row in rows:
            base, told = split_identity(row.classifier or "")
            if base == plain and row.intent == "unknown" and row.label_probs is not None:
                request = group_hash(row.conversation_id or row.prompt_id)
                evidence.add(request, harm_in_label(row.label_probs, taxonomy, sides, prior, told))
    read = share_read(evidence.values(), prior, seed=settings.seed)
    return None if isinstance(read, Insufficient) else read.told
