"""The share of harmful requests, read off all requests of unknown intent together.

What a file's labels expect of a request whose intent is not stated is read off the file itself: responses are judged as
if nothing were known, the share of harmful requests is estimated from the probabilities of different requests, and the
log odds of harm are moved to it (:mod:`~secondlaw.behavior.classifiers.told_share`). No label of a person is used, and
nothing is judged twice.

Which requests are read follows from their hashes, so that it is the same whatever their order.
"""

from collections.abc import Iterable, Mapping
from heapq import heappush, heapreplace

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior.classifiers import Classifier
from secondlaw.behavior.classifiers.embedded import EmbeddedClassifier
from secondlaw.behavior.classifiers.expected_harm import HarmRead, harmful_share_of
from secondlaw.behavior.classifiers.large import LARGE
from secondlaw.behavior.classifiers.told_share import LinePrior, move_between
from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.pipeline.engines import open_embedded, open_engine
from secondlaw.pipeline.settings import Settings
from secondlaw.statistics.common_shift import log_odds
from secondlaw.types import Estimate, Insufficient

__all__ = [
    "SHIPPED", "RequestEvidence", "expected_together", "far_from", "harm_in_label", "harm_said", "open_for_files",
    "prior_of", "reads_by_default", "share_read", "smallest_requests", "words_of_mixing", "words_of_moved",
    "words_of_share",
]  # fmt: skip

Floats = NDArray[np.float64]
MOST_REQUESTS = 1000
"""Enough for a standard error of .03 or less."""
SHIPPED = ("embedded", LARGE)
"""Engines whose labels are under the share of the file unless something else is said."""
FAR, LEAST_SHARE = 1.5, 0.01
"""Log odds between the share expected and the share read that are worth a word: with .65, below .3 or above .89."""
SMALLEST = 1e-6
"""Probabilities are written with six decimals."""
LEAST_MASS = 1e-3
"""A response that is surely off-topic leaves less than this to harmful and harmless: it says nothing of its request."""


class RequestEvidence:
    """What responses say of the harm of their requests, in the mean of each; some thousand requests at most.

    Parameters
    ----------
    most : int
        How many requests are kept: those of the smallest hashes.

    Examples
    --------
    >>> evidence = RequestEvidence()
    >>> for request, said in ((7, 1.0), (5, -2.0), (7, 3.0)):
    ...     evidence.add(request, said)
    >>> evidence.values().tolist()
    [-2.0, 2.0]
    """

    def __init__(self, most: int = MOST_REQUESTS) -> None:
        self._most = most
        self._kept: dict[int, tuple[float, int]] = {}
        self._largest: list[int] = []  # hashes of the requests kept, negative: the largest comes first

    def add(self, request: int, said: float) -> None:
        """Take the log odds of harm that a response says, by the hash of its request; NaN says nothing."""
        if said == said:
            self._add(request, said, 1)

    def _add(self, request: int, total: float, n: int) -> None:
        """Take what n responses say in sum."""
        found = self._kept.get(request)
        if found is not None:
            self._kept[request] = (found[0] + total, found[1] + n)
        elif len(self._kept) < self._most:
            heappush(self._largest, -request)
            self._kept[request] = (total, n)
        elif request < -self._largest[0]:
            del self._kept[-heapreplace(self._largest, -request)]
            self._kept[request] = (total, n)

    @classmethod
    def joined(cls, parts: Iterable["RequestEvidence"]) -> "RequestEvidence":
        """Return what the requests of several sets say; a request of two sets counts once."""
        whole = cls()
        for part in parts:
            for request, (total, n) in part._kept.items():
                whole._add(request, total, n)
        return whole

    def values(self) -> Floats:
        """Return what each request says, in the order of their hashes."""
        return np.array([total / n for _, (total, n) in sorted(self._kept.items())])


def smallest_requests(requests: NDArray[np.uint64], most: int = MOST_REQUESTS) -> NDArray[np.bool_]:
    """Return which rows are of the requests that a :class:`RequestEvidence` would keep.

    Examples
    --------
    >>> smallest_requests(np.array([7, 5, 7, 9], dtype=np.uint64), 2).tolist()
    [True, True, True, False]
    """
    different = np.unique(requests)
    if not len(different):
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(requests <= different[min(most, len(different)) - 1])


def harm_said(probabilities: Floats, sides: NDArray[np.int64], prior: LinePrior, told: float | None) -> Floats:
    """Return what responses of unknown intent say of the harm of their requests.

    Parameters
    ----------
    probabilities : ndarray, shape (n, K)
    sides : ndarray of int, shape (K,)
        See :func:`~secondlaw.behavior.classifiers.told_share.harm_sides`.
    prior : LinePrior
        Of the classifier.
    told : float or None
        Share under which the probabilities are.

    Returns
    -------
    ndarray, shape (n,)
        Log odds of harm less those that are expected; NaN where the response says nothing.

    Examples
    --------
    >>> p = np.array([[0.2, 0.5, 0.1, 0.2, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]])
    >>> harm_said(p, np.array([-1, 1, 1, -1, 0]), LinePrior(0.5, 2.0), None).round(3).tolist()
    [0.405, nan]
    """
    harmful, benign = (probabilities[:, sides == side].sum(axis=1) for side in (1, -1))
    says = np.log(np.maximum(harmful, SMALLEST)) - np.log(np.maximum(benign, SMALLEST))
    says = says - log_odds(prior.share) - move_between(prior, None, told)
    return np.where(harmful + benign < LEAST_MASS, np.nan, says)


