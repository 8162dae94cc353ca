"""Largest eigenvalue, trace, effective rank and spectral density of one Fisher matrix, and all that they depend on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from secondlaw.alignment.fisher.density import SpectralDensity, spectral_density
from secondlaw.alignment.fisher.kinds import KIND_WORDS, PARAMETRISATION, Kind, Normalise
from secondlaw.alignment.fisher.largest import LargestEigenvalue, largest_eigenvalue
from secondlaw.alignment.fisher.population import OverData, over_data
from secondlaw.alignment.fisher.products import FisherProducts
from secondlaw.alignment.fisher.trace import Trace, fisher_trace
from secondlaw.alignment.published import critical_work
from secondlaw.errors import InvalidInput
from secondlaw.types import Estimate, Insufficient, Measured

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CRITICAL_WORK_WARNING", "FisherSpectrum", "fisher_spectrum"]

CRITICAL_WORK_WARNING = (
    "(lambda_max / 2) ln N is the critical work that arXiv 2511.10704 prints; no threshold follows from it (no "
    "derivation from N is given, and it lacks the learning rate): docs/reproductions.md"
)
DRAWN_LABELS = (
    "drawn labels put the largest eigenvalue above that of the exact Fisher on average, the more the fewer draws; no "
    "interval here covers that: measure the exact kind"
)
_FEW_DENSITY_PROBES = 2
Reporter = Callable[[str], Callable[[int, int], None]]


@dataclass(frozen=True, slots=True, eq=False)
class FisherSpectrum:
    """The spectrum of a Fisher matrix, with what it is the spectrum of.

    Parameters
    ----------
    kind, normalise, dtype, device : str
    parameters : int
        Of the matrix.
    predictions, samples : int
        That count.
    batch_rows : tuple of int
        Samples of each mini-batch; all eigenvalues but the mini-batch ones are of their mean.
    draws : int
        Labels a prediction; 0 where none are drawn.
    largest : LargestEigenvalue
        With its numerical error.
    data : OverData
        Its bias and interval over data.
    trace : Trace
    effective_rank : Estimate or Insufficient
        Trace / largest eigenvalue of these data; the interval joins the ends of both numerical ones.
    critical_work : Estimate or Insufficient
        (lambda_max / 2) ln N, in the paper's own unit, with the interval over data: read CRITICAL_WORK_WARNING.
    density : SpectralDensity or None
    notes : tuple of str
    """

    kind: str
    normalise: str
    dtype: str
    device: str
    parameters: int
    predictions: int
    samples: int
    batch_rows: tuple[int, ...]
    draws: int
    largest: LargestEigenvalue
    data: OverData
    trace: Trace
    effective_rank: Measured
    critical_work: Measured
    density: SpectralDensity | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        plain = (
            "kind", "normalise", "dtype", "device", "parameters", "predictions", "samples", "batch_rows", "draws",
        )  # fmt: skip
        parts = ("largest", "data", "trace", "effective_rank", "critical_work")
        out: dict[str, Any] = {name: getattr(self, name) for name in plain}
        out["batch_rows"] = list(self.batch_rows)
        out |= {name: getattr(self, name).to_dict() for name in parts}
        out["critical_work_warning"] = CRITICAL_WORK_WARNING
        return out | {"density": None if self.density is None else self.density.to_dict(), "notes": list(self.notes)}


def fisher_spectrum(
    model: "nn.Module",
    batches: Iterable[Any],
    *,
    rng: np.random.Generator,
    kind: Kind = "exact",
    parameters: str | Sequence[str] | None = None,
    normalise: Normalise = "token",
    next_token: bool | None = None,
    draws: int = 1,
    most_rows: int | None = None,
    memory: float | None = None,
    tolerance: float = 1e-3,
    leading: int = 5,
    most_products: int = 100,
    trace_probes: int = 30,
    density_probes: int = 6,
    density_steps: int = 30,
    folds: int = 4,
    level: float = 0.95,
    progress: Reporter | None = None,
) -> FisherSpectrum:
    """Measure the spectrum of a network's Fisher matrix.

    Parameters
    ----------
    model, batches, kind, parameters, normalise, next_token, draws, most_rows, memory
        As :class:`~secondlaw.alignment.fisher.FisherProducts` takes them.
    rng : numpy.random.Generator
        For labels, starts and probes.
    tolerance, leading, most_products
        As :func:`~secondlaw.alignment.fisher.largest_eigenvalue` takes them.
    trace_probes, density_probes, density_steps : int
        0 density probes: no density.
    folds : int
        Parts of the data for the interval over data; 0: none.
    level : float
        Of all intervals.
    progress : callable, optional
        ``progress("trace")`` gives a callable for (done, total).

    Raises
    ------
    InvalidInput, NotEnoughData, ModelFileError
        As :class:`~secondlaw.alignment.fisher.FisherProducts`, or if an argument is out of range.

    Examples
    --------
    >>> import torch
    >>> source = torch.Generator().manual_seed(0)
    >>> model = torch.nn.Linear(3, 2).double()
    >>> data = [torch.randn(20, 3, dtype=torch.float64, generator=source) for _ in range(4)]
    >>> found = fisher_spectrum(model, data, rng=np.random.default_rng(0))
    >>> found.kind, found.parameters, found.samples, found.largest.converged
    ('exact', 8, 80, True)
    """
    if folds == 1 or folds < 0:
        raise InvalidInput(f"folds are at least 2, or 0 for no interval over data; got {folds}")
    if density_probes and density_probes < _FEW_DENSITY_PROBES:
        raise InvalidInput(f"a density needs at least 2 probes, or 0 for none; got {density_probes}")
    tell: Reporter = progress or (lambda part: lambda done, total: None)
    held = {} if memory is None else {"memory": memory}
    products = FisherProducts(
        model, batches, kind=kind, parameters=parameters, normalise=normalise, next_token=next_token, rng=rng,
        draws=draws, most_rows=most_rows, **held,
    )  # fmt: skip
    largest = largest_eigenvalue(
        products,
        tolerance=tolerance,
        leading=leading,
        most_products=most_products,
        rng=rng,
        progress=tell("lambda_max"),
    )
    trace = fisher_trace(products, rng=rng, probes=trace_probes, level=level, progress=tell("trace"))
    data = OverData(Insufficient("not asked for"), None, None, None)
    if folds:
        data = over_data(products, largest, folds=folds, level=level, progress=tell("over data"))
    density = None
    if density_probes:
        density = spectral_density(
            products, rng=rng, probes=density_probes, steps=density_steps, progress=tell("density")
        )
    return FisherSpectrum(
        kind=kind, normalise=normalise, dtype=str(products.dtype).removeprefix("torch."), device=str(products.device),
        parameters=products.size, predictions=products.predictions, samples=products.samples,
        batch_rows=products.batch_rows, draws=products.draws, largest=largest, data=data, trace=trace,
        effective_rank=_effective_rank(largest, trace), critical_work=_critical_work(data, products.size),
        density=density, notes=_notes(products, largest, data),
    )  # fmt: skip


def _effective_rank(largest: LargestEigenvalue, trace: Trace) -> Measured:
    if largest.low <= 0.0:
        return Insufficient("the largest eigenvalue is 0 within rounding: the outputs do not depend on the parameters")
    found = trace.on_data
    ends = found.low / largest.high, found.high / largest.low
    words = f"trace ({found.method}) / largest eigenvalue (Lanczos)"
    return Estimate(found.value / largest.value, *ends, found.level, found.n, "eigenvalues", words, "probes")


def _critical_work(data: OverData, parameters: int) -> Measured:
    found = data.population
    if isinstance(found, Insufficient) or found.value <= 0.0:
        return found if isinstance(found, Insufficient) else Insufficient("the largest eigenvalue is 0")
    factor = critical_work(largest_eigenvalue=1.0, parameters=parameters)
    value, low, high = (factor * one for one in (found.value, found.low, found.high))
    return Estimate(value, low, high, found.level, found.n, "paper's unit", "(lambda_max / 2) ln N", found.n_unit)


def _notes(products: FisherProducts, largest: LargestEigenvalue, data: OverData) -> tuple[str, ...]:
    """Say what the numbers depend on."""
    per = "prediction (token)" if products.normalise == "token" else "sample, predictions of a sample added up"
    notes = [
        KIND_WORDS[products.kind],
        f"mean per {per}; network in eval mode",
        f"the largest eigenvalue of {products.samples} samples is biased up as an estimate for all data, the more the "
        "fewer they are",
    ]
    if data.minibatch is not None and data.minibatch_samples is not None and largest.value > 0.0:
        more = data.minibatch / largest.value - 1.0
        notes[-1] += f"; mini-batches of {data.minibatch_samples:.3g} samples give {100.0 * more:+.1f} % here"
    if products.kind == "monte-carlo":
        notes.append(DRAWN_LABELS)
    if not largest.converged:
        notes.append(
            f"not converged after {largest.products} products: the largest eigenvalue may lie above the interval"
        )
    return (*notes, PARAMETRISATION)
