"""Reproductions: a paper's headline claims beside what we measure, with a verdict for each."""

from secondlaw.reproductions.behavior_drift import reproduce_behavior_drift
from secondlaw.reproductions.claims import Claim, Reproduction, Verdict, compared
from secondlaw.reproductions.second_law import reproduce_second_law
from secondlaw.reproductions.semantic_faithfulness import reproduce_semantic_faithfulness

__all__ = [
    "Claim",
    "Reproduction",
    "Verdict",
    "compared",
    "reproduce_behavior_drift",
    "reproduce_second_law",
    "reproduce_semantic_faithfulness",
]
