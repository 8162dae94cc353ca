"""S(t), rates, comparisons and their long simulated run: pure, no input or output."""

from secondlaw.drift.attribution import attribute_change
from secondlaw.drift.cells import CellRows, ClassifierError, MeasuredCell
from secondlaw.drift.check_options import CheckOptions
from secondlaw.drift.check_permutation import RunTest, run_test
from secondlaw.drift.check_results import CheckResult
from secondlaw.drift.check_tables import PromptTable
from secondlaw.drift.checks import RunRows, check_runs
from secondlaw.drift.comparison import compare_models
from secondlaw.drift.design import Design
from secondlaw.drift.divergence import divergence_estimates, divergence_from_replicates
from secondlaw.drift.measuring import measure_cell
from secondlaw.drift.rates import measure_rates, series_of
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
from secondlaw.drift.stretched_runs import replay
from secondlaw.drift.temporal import TemporalComparison, TemporalResult, compare_temporal, measure_temporal
from secondlaw.drift.turns import ConversationTurns, collect_turns
from secondlaw.drift.variance import variance_shares

__all__ = [
    "SCHEMA",
    "CellResult",
    "CellRows",
    "CheckOptions",
    "CheckResult",
    "ClassifierError",
    "Comparison",
    "ConversationTurns",
    "Correction",
    "Design",
    "Example",
    "MeasuredCell",
    "Measurement",
    "PromptTable",
    "RateResult",
    "Replay",
    "ReplayArm",
    "RowSummary",
    "RunRows",
    "RunTest",
    "TemporalComparison",
    "TemporalResult",
    "VarianceShares",
    "attribute_change",
    "check_runs",
    "collect_turns",
    "compare_models",
    "compare_temporal",
    "divergence_estimates",
    "divergence_from_replicates",
    "measure_cell",
    "measure_rates",
    "measure_temporal",
    "replay",
    "run_test",
    "series_of",
    "variance_shares",
]
