r"""Products of the Fisher information matrix of a network with vectors, without ever forming the matrix.

.. math:: F = \frac{1}{N} \sum_i J_i^\top H_i J_i

over N predictions: J the Jacobian of a prediction's logits by the chosen parameters, H the covariance of the score by
those logits; what H is, :mod:`~secondlaw.alignment.fisher.kinds` tells.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from secondlaw.alignment.fisher.kinds import Kind, Normalise, check_kind
from secondlaw.alignment.fisher.requirements import require_libraries
from secondlaw.errors import InvalidInput, NotEnoughData

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = ["FisherProducts"]

_MEMORY = 4e9
"""Bytes for linearised batches; a product with a kept one costs about half of one that is built anew."""


class FisherProducts:
    """The Fisher matrix of a network as a linear map.

    The network runs in eval mode (no dropout) and is left as it was. Its parameters may change between products: a
    product is always of the parameters at the time, which in-place updates of an optimiser announce by themselves;
    after writing through ``parameter.data`` call :meth:`refresh`.

    Parameters
    ----------
    model : nn.Module
        Whose output is logits, classes along the last axis, or holds them as ``logits`` (transformers).
    batches : iterable
        Tensors, (inputs, labels) pairs, or mappings with ``input_ids``, ``attention_mask``, ``labels``. All are kept.
    kind : str
        ``"exact"``, ``"monte-carlo"`` or ``"empirical"``.
    parameters : str or sequence of str, optional
        ``"trainable"`` (default), ``"all"``, or patterns of names.
    normalise : str
        ``"token"``: mean over predictions; ``"sample"``: mean over samples (rows) of the sum over their predictions.
        The same for a classifier.
    next_token : bool, optional
        Whether position t predicts token t + 1; default: for causal language models of transformers.
    rng : numpy.random.Generator, optional
        Draws the labels, for ``"monte-carlo"``; required there. They stay the same in all products.
    draws : int
        Labels drawn for each prediction.
    most_rows : int, optional
        Larger batches are cut into pieces of this many samples.
    memory : float
        Bytes for linearised batches.

    Raises
    ------
    InvalidInput
        If the model has no parameters or no logits, the logits are not finite, or an argument is wrong.
    NotEnoughData
        If there are no data.
    ModelFileError
        If torch is not installed.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(2, 2, bias=False).double()
    >>> with torch.no_grad():
    ...     _ = model.weight.zero_()
    >>> products = FisherProducts(model, [torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)])
    >>> products.matvec(torch.tensor([1.0, 0.0, -1.0, 0.0])).tolist()
    [1.0, 0.0, -1.0, 0.0]
    """

    def __init__(
        self,
        model: "nn.Module",
        batches: Iterable[Any],
        *,
        kind: Kind = "exact",
        parameters: str | Sequence[str] | None = None,
        normalise: Normalise = "token",
        next_token: bool | None = None,
        rng: np.random.Generator | None = None,
        draws: int = 1,
        most_rows: int | None = None,
        memory: float = _MEMORY,
    ) -> None:
        check_kind(kind, normalise, rng, draws)
        if not memory >= 0.0:
            raise InvalidInput(f"memory is a number of bytes, 0 or more, got {memory}")
        require_libraries("torch")
        import torch

        from secondlaw.alignment.fisher.data import read_batches
        from secondlaw.alignment.fisher.layout import Layout
        from secondlaw.alignment.fisher.linearisations import Linearisations
        from secondlaw.alignment.fisher.parameter_choice import choose_parameters
        from secondlaw.alignment.fisher.predictions import predicts_next_token

        if not isinstance(model, torch.nn.Module):
            raise InvalidInput(f"the model is a torch.nn.Module, got {type(model).__name__}")
        model = getattr(model, "_orig_mod", model)  # compiled code has no second derivative
        chosen = choose_parameters(model, parameters)
        read = read_batches(batches, most_rows=most_rows)
        self.kind: Kind = kind
        self.normalise: Normalise = normalise
        self.draws = draws if kind == "monte-carlo" else 0
        self._source = Linearisations(
            model, chosen, read, kind, predicts_next_token(model) if next_token is None else next_token, draws,
            0 if rng is None else int(rng.integers(2**62)), memory,
        )  # fmt: skip
        self._places = tuple(range(len(read)))
        self._layout = Layout(chosen)
        self._check_counts()

    @property
    def size(self) -> int:
        """Number of parameters of the matrix."""
        return self._layout.size

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix."""
        return self.size, self.size

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the vector."""
        return self._layout.names

    @property
    def dtype(self) -> "torch.dtype":
        """Of vectors: float64 where every parameter is, else float32."""
        return self._layout.dtype

    @property
    def device(self) -> "torch.device":
        """Where products are computed: the model's own."""
        return self._layout.device

    @property
    def predictions(self) -> int:
        """Number of predictions (tokens, for a language model) that count."""
        return sum(self.batch_predictions)

    @property
    def samples(self) -> int:
        """Number of samples with a prediction that counts."""
        return sum(int((self._source.count(place) > 0).sum()) for place in self._places)

    @property
    def batch_predictions(self) -> tuple[int, ...]:
        """Predictions that count in each mini-batch."""
        return tuple(int(self._source.count(place).sum()) for place in self._places)

    @property
    def batch_rows(self) -> tuple[int, ...]:
        """Samples in each mini-batch."""
        return tuple(self._source.batches[place].rows for place in self._places)

    def refresh(self) -> None:
        """Forget what is linearised, after parameters were changed through ``parameter.data``."""
        self._source.forget()

    def part(self, places: Sequence[int]) -> "FisherProducts":
        """Return the Fisher matrix of some of the mini-batches, which shares what is linearised."""
        if not places or not all(0 <= place < len(self._places) for place in places):
            raise InvalidInput(f"places lie between 0 and {len(self._places) - 1}, at least one; got {list(places)}")
        out = copy.copy(self)
        out._places = tuple(self._places[place] for place in places)
        out._check_counts()
        return out

    def vector(self, given: Any) -> "Tensor":  # noqa: ANN401 - a tensor, an array, a list
        """Return `given` as a vector of the right size, type and device."""
        return self._layout.vector(given)

    def matvec(self, vector: Any) -> "Tensor":  # noqa: ANN401 - a tensor, an array, a list
        """Return F v, shape (size,)."""
        return self._apply(self.vector(vector)[None])[0]

    def matmat(self, block: Any) -> "Tensor":  # noqa: ANN401 - a tensor or an array
        """Return F V for V of shape (size, k), several vectors at once where that is faster."""
        if len(np.shape(block)) != 2:
            raise InvalidInput(f"a block has shape ({self.size:,}, k), got {tuple(np.shape(block))}")
        return self._apply(self._layout.rows(block)).T

    def quotients(self, vectors: Any) -> "tuple[Tensor, Tensor]":  # noqa: ANN401 - a tensor, an array, a list
        """Return v'F_i v of every sample and what it counts, at half the cost of a product.

        Parameters
        ----------
        vectors : tensor, shape (size,) or (size, k)

        Returns
        -------
        sums : tensor, shape (samples,) or (k, samples), float64
            v'Fv is their sum over samples divided by that of `counts`.
        counts : tensor, shape (samples,), float64
            Predictions of each sample, or 1, as `normalise` says. Samples without a prediction are left out.
        """
        import torch

        rows = self._layout.rows(vectors)
        sums, counts = [], []
        for place, one in self._source.over(self._places):
            held = one.positions > 0
            found = []
            for chunk in torch.split(rows, self._source.together):
                change = one.forward(self._layout.parts(chunk))
                found.append(one.by_row(change, one.curved(change))[:, held])
            sums.append(torch.cat(found))
            counts.append(self._weights(place)[held])
        out = torch.cat(sums, dim=1)
        return (out if len(np.shape(vectors)) == 2 else out[0]), torch.cat(counts)

    def named(self, vector: Any) -> "dict[str, Tensor]":  # noqa: ANN401 - a tensor, an array, a list
        """Return a vector as tensors of the parameters' shapes, by name."""
        parts = self._layout.parts(self.vector(vector)[None])
        return {name: part[0] for name, part in zip(self.names, parts, strict=True)}

    def _apply(self, rows: "Tensor") -> "Tensor":
        import torch

        out = torch.zeros_like(rows)
        total = 0.0
        for place, one in self._source.over(self._places):
            total += float(self._weights(place).sum())
            for start in range(0, len(rows), self._source.together):
                chunk = slice(start, start + self._source.together)
                found = one.backward(one.curved(one.forward(self._layout.parts(rows[chunk]))))
                self._layout.add(out[chunk], found)
        return out.div_(total)

    def _weights(self, place: int) -> "Tensor":
        count = self._source.count(place)
        return (count if self.normalise == "token" else count > 0).double()

    def _check_counts(self) -> None:
        if self.predictions == 0:
            raise NotEnoughData(
                "no prediction counts: every position is masked, or the texts have one token; give longer texts"
            )
