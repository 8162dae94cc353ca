"""The linearised batches of one network: built when first used, kept while memory allows, built again when it moved."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from secondlaw.alignment.fisher.data import Batch
from secondlaw.alignment.fisher.linearised import Linearised, differentiable_twice
from secondlaw.alignment.fisher.predictions import call, logits_of
from secondlaw.errors import InvalidInput

__all__ = ["Linearisations"]

_GRAPH = 2.5
"""Bytes held by the kept graph of u -> J'u, in those of a plain graph and its logits (1.4 to 2.4 in 12 networks)."""
_MOST_TOGETHER = 32
"""Vectors at once: 16 take 1.1 to 11 times less time together than one by one, most where the network is small."""


@dataclass(slots=True, eq=False)
class Linearisations:
    """What products over mini-batches share.

    Parameters
    ----------
    model : nn.Module
    chosen : dict of name to tensor
        Parameters of the matrix.
    batches : list of Batch
    kind : str
    next_token : bool
    draws, seed : int
        For Monte Carlo: labels a position, and what they are drawn with.
    most_bytes : float
        Memory for linearised batches; those beyond it are built anew at every product.
    together : int
        Vectors that go through the graphs at once; set with the first batch.
    """

    model: nn.Module
    chosen: dict[str, Tensor]
    batches: list[Batch]
    kind: str
    next_token: bool
    draws: int
    seed: int
    most_bytes: float
    positions: dict[int, Tensor] = field(default_factory=dict)
    together: int = 1
    _kept: dict[int, Linearised] = field(default_factory=dict)
    _keepable: frozenset[int] | None = None
    _version: tuple[Any, ...] = ()

    def forget(self) -> None:
        """Drop what is linearised: the next product sees the parameters as they are then."""
        self._kept.clear()
        self._version = ()

    def over(self, places: tuple[int, ...]) -> Iterator[tuple[int, Linearised]]:
        """Yield the linearised batches at `places`."""
        version = tuple((one._version, one.data_ptr()) for one in self.model.parameters())
        if version != self._version:
            self.forget()
            self._version = version
        for place in places:
            yield place, self._kept.get(place) or self._build(place)

    def count(self, place: int) -> Tensor:
        """Return how many predictions each sample of a batch makes, shape (rows,)."""
        if place not in self.positions:
            self.positions[place] = next(self.over((place,)))[1].positions
        return self.positions[place]

    def _build(self, place: int) -> Linearised:
        training = [module for module in self.model.modules() if module.training]
        self.model.eval()
        try:
            values = {name: value.detach() for name, value in self.model.named_parameters()}
            for name in self.chosen:
                values[name].requires_grad_()
            first = self._keepable is None
            if self._keepable is None:
                self._keepable = self._affordable(values, place)
            seed = int(np.random.SeedSequence([self.seed, place]).generate_state(1, np.uint64)[0] >> 1)
            found = Linearised(
                self.model, values, self._batch(place), next_token=self.next_token,
                kind=self.kind, draws=self.draws, seed=seed,
            )  # fmt: skip
            if first:
                found.check()
        except InvalidInput as error:
            raise InvalidInput(f"batch {place + 1} of {len(self.batches)}: {error}") from None
        finally:
            for module in training:
                module.training = True
        self.positions[place] = found.positions
        if place in self._keepable:
            self._kept[place] = found
        return found

    def _batch(self, place: int) -> Batch:
        return self.batches[place].moved(next(iter(self.chosen.values())).device)

    def _affordable(self, values: dict[str, Tensor], place: int) -> frozenset[int]:
        """Return the batches whose graphs fit into memory together, judged by the graph of one."""
        own = {value.data_ptr() for value in values.values()}
        seen: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            if tensor.data_ptr() not in own:
                seen[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor.detach()

        with differentiable_twice(self.model), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            output = call(self.model, values, self._batch(place))
            logits = logits_of(output)
            plain = sum(seen.values()) + 4.0 * logits.numel() * logits.element_size()
        self.together = int(min(max(self.most_bytes / 8.0 / max(plain, 1.0), 1.0), _MOST_TOGETHER))
        each = _GRAPH * plain / max(_volume(self.batches[place]), 1)
        room, fit = self.most_bytes, set()
        for index, batch in enumerate(self.batches):
            room -= each * _volume(batch)
            if room >= 0.0:
                fit.add(index)
        return frozenset(fit)


def _volume(batch: Batch) -> int:
    """Return the size of a batch's inputs, to which what a graph holds is about proportional."""
    tensors = [one for one in (*batch.positional, *batch.named.values()) if isinstance(one, Tensor)]
    return sum(one.numel() for one in tensors)
