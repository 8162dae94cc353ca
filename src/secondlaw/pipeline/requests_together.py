"""``--harmful-share auto``: the share of harmful requests, read off all requests of unknown intent together.

A sample of them is judged first, one answer to each request, and the share found so is what labels expect. Which
requests are in the sample follows from their texts alone, so that it is the same whatever their order, and a run that
goes on finds what it began with.
"""

import hashlib
from collections.abc import Callable, Mapping
from heapq import heappush, heapreplace

import numpy as np

from secondlaw.behavior.classifiers.expected_harm import harmful_share_of
from secondlaw.behavior.observations import Observations
from secondlaw.behavior.taxonomy import INTENTS, Intent
from secondlaw.drift.cells import ClassifierError
from secondlaw.drift.line_of_harm import harm_evidence
from secondlaw.pipeline.engines import open_embedded
from secondlaw.pipeline.settings import Settings
from secondlaw.statistics.common_shift import log_odds
from secondlaw.statistics.side_share import side_share
from secondlaw.types import Estimate, Insufficient

__all__ = ["RequestSample", "share_settled", "unexpected_share"]

MOST_REQUESTS = 1000
"""Enough for a standard error of .03 or less; they take some 20 s."""
FAR = 1.5
"""Log odds between the share expected and the share read that are worth a word: with .65, below .3 or above .89."""

Progress = Callable[[int, int], None]


class RequestSample:
    """Different requests of unknown intent, each with one of its answers, chosen by the hashes of their texts.

    Parameters
    ----------
    most : int
        How many requests are kept.

    Examples
    --------
    >>> sample = RequestSample()
    >>> for intent in ("unknown", "benign", "unknown"):
    ...     sample.add("How do I boil an egg?", "In water.", intent)
    >>> len(sample), sample.texts()
    (1, (['How do I boil an egg?'], ['In water.']))
    """

    def __init__(self, most: int = MOST_REQUESTS) -> None:
        self._most = most
        self._kept: dict[int, tuple[int, str, str]] = {}
        self._largest: list[int] = []  # hashes of the requests kept, negative: the largest comes first

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, prompt: str, response: str, intent: Intent) -> None:
        """Offer a response; one to a request of stated intent, or to none, is passed over."""
        if intent != "unknown" or not prompt.strip():
            return
        request, answer = _hash(prompt), _hash(response)
        found = self._kept.get(request)
        if found is not None:
            if answer < found[0]:
                self._kept[request] = (answer, prompt, response)
        elif len(self._kept) < self._most:
            heappush(self._largest, -request)
            self._kept[request] = (answer, prompt, response)
        elif request < -self._largest[0]:
            del self._kept[-heapreplace(self._largest, -request)]
            self._kept[request] = (answer, prompt, response)

    def texts(self) -> tuple[list[str], list[str]]:
        """Return requests and answers, in the order of their hashes."""
        chosen = [self._kept[request] for request in sorted(self._kept)]
        return [prompt for _, prompt, _ in chosen], [response for _, _, response in chosen]


def share_settled(
    settings: Settings, sample: Callable[[], RequestSample], *, progress: Callable[[str], Progress]
) -> tuple[Settings, list[str]]:
    """Return settings with a number for ``auto``, and what the reader must know of it.

    Parameters
    ----------
    settings : Settings
        Where they do not say ``auto`` they come back as they are.
    sample : callable
        Gives a sample of all that is to be labelled; called where settings say ``auto``.
    progress : callable
        Begins to show how far a part is; what it gives is called with (requests judged, requests in all).

    Raises
    ------
    InvalidInput
        If the engine is none of the embedded ones.
    """
    if settings.harmful_share != "auto":
        return settings, []
    nothing_told = settings.model_copy(update={"harmful_share": None})
    requests = sample()
    if not len(requests):
        return nothing_told, []
    engine = open_embedded(settings.engine, settings)
    try:
        rng = np.random.default_rng([settings.seed, 5])
        found = harmful_share_of(engine, *requests.texts(), progress=progress("reading requests together"), rng=rng)
    finally:
        engine.close()
    if isinstance(found, Insufficient):
        return nothing_told, [
            f"--harmful-share auto is without effect: {found.reason} different requests of unknown intent; labels "
            f"expect {engine.expected_share:.2f} of them to be harmful"
        ]
    said = f"{_read_together(found.share)}; labels expect {found.told:g}"
    return settings.model_copy(update={"harmful_share": found.told}), [said]


def unexpected_share(
    observations: Observations, errors: Mapping[str | None, ClassifierError], *, seed: int
) -> list[str]:
    """Say so where requests of unknown intent, read together, are far from the share that their labels expect.

    Parameters
    ----------
    observations : Observations
        Labelled; rows without probabilities say nothing.
    errors : mapping
        What is known of each classifier's error, by its identity; one that was told a share is not doubted.
    seed : int
    """
    if observations.label_probs is None:
        return []
    stratum, warnings = INTENTS.index("unknown"), []
    unknown = (observations.intent == stratum) & np.isfinite(observations.label_probs[:, 0])
    for code, name in enumerate(observations.classifiers):
        error = errors.get(name)
        if error is None or error.expected_harm is None or error.moved:
            continue
        rows = np.flatnonzero(unknown & (observations.classifier == code))
        rows = rows[np.unique(observations.group[rows], return_index=True)[1]]
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_REQUESTS)).astype(np.intp)]
        said = harm_evidence(observations.label_probs[rows].astype(np.float64), error, stratum=stratum)
        if said is None:
            continue
        found = side_share(said, expected=error.expected_harm, rng=np.random.default_rng([seed, 6]))
        if isinstance(found, Insufficient) or found.low <= error.expected_harm <= found.high:
            continue
        if abs(log_odds(min(max(found.value, 0.01), 0.99)) - log_odds(error.expected_harm)) >= FAR:
            warnings.append(
                f"{_read_together(found)}, and labels of {name} expect {error.expected_harm:.2f}: label with "
                "--harmful-share auto (classify --relabel where rows carry labels), or state the share; numbers "
                "corrected by EM are the same"
            )
    return warnings


def _read_together(share: Estimate) -> str:
    return (
        f"{share.n:,} requests of unknown intent, read together, look harmful in {share.value:.2f} "
        f"[{share.low:.2f}, {share.high:.2f}], if the line is where the classifier draws it"
    )


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
