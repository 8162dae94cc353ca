"""From a model's output to the positions that predict something: logits, which count, and whose labels.

A classifier predicts once a sample, a tagger or a plain transformer once a position, and a causal language model, at
each position, the *next* token: labels move one place to the left, and the last position predicts nothing. Labels of
-100 and padded positions (attention mask 0) count nothing; a padded position neither predicts nor is predicted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from secondlaw.alignment.fisher.data import Batch
from secondlaw.errors import InvalidInput

__all__ = ["IGNORED", "Predictions", "call", "logits_of", "predictions", "predicts_next_token"]

IGNORED = -100
"""Label of what is not predicted, in PyTorch and transformers alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The positions of a batch that predict.

    Parameters
    ----------
    logits : tensor, shape (positions, classes)
    labels : tensor of shape (positions,), or None
    row_of : tensor, shape (positions,)
        The sample each belongs to.
    rows : int
    """

    logits: Tensor
    labels: Tensor | None
    row_of: Tensor
    rows: int


def predicts_next_token(model: nn.Module) -> bool:
    """Whether a transformers model is a causal language model, whose position t predicts token t + 1."""
    config = getattr(model, "config", None)
    if config is None or getattr(config, "is_encoder_decoder", False):
        return False
    kinds = " ".join(one.__name__ for one in (type(model), *type(model).__mro__))
    return any(mark in kinds for mark in ("ForCausalLM", "LMHeadModel", "GenerationMixin"))


def call(model: nn.Module, parameters: dict[str, Tensor], batch: Batch) -> Any:  # noqa: ANN401 - the model's own
    """Call the model with `parameters` in place of its own, tied ones together, without a cache of keys and values."""
    named = dict(batch.named)
    config = getattr(model, "config", None)
    if hasattr(config, "use_cache") and "use_cache" not in named and "input_ids" in named:
        named["use_cache"] = False
    if getattr(config, "is_encoder_decoder", False) and batch.labels is not None:
        named["labels"] = batch.labels  # the decoder's inputs are made from them
    return torch.func.functional_call(model, parameters, batch.positional, named, tie_weights=True)


def logits_of(output: Any) -> Tensor:  # noqa: ANN401 - the model's own
    """Return the logits of a model's output.

    Raises
    ------
    InvalidInput
        If there are none.
    """
    found = output
    if isinstance(output, Mapping):
        found = output.get("logits")
    elif hasattr(output, "logits"):
        found = output.logits
    elif isinstance(output, list | tuple) and output:
        found = output[0]
    if not isinstance(found, Tensor) or not found.is_floating_point() or found.ndim < 2:
        seen = f"{type(output).__name__}" + (f" of shape {tuple(found.shape)}" if isinstance(found, Tensor) else "")
        raise InvalidInput(
            f"the model returns no logits (classes along the last axis), but {seen}; give a classifier or a language "
            "model with its head"
        )
    return found


def predictions(output: Any, batch: Batch, *, next_token: bool) -> Predictions:  # noqa: ANN401 - the model's own
    """Take the counted positions of an output.

    Raises
    ------
    InvalidInput
        If there are no logits, they are not finite, one class is all there is, or labels do not fit.
    """
    logits = logits_of(output)
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    classes = logits.shape[-1]
    if classes < 2:
        raise InvalidInput(f"a softmax over {classes} class is constant, and its Fisher matrix 0; give two logits")
    counted, labels = _counted(logits, batch, next_token)
    rows = torch.arange(batch.rows, device=logits.device)
    row_of = rows.reshape(-1, *[1] * (logits.ndim - 2)).expand(logits.shape[:-1])
    if bool(counted.all()):
        taken, row_of = logits.reshape(-1, classes), row_of.reshape(-1)
        labels = None if labels is None else labels.reshape(-1)
    else:
        taken, row_of = logits[counted], row_of[counted]
        labels = None if labels is None else labels[counted]
    if not bool(torch.isfinite(taken.detach()).all()):
        raise InvalidInput("the model gives logits that are not finite; check its weights and inputs")
    if labels is not None and labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise InvalidInput(f"labels lie between 0 and {classes - 1}, got {int(labels.min())} to {int(labels.max())}")
    return Predictions(taken, labels, row_of, batch.rows)


def _counted(logits: Tensor, batch: Batch, next_token: bool) -> tuple[Tensor, Tensor | None]:
    """Return which positions count, and the label each predicts."""
    places = logits.shape[:-1]
    if places[0] != batch.rows:
        raise InvalidInput(f"the model gives logits for {places[0]} samples where the batch has {batch.rows}")
    counted = torch.ones(places, dtype=torch.bool, device=logits.device)
    labels = batch.labels
    if next_token and labels is None:
        labels = batch.named.get("input_ids", batch.positional[0] if batch.positional else None)
    mask = _attended(batch, places)
    if mask is not None:
        counted &= mask
    if labels is None:
        return counted, None
    if labels.shape != places:
        raise InvalidInput(
            f"labels of shape {tuple(labels.shape)} do not fit logits of shape {tuple(logits.shape)}, whose last axis "
            "is the classes"
        )
    if next_token:
        if mask is not None:
            labels = labels.masked_fill(~mask, IGNORED)
        labels = torch.cat([labels[:, 1:], torch.full_like(labels[:, :1], IGNORED)], dim=1)
    return counted & (labels != IGNORED), labels


def _attended(batch: Batch, places: torch.Size) -> Tensor | None:
    """Return which positions are no padding, where the batch says it and predictions are made at positions."""
    mask = batch.named.get("attention_mask")
    return mask.bool() if isinstance(mask, Tensor) and mask.shape == places and len(places) > 1 else None
