"""What a classifier judged of a set of responses, brought under the share of harmful requests that is read off it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from secondlaw.behavior.classifiers import Classifier, Judgements
from secondlaw.behavior.classifiers.told_share import move_between, split_identity, with_share
from secondlaw.behavior.hashing import group_hash
from secondlaw.behavior.taxonomy import Intent
from secondlaw.pipeline.file_shares import ShareRule
from secondlaw.pipeline.requests_together import (
    RequestEvidence,
    expected_together,
    harm_said,
    prior_of,
)
from secondlaw.statistics.common_shift import tilted

__all__ = ["judged_under_share"]

SIDES = np.array([-1, 1])
"""Of the intents benign and harmful."""
Way = TypeVar("Way", bound=str)


def judged_under_share(
    judged: Mapping[Way, Judgements],
    prompts: Sequence[str],
    intents: Mapping[Way, Sequence[Intent]],
    classifier: Classifier,
    rule: ShareRule,
    *,
    seed: int,
) -> tuple[dict[Way, Judgements], str, list[str]]:
    """Bring judgements under the share that requests of unknown intent have together.

    Parameters
    ----------
    judged : mapping
        What `classifier` said, asked in one way or several, of the same rows.
    prompts : sequence of str
    intents : mapping
        What it was told in each way; the share is read off the way that tells least.
    classifier : Classifier
        Untold.
    rule : ShareRule
    seed : int

    Returns
    -------
    judgements, identity of the classifier, what the reader must know
    """
    prior, unknown = prior_of(classifier), {way: np.array(told) == "unknown" for way, told in intents.items()}
    if rule in ("as is", "follow") or prior is None or not any(mask.any() for mask in unknown.values()):
        return dict(judged), classifier.identity, []
    least = max(unknown, key=lambda way: int(unknown[way].sum()))
    evidence, rows = RequestEvidence(), np.flatnonzero(unknown[least])
    mass = 1.0 - judged[least].act[rows, 2:]  # of what speaks of the request: not off-topic
    says = harm_said(judged[least].intent[rows] * mass, SIDES, prior, None)
    for row, said in zip(rows.tolist(), says.tolist(), strict=True):
        if prompts[row].strip():
            evidence.add(group_hash(prompts[row]), said)
    to, noted = expected_together(evidence, prior, asked=rule == "read", seed=seed)
    identity = with_share(split_identity(classifier.identity)[0], to)
    by, moved = move_between(prior, None, to), {}
    for way, one in judged.items():
        intent = np.where(unknown[way][:, None], tilted(one.intent, SIDES, by), one.intent)
        moved[way] = replace(one, intent=intent, classifier=identity)
    return moved, identity, noted
