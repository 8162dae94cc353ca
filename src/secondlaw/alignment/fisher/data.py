"""Mini-batches as people have them: tensors, (inputs, labels) pairs, or the dictionaries of transformers.

A :class:`Batch` is one of them taken apart: what the model is called with, the labels if there are any, and the rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from secondlaw.errors import InvalidInput, NotEnoughData

__all__ = ["Batch", "read_batches"]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one call of the model gets.

    Parameters
    ----------
    positional : tuple of tensors
    named : dict of name to tensor or plain value
    labels : tensor or None
        Shape (rows,) or (rows, positions); -100 where nothing is predicted.
    rows : int
        Samples, along the first axis of every tensor.
    """

    positional: tuple[Any, ...]
    named: dict[str, Any]
    labels: Tensor | None
    rows: int

    def moved(self, device: torch.device) -> "Batch":
        """Return the batch on another device."""
        return Batch(
            tuple(_moved(one, device) for one in self.positional),
            {name: _moved(one, device) for name, one in self.named.items()},
            None if self.labels is None else self.labels.to(device),
            self.rows,
        )

    def cut(self, rows: int) -> Iterator["Batch"]:
        """Yield batches of at most `rows` rows."""
        for start in range(0, self.rows, rows):
            part = slice(start, min(start + rows, self.rows))
            yield Batch(
                tuple(self._part(one, part) for one in self.positional),
                {name: self._part(one, part) for name, one in self.named.items()},
                None if self.labels is None else self.labels[part],
                part.stop - part.start,
            )

    def _part(self, one: Any, part: slice) -> Any:  # noqa: ANN401 - whatever a model takes
        return one[part] if isinstance(one, Tensor) and one.ndim > 0 and one.shape[0] == self.rows else one


def read_batches(batches: Iterable[Any], *, most_rows: int | None = None) -> list[Batch]:
    """Take batches apart; each is kept, so that every product sees the same data.

    Parameters
    ----------
    batches : iterable
        Tensors, (inputs, labels) pairs whose inputs are a tensor, a tuple of tensors or a mapping, or mappings with
        ``input_ids``, ``attention_mask``, ``labels`` and whatever else the model's ``forward`` takes.
    most_rows : int, optional
        Larger batches are cut.

    Raises
    ------
    InvalidInput
        If something is no batch.
    NotEnoughData
        If there is none, or none has rows.
    """
    if isinstance(batches, torch.Tensor | Mapping):
        raise InvalidInput("batches are a list of batches; put the one batch into a list")
    if most_rows is not None and most_rows < 1:
        raise InvalidInput(f"a batch has at least 1 row, got {most_rows}")
    read = [one for one in map(_read, batches) if one.rows > 0]
    if not read:
        raise NotEnoughData("there are no data: a Fisher matrix is a mean over samples, and no batch has rows")
    return read if most_rows is None else [part for one in read for part in one.cut(most_rows)]


def _read(batch: Any) -> Batch:  # noqa: ANN401 - whatever the caller has
    inputs, labels = batch, None
    if isinstance(batch, list | tuple):
        if len(batch) not in (1, 2):
            raise InvalidInput(
                f"a batch is a tensor, a pair (inputs, labels) or a mapping of names to tensors, got {len(batch)} parts"
            )
        inputs, labels = batch if len(batch) == 2 else (batch[0], None)
    named: dict[str, Any] = {}
    positional: tuple[Any, ...] = ()
    if isinstance(inputs, Mapping):
        named = {str(name): value for name, value in inputs.items() if value is not None}
        labels = named.pop("labels", None) if labels is None else labels
    else:
        positional = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    tensors = [one for one in (*positional, *named.values()) if isinstance(one, Tensor)]
    if not tensors or any(not isinstance(one, Tensor) for one in positional):
        kinds = ", ".join(type(one).__name__ for one in (*positional, *named.values()))
        raise InvalidInput(f"a batch holds tensors, got {kinds or 'nothing'}")
    first = named.get("input_ids", tensors[0])
    if first.ndim == 0:
        raise InvalidInput("a batch needs a first axis of samples, got a tensor without axes")
    if labels is not None:
        labels = torch.as_tensor(labels)
        if labels.ndim == 0 or labels.shape[0] != first.shape[0] or labels.is_floating_point():
            raise InvalidInput(
                f"labels are whole numbers, one row for each of {first.shape[0]} samples; got "
                f"{labels.dtype} of shape {tuple(labels.shape)}"
            )
    return Batch(positional, named, labels, int(first.shape[0]))


def _moved(one: Any, device: torch.device) -> Any:  # noqa: ANN401 - whatever a model takes
    return one.to(device) if isinstance(one, Tensor) else one
