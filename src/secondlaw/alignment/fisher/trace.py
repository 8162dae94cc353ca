r"""The trace of a Fisher matrix from random probes, with a standard error over probes and one over data as well.

Hutchinson: :math:`E[z^\top F z] = \mathrm{tr} F` for random signs z. Hutch++ (arXiv 2010.09649) takes the trace on the
range Q of a sketch exactly and estimates the rest, with :math:`P = I - QQ^\top`, :math:`\mathrm{tr} F = \mathrm{tr}
Q^\top F Q + E[z^\top P F P z]`: few large eigenvalues then no longer spread the estimate. Only the sketch needs whole
products; everything else are quotients, which cost half and are known sample by sample.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.alignment.fisher.means import mean_over_samples
from secondlaw.alignment.fisher.random_vectors import sign_vectors
from secondlaw.errors import InvalidInput
from secondlaw.statistics.student import student_reach
from secondlaw.types import Estimate, Measured

if TYPE_CHECKING:
    from torch import Tensor

    from secondlaw.alignment.fisher.products import FisherProducts

__all__ = ["Trace", "fisher_trace"]

Floats = NDArray[np.float64]
Advance = Callable[[int, int], None]

_SKETCH_BYTES = 2e9
_PROBE_BYTES = 1e9
"""Memory for the probes that are multiplied together."""
_TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace of a Fisher matrix.

    Parameters
    ----------
    on_data : Estimate
        Of the matrix of these data; its interval is that of the probes.
    population : Estimate or Insufficient
        The same number with an interval over samples and probes.
    standard_error : float
        Over probes.
    method : str
        ``"hutch++"`` or ``"hutchinson"``.
    sketched : float
        Part of the trace that the sketch carries exactly; 0 for Hutchinson.
    """

    on_data: Estimate
    population: Measured
    standard_error: float
    method: str
    sketched: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "on_data": self.on_data.to_dict(), "population": self.population.to_dict(),
            "standard_error": self.standard_error, "method": self.method, "sketched": self.sketched,
        }  # fmt: skip


def fisher_trace(
    products: "FisherProducts",
    *,
    rng: np.random.Generator,
    probes: int = 30,
    method: str | None = None,
    level: float = 0.95,
    progress: Advance | None = None,
) -> Trace:
    """Estimate the trace.

    Parameters
    ----------
    products : FisherProducts
    rng : numpy.random.Generator
    probes : int
        Random vectors altogether, at least 6; Hutch++ spends a third of them on its sketch and its range each.
    method : str, optional
        ``"hutch++"`` or ``"hutchinson"``; default: Hutch++ where the sketch fits into 2 GB.
    level : float
        Of the intervals.
    progress : callable, optional
        Told (done, total).

    Raises
    ------
    InvalidInput
        If an argument is out of range.
    """
    if probes < 6:
        raise InvalidInput(f"a standard error needs at least 6 probes, got {probes}")
    if method not in (None, "hutch++", "hutchinson"):
        raise InvalidInput(f"method is 'hutch++' or 'hutchinson', got {method!r}")
    if not 0.0 < level < 1.0:
        raise InvalidInput(f"a confidence level lies between 0 and 1, got {level}")
    sketch = min(probes // 3, products.size)
    if method is None:
        method = "hutch++" if 3.0 * sketch * products.size * products.dtype.itemsize <= _SKETCH_BYTES else "hutchinson"
    tell = progress or (lambda done, total: None)
    frame = _range(products, sketch, rng) if method == "hutch++" else None
    if frame is not None:
        tell(sketch, probes)
    sampled, counts, values = _quotients(products, frame, probes - (0 if frame is None else 2 * sketch), rng, tell)
    return _result(sampled, counts, values, method, level, products)


def _range(products: "FisherProducts", sketch: int, rng: np.random.Generator) -> "Tensor":
    """Return an orthonormal basis of the range of F S, shape (size, sketch)."""
    import torch

    image = products.matmat(sign_vectors(products, sketch, rng=rng).T)
    frame: Tensor = torch.linalg.qr(image)[0]
    return frame


def _quotients(
    products: "FisherProducts", frame: "Tensor | None", probes: int, rng: np.random.Generator, tell: Advance
) -> tuple[Floats, Floats, tuple[float, Floats]]:
    """Return each sample's trace, its counts, and (trace on the range, rest of each probe) over all samples."""
    exact, sampled = 0.0, np.zeros(0)
    total = probes + (0 if frame is None else 2 * frame.shape[1])
    if frame is not None:
        sums, counts = products.quotients(frame)
        sampled = sums.sum(0).cpu().numpy()
        exact = float(sums.sum() / counts.sum())
        tell(total - probes, total)
    rest = np.empty(probes)
    means: Any = 0.0
    step = max(1, min(_TOGETHER, int(_PROBE_BYTES / (products.size * products.dtype.itemsize))))
    for start in range(0, probes, step):
        z = sign_vectors(products, min(step, probes - start), rng=rng).T
        if frame is not None:
            z = z - frame @ (frame.T @ z)
        sums, counts = products.quotients(z)
        rest[start : start + z.shape[1]] = (sums.sum(1) / counts.sum()).cpu().numpy()
        means = means + sums.sum(0).cpu().numpy() / probes
        tell(total - probes + start + z.shape[1], total)
    return (means if frame is None else sampled + means), counts.cpu().numpy(), (exact, rest)


def _result(
    sampled: Floats, counts: Floats, values: tuple[float, Floats], method: str, level: float, products: "FisherProducts"
) -> Trace:
    exact, rest = values
    value = exact + float(rest.mean())
    error = float(rest.std(ddof=1) / np.sqrt(len(rest)))
    half = student_reach(level, len(rest) - 1) * error
    unit = f"nats per {products.normalise}"
    words = f"{method}, {len(rest)} probes"
    on_data = Estimate(value, max(value - half, 0.0), value + half, level, len(rest), unit, words, "probes")
    over = mean_over_samples(sampled, counts, level=level, unit=unit, method=words, more=half)
    return Trace(on_data, over, error, method, exact)
