"""What a classifier judged of responses, brought under the shares of harmful requests that are read off them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from secondlaw.behavior.classifier_identity import identity_under, with_share
from secondlaw.behavior.classifiers import Classifier, Judgements
from secondlaw.behavior.classifiers.told_share import movable, move_between, shipped_priors
from secondlaw.behavior.hashing import group_hash
from secondlaw.behavior.taxonomy import FIVE, Intent, Taxonomy
from secondlaw.errors import InvalidInput
from secondlaw.pipeline.file_shares import ShareRule
from secondlaw.pipeline.requests_together import harm_said, prior_of, words_of_mixing
from secondlaw.pipeline.sources_together import EvidenceBySource, SharesExpected, expected_by_source
from secondlaw.statistics.common_shift import tilted

__all__ = ["JudgedTogether", "judge_together", "judged_under_share"]

SIDES = np.array([-1, 1])
"""Of the intents benign and harmful."""
Way = TypeVar("Way", bound=str)


class JudgedTogether(NamedTuple):
    """What a classifier says of responses whose requests were read together."""

    judgements: Judgements
    """Its ``classifier`` is one name for all; labels that are kept need those of `classifiers`."""
    classifiers: tuple[str, ...]
    """Whose label each row has: the version names the share of its source."""
    said: tuple[str, ...]
    """What the reader must know."""


def judge_together(
    classifier: Classifier,
    prompts: Sequence[str],
    responses: Sequence[str],
    intents: Sequence[Intent] | None = None,
    *,
    sources: Sequence[str] | None = None,
    taxonomy: Taxonomy = FIVE,
    seed: int = 0,
) -> JudgedTogether:
    """Judge responses as ``secondlaw classify`` does: the share of harmful requests is read off all of them together.

    A classifier's own ``judge`` reads every row by itself, and expects of each what it was calibrated on.

    Parameters
    ----------
    classifier : Classifier
        One that ships, untold. Others, and one that was told a share, judge as ever.
    prompts, responses : sequence of str, n each
    intents : sequence of {"benign", "harmful", "unknown"}, n, optional
        Default: unknown.
    sources : sequence of str, n, optional
        Data set or prompt set of each row: each is read by itself. Default: all are of one.
    taxonomy : Taxonomy
        Of the labels to be made: no share is read where its categories join what intents lead to.
    seed : int
        Of the interval of a share.

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
    >>> found = judge_together(load_default_classifier(), asked, ["Take your time, and taste it."] * 50)
    >>> found.classifiers[0].partition("+")[2], found.said[0][:42]
    ('harmful-0.02', '50 requests of unknown intent, read togeth')
    """
    told: list[Intent] = list(intents) if intents is not None else ["unknown"] * len(prompts)
    of = [str(one or "") for one in sources] if sources is not None else [""] * len(prompts)
    if not len(prompts) == len(responses) == len(told) == len(of):
        raise InvalidInput(
            f"prompts, responses, intents and sources are of one length; got {len(prompts)}, {len(responses)}, "
            f"{len(told)} and {len(of)}"
        )
    rule: ShareRule = "join" if classifier.identity in shipped_priors() else "as is"
    judged = classifier.judge(prompts, responses, told)
    way = {"as told": told}
    moved, expected = judged_under_share({"as told": judged}, prompts, of, way, classifier, taxonomy, rule, seed=seed)
    names = tuple(with_share(judged.classifier, expected.of(source)) for source in of)
    return JudgedTogether(moved["as told"], names, expected.said)


def judged_under_share(
    judged: Mapping[Way, Judgements],
    prompts: Sequence[str],
    sources: Sequence[str],
    intents: Mapping[Way, Sequence[Intent]],
    classifier: Classifier,
    taxonomy: Taxonomy,
    rule: ShareRule,
    *,
    seed: int,
) -> tuple[dict[Way, Judgements], SharesExpected]:
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
    taxonomy : Taxonomy
        Of the labels to be made.
    rule : ShareRule
    seed : int

    Returns
    -------
    judgements, what they expect
    """
    prior, unknown = prior_of(classifier), {way: np.array(told) == "unknown" for way, told in intents.items()}
    if rule in ("as is", "follow") or prior is None or not any(mask.any() for mask in unknown.values()):
        return dict(judged), SharesExpected({})
    if not movable(taxonomy):
        return dict(judged), SharesExpected({}, None, (words_of_mixing(taxonomy, prior),) if rule == "read" else ())
    least = max(unknown, key=lambda way: int(unknown[way].sum()))
    evidence, rows = EvidenceBySource(), np.flatnonzero(unknown[least])
    mass = 1.0 - judged[least].act[rows, 2:]  # of what speaks of the request: not off-topic
    says = harm_said(judged[least].intent[rows] * mass, SIDES, prior, None)
    for row, said in zip(rows.tolist(), says.tolist(), strict=True):
        if prompts[row].strip():
            evidence.add(sources[row], group_hash(prompts[row]), said)
    expected = expected_by_source(evidence, prior, asked=rule == "read", seed=seed)
    identity = identity_under(classifier.identity, expected.shares.values() or [expected.otherwise])
    by, moved = np.array([move_between(prior, None, expected.of(source)) for source in sources]), {}
    for way, one in judged.items():
        intent = one.intent.copy()
        for shift in np.unique(by):
            mine = unknown[way] & (by == shift)
            intent[mine] = tilted(one.intent[mine], SIDES, float(shift))
        moved[way] = replace(one, intent=intent, classifier=identity)
    return moved, expected
