import importlib.util

import numpy as np
import pytest

from secondlaw.errors import InvalidInput
from secondlaw.trajectories import Flips, FlipsMaxEnt
from secondlaw.trajectories.flips.products import NumpyProducts, open_products

TORCH = importlib.util.find_spec("torch") is not None
NEEDS_TORCH = pytest.mark.skipif(not TORCH, reason="torch is not installed")
DEVICES = [None, pytest.param("cpu", marks=NEEDS_TORCH)]


def no_cuda():
    if not TORCH:
        return True
    import torch

    return not torch.cuda.is_available()


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    spins = rng.choice([-1, 1], size=(3000, 9))
    spins[:, 1] = np.where(rng.random(3000) < 0.8, spins[:, 0], spins[:, 1])
    return Flips.of(spins, rng.random(spins.shape) < 0.4)


def observables(data, i, rows):
    chosen = rows[data.flipped[rows, i]]
    s = data.spins[chosen].astype(float)
    g = -2.0 * s[:, [i]] * s
    g[:, i] = 0.0
    return g


@pytest.mark.unit
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", [0.3, 30.0])
def test_products_agree_with_a_plain_loop_over_spins(data, device, size):
    """At 30 the exponents reach some hundreds: no overflow, no clipping."""
    products = open_products(data, device)
    ranges, rows = [(0, 1300), (1500, 2900)], np.r_[0:1300, 1500:2900]
    theta = (np.random.default_rng(1).normal(size=(9, 9)) * size).astype(np.float32)
    np.fill_diagonal(theta, 0.0)
    moments = products.moments(ranges)
    chosen = np.array([0, 2, 3, 7])
    log_sum, tilted = products.tilted(theta[chosen], chosen, ranges)
    judged = products.judged(theta[chosen], np.full(4, 1.5), chosen, np.array([2900, 2960, 3000]))
    for place, i in enumerate(chosen):
        g = observables(data, i, rows)
        others = np.arange(9) != i
        assert moments.flips[i] == len(g)
        np.testing.assert_allclose(moments.mean[i], g.mean(axis=0), atol=1e-6)
        work = -g @ theta[i].astype(float)
        top = work.max()
        weights = np.exp(work - top)
        assert log_sum[place] == pytest.approx(top + np.log(weights.sum()), rel=1e-5)
        expected = -0.5 * (weights @ g) / weights.sum()
        np.testing.assert_allclose(tilted[place, others], expected[others], atol=2e-4)
        if size < 1.0:
            u = observables(data, i, np.arange(2900, 2960)) @ theta[i].astype(float)
            assert judged.values[0, place] == pytest.approx((u - np.exp(-u - 1.5) - 1.5 + 1.0).sum(), rel=1e-4)
            assert judged.work[0, place] == pytest.approx(u.sum(), rel=1e-4, abs=1e-4)
            assert judged.squares[0, place] == pytest.approx(np.exp(-2 * u - 3.0).sum(), rel=1e-4)


@pytest.mark.unit
def test_batches_do_not_matter(data, monkeypatch):
    theta = (np.random.default_rng(1).normal(size=(9, 9)) * 20).astype(np.float32)
    everything, ranges = np.arange(9), [(0, 3000)]
    one = NumpyProducts(data).tilted(theta, everything, ranges)
    monkeypatch.setattr("secondlaw.trajectories.flips.products.BATCH", 37)
    many = NumpyProducts(data).tilted(theta, everything, ranges)
    np.testing.assert_allclose(one[0], many[0], rtol=1e-6)
    np.testing.assert_allclose(one[1], many[1], atol=1e-5)


@pytest.mark.unit
@NEEDS_TORCH
def test_torch_and_numpy_fit_the_same(driven):
    _, data, _ = driven
    ours, torchs = (FlipsMaxEnt(rounds=2, device=device).fit(data, rng=np.random.default_rng(0))
                    for device in (None, "cpu"))  # fmt: skip
    assert torchs.estimate.value == pytest.approx(ours.estimate.value, rel=1e-4)
    assert torchs.estimate.low == pytest.approx(ours.estimate.low, rel=1e-3)
    np.testing.assert_allclose(torchs.couplings, ours.couplings, atol=2e-3)


@pytest.mark.unit
@pytest.mark.skipif(no_cuda(), reason="torch has no CUDA device here")
def test_cuda_and_numpy_fit_the_same(driven):
    _, data, _ = driven
    ours, cuda = (FlipsMaxEnt(rounds=2, device=device).fit(data, rng=np.random.default_rng(0))
                  for device in (None, "cuda"))  # fmt: skip
    assert cuda.estimate.value == pytest.approx(ours.estimate.value, rel=1e-3)
    np.testing.assert_allclose(cuda.couplings, ours.couplings, atol=5e-3)


@pytest.mark.unit
@NEEDS_TORCH
def test_a_device_that_is_not_there_is_named(data):
    with pytest.raises(InvalidInput, match="cuda:77"):
        FlipsMaxEnt(device="cuda:77").fit(data, rng=np.random.default_rng(0))


@pytest.mark.unit
@pytest.mark.parametrize("device", DEVICES)
def test_an_impossible_flip_is_bad_yet_a_number(data, device):
    products = open_products(data, device)
    theta = np.full((9, 9), 60.0, dtype=np.float32)
    np.fill_diagonal(theta, 0.0)
    judged = products.judged(theta, np.zeros(9), np.arange(9), np.array([0, 3000]))
    assert np.isfinite(judged.values).all()
    assert (judged.values < -1e29).all()
