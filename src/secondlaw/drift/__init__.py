"""S(t), rates, comparisons and their long simulated run: pure, no input or output."""

from secondlaw.drift.cells import CellRows, ClassifierError, MeasuredCell
from secondlaw.drift.comparison import compare_models
from secondlaw.drift.design import Design
from secondlaw.drift.divergence import divergence_estimates, divergence_from_replicates
from secondlaw.drift.measuring import measure_cell
from secondlaw.drift.rates import measure_rates, series_of
from secondlaw.drift.replay import replay
from secondlaw.drift.results import (
    SCHEMA,
    CellResult,
    Comparison,
    Correction,
    Example,
    Measurement,
    RateResult,
    Replay,
    ReplayArm,
    RowSummary,
    VarianceShares,
)
from secondlaw.drift.variance import variance_shares

__all__ = [
    "SCHEMA",
    "CellResult",
    "CellRows",
    "ClassifierError",
    "Comparison",
    "Correction",
    "Design",
    "Example",
    "MeasuredCell",
    "Measurement",
    "RateResult",
    "Replay",
    "ReplayArm",
    "RowSummary",
    "VarianceShares",
    "compare_models",
    "divergence_estimates",
    "divergence_from_replicates",
    "measure_cell",
    "measure_rates",
    "replay",
    "series_of",
    "variance_shares",
]
