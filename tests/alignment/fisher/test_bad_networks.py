"""What Fisher products refuse, in one clear sentence each."""

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")
from torch import nn  # noqa: E402

from secondlaw import installed  # noqa: E402
from secondlaw.alignment.fisher import (  # noqa: E402
    FisherProducts,
    fisher_spectrum,
    fisher_trace,
    largest_eigenvalue,
    over_data,
    spectral_density,
)
from secondlaw.errors import InvalidInput, ModelFileError, NotEnoughData  # noqa: E402

pytestmark = pytest.mark.unit

ROWS = torch.ones(4, 2)


class Once(torch.autograd.Function):
    """Cannot be differentiated twice."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return gradient


class Gives(nn.Module):
    """Gives whatever it is told to."""

    def __init__(self, make):
        super().__init__()
        self.inner, self.make = nn.Linear(2, 3), make

    def forward(self, x):
        return self.make(self.inner(x))


def linear():
    return nn.Linear(2, 3)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.ReLU(), "has no parameters"),
        (lambda x: x, "torch.nn.Module, got function"),
        (nn.Embedding(2, 2, dtype=torch.float32).requires_grad_(False), "every parameter of the model is frozen"),
        (Gives(lambda z: z.sum()), r"returns no logits .* but Tensor of shape \(\)"),
        (Gives(lambda z: {"loss": z.sum()}), "returns no logits .* but dict"),
        (Gives(lambda z: None), "returns no logits .* but NoneType"),
        (Gives(lambda z: z.argmax(-1, keepdim=True)), "returns no logits"),
        (Gives(lambda z: z / 0.0), "batch 1 of 1: the model gives logits that are not finite"),
        (Gives(lambda z: z[:, :1]), "a softmax over 1 class is constant"),
        (Gives(lambda z: z.detach()), "the logits do not depend on the chosen parameters"),
        (Gives(lambda z: z[:2]), "logits for 2 samples where the batch has 4"),
        (Gives(Once.apply), "cannot be differentiated twice"),
    ],
)
def test_a_network_without_a_fisher_matrix(model, words):
    with pytest.raises(InvalidInput, match=words):
        FisherProducts(model, [ROWS]).matvec(torch.ones(9))


@pytest.mark.parametrize(
    ("batches", "error", "words"),
    [
        ([], NotEnoughData, "there are no data"),
        ([ROWS[:0]], NotEnoughData, "there are no data"),
        (ROWS, InvalidInput, "put the one batch into a list"),
        ({"x": ROWS}, InvalidInput, "put the one batch into a list"),
        ([(ROWS, ROWS, ROWS)], InvalidInput, "got 3 parts"),
        ([[]], InvalidInput, "got 0 parts"),
        (["text"], InvalidInput, "a batch holds tensors, got str"),
        ([{}], InvalidInput, "a batch holds tensors, got nothing"),
        ([torch.tensor(1.0)], InvalidInput, "first axis of samples"),
        ([(ROWS, torch.zeros(4))], InvalidInput, "labels are whole numbers"),
        ([(ROWS, torch.zeros(3, dtype=torch.long))], InvalidInput, "one row for each of 4 samples"),
        ([(ROWS, torch.zeros(4, 2, dtype=torch.long))], InvalidInput, r"labels of shape \(4, 2\) do not fit logits"),
        ([(ROWS, torch.full((4,), 3))], InvalidInput, "labels lie between 0 and 2, got 3 to 3"),
        ([(ROWS, torch.full((4,), -100))], NotEnoughData, "no prediction counts"),
    ],
)
def test_data_that_are_none(batches, error, words):
    with pytest.raises(error, match=words):
        FisherProducts(linear(), batches)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "hessian"}, "kind is one of exact, monte-carlo, empirical, got 'hessian'"),
        ({"normalise": "batch"}, "normalise is 'sample' or 'token', got 'batch'"),
        ({"kind": "monte-carlo"}, "give rng"),
        ({"kind": "monte-carlo", "rng": np.random.default_rng(0), "draws": 0}, "draws is at least 1"),
        ({"kind": "empirical"}, "needs the labels of the data"),
        ({"parameters": "layer.*"}, r"no parameter has a name like layer\.\*; names are weight, bias"),
        ({"most_rows": 0}, "at least 1 row"),
    ],
)
def test_options_that_name_nothing(options, words):
    with pytest.raises(InvalidInput, match=words):
        FisherProducts(linear(), [ROWS], **options)


def test_vectors_of_another_size():
    products = FisherProducts(linear(), [ROWS])
    with pytest.raises(InvalidInput, match=r"a vector has 9 entries, one a parameter; got shape \(8,\)"):
        products.matvec(torch.ones(8))
    with pytest.raises(InvalidInput, match=r"a block has shape \(9, k\), got \(9,\)"):
        products.matmat(torch.ones(9))
    with pytest.raises(InvalidInput, match=r"a block has shape \(9, k\), got \(3, 9\)"):
        products.matmat(torch.ones(3, 9))
    with pytest.raises(InvalidInput, match="a vector has 9 entries"):
        largest_eigenvalue(products, start=torch.ones(3))
    with pytest.raises(InvalidInput, match="finite vector other than 0"):
        largest_eigenvalue(products, start=torch.zeros(9))
    with pytest.raises(InvalidInput, match="places lie between 0 and 0"):
        products.part([1])


def test_numbers_out_of_range():
    products, rng = FisherProducts(linear(), [ROWS]), np.random.default_rng(0)
    for act, words in (
        (lambda: largest_eigenvalue(products, tolerance=0.0), "tolerance is a share"),
        (lambda: largest_eigenvalue(products, most_products=0), "at least 1 product"),
        (lambda: fisher_trace(products, rng=rng, probes=5), "at least 6 probes, got 5"),
        (lambda: fisher_trace(products, rng=rng, method="exact"), "method is 'hutch"),
        (lambda: fisher_trace(products, rng=rng, level=1.0), "a confidence level"),
        (lambda: spectral_density(products, rng=rng, probes=1), "at least 2 probes"),
        (lambda: over_data(products, largest_eigenvalue(products), folds=1), "at least 2 folds"),
        (lambda: fisher_spectrum(linear(), [ROWS], rng=rng, folds=1), "folds are at least 2"),
        (lambda: fisher_spectrum(linear(), [ROWS], rng=rng, density_probes=1), "at least 2 probes"),
    ):
        with pytest.raises(InvalidInput, match=words):
            act()


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    with pytest.raises(
        ModelFileError, match=r"needs torch, not installed here; run: pip install 'secondlaw\[alignment\]'"
    ):
        FisherProducts(linear(), [ROWS])


def test_importing_the_room_loads_no_torch():
    code = "import sys, secondlaw.alignment, secondlaw.alignment.fisher; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
