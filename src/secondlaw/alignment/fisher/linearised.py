r"""One mini-batch, its network linearised once and kept, so that a product costs no further forward pass.

With logits f and a dummy :math:`u` of their shape, the graph of :math:`g(u) = J^\top u` is built once. It is linear in
u, so that differentiating :math:`\langle g(u), v \rangle` by u gives :math:`J v`: forward-mode products by reverse mode
alone, which every operation with a second derivative offers. Then

.. math:: F v = J^\top H J v, \qquad H = \mathrm{diag}(p) - p p^\top \text{ (exact)}, \quad
          \tfrac{1}{m} \sum_s (p - e_{y_s})(p - e_{y_s})^\top \text{ (labels } y_s).

A quotient :math:`v^\top F v = \langle J v, H J v \rangle` needs the first half alone, and is known sample by sample.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from secondlaw.alignment.fisher.data import Batch
from secondlaw.alignment.fisher.predictions import call, predictions
from secondlaw.errors import InvalidInput

__all__ = ["Linearised", "differentiable_twice"]

_AGREE = 0.02
"""Relative error allowed in the check of a second derivative: that of half precision, several layers deep."""


def differentiable_twice(model: nn.Module) -> AbstractContextManager[Any]:
    """Choose implementations that can be differentiated twice: plain attention, and recurrent cells without cuDNN."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    stack = ExitStack()
    stack.enter_context(torch.inference_mode(False))
    stack.enter_context(torch.enable_grad())
    stack.enter_context(sdpa_kernel(SDPBackend.MATH))
    if any(isinstance(module, nn.RNNBase) for module in model.modules()):
        stack.enter_context(torch.backends.cudnn.flags(enabled=False))
    return stack


@contextmanager
def _said_if_not_twice() -> Iterator[None]:
    """Turn autograd's complaint about a missing second derivative into what can be done about it."""
    try:
        yield
    except RuntimeError as error:
        said = str(error).splitlines()[0] if str(error) else ""
        if any(word in said for word in ("derivative", "differentiate", "double backward", "not implemented")):
            raise InvalidInput(
                f"the network cannot be differentiated twice ({said}); load it with plain attention "
                "(attn_implementation='eager'), and without operations that have no second derivative"
            ) from error
        raise


