"""The largest eigenvalue: against dense matrices, restarts, warm starts, and whether its bounds and interval hold."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")
from scipy.stats import binom  # noqa: E402
from torch import nn  # noqa: E402

from secondlaw.alignment.fisher import FisherProducts, largest, largest_eigenvalue, over_data  # noqa: E402
from secondlaw.types import Insufficient  # noqa: E402


@pytest.mark.unit
def test_leading_eigenvalues_agree_with_the_dense_ones(mlp, samples, dense_classifier):
    model, inputs = mlp(), samples(40)
    exact = torch.linalg.eigvalsh(dense_classifier(model, inputs)).flip(0)
    products = FisherProducts(model, [inputs])
    found = largest_eigenvalue(products, tolerance=1e-6, leading=6)
    assert found.converged
    assert len(found.leading) == 6
    for one, truth in zip(found.leading, exact, strict=False):
        assert abs(one.value - float(truth)) <= one.residual + 1e-12
    torch.testing.assert_close(torch.linalg.vector_norm(found.vector), torch.tensor(1.0, dtype=torch.float64))
    off = products.matvec(found.vector) - found.value * found.vector
    assert float(torch.linalg.vector_norm(off)) == pytest.approx(found.residual, abs=1e-12)


@pytest.mark.unit
def test_a_basis_too_large_for_memory_is_restarted(mlp, samples, dense_classifier, monkeypatch):
    model, inputs = mlp(), samples(40)
    exact = torch.linalg.eigvalsh(dense_classifier(model, inputs)).flip(0)
    monkeypatch.setattr(largest, "_BASIS_BYTES", 261 * 8 * 6)
    found = largest_eigenvalue(FisherProducts(model, [inputs]), tolerance=1e-7, leading=3)
    assert found.converged
    assert found.products > 10
    assert found.certain_high is None
    assert [one.value for one in found.leading] == pytest.approx(exact[:3].tolist(), rel=1e-9)


@pytest.mark.unit
def test_a_warm_start_needs_fewer_products(mlp, samples):
    model, inputs = mlp(), samples(40)
    products = FisherProducts(model, [inputs])
    cold = largest_eigenvalue(products)
    with torch.no_grad():
        for one in model.parameters():
            one.add_(0.01 * torch.randn(one.shape, generator=torch.Generator().manual_seed(0), dtype=one.dtype))
    warm = largest_eigenvalue(products, start=cold.vector)
    assert warm.converged
    assert warm.products < cold.products
    assert warm.certain_high is None
    assert warm.value == pytest.approx(largest_eigenvalue(products, tolerance=1e-6).value, rel=1e-3)


@pytest.mark.unit
def test_few_products_leave_an_honest_bound(mlp, samples, dense_classifier):
    model, inputs = mlp(), samples(40)
    top = float(torch.linalg.eigvalsh(dense_classifier(model, inputs))[-1])
    found = largest_eigenvalue(FisherProducts(model, [inputs]), most_products=2)
    assert (found.products, found.converged) == (2, False)
    assert found.low <= top
    told = found.to_dict()
    assert "vector" not in told
    assert told["leading"][0]["value"] == found.value


@pytest.mark.unit
def test_a_matrix_of_zeros_and_one_of_rank_one():
    silent = nn.Linear(3, 2, bias=False).double()
    rows = torch.zeros(4, 3, dtype=torch.float64)
    found = largest_eigenvalue(FisherProducts(silent, [rows]))
    assert (found.value, found.residual, found.converged) == (0.0, 0.0, True)
    rows[0, 0] = 2.0
    with torch.no_grad():
        silent.weight.zero_()
    found = largest_eigenvalue(FisherProducts(silent, [rows]), leading=3)
    assert found.value == pytest.approx(4.0 * 0.5 / 4)
    assert found.converged


@pytest.mark.calibration
def test_the_bounds_hold_over_random_starts(mlp, samples, dense_classifier):
    model, inputs = mlp(), samples(40)
    top = float(torch.linalg.eigvalsh(dense_classifier(model, inputs))[-1])
    products = FisherProducts(model, [inputs])
    for tolerance in (0.05, 1e-3):
        found = [
            largest_eigenvalue(products, tolerance=tolerance, rng=np.random.default_rng(seed)) for seed in range(50)
        ]
        assert all(one.low <= top for one in found)
        held = sum(top <= one.high for one in found)
        assert held >= binom.ppf(0.001, len(found), 0.95), tolerance
        assert all(top <= one.certain_high for one in found if one.certain_high is not None)
    stopped = [
        largest_eigenvalue(products, most_products=3, rng=np.random.default_rng(seed)) for seed in range(50)
    ]  # three products are too few here: the bound of the theorem takes over where it says anything
    assert not any(one.converged for one in stopped)
    assert all(top <= one.high for one in stopped if one.certain_high is not None)


@pytest.mark.calibration
def test_the_interval_over_data_covers_and_mini_batches_are_biased_up(mlp):
    """The population's own value is that of 40,000 samples, 300 times as many."""
    model = mlp(sizes=(6, 4, 3))
    source = torch.Generator().manual_seed(0)

    def draw(number):
        return torch.randn(number, 6, generator=source, dtype=torch.float64)

    truth = largest_eigenvalue(FisherProducts(model, [draw(40_000)], memory=1e10), tolerance=1e-5).value
    values, minibatches, held_out, covered = [], [], [], 0
    runs = 40
    for _ in range(runs):
        products = FisherProducts(model, [draw(128)], most_rows=32)
        found = largest_eigenvalue(products, tolerance=1e-2)
        over = over_data(products, found)
        covered += over.population.covers(truth)
        values.append(found.value)
        minibatches.append(over.minibatch)
        held_out.append(over.held_out)
        assert over.minibatch_samples == 32
    assert covered >= binom.ppf(0.001, runs, 0.95)
    assert np.mean(minibatches) > np.mean(values) > truth > np.mean(held_out)


@pytest.mark.unit
def test_too_few_samples_or_batches_have_no_interval(mlp, samples):
    for rows, most in ((9, 3), (20, None)):
        products = FisherProducts(mlp(), [samples(rows)], most_rows=most)
        over = over_data(products, largest_eigenvalue(products))
        assert isinstance(over.population, Insufficient)
        assert over.minibatch is None
