"""Random vectors over parameters, the same on every device: drawn on the CPU, from a seed that a generator gives."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from secondlaw.alignment.fisher.products import FisherProducts

__all__ = ["normal_vectors", "sign_vectors"]


def normal_vectors(products: "FisherProducts", count: int, *, rng: np.random.Generator) -> "Tensor":
    """Return independent normal vectors as rows, shape (count, size)."""
    import torch

    drawn = torch.randn(count, products.size, generator=_source(rng), dtype=products.dtype)
    return drawn.to(products.device)


def sign_vectors(products: "FisherProducts", count: int, *, rng: np.random.Generator) -> "Tensor":
    """Return independent vectors of random signs as rows, shape (count, size)."""
    import torch

    signs = torch.randint(0, 2, (count, products.size), generator=_source(rng), dtype=torch.int8)
    return signs.to(products.device, products.dtype).mul_(2.0).sub_(1.0)


def _source(rng: np.random.Generator) -> "torch.Generator":
    import torch

    return torch.Generator().manual_seed(int(rng.integers(2**62)))
