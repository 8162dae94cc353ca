"""Trace and spectral density against dense eigenvalues, and the coverage of their errors over seeds."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")
from scipy.stats import binom  # noqa: E402

from secondlaw.alignment.fisher import FisherProducts, density, fisher_trace, spectral_density  # noqa: E402
from secondlaw.alignment.fisher.means import mean_over_samples, spread_over_samples  # noqa: E402
from secondlaw.types import Insufficient  # noqa: E402


@pytest.fixture
def case(mlp, samples, dense_classifier):
    """Products of a small network, and the eigenvalues of its matrix."""
    model, inputs = mlp(), samples(40)
    return FisherProducts(model, [inputs[:25], inputs[25:]]), torch.linalg.eigvalsh(dense_classifier(model, inputs))


@pytest.mark.calibration
@pytest.mark.parametrize("method", ["hutch++", "hutchinson"])
def test_the_trace_is_unbiased_and_its_interval_covers(case, method):
    products, exact = case
    truth = float(exact.sum())
    found = [fisher_trace(products, rng=np.random.default_rng(seed), method=method) for seed in range(120)]
    values = np.array([one.on_data.value for one in found])
    assert abs(values.mean() - truth) < 4.0 * values.std() / np.sqrt(len(values))
    covered = sum(one.on_data.covers(truth) for one in found)
    # .90 and not .95: quotients of few probes are skewed, which a t interval does not know.
    assert covered >= binom.ppf(0.001, len(found), 0.90)
    errors = np.array([one.standard_error for one in found])
    assert 0.7 < errors.mean() / values.std() < 1.4
    assert all(one.population.low <= one.on_data.low for one in found)


@pytest.mark.unit
def test_a_sketch_leaves_less_to_chance_where_few_eigenvalues_are_large(mlp, samples, dense_classifier):
    model, inputs = mlp(), samples(40) * 2.0 ** -torch.arange(10.0)
    exact = float(dense_classifier(model, inputs).trace())
    products = FisherProducts(model, [inputs])
    sketched = fisher_trace(products, rng=np.random.default_rng(0), probes=60)
    plain = fisher_trace(products, rng=np.random.default_rng(0), probes=60, method="hutchinson")
    assert (sketched.method, plain.method) == ("hutch++", "hutchinson")
    assert sketched.standard_error < 0.5 * plain.standard_error
    assert 0.5 * exact < sketched.sketched < exact
    assert plain.sketched == 0.0


@pytest.mark.unit
def test_a_sketch_as_wide_as_the_matrix_is_exact():
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 2, bias=False).double()
    products = FisherProducts(model, [torch.randn(6, 2, dtype=torch.float64)])
    found = fisher_trace(products, rng=np.random.default_rng(0))
    exact = float(torch.trace(products.matmat(torch.eye(4))))
    assert found.on_data.value == pytest.approx(exact, rel=1e-12)
    assert found.standard_error < 1e-12
    assert isinstance(found.population, Insufficient)


@pytest.mark.calibration
def test_the_interval_of_the_trace_over_data_covers(mlp):
    model = mlp(sizes=(6, 4, 3))
    source = torch.Generator().manual_seed(0)

    def draw(number):
        return torch.randn(number, 6, generator=source, dtype=torch.float64)

    whole = FisherProducts(model, [draw(40_000)], memory=1e10)
    sums, counts = whole.quotients(torch.eye(whole.size))
    truth = float(sums.sum() / counts.sum())
    runs = 80
    covered = 0
    for seed in range(runs):
        found = fisher_trace(FisherProducts(model, [draw(50)]), rng=np.random.default_rng(seed), probes=12)
        covered += found.population.covers(truth)
    assert covered >= binom.ppf(0.001, runs, 0.92)


@pytest.mark.unit
def test_a_mean_over_samples_that_count_differently():
    sums, counts = np.array([2.0, 9.0, 4.0]), np.array([1.0, 3.0, 2.0])
    assert isinstance(mean_over_samples(sums, counts, level=0.95, unit="u", method="m"), Insufficient)
    many = mean_over_samples(np.tile(sums, 5), np.tile(counts, 5), level=0.95, unit="u", method="m")
    assert many.value == 2.5
    assert many.low < 2.5 < many.high
    more = mean_over_samples(np.tile(sums, 5), np.tile(counts, 5), level=0.95, unit="u", method="m", more=1.0)
    assert more.width > many.width
    assert spread_over_samples(counts * 2.0, counts) == 0.0


@pytest.mark.calibration
def test_the_density_covers_the_dense_spectrum(case):
    products, exact = case
    spectrum = exact.clamp_min(0.0).numpy()
    places = [0.3, 0.05, 0.01, 1e-3]
    runs = 25
    covered = np.zeros(len(places))
    first, second = [], []
    for seed in range(runs):
        found = spectral_density(products, rng=np.random.default_rng(seed), probes=4, steps=25)
        assert found.reorthogonalised
        np.testing.assert_allclose(found.weights.sum(axis=1), 1.0)
        covered += [found.share_above(place).covers((spectrum > place).mean()) for place in places]
        first.append(found.moment(1).mean())
        second.append(found.moment(2).mean())
    assert (covered >= binom.ppf(0.001, runs, 0.95)).all(), covered
    for moments, power in ((first, 1), (second, 2)):
        truth = (spectrum**power).mean()
        assert abs(np.mean(moments) - truth) < 4.0 * np.std(moments) / np.sqrt(runs)


@pytest.mark.unit
def test_as_many_steps_as_distinct_eigenvalues_find_them_all(case):
    products, exact = case
    found = spectral_density(products, rng=np.random.default_rng(0), probes=2, steps=261)
    top = exact.flip(0)[:10].numpy()
    for nodes in found.nodes:
        np.testing.assert_allclose(np.sort(nodes)[::-1][:10], top, rtol=1e-8)
    assert found.share_above(-1.0).value == pytest.approx(1.0)
    assert found.share_above(2.0 * top[0]).value == 0.0


@pytest.mark.unit
def test_without_reorthogonalisation_the_shares_stay(case, monkeypatch):
    products, exact = case
    monkeypatch.setattr(density, "_BASIS_BYTES", 10.0)
    found = spectral_density(products, rng=np.random.default_rng(0), probes=20, steps=40)
    assert not found.reorthogonalised
    share = found.share_above(0.01)
    assert share.covers(float((exact > 0.01).double().mean()))
    assert found.moment(1).mean() * 261 == pytest.approx(float(exact.sum()), rel=0.25)


@pytest.mark.unit
def test_a_smoothed_density_holds_the_share_above_zero(case):
    products, _ = case
    found = spectral_density(products, rng=np.random.default_rng(0), probes=3, steps=20)
    grid = np.linspace(-16, 2, 2000)
    inside = (found.weights * (found.nodes > 10.0 ** grid[0])).sum() / 3
    smooth = found.smoothed(grid, width=0.1)
    assert float((smooth * (grid[1] - grid[0])).sum()) == pytest.approx(inside, rel=0.05)
    told = found.to_dict()
    assert (len(told["nodes"]), len(told["nodes"][0])) == (3, 20)
