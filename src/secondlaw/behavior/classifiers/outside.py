"""Responses far from all that the classifier knows.

A response is described by the leading principal components of its embedding, by what they leave over, and by five
marks of plain text (share of letters, of ASCII, of English function words, mean word length, log length). Its distance
is Mahalanobis', for the mean and covariance of known responses, and the threshold is the quantile of held-out known
responses that leaves a stated share above it.

The boundary to off-topic: text of a weak base model (loops, an unrelated continuation, an invented dialogue) is *known*
data here, authored and constructed, and lies inside; it is the act ``off-topic``. Outside is what none of the acts can
be read from: other languages, random characters, encoded or binary debris. An empty response is off-topic, not outside,
and one or two plain words ("Canberra.") are too little to be called outside.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.features import FUNCTION_WORDS, SEEN_RESPONSE

__all__ = ["OutsideDetector"]

Floats = npt.NDArray[np.float64]
COMPONENTS = 48
RIDGE = 0.05
"""Added to the covariance of standardised coordinates: rare directions count less."""
WORDS = re.compile(r"[^\W\d_]+")
SHORT = re.compile(r"\s*[A-Za-z'-]{1,20}(\s[A-Za-z'-]{1,20})?[.!?]?\s*")
"""One or two words of ASCII letters."""


@dataclass(frozen=True, slots=True)
class OutsideDetector:
    """Mahalanobis distance of a response from known ones, with a threshold.

    Parameters
    ----------
    centre : ndarray, shape (384,)
    components : ndarray, shape (48, 384)
    mean, scale : ndarray, shape (54,)
    precision : ndarray, shape (54, 54)
    threshold : float
        In units of distance; larger is outside.
    share : float
        Share of held-out known responses above the threshold.
    """

    centre: Floats
    components: Floats
    mean: Floats
    scale: Floats
    precision: Floats
    threshold: float
    share: float

    def distances(self, responses: Sequence[str], embeddings: npt.NDArray[np.float32]) -> Floats:
        """Return the distance of each response, shape (n,)."""
        x = (describe(responses, embeddings, self.centre, self.components) - self.mean) / self.scale
        out: Floats = np.sqrt(np.einsum("ni,ij,nj->n", x, self.precision, x))
        return out

    def outside(self, responses: Sequence[str], embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Return whether each response lies outside, shape (n,)."""
        said = np.array([bool(text.strip()) and not SHORT.fullmatch(text) for text in responses], dtype=np.bool_)
        return (self.distances(responses, embeddings) > self.threshold) & said

    @classmethod
    def fit(
        cls, responses: list[str], embeddings: npt.NDArray[np.float32], *, held_out: npt.NDArray[np.bool_],
        share: float,
    ) -> "OutsideDetector":  # fmt: skip
        """Fit on known responses that are not held out; set the threshold on those that are."""
        known = embeddings[~held_out].astype(np.float64)
        centre = known.mean(axis=0)
        components = np.linalg.svd(known - centre, full_matrices=False)[2][:COMPONENTS]
        x = describe(responses, embeddings, centre, components)
        mean, scale = x[~held_out].mean(axis=0), x[~held_out].std(axis=0) + 1e-6
        covariance = np.cov(((x[~held_out] - mean) / scale).T) + RIDGE * np.eye(x.shape[1])
        precision: Floats = np.linalg.inv(covariance).astype(np.float64)
        bare = cls(centre, components, mean, scale, precision, np.inf, share)
        rows = [int(i) for i in np.flatnonzero(held_out)]
        distances = bare.distances([responses[i] for i in rows], embeddings[rows])
        return cls(centre, components, mean, scale, bare.precision, float(np.quantile(distances, 1 - share)), share)

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the detector as named arrays."""
        names = ("centre", "components", "mean", "scale", "precision")
        arrays: dict[str, npt.NDArray[np.generic]] = {
            f"outside.{name}": np.asarray(getattr(self, name), dtype=np.float32) for name in names
        }
        arrays["outside.threshold"] = np.array([self.threshold, self.share])
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "OutsideDetector":
        """Build a detector from :meth:`to_arrays`'s form."""
        names = ("centre", "components", "mean", "scale", "precision")
        centre, components, mean, scale, precision = (arrays[f"outside.{name}"].astype(np.float64) for name in names)
        threshold, share = arrays["outside.threshold"].astype(np.float64)
        return cls(centre, components, mean, scale, precision, float(threshold), float(share))


def describe(
    responses: Sequence[str], embeddings: npt.NDArray[np.float32], centre: Floats, components: Floats
) -> Floats:
    """Return the coordinates in which distance is measured, shape (n, 54)."""
    moved = embeddings.astype(np.float64) - centre
    inside = moved @ components.T
    left = np.linalg.norm(moved - inside @ components, axis=1)
    return np.column_stack([inside, left, np.array([_plainness(text) for text in responses]).reshape(-1, 5)])


def _plainness(text: str) -> list[float]:
    text = text[:SEEN_RESPONSE]
    words = WORDS.findall(text.lower())
    n = max(1, len(words))
    return [
        sum(c.isalpha() or c.isspace() for c in text) / max(1, len(text)),
        sum(c.isascii() for c in text) / max(1, len(text)),
        sum(word in FUNCTION_WORDS for word in words) / n,
        min(sum(map(len, words)) / n, 20.0),
        float(np.log1p(len(words))),
    ]
