"""Texts and their embeddings, by ONNX Runtime, without torch."""

from secondlaw.language.embeddings import MINILM_NAME, SentenceEmbedder
from secondlaw.language.model_files import MINILM, HubLocation, PinnedFile, locate, verify
from secondlaw.language.remembering import RememberingEmbedder
from secondlaw.language.tokenizer import build_tokenizer, cut_text
from secondlaw.language.universal import UNIVERSAL_NAME, universal_embedder

__all__ = [
    "MINILM",
    "MINILM_NAME",
    "UNIVERSAL_NAME",
    "HubLocation",
    "PinnedFile",
    "RememberingEmbedder",
    "SentenceEmbedder",
    "build_tokenizer",
    "cut_text",
    "locate",
    "universal_embedder",
    "verify",
]
