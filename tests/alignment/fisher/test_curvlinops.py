"""An independent library, curvlinops (Dangel et al.), multiplies with the same three matrices."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")
peer = pytest.importorskip("curvlinops", reason="curvlinops-for-pytorch is not installed", exc_type=ImportError)

from secondlaw.alignment.fisher import FisherProducts, fisher_trace, largest_eigenvalue  # noqa: E402

pytestmark = [pytest.mark.unit, pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")]


@pytest.fixture
def case(mlp, samples):
    """A network, its parameters, and three labelled mini-batches of different sizes."""
    model, inputs = mlp(), samples(30)
    labels = torch.randint(5, (30,), generator=torch.Generator().manual_seed(3))
    return model, list(model.parameters()), [(inputs[p], labels[p]) for p in (slice(9), slice(9, 13), slice(13, 30))]


def operator(kind, case, **options):
    model, parameters, data = case
    return kind(model, torch.nn.CrossEntropyLoss(), parameters, data, **options)


def test_the_exact_and_the_empirical_matrix(case):
    model, _, data = case
    block = torch.randn(261, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for kind, name in ((peer.GGNLinearOperator, "exact"), (peer.EFLinearOperator, "empirical")):
        ours = FisherProducts(model, data, kind=name).matmat(block)
        torch.testing.assert_close(ours, operator(kind, case) @ block, rtol=1e-9, atol=1e-12)


def test_the_monte_carlo_matrices_have_the_same_mean(case):
    model, _, data = case
    vector = torch.randn(261, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    theirs = [
        float(vector @ (operator(peer.FisherMCLinearOperator, case, seed=s, mc_samples=40) @ vector)) for s in range(25)
    ]
    ours = []
    for seed in range(25):
        made = FisherProducts(model, data, kind="monte-carlo", draws=40, rng=np.random.default_rng(seed))
        ours.append(float(vector @ made.matvec(vector)))
    error = np.hypot(np.std(ours), np.std(theirs)) / np.sqrt(25)
    assert abs(np.mean(ours) - np.mean(theirs)) < 4.0 * error


def test_the_largest_eigenvalue_and_the_trace(case):
    model, _, data = case
    matrix = operator(peer.GGNLinearOperator, case) @ torch.eye(261, dtype=torch.float64)
    products = FisherProducts(model, data)
    top = float(torch.linalg.eigvalsh(matrix)[-1])
    assert largest_eigenvalue(products, tolerance=1e-5).value == pytest.approx(top, rel=1e-8)
    found = fisher_trace(products, rng=np.random.default_rng(0), probes=90)
    assert abs(found.on_data.value - float(matrix.trace())) < 4.0 * found.standard_error
