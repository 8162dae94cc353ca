"""Faithfulness of an answer to its question and context: topics, semantic faithfulness, grounding, comparisons."""

from secondlaw.faithfulness.answer_difference import AnswerDifference, compare_answers
from secondlaw.faithfulness.combined import FEATURES, CombinedScore, features_of, fit_combined
from secondlaw.faithfulness.comparison import Comparison, compare_systems, pair_rows
from secondlaw.faithfulness.coupling import Transport, transport
from secondlaw.faithfulness.divergence import (
    RestrictedSupport,
    off_support_mass,
    semantic_faithfulness,
    topic_divergence,
)
from secondlaw.faithfulness.embedded import (
    ANSWER,
    CONTEXT,
    QUESTION,
    Embedded,
    Embedder,
    NamedEmbedder,
    embed_example,
)
from secondlaw.faithfulness.examples import Example, example_of
from secondlaw.faithfulness.grounded import GroundedSentence, Grounding
from secondlaw.faithfulness.grounding import Judge, ground
from secondlaw.faithfulness.levels import level_table
from secondlaw.faithfulness.lexical import lexical_vectors
from secondlaw.faithfulness.measured_levels import LevelTable, Null
from secondlaw.faithfulness.paraphrase_divergence import SemanticDivergence, semantic_divergence, wasserstein
from secondlaw.faithfulness.paraphrases import Paraphrased, measure_paraphrases
from secondlaw.faithfulness.production import (
    EntropyProduction,
    documented_production,
    entropy_production,
    production_levels,
)
from secondlaw.faithfulness.ranking_areas import auroc
from secondlaw.faithfulness.scored import Scored
from secondlaw.faithfulness.scoring import Scoring, score_embedded, score_example, score_examples
from secondlaw.faithfulness.sentences import split_sentences
from secondlaw.faithfulness.spread import Spread, spread_of
from secondlaw.faithfulness.system_difference import SystemDifference, mean_difference
from secondlaw.faithfulness.topic_model import TopicModel, fit_topics
from secondlaw.faithfulness.topics import Topics, adjusted_rand, k_means, udib

__all__ = [
    "ANSWER",
    "CONTEXT",
    "FEATURES",
    "QUESTION",
    "AnswerDifference",
    "CombinedScore",
    "Comparison",
    "Embedded",
    "Embedder",
    "EntropyProduction",
    "Example",
    "GroundedSentence",
    "Grounding",
    "Judge",
    "LevelTable",
    "NamedEmbedder",
    "Null",
    "Paraphrased",
    "RestrictedSupport",
    "Scored",
    "Scoring",
    "SemanticDivergence",
    "Spread",
    "SystemDifference",
    "TopicModel",
    "Topics",
    "Transport",
    "adjusted_rand",
    "auroc",
    "compare_answers",
    "compare_systems",
    "documented_production",
    "embed_example",
    "entropy_production",
    "example_of",
    "features_of",
    "fit_combined",
    "fit_topics",
    "ground",
    "k_means",
    "level_table",
    "lexical_vectors",
    "mean_difference",
    "measure_paraphrases",
    "off_support_mass",
    "pair_rows",
    "production_levels",
    "score_embedded",
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
