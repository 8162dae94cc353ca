r"""A shipped head bent to a user's labels: a new slope and bias for each condition, and one shift on the features.

.. math:: p \propto \exp(s_c \ln p^{\text{base}} + b_c + z^\top D),

where :math:`p^{\text{base}}` is the calibrated answer of the shipped head under the row's condition c, z the
standardised features, clipped, and D the shift. Without a shift this is a recalibration. All of it is a multinomial
logistic regression with an offset, penalised towards "no change"
(:mod:`~secondlaw.behavior.classifiers.training_fits`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.answer_reading import AnswerReading
from secondlaw.behavior.classifiers.deed import Deed, clipped
from secondlaw.behavior.classifiers.head import Head, softmax

__all__ = ["AdaptedHead", "standardised"]

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
SMALLEST = 1e-7


@dataclass(frozen=True, slots=True)
class AdaptedHead:
    """A head on top of a head.

    Parameters
    ----------
    base : Head
        Left as it is.
    slope : ndarray, shape (conditions,)
    bias : ndarray, shape (conditions, classes)
    shift : ndarray, shape (features, classes)
    prior : ndarray, shape (classes,)
        Shares of the classes under which the probabilities are calibrated.
    """

    base: Head
    slope: Floats
    bias: Floats
    shift: Features
    prior: Floats

    @property
    def deed(self) -> Deed | None:
        """What the answers themselves do, as the base reads it."""
        return self.base.deed

    @property
    def answers(self) -> AnswerReading | None:
        """How the base reads answers."""
        return self.base.answers

    def raw(self, features: Features) -> Floats:
        """Return what the base says before calibration. See :meth:`Head.raw`."""
        return self.base.raw(features)

    def probabilities(self, features: Features, condition: npt.NDArray[np.intp] | None = None) -> Floats:
        """Return calibrated probabilities, shape (n, classes). See :meth:`Head.probabilities`."""
        which = np.zeros(len(features), dtype=np.intp) if condition is None else condition
        logs = np.log(np.maximum(self.base.probabilities(features, condition), SMALLEST))
        moved = standardised(self.base, features) @ self.shift
        return softmax(self.slope[which, None] * logs + self.bias[which] + moved)

    def to_arrays(self, name: str) -> dict[str, npt.NDArray[np.generic]]:
        """Return the head, base included, as named arrays."""
        return self.base.to_arrays(name) | {
            f"{name}.adapted.slope": self.slope,
            f"{name}.adapted.bias": self.bias,
            f"{name}.adapted.shift": self.shift.astype(np.float32),
            f"{name}.adapted.prior": self.prior,
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "AdaptedHead":
        """Build a head from :meth:`to_arrays`'s form."""
        slope, bias, prior = (
            arrays[f"{name}.adapted.{part}"].astype(np.float64) for part in ("slope", "bias", "prior")
        )
        shift = arrays[f"{name}.adapted.shift"].astype(np.float32)
        return cls(Head.from_arrays(name, arrays), slope, bias, shift, prior)


def standardised(base: Head, features: Features) -> Features:
    """Return the features as the base sees them, clipped; shape (n, features)."""
    return clipped(features, base.mean, base.scale)