def harm_in_label(
    probs: Mapping[str, float], taxonomy: Taxonomy, sides: NDArray[np.int64], prior: LinePrior, told: float | None
) -> float:
    """Return what one label of unknown intent says of the harm of its request, see :func:`harm_said`.

    Examples
    --------
    >>> from secondlaw.behavior.taxonomy import FIVE
    >>> sides = np.array([-1, 1, 1, -1, 0])
    >>> round(harm_in_label({"g1": 0.4, "g2": 0.6}, FIVE, sides, LinePrior(0.5, 2.0), None), 3)
    0.405
    """
    return float(harm_said(np.array([[probs.get(key, 0.0) for key in taxonomy.keys]]), sides, prior, told)[0])


def share_read(says: Floats, prior: LinePrior, *, seed: int) -> HarmRead | Insufficient:
    """Return the share of harmful requests, and what labels best expect; Insufficient with few requests.

    Parameters
    ----------
    says : ndarray, shape (requests,)
        From :meth:`RequestEvidence.values`.
    prior : LinePrior
    seed : int
    """
    rng = np.random.default_rng([seed, 5])
    return harmful_share_of(says, expected=prior.share, line_spread=prior.spread, rng=rng)


def expected_together(
    evidence: RequestEvidence, prior: LinePrior, *, asked: bool, seed: int, left_at: float | None = None
) -> tuple[float | None, list[str]]:
    """Return the share that labels expect by what all requests say, None where these are few, and the words for it.

    Parameters
    ----------
    evidence : RequestEvidence
    prior : LinePrior
    asked : bool
        Whether somebody asked for it: then it is said where it has no effect.
    seed : int
    left_at : float, optional
        What labels expect where it has no effect; the prior's share.
    """
    found = share_read(evidence.values(), prior, seed=seed)
    if isinstance(found, Insufficient):
        return None, [
            f"--harmful-share auto is without effect: {found.reason} different requests of unknown intent; labels "
            f"expect {left_at or prior.share:.2f} of them to be harmful"
        ] if asked else []  # fmt: skip
    how = "" if asked else f" (--harmful-share prior: {prior.share:.2f})"
    return found.told, [f"{words_of_share(found.share)}; labels expect {found.told:g}{how}"]


def reads_by_default(settings: Settings) -> bool:
    """Return whether the share of fresh labels is read off a file without being asked for."""
    return settings.harmful_share is None and settings.engine in SHIPPED


def open_for_files(settings: Settings) -> Classifier:
    """Open the engine that settings name, untold where the share is yet to be read off a file.

    Raises
    ------
    InvalidInput
        As :func:`~secondlaw.pipeline.engines.open_engine`, and if ``auto`` is asked of an engine that takes no share.
    """
    if settings.harmful_share == "auto":
        return open_embedded(settings.engine, settings)
    return open_engine(settings.engine, settings)


def prior_of(classifier: Classifier) -> LinePrior | None:
    """Return what a classifier expects of unknown intents; None where it takes no share."""
    if not isinstance(classifier, EmbeddedClassifier):
        return None
    return LinePrior(classifier.expected_share, classifier.line_spread if classifier.line_integrated else 0.0)


def far_from(expected: float, share: float) -> bool:
    """Return whether a share that was read is so far from what labels expect that it is worth a word.

    Examples
    --------
    >>> far_from(0.65, 0.5), far_from(0.65, 0.25)
    (False, True)
    """
    return abs(log_odds(min(max(share, LEAST_SHARE), 1.0 - LEAST_SHARE)) - log_odds(expected)) >= FAR


def words_of_mixing(taxonomy: Taxonomy, prior: LinePrior) -> str:
    """Return in words that a taxonomy's categories do not tell harmful requests from harmless ones."""
    return (
        f"--harmful-share auto is without effect: categories of the taxonomy {taxonomy.name!r} join what harmful and "
        f"harmless requests lead to; labels expect {prior.share:.2f} of requests to be harmful"
    )


def words_of_moved(rows: int, share: float | None) -> str:
    """Return in words that rows labelled under another share are read under this one."""
    under = "what the classifier expects" if share is None else f"{share:g}"
    return (
        f"{rows:,} rows were labelled under another share of harmful requests and are read under {under} (setting "
        "harmful_share)"
    )


def words_of_share(share: Estimate) -> str:
    """Return in words what requests say together."""
    return (
        f"{share.n:,} requests of unknown intent, read together, look harmful in {share.value:.2f} "
        f"[{share.low:.2f}, {share.high:.2f}], if the line is where the classifier draws it"
    )
