r"""What the data add to the error of the largest eigenvalue: its bias and its interval.

The largest eigenvalue of a mean over few samples is biased up, for it is a convex function of the matrix: the vector y
is chosen on the same data. On other data y does less well: with folds, :math:`y_{-k}` found without fold k and measured
on fold k is biased *down*. So the largest eigenvalue of the whole population is bracketed: from the held-out mean less
its error up to the value on all data plus its error, both errors from the spread of the samples' quotients (first-order
perturbation). The means over single folds show the bias at their size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.fisher.largest import LargestEigenvalue, largest_eigenvalue
from secondlaw.alignment.fisher.means import LEAST_SAMPLES, spread_over_samples
from secondlaw.errors import InvalidInput
from secondlaw.statistics.student import student_reach
from secondlaw.types import Estimate, Insufficient, Measured

if TYPE_CHECKING:
    from secondlaw.alignment.fisher.products import FisherProducts

__all__ = ["OverData", "over_data"]

Floats = NDArray[np.float64]
Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class OverData:
    """The largest eigenvalue, beyond these data.

    Parameters
    ----------
    population : Estimate or Insufficient
        The value on all data; the interval is for the population they come from.
    held_out : float or None
        Mean quotient on data that the vector was not found on: biased down.
    minibatch : float or None
        Mean over folds of the largest eigenvalue of the fold alone: biased up.
    minibatch_samples : float or None
        Samples of a fold.
    """

    population: Measured
    held_out: float | None
    minibatch: float | None
    minibatch_samples: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("held_out", "minibatch", "minibatch_samples")
        return {"population": self.population.to_dict()} | {name: getattr(self, name) for name in names}


def over_data(
    products: "FisherProducts",
    found: LargestEigenvalue,
    *,
    folds: int = 4,
    level: float = 0.95,
    tolerance: float = 1e-2,
    most_products: int = 60,
    progress: Advance | None = None,
) -> OverData:
    """Return bias and interval of a largest eigenvalue over data.

    Parameters
    ----------
    products : FisherProducts
        With at least `folds` mini-batches; samples are taken to be independent.
    found : LargestEigenvalue
        On all of them.
    folds : int
        Parts of the data, at least 2.
    level : float
        Of the interval.
    tolerance, most_products : float, int
        For the eigenvalues of parts; each starts from `found`'s vector.
    progress : callable, optional
        Told (done, total) eigenvalues.

    Raises
    ------
    InvalidInput
        If an argument is out of range.
    """
    if folds < 2 or not 0.0 < level < 1.0:
        raise InvalidInput(f"at least 2 folds and a level between 0 and 1, got {folds} and {level}")
    filled = [place for place, number in enumerate(products.batch_predictions) if number]
    batches, samples = len(filled), products.samples
    if samples < LEAST_SAMPLES or batches < 2:
        reason = f"{samples} samples in {batches} mini-batches; at least {LEAST_SAMPLES} samples and 2 mini-batches"
        return OverData(Insufficient(f"{reason} are needed for an interval over data"), None, None, None)
    parts = np.array_split(filled, min(folds, batches))
    alone, sums, counts = [], [], []
    for number, part in enumerate(parts):
        inside = products.part(part.tolist())
        outside = products.part([place for place in filled if place not in part])
        search = {"tolerance": tolerance, "start": found.vector, "most_products": most_products}
        alone.append(largest_eigenvalue(inside, **search).value)  # type: ignore[arg-type]
        if progress is not None:
            progress(2 * number + 1, 2 * len(parts))
        vector = largest_eigenvalue(outside, **search).vector  # type: ignore[arg-type]
        one, count = inside.quotients(vector)
        sums.append(one.cpu().numpy())
        counts.append(count.cpu().numpy())
        if progress is not None:
            progress(2 * number + 2, 2 * len(parts))
    return _bracketed(products, found, np.concatenate(sums), np.concatenate(counts), alone, level, len(parts))


def _bracketed(
    products: "FisherProducts", found: LargestEigenvalue, sums: Floats, counts: Floats, alone: list[float],
    level: float, folds: int,
) -> OverData:  # fmt: skip
    within = [one.cpu().numpy() for one in products.quotients(found.vector)]
    reach = student_reach(level, len(sums) - 1)
    held_out = float(sums.sum() / counts.sum())
    low = held_out - reach * spread_over_samples(sums, counts)
    high = found.high + reach * spread_over_samples(within[0], within[1])
    words = (
        f"Lanczos; from held-out quotients in {folds} folds to the value on all data, spread over {len(sums)} samples"
    )
    estimate = Estimate(
        found.value, max(min(low, found.value), 0.0), high, level, len(sums), f"nats per {products.normalise}", words,
        "samples",
    )  # fmt: skip
    return OverData(estimate, held_out, float(np.mean(alone)), products.samples / folds)
