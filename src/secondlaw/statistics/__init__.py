"""Statistics that every room shares: entropies, divergences, shares, intervals and tests, with groups as the unit."""

from secondlaw.statistics.abstention import Abstention, CoveragePoint, abstention_threshold
from secondlaw.statistics.bounded_mean import lower_mean_bound, upper_mean_bound
from secondlaw.statistics.calibration import CalibrationSample
from secondlaw.statistics.calibration_error import CalibrationReport, ReliabilityBin, calibration_report
from secondlaw.statistics.cell_entropy import EntropyEstimates, entropy_estimates, within_entropy
from secondlaw.statistics.cells import CellReplicates, Replicated, cell_replicates, estimate_from_replicates
from secondlaw.statistics.change_points import ChangePoint, change_point
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
from secondlaw.statistics.confusion import confusion_shares, draw_confusions
from secondlaw.statistics.divergence import jensen_shannon, kullback_leibler, total_variation
from secondlaw.statistics.divergence_estimates import divergence_estimate
from secondlaw.statistics.e_values import e_benjamini_hochberg, spent_alpha
from secondlaw.statistics.em import CorrectedShares, em_shares
from secondlaw.statistics.em_by_prompt import CorrectedWithin, em_within
from secondlaw.statistics.entropy_methods import entropy
from secondlaw.statistics.entropy_ranking import EntropyCorrelation, entropy_correlation
from secondlaw.statistics.intervals import LEVEL, bca_interval, interval_from_replicates, percentile_interval
from secondlaw.statistics.label_agreement import AgreementReport, agreement, cohen_kappa, f1_scores
from secondlaw.statistics.labelling_design import draw_labelling, labelling_probabilities
from secondlaw.statistics.mixture import MixtureFit, mixture_weights, quadratic_weights
from secondlaw.statistics.nsb_posterior import nsb, nsb_moments
from secondlaw.statistics.pair_confusion import ConfusedPair, confused_pairs
from secondlaw.statistics.permutation import PermutationTest, g_statistic, homogeneity_test, paired_test, unpaired_test
from secondlaw.statistics.planning import Plan, PlanRow, drift_path, plan_drift
from secondlaw.statistics.ppi import UNLABELLED, PredictionPoweredShares, ppi_shares
from secondlaw.statistics.prior_shift_fit import ScoreFit, score_fit
from secondlaw.statistics.rater_agreement import fleiss_kappa, krippendorff_alpha
from secondlaw.statistics.resampling import block_ids, jackknife_weights, resample_weights
from secondlaw.statistics.sequence_comparison import SequenceDifference, compare_sequences
from secondlaw.statistics.sequence_estimates import block_entropies, entropy_rate, excess_entropy, sequence_entropy
from secondlaw.statistics.sequence_irreversibility import ends_test, sequence_entropy_production
from secondlaw.statistics.sequence_memory import block_information
from secondlaw.statistics.sequence_nulls import AgainstNull
from secondlaw.statistics.sequences import GAP, Sequences, transition_counts
from secondlaw.statistics.share_entropy import ShareEntropy, entropy_from_shares
from secondlaw.statistics.shares import exact_interval, share_estimates, subset_share
from secondlaw.statistics.simplex import project_simplex
from secondlaw.statistics.slopes import (
    LineMethod,
    effective_alignment_work,
    linearity_p_value,
    longest_linear_growth,
    slope,
)
from secondlaw.statistics.swap_permutations import SwapTest, deal_test, swap_test
from secondlaw.statistics.symmetry import SymmetryTest, bowker, symmetry_test
from secondlaw.statistics.universal_inference import ChangeProcess, conditional_e_value, universal_e_value
from secondlaw.statistics.variance import VarianceDecomposition, decompose_variance, entropy_influence, share_influence

__all__ = [
    "GAP",
    "LEVEL",
    "UNLABELLED",
    "Abstention",
    "AgainstNull",
    "AgreementReport",
    "CalibrationReport",
    "CalibrationSample",
    "CellReplicates",
    "ChangePoint",
    "ChangeProcess",
    "ConfusedPair",
    "CorrectedShares",
    "CorrectedWithin",
    "CoveragePoint",
    "EntropyCorrelation",
    "EntropyEstimates",
    "LineMethod",
    "MixtureFit",
    "PermutationTest",
    "Plan",
    "PlanRow",
    "PredictionPoweredShares",
    "ReliabilityBin",
    "Replicated",
    "ScoreFit",
    "SequenceDifference",
    "Sequences",
    "ShareEntropy",
    "SwapTest",
    "SymmetryTest",
    "VarianceDecomposition",
    "abstention_threshold",
    "agreement",
    "bca_interval",
    "block_entropies",
    "block_ids",
    "block_information",
    "bowker",
    "calibration_report",
    "cell_replicates",
    "change_point",
    "chao_shen",
    "cluster_variance",
    "cohen_kappa",
    "compare_sequences",
    "conditional_e_value",
    "confused_pairs",
    "confusion_shares",
    "deal_test",
    "decompose_variance",
    "design_effect",
    "dirichlet",
    "divergence_estimate",
    "draw_confusions",
    "draw_labelling",
    "drift_path",
    "e_benjamini_hochberg",
    "effective_alignment_work",
    "effective_sample_size",
    "em_shares",
    "em_within",
    "ends_test",
    "entropy",
    "entropy_correlation",
    "entropy_estimates",
    "entropy_from_shares",
    "entropy_influence",
    "entropy_rate",
    "estimate_from_replicates",
    "exact_interval",
    "excess_entropy",
    "f1_scores",
    "fleiss_kappa",
    "g_statistic",
    "grassberger",
    "homogeneity_test",
    "interval_from_replicates",
    "jackknife",
    "jackknife_weights",
    "james_stein",
    "jensen_shannon",
    "krippendorff_alpha",
    "kullback_leibler",
    "labelling_probabilities",
    "linearity_p_value",
    "longest_linear_growth",
    "lower_mean_bound",
    "miller_madow",
    "mixture_weights",
    "nsb",
    "nsb_moments",
    "paired_test",
    "percentile_interval",
    "plan_drift",
    "plug_in",
    "ppi_shares",
    "project_simplex",
    "quadratic_weights",
    "resample_weights",
    "score_fit",
    "sequence_entropy",
    "sequence_entropy_production",
    "share_estimates",
    "share_influence",
    "slope",
    "spent_alpha",
    "subset_share",
    "swap_test",
    "symmetry_test",
    "total_variation",
    "transition_counts",
    "universal_e_value",
    "unpaired_test",
    "upper_mean_bound",
    "within_entropy",
]
