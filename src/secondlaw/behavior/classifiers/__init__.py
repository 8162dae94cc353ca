"""Classifiers of responses: act and intent, composed into the categories of a taxonomy."""

from secondlaw.behavior.classifiers.default import load_default_classifier
from secondlaw.behavior.classifiers.embedded import EmbeddedClassifier
from secondlaw.behavior.classifiers.from_callable import CallableClassifier
from secondlaw.behavior.classifiers.protocol import (
    KNOWN_INTENTS,
    Classifier,
    Judgements,
    Progress,
    compose,
    known_intents,
)

__all__ = [
    "KNOWN_INTENTS",
    "CallableClassifier",
    "Classifier",
    "EmbeddedClassifier",
    "Judgements",
    "Progress",
    "compose",
    "known_intents",
    "load_default_classifier",
]
