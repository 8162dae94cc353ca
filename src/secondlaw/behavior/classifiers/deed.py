r"""What an answer itself does: whether it does harm, read off the response alone.

A request says what is asked for, an answer what was given: advice that warns and weighs is harmless whatever was asked,
a jailbroken voice does harm however it begins. The reading is linear in the features of the act head,

.. math:: d = \operatorname{logit} p(\text{the answer does harm}) = z^\top w + c,

with z standardised and clipped, calibrated under even shares on answers of sources never seen. It speaks twice: harm
done lowers the log odds of a refusal by :math:`\kappa\,(\max(d, 0) - m)`, for refusals are harmless, and so are most
answers; and where the intent of the request is unknown, the answer speaks for its request by what it does
(:mod:`~secondlaw.behavior.classifiers.leaning`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.taxonomy import ACTS

__all__ = ["Deed", "clipped"]

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
MOST = 5.0
"""Standardised features are clipped here: a mark that the training data hardly knew has a tiny scale."""
REFUSE = ACTS.index("refuse")


@dataclass(frozen=True, slots=True)
class Deed:
    """Reads what answers do from the features of the act head.

    Parameters
    ----------
    mean, scale : ndarray, shape (features,)
        Standardisation.
    direction : ndarray, shape (features,)
    offset : float
        With the direction: log odds that the answer does harm.
    weight, centre : float
        How much the log odds of a refusal fall with those of harm above even, and at which of these they stay.

    Examples
    --------
    >>> deed = Deed(*np.ones((3, 2), np.float32), offset=0.5, weight=2.0, centre=0.0)
    >>> deed.log_odds(np.array([[1.0, 2.0]], np.float32)).tolist()
    [1.5]
    >>> deed.told(np.zeros((1, 3)), np.array([[1.0, 2.0]], np.float32)).tolist()
    [[0.0, -3.0, 0.0]]
    """

    mean: Features
    scale: Features
    direction: Features
    offset: float
    weight: float
    centre: float

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds that each answer does harm, shape (n,)."""
        out: Floats = clipped(features, self.mean, self.scale).astype(np.float64) @ self.direction + self.offset
        return out

    def told(self, logits: Floats, features: Features) -> Floats:
        """Return log probabilities of the acts, not normalised, in the light of the deeds; shape (n, 3)."""
        out = logits.copy()
        out[:, REFUSE] -= self.weight * (np.maximum(self.log_odds(features), 0.0) - self.centre)
        return out

    def to_arrays(self, name: str) -> dict[str, npt.NDArray[np.generic]]:
        """Return the deed as named arrays; the direction as float16."""
        return {
            f"{name}.deed.mean": self.mean,
            f"{name}.deed.scale": self.scale,
            f"{name}.deed.direction": self.direction.astype(np.float16),
            f"{name}.deed.numbers": np.array([self.offset, self.weight, self.centre]),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "Deed | None":
        """Build a deed from :meth:`to_arrays`'s form; None where the arrays have none."""
        if f"{name}.deed.numbers" not in arrays:
            return None
        mean, scale, direction = (
            arrays[f"{name}.deed.{part}"].astype(np.float32) for part in ("mean", "scale", "direction")
        )
        offset, weight, centre = arrays[f"{name}.deed.numbers"].astype(np.float64).tolist()
        return cls(mean, scale, direction, offset, weight, centre)


def clipped(features: Features, mean: Features, scale: Features) -> Features:
    """Return standardised features, clipped; shape (n, features)."""
    out: Features = np.clip((features - mean) / scale, -MOST, MOST).astype(np.float32)
    return out
