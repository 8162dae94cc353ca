"""Networks and data of the Fisher tests, and the Fisher matrix written out."""

from itertools import pairwise

import pytest


@pytest.fixture
def mlp():
    """Make a multilayer perceptron; 261 parameters by default."""
    import torch
    from torch import nn

    def make(*, seed=0, sizes=(10, 16, 5), dtype=torch.float64):
        torch.manual_seed(seed)
        layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.Tanh())]
        return nn.Sequential(*layers[:-1]).to(dtype)

    return make


@pytest.fixture
def samples():
    """Draw Gaussian rows in double precision."""
    import torch

    def draw(number, *, size=10, seed=1):
        source = torch.Generator().manual_seed(seed)
        return torch.randn(number, size, generator=source, dtype=torch.float64)

    return draw


@pytest.fixture
def dense():
    """Write out the exact Fisher matrix, mean over counted predictions.

    ``dense(model, call, counted)``, where ``call(model, parameters)`` gives logits, returns the matrix (size, size),
    the probabilities (predictions, classes) and the Jacobian (predictions, classes, size).
    """
    import torch
    from torch.func import jacrev
    from torch.nn.attention import SDPBackend, sdpa_kernel

    def write(model, call, counted=None):
        values = {name: one.detach() for name, one in model.named_parameters()}

        def logits(parameters):
            out = call(model, parameters)
            return out.reshape(-1, out.shape[-1]) if counted is None else out[counted]

        with sdpa_kernel(SDPBackend.MATH):
            parts = jacrev(logits)(values)
            p = torch.softmax(logits(values), -1)
        jacobian = torch.cat([parts[name].flatten(2) for name in values], dim=-1)
        covariance = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
        return torch.einsum("nci,ncd,ndj->ij", jacobian, covariance, jacobian) / len(p), p, jacobian

    return write


@pytest.fixture
def dense_classifier(dense):
    """Write out the exact Fisher matrix of a classifier."""
    from torch.func import functional_call

    return lambda model, inputs: dense(model, lambda net, values: functional_call(net, values, (inputs,)))[0]


@pytest.fixture
def identity():
    """Make the identity block of some products."""
    import torch

    return lambda products: torch.eye(products.size, dtype=products.dtype)
