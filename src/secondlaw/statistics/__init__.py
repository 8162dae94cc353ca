"""Statistics that every room shares: entropies, divergences, shares, intervals and tests, with groups as the unit."""

from secondlaw.statistics.cells import CellReplicates, Replicated, cell_replicates, estimate_from_replicates
from secondlaw.statistics.closed_form import (
    chao_shen,
    dirichlet,
    grassberger,
    jackknife,
    james_stein,
    miller_madow,
    plug_in,
)
from secondlaw.statistics.clustering import cluster_variance, design_effect, effective_sample_size
from secondlaw.statistics.divergence import jensen_shannon, kullback_leibler, total_variation
from secondlaw.statistics.divergence_estimates import divergence_estimate
from secondlaw.statistics.entropy import entropy
from secondlaw.statistics.entropy_estimates import EntropyEstimates, entropy_estimates, within_entropy
from secondlaw.statistics.intervals import LEVEL, bca_interval, interval_from_replicates, percentile_interval
from secondlaw.statistics.nsb import nsb, nsb_moments
from secondlaw.statistics.permutation import (
    PermutationTest,
    g_statistic,
    homogeneity_test,
    paired_test,
    unpaired_test,
)
from secondlaw.statistics.resampling import block_ids, jackknife_weights, resample_weights
from secondlaw.statistics.shares import exact_interval, share_estimates, subset_share

# PLACE FOR THE EXPORTS OF label_noise, em, ppi, slopes, variance, planning (merge, then remove this line).

__all__ = [
    "LEVEL",
    "CellReplicates",
    "EntropyEstimates",
    "PermutationTest",
    "Replicated",
    "bca_interval",
    "block_ids",
    "cell_replicates",
    "chao_shen",
    "cluster_variance",
    "design_effect",
    "dirichlet",
    "divergence_estimate",
    "effective_sample_size",
    "entropy",
    "entropy_estimates",
    "estimate_from_replicates",
    "exact_interval",
    "g_statistic",
    "grassberger",
    "homogeneity_test",
    "interval_from_replicates",
    "jackknife",
    "jackknife_weights",
    "james_stein",
    "jensen_shannon",
    "kullback_leibler",
    "miller_madow",
    "nsb",
    "nsb_moments",
    "paired_test",
    "percentile_interval",
    "plug_in",
    "resample_weights",
    "share_estimates",
    "subset_share",
    "total_variation",
    "unpaired_test",
    "within_entropy",
]
