"""The Fisher spectrum of a network: products without the matrix, largest eigenvalue, trace, density."""

from secondlaw.alignment.fisher.density import SpectralDensity, spectral_density
from secondlaw.alignment.fisher.kinds import KINDS, Kind, Normalise
from secondlaw.alignment.fisher.largest import LargestEigenvalue, Ritz, largest_eigenvalue
from secondlaw.alignment.fisher.network_results import NetworkSpectrum, SpectrumOptions
from secondlaw.alignment.fisher.population import OverData, over_data
from secondlaw.alignment.fisher.products import FisherProducts
from secondlaw.alignment.fisher.spectrum import CRITICAL_WORK_WARNING, FisherSpectrum, fisher_spectrum
from secondlaw.alignment.fisher.trace import Trace, fisher_trace

__all__ = [
    "CRITICAL_WORK_WARNING",
    "KINDS",
    "FisherProducts",
    "FisherSpectrum",
    "Kind",
    "LargestEigenvalue",
    "NetworkSpectrum",
    "Normalise",
    "OverData",
    "Ritz",
    "SpectralDensity",
    "SpectrumOptions",
    "Trace",
    "fisher_spectrum",
    "fisher_trace",
    "largest_eigenvalue",
    "over_data",
    "spectral_density",
]
