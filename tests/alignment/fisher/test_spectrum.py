"""The whole spectrum of a network: the parts agree, say what they depend on, and become plain JSON."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")
from secondlaw.alignment import critical_work  # noqa: E402
from secondlaw.alignment.fisher import fisher_spectrum  # noqa: E402
from secondlaw.types import Estimate, Insufficient  # noqa: E402

pytestmark = pytest.mark.unit


def test_the_parts_of_a_spectrum_agree(mlp, samples, dense_classifier):
    model, inputs = mlp(), samples(48)
    exact = torch.linalg.eigvalsh(dense_classifier(model, inputs)).flip(0)
    found = fisher_spectrum(model, [inputs], rng=np.random.default_rng(0), most_rows=12)
    assert (found.kind, found.normalise, found.dtype, found.device) == ("exact", "token", "float64", "cpu")
    assert (found.parameters, found.predictions, found.samples, found.batch_rows) == (261, 48, 48, (12,) * 4)
    top = float(exact[0])
    assert found.largest.low <= top <= found.largest.high
    assert found.trace.on_data.covers(float(exact.sum()))
    assert found.effective_rank.covers(float(exact.sum()) / top)
    assert isinstance(found.data.population, Estimate)
    assert found.critical_work.value == pytest.approx(critical_work(largest_eigenvalue=top, parameters=261), rel=1e-5)
    assert found.critical_work.low < found.critical_work.value < found.critical_work.high
    assert found.density.nodes.shape == (6, 30)
    said = " ".join(found.notes)
    assert "exact (true) Fisher" in said
    assert "biased up" in said
    assert "mini-batches of 12 samples give +" in said
    assert "parametrised" in said
    told = json.loads(json.dumps(found.to_dict()))
    assert told["largest"]["value"] == found.largest.value
    assert told["data"]["population"]["n"] == 48


def test_another_fisher_says_which_it_is(mlp, samples):
    labels = torch.arange(20) % 5
    for kind, words in (("empirical", "another matrix than the true Fisher"), ("monte-carlo", "labels drawn")):
        found = fisher_spectrum(
            mlp(), [(samples(20), labels)], rng=np.random.default_rng(0), kind=kind, folds=0, density_probes=0
        )
        assert found.kind == kind
        assert words in found.notes[0]
        assert found.density is None
        assert isinstance(found.data.population, Insufficient)
        assert isinstance(found.critical_work, Insufficient)
        assert found.draws == (kind == "monte-carlo")


def test_what_has_not_converged_says_so_and_progress_is_told(mlp, samples):
    told = {}

    def reporter(part):
        return lambda done, total: told.setdefault(part, []).append((done, total))

    found = fisher_spectrum(
        mlp(), [samples(20)], rng=np.random.default_rng(0), most_rows=5, most_products=4, progress=reporter
    )
    assert not found.largest.converged
    assert any("not converged after 4 products" in note for note in found.notes)
    assert set(told) == {"lambda_max", "trace", "over data", "density"}
    for steps in told.values():
        done = [one for one, _ in steps]
        assert done == sorted(done)
        assert done[-1] <= steps[-1][1]


def test_a_mini_batch_in_which_nothing_counts_is_in_no_fold(mlp, samples):
    labels = torch.zeros(20, dtype=torch.long)
    labels[5:10] = -100
    found = fisher_spectrum(mlp(), [(samples(20), labels)], rng=np.random.default_rng(0), most_rows=5, density_probes=0)
    assert (found.samples, found.batch_rows) == (15, (5, 5, 5, 5))
    assert found.data.minibatch_samples == 5
    assert found.data.population.n == 15


def test_a_network_whose_outputs_never_move():
    model = torch.nn.Linear(3, 2, bias=False).double()
    found = fisher_spectrum(model, [torch.zeros(12, 3, dtype=torch.float64)], rng=np.random.default_rng(0), most_rows=4)
    assert found.largest.value == 0.0
    assert found.trace.on_data.value == 0.0
    assert isinstance(found.effective_rank, Insufficient)
    assert isinstance(found.critical_work, Insufficient)


def test_the_same_seed_gives_the_same_spectrum(mlp, samples):
    made = [
        fisher_spectrum(mlp(), [samples(20)], rng=np.random.default_rng(3), kind="monte-carlo", most_rows=5).to_dict()
        for _ in range(2)
    ]
    assert made[0] == made[1]
