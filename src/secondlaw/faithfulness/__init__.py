"""Faithfulness of an answer to its question and context: topics, semantic faithfulness, grounding, comparisons."""

from secondlaw.faithfulness.auroc import auroc
from secondlaw.faithfulness.combined import FEATURES, CombinedScore, features_of, fit_combined
from secondlaw.faithfulness.comparison import (
    AnswerDifference,
    SystemDifference,
    compare_answers,
    compare_systems,
    mean_difference,
    pair_rows,
)
from secondlaw.faithfulness.divergence import (
    RestrictedSupport,
    off_support_mass,
    semantic_faithfulness,
    topic_divergence,
)
from secondlaw.faithfulness.examples import Example, example_of
from secondlaw.faithfulness.grounding import GroundedSentence, Grounding, Judge, ground
from secondlaw.faithfulness.levels import LevelTable, Null, level_table
from secondlaw.faithfulness.lexical import lexical_vectors
from secondlaw.faithfulness.production import EntropyProduction, entropy_production, production_levels
from secondlaw.faithfulness.scoring import (
    ANSWER,
    CONTEXT,
    QUESTION,
    Embedded,
    Embedder,
    Scored,
    Scoring,
    embed_example,
    score_example,
    score_examples,
)
from secondlaw.faithfulness.semantic_divergence import SemanticDivergence, semantic_divergence, wasserstein
from secondlaw.faithfulness.sentences import split_sentences
from secondlaw.faithfulness.spread import Spread, spread_of
from secondlaw.faithfulness.topics import Topics, adjusted_rand, k_means, udib
from secondlaw.faithfulness.transport import Transport, transport

__all__ = [
    "ANSWER",
    "CONTEXT",
    "FEATURES",
    "QUESTION",
    "AnswerDifference",
    "CombinedScore",
    "Embedded",
    "Embedder",
    "EntropyProduction",
    "Example",
    "GroundedSentence",
    "Grounding",
    "Judge",
    "LevelTable",
    "Null",
    "RestrictedSupport",
    "Scored",
    "Scoring",
    "SemanticDivergence",
    "Spread",
    "SystemDifference",
    "Topics",
    "Transport",
    "adjusted_rand",
    "auroc",
    "compare_answers",
    "compare_systems",
    "embed_example",
    "entropy_production",
    "example_of",
    "features_of",
    "fit_combined",
    "ground",
    "k_means",
    "level_table",
    "lexical_vectors",
    "mean_difference",
    "off_support_mass",
    "pair_rows",
    "production_levels",
    "score_example",
    "score_examples",
    "semantic_divergence",
    "semantic_faithfulness",
    "split_sentences",
    "spread_of",
    "topic_divergence",
    "transport",
    "udib",
    "wasserstein",
]
