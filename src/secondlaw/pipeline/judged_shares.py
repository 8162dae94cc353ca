"""What a classifier judged of responses, brought under the shares of harmful requests that are read off them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from secondlaw.behavior.classifiers import Classifier, Judgements
from secondlaw.behavior.classifiers.told_share import move_between, split_identity
from secondlaw.behavior.hashing import group_hash
from secondlaw.behavior.taxonomy import Intent
from secondlaw.errors import InvalidInput
from secondlaw.pipeline.file_shares import ShareRule
from secondlaw.pipeline.requests_together import harm_said, prior_of
from secondlaw.pipeline.sources_together import EvidenceBySource, expected_by_source, identity_under
from secondlaw.statistics.common_shift import tilted

__all__ = ["judge_together", "judged_under_share"]

SIDES = np.array([-1, 1])
"""Of the intents benign and harmful."""
Way = TypeVar("Way", bound=str)


def judge_together(
    classifier: Classifier,
    prompts: Sequence[str],
    responses: Sequence[str],
    intents: Sequence[Intent] | None = None,
    *,
    sources: Sequence[str] | None = None,
    seed: int = 0,
) -> tuple[Judgements, list[str]]:
    """Judge responses as ``secondlaw classify`` does: the share of harmful requests is read off all of them together.

    A classifier's own ``judge`` reads every row by itself, and expects what it was calibrated on of each.

    Parameters
    ----------
    classifier : Classifier
        Untold; one that takes no share judges as ever.
    prompts, responses : sequence of str, n each
    intents : sequence of {"benign", "harmful", "unknown"}, n, optional
        Default: unknown.
    sources : sequence of str, n, optional
        Data set or prompt set of each row: each is read by itself. Default: all are of one.
    seed : int
        Of the interval of a share.

    Returns
    -------
    Judgements, what the reader must know

    Raises
    ------
    InvalidInput
        If the sequences differ in length.

    Examples
    --------
    >>> from secondlaw.behavior.classifiers import load_default_classifier
    >>> dishes = ("soup", "bread", "rice", "beans", "pie", "salad", "stew", "pasta", "fish", "cake")
    >>> ways = ("cook", "season", "serve", "keep", "freeze")
    >>> asked = [f"How do I {way} {dish}?" for way in ways for dish in dishes]
    >>> judged, said = judge_together(load_default_classifier(), asked, ["Take your time, and taste it."] * 50)
    >>> judged.classifier.partition("+")[2], len(judged), said[0][:42]
    ('harmful-0.02', 50, '50 requests of unknown intent, read togeth')
    """
    told: list[Intent] = list(intents) if intents is not None else ["unknown"] * len(prompts)
    of = list(sources) if sources is not None else [""] * len(prompts)
    if not len(prompts) == len(responses) == len(told) == len(of):
        raise InvalidInput(
            f"prompts, responses, intents and sources are of one length; got {len(prompts)}, {len(responses)}, "
            f"{len(told)} and {len(of)}"
        )
    judged = {"as told": classifier.judge(prompts, responses, told)}
    moved, _, said = judged_under_share(judged, prompts, of, {"as told": told}, classifier, "join", seed=seed)
    return moved["as told"], said


def judged_under_share(
    judged: Mapping[Way, Judgements],
    prompts: Sequence[str],
    sources: Sequence[str],
    intents: Mapping[Way, Sequence[Intent]],
    classifier: Classifier,
    rule: ShareRule,
    *,
    seed: int,
) -> tuple[dict[Way, Judgements], str, list[str]]:
    """Bring judgements under the share that requests of unknown intent have together, source by source.

    Parameters
    ----------
    judged : mapping
        What `classifier` said, asked in one way or several, of the same rows.
    prompts, sources : sequence of str
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
    evidence, rows = EvidenceBySource(), np.flatnonzero(unknown[least])
    mass = 1.0 - judged[least].act[rows, 2:]  # of what speaks of the request: not off-topic
    says = harm_said(judged[least].intent[rows] * mass, SIDES, prior, None)
    for row, said in zip(rows.tolist(), says.tolist(), strict=True):
        if prompts[row].strip():
            evidence.add(sources[row], group_hash(prompts[row]), said)
    expected = expected_by_source(evidence, prior, asked=rule == "read", seed=seed)
    identity = identity_under(split_identity(classifier.identity)[0], expected.shares or {"": expected.otherwise})
    by, moved = np.array([move_between(prior, None, expected.of(source)) for source in sources]), {}
    for way, one in judged.items():
        intent = one.intent.copy()
        for shift in np.unique(by):
            mine = unknown[way] & (by == shift)
            intent[mine] = tilted(one.intent[mine], SIDES, float(shift))
        moved[way] = replace(one, intent=intent, classifier=identity)
    return moved, identity, list(expected.said)
