"""Reproductions: a paper's headline numbers beside what we measure, with a verdict for each."""

from secondlaw.reproductions.numbers import Reproduced, Reproduction
from secondlaw.reproductions.semantic_faithfulness import reproduce_semantic_faithfulness

__all__ = ["Reproduced", "Reproduction", "reproduce_semantic_faithfulness"]