class Linearised:
    """The linearised network on one batch.

    Parameters
    ----------
    model : nn.Module
        In eval mode.
    values : dict of name to tensor
        All parameters, detached; those that require gradients are the ones of the matrix.
    batch : Batch
        On the model's device.
    next_token : bool
    kind : str
        ``"exact"``, ``"monte-carlo"`` or ``"empirical"``.
    draws, seed : int
        Labels drawn at each position, for Monte Carlo.

    Attributes
    ----------
    positions : tensor, shape (rows,)
        How many predictions each sample makes.
    """

    def __init__(
        self, model: nn.Module, values: dict[str, Tensor], batch: Batch, *, next_token: bool, kind: str, draws: int,
        seed: int,
    ) -> None:  # fmt: skip
        self._at_once = True
        self._chosen = [value for value in values.values() if value.requires_grad]
        with differentiable_twice(model):
            found = predictions(call(model, values, batch), batch, next_token=next_token)
            self._logits, self._row_of, self._rows = found.logits, found.row_of, found.rows
            if found.logits.numel() and not found.logits.requires_grad:
                raise InvalidInput(
                    "the logits do not depend on the chosen parameters: they are unused, or the network detaches them"
                )
            self.positions = torch.bincount(found.row_of, minlength=found.rows)
            source = torch.Generator(found.logits.device).manual_seed(0)
            self._dummy = torch.empty_like(found.logits).normal_(generator=source).requires_grad_()
            with _said_if_not_twice():
                self._used, self._pulled = self._pulled_back()
        with torch.no_grad():
            self._probabilities = torch.softmax(found.logits.detach(), dim=-1)
            self._labels = self._drawn(kind, found.labels, draws, seed)

    def _pulled_back(self) -> tuple[list[int], list[Tensor]]:
        """Return the graph of u -> J'u, and the parameters that it reaches."""
        if not self._logits.numel():
            return [], []
        parts = torch.autograd.grad(
            self._logits, self._chosen, self._dummy, create_graph=True, allow_unused=True, materialize_grads=False
        )
        used = [place for place, part in enumerate(parts) if part is not None and part.requires_grad]
        return used, [parts[place] for place in used]

    def _drawn(self, kind: str, given: Tensor | None, draws: int, seed: int) -> Tensor | None:
        """Return the labels of the sum over labels, shape (positions, draws); None where the sum is exact."""
        if kind == "exact":
            return None
        if kind == "empirical":
            if given is None:
                raise InvalidInput(
                    "the empirical Fisher needs the labels of the data; give (inputs, labels), or take the exact one"
                )
            return given.reshape(-1, 1)
        # On the CPU whatever the device, so that a seed means the same labels everywhere.
        source = torch.Generator().manual_seed(seed)
        uniform = torch.rand(len(self._row_of), draws, dtype=torch.float64, generator=source)
        heaps = self._probabilities.double().cumsum(-1)
        places = torch.searchsorted(heaps, uniform.to(heaps.device) * heaps[:, -1:], right=True)
        return places.clamp_(max=heaps.shape[-1] - 1)

    def check(self) -> None:
        """Refuse a network whose second derivative is wrong or cut off: <u, J J'u> must be |J'u|^2.

        Raises
        ------
        InvalidInput
            If it is not; a function of the network's own that says nothing would otherwise give a matrix of zeros.
        """
        if not self._used:
            return
        pulled = dict(zip(self._used, (one.detach() for one in self._pulled), strict=True))
        parts = [pulled.get(place, torch.zeros_like(one))[None] for place, one in enumerate(self._chosen)]
        expected = float(sum(one.double().square().sum() for one in pulled.values()))
        found = float((self.forward(parts)[0] * self._dummy.detach()).double().sum())
        if abs(found - expected) > _AGREE * expected:
            raise InvalidInput(
                f"the network cannot be differentiated twice: a check of its second derivative gives {found:.4g} where "
                f"{expected:.4g} is right; an operation of its own may lack that derivative"
            )

    def forward(self, parts: list[Tensor]) -> Tensor:
        """Return J v of each of k vectors, shape (k, positions, classes); `parts` have shape (k, *parameter's)."""
        if not self._used:
            shape = len(parts[0]), *self._dummy.shape
            return torch.zeros(shape, dtype=self._dummy.dtype, device=self._dummy.device)
        return self._gradients(self._pulled, [self._dummy], [parts[place] for place in self._used])[0]

    def curved(self, change: Tensor) -> Tensor:
        """Return H J v from J v, both of shape (k, positions, classes)."""
        p = self._probabilities
        if self._labels is None:
            weighted = p * change
            return weighted.addcmul_(p.expand_as(weighted), weighted.sum(-1, keepdim=True), value=-1.0)
        labels = self._labels.expand(len(change), *self._labels.shape)  # (vector, position, draw)
        along = (p * change).sum(-1, keepdim=True) - change.gather(-1, labels)
        out = p * along.sum(-1, keepdim=True)
        return out.scatter_add_(-1, labels, -along).div_(labels.shape[-1])

    def backward(self, change: Tensor) -> list[Tensor | None]:
        """Return J' w for each chosen parameter, shape (k, *parameter's); None where it is 0."""
        out: list[Tensor | None] = [None] * len(self._chosen)
        if not self._used:
            return out
        found = self._gradients([self._logits], [self._chosen[place] for place in self._used], [change])
        for place, part in zip(self._used, found, strict=True):
            out[place] = part
        return out

    def _gradients(self, outputs: list[Tensor], inputs: list[Tensor], along: list[Tensor]) -> list[Tensor]:
        """Differentiate along k directions, at once where the network's operations allow it."""

        def gradients(directions: list[Tensor], at_once: bool) -> tuple[Tensor, ...]:
            return torch.autograd.grad(
                outputs, inputs, directions, retain_graph=True, allow_unused=True, materialize_grads=True,
                is_grads_batched=at_once,
            )  # fmt: skip

        if len(along[0]) > 1 and self._at_once:
            try:
                return list(gradients(along, True))
            except RuntimeError:  # an operation that cannot be vectorised, or too little memory
                self._at_once = False
        with _said_if_not_twice():
            each = [gradients([one[place] for one in along], False) for place in range(len(along[0]))]
        if len(each) == 1:  # without a copy: each may be as large as the network
            return [part[None] for part in each[0]]
        return [torch.stack(parts) for parts in zip(*each, strict=True)]

    def by_row(self, change: Tensor, curved: Tensor) -> Tensor:
        """Return <J v, H J v> of each vector and sample, shape (k, rows), in float64."""
        inner = (change * curved).sum(-1).double()
        return torch.zeros(len(inner), self._rows, dtype=torch.float64, device=inner.device).index_add_(
            1, self._row_of, inner
        )
