"""How the parameters of a network lie in one vector: names, shapes, and the way back."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from secondlaw.errors import InvalidInput

__all__ = ["Layout"]


class Layout:
    """Parameters one after the other, each flattened, as one vector.

    Parameters
    ----------
    parameters : dict of name to tensor

    Attributes
    ----------
    dtype : torch.dtype
        Of vectors: float64 where every parameter is, else float32.
    """

    def __init__(self, parameters: dict[str, Tensor]) -> None:
        self._parameters = parameters
        self._sizes = [one.numel() for one in parameters.values()]
        self.size = sum(self._sizes)
        every = {one.dtype for one in parameters.values()}
        self.dtype = torch.float64 if every == {torch.float64} else torch.float32

    @property
    def device(self) -> torch.device:
        """Where the first parameter, and so every vector, is now."""
        return next(iter(self._parameters.values())).device

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the vector."""
        return tuple(self._parameters)

    def vector(self, given: Any) -> Tensor:  # noqa: ANN401 - a tensor, an array, a list
        """Return `given` as a vector of the right type and device.

        Raises
        ------
        InvalidInput
            If it has another size.
        """
        out = torch.as_tensor(given, dtype=self.dtype, device=self.device).detach()
        if out.shape != (self.size,):
            raise InvalidInput(f"a vector has {self.size:,} entries, one a parameter; got shape {tuple(out.shape)}")
        return out

    def rows(self, vectors: Any) -> Tensor:  # noqa: ANN401 - a tensor, an array, a list
        """Return one vector, or the columns of a block, as rows of shape (k, size).

        Raises
        ------
        InvalidInput
            If they have another size.
        """
        if len(np.shape(vectors)) == 1:
            return self.vector(vectors)[None]
        out = torch.as_tensor(vectors, dtype=self.dtype, device=self.device).detach()
        if out.ndim != 2 or out.shape[0] != self.size or out.shape[1] == 0:
            raise InvalidInput(f"a block has shape ({self.size:,}, k), got {tuple(out.shape)}")
        return out.T.contiguous()

    def parts(self, rows: Tensor) -> list[Tensor]:
        """Cut k vectors, as rows, into tensors of shape (k, *parameter's) and the parameters' types."""
        pieces = torch.split(rows, self._sizes, dim=1)
        return [
            piece.reshape(len(rows), *one.shape).to(one.device, one.dtype)
            for piece, one in zip(pieces, self._parameters.values(), strict=True)
        ]

    def add(self, rows: Tensor, parts: list[Tensor | None]) -> None:
        """Add tensors of shape (k, *parameter's) to k vectors, as rows, in place; None is 0."""
        for target, part in zip(torch.split(rows, self._sizes, dim=1), parts, strict=True):
            if part is not None:
                target.add_(part.reshape(target.shape).to(target.device))
