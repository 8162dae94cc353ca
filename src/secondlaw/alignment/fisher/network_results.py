"""The Fisher spectrum of a saved network on texts, and what was asked for."""

from dataclasses import dataclass
from typing import Any

from secondlaw.alignment.fisher.kinds import Kind, Normalise
from secondlaw.alignment.fisher.spectrum import FisherSpectrum

__all__ = ["NetworkSpectrum", "SpectrumOptions"]


@dataclass(frozen=True, slots=True)
class SpectrumOptions:
    """What is measured, and how thoroughly; see :func:`~secondlaw.alignment.fisher.fisher_spectrum`.

    Parameters
    ----------
    most_texts, batch, most_tokens : int
        Texts drawn, texts of a mini-batch, tokens of a text.
    """

    kind: Kind = "exact"
    normalise: Normalise = "token"
    parameters: tuple[str, ...] = ("all",)
    most_texts: int = 32
    batch: int = 4
    most_tokens: int = 128
    draws: int = 1
    tolerance: float = 1e-3
    leading: int = 5
    most_products: int = 100
    trace_probes: int = 30
    density_probes: int = 2
    density_steps: int = 20
    folds: int = 4
    level: float = 0.95
    memory: float = 4e9
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class NetworkSpectrum:
    """The Fisher spectrum of a saved network.

    Parameters
    ----------
    model, architecture, task, source : str
    texts, available : int
        Texts used, of those there are.
    options : SpectrumOptions
    spectrum : FisherSpectrum
    notes : tuple of str
    """

    model: str
    architecture: str
    task: str
    source: str
    texts: int
    available: int
    options: SpectrumOptions
    spectrum: FisherSpectrum
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("model", "architecture", "task", "source", "texts", "available")
        out: dict[str, Any] = {name: getattr(self, name) for name in names}
        out["parameter_patterns"] = list(self.options.parameters)
        out["most_tokens"], out["seed"] = self.options.most_tokens, self.options.seed
        return out | self.spectrum.to_dict() | {"notes": [*self.notes, *self.spectrum.notes]}
