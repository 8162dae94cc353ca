"""Exact, Monte Carlo and empirical Fisher: each against what defines it, none the other."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")
from torch import nn  # noqa: E402
from torch.func import functional_call  # noqa: E402

from secondlaw.alignment.fisher import FisherProducts  # noqa: E402

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("kind", ["exact", "monte-carlo", "empirical"])
def test_every_kind_is_symmetric_and_positive(mlp, samples, identity, kind):
    labels = torch.arange(12) % 5
    products = FisherProducts(mlp(), [(samples(12), labels)], kind=kind, rng=np.random.default_rng(0))
    matrix = products.matmat(identity(products))
    torch.testing.assert_close(matrix, matrix.T, rtol=0.0, atol=1e-14)
    assert torch.linalg.eigvalsh(matrix)[0] > -1e-12


def test_the_empirical_matrix_is_that_of_the_labels_and_another_one(mlp, samples, dense, identity):
    model, inputs = mlp(), samples(25)
    labels = torch.randint(5, (25,), generator=torch.Generator().manual_seed(3))
    exact, p, jacobian = dense(model, lambda net, values: functional_call(net, values, (inputs,)))
    scores = torch.einsum("nc,nci->ni", p - nn.functional.one_hot(labels, 5), jacobian)
    products = FisherProducts(model, [(inputs, labels)], kind="empirical")
    found = products.matmat(identity(products))
    torch.testing.assert_close(found, scores.T @ scores / 25, rtol=0.0, atol=1e-12)
    assert torch.linalg.matrix_norm(found - exact) > 0.1 * torch.linalg.matrix_norm(exact)


def test_the_monte_carlo_matrix_is_unbiased_and_its_seed_is_its_labels(mlp, samples, dense_classifier):
    model, inputs = mlp(), samples(20)
    exact = dense_classifier(model, inputs)
    vector = samples(1, size=261, seed=5)[0]
    truth = float(vector @ exact @ vector)

    def quotient(seed, draws=1):
        rng = np.random.default_rng(seed)
        sums, counts = FisherProducts(model, [inputs], kind="monte-carlo", rng=rng, draws=draws).quotients(vector)
        return float(sums.sum() / counts.sum())

    found = np.array([quotient(seed) for seed in range(200)])
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert abs(found.mean() - truth) < 4.0 * error
    assert quotient(7) == quotient(7)
    many = np.array([quotient(seed, draws=50) for seed in range(20)])
    assert many.std() < 0.3 * found.std()


def test_labels_drawn_do_not_depend_on_what_is_kept(mlp, samples):
    made = [
        FisherProducts(mlp(), [samples(6), samples(5)], kind="monte-carlo", rng=np.random.default_rng(1), memory=memory)
        for memory in (4e9, 0.0)
    ]
    vector = samples(1, size=261)[0]
    torch.testing.assert_close(made[0].matvec(vector), made[1].matvec(vector), rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(made[1].matvec(vector), made[1].matvec(vector), rtol=1e-12, atol=1e-15)
