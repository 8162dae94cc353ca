import numpy as np
import pytest
from clustered_counts import RARE, draw
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.statistics.cell_entropy import INTERVALS, entropy_estimates, within_entropy
from secondlaw.statistics.closed_form import miller_madow, plug_in
from secondlaw.types import Insufficient

tables = hnp.arrays(np.int64, (7, 4), elements=st.integers(0, 8)).filter(lambda c: c.sum() > 0)


def generator():
    return np.random.default_rng(0)


@pytest.mark.law
@settings(max_examples=40, deadline=None)
@given(tables, st.sampled_from(INTERVALS))
def test_any_table_gives_three_entropies_that_add_up_and_none_is_certain(counts, interval):
    cell = entropy_estimates(counts, rng=generator(), interval=interval, resamples=200)
    assert 0.0 <= cell.pooled.low <= cell.pooled.value <= cell.pooled.high <= np.log(4) + 1e-12
    if interval == "auto":
        assert cell.pooled.width > 0
    if not isinstance(cell.within, Insufficient):
        assert cell.within.value + cell.between.value == pytest.approx(cell.pooled.value)
        assert cell.between.value >= 0.0


@pytest.mark.law
@settings(max_examples=40, deadline=None)
@given(tables)
def test_plug_in_entropies_never_lose_information_by_pooling(counts):
    present = counts[counts.sum(axis=1) > 0]
    sizes = present.sum(axis=1)
    within = float((sizes * plug_in(present)).sum() / sizes.sum())
    assert float(plug_in(present.sum(axis=0))) >= within - 1e-12
    cell = entropy_estimates(counts, rng=generator(), method="plug-in", resamples=100)
    if not isinstance(cell.within, Insufficient):
        assert cell.within.value == pytest.approx(within)


@pytest.mark.unit
@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("groups", [1, 2, 40])
def test_one_category_is_never_certain(interval, groups):
    cell = entropy_estimates([[12, 0, 0, 0, 0]] * groups, rng=generator(), interval=interval)
    assert cell.pooled.width > 1e-3
    assert cell.within.width > 1e-3
    assert "Dirichlet" in cell.pooled.method
    if groups == 1:
        assert "one group" in cell.pooled.method


@pytest.mark.unit
@pytest.mark.parametrize(("prompts", "size"), [(50, 1), (100, 1), (30, 20)])
def test_one_category_has_the_entropy_0_and_an_interval_with_width(prompts, size):
    pooled = entropy_estimates([[size, 0, 0, 0, 0]] * prompts, rng=generator()).pooled
    assert pooled.value == pooled.low == 0.0
    assert pooled.high > 1.0 / (prompts * size)
    assert "of one category" in pooled.method


@pytest.mark.unit
def test_few_responses_of_one_category_say_little():
    pooled = entropy_estimates([[10, 0, 0, 0, 0]], rng=generator()).pooled
    assert pooled.value == pytest.approx(0.106, abs=1e-3)  # the posterior mean of NSB, not 0
    assert "NSB" in pooled.method


@pytest.mark.unit
def test_independent_responses_are_corrected_like_miller_and_madow():
    counts = draw(400, 5, RARE, 0.0, rng=generator())[0]
    pooled = entropy_estimates(counts, rng=generator()).pooled
    assert pooled.value == pytest.approx(float(miller_madow(counts.sum(axis=0))), abs=3e-4)
    assert pooled.n == 2000
    assert "400 groups" in pooled.method


@pytest.mark.unit
def test_bias_correction_counts_prompts_where_answers_repeat():
    once = draw(100, 1, RARE, 0.0, rng=generator())[0]
    bias = [
        entropy_estimates(once * k, rng=generator()).pooled.value - float(plug_in(once.sum(axis=0))) for k in (1, 9)
    ]
    assert bias[0] == pytest.approx(4 / 200, rel=0.1)
    assert bias[1] == pytest.approx(bias[0], rel=0.1)


@pytest.mark.unit
def test_one_response_each_has_no_within():
    counts = np.eye(3, dtype=int)[[0, 1, 2, 0, 1, 0, 0]]
    cell = entropy_estimates(counts, rng=generator())
    assert isinstance(cell.within, Insufficient)
    assert isinstance(cell.between, Insufficient)
    with pytest.raises(NotEnoughData, match="repeat the prompts"):
        within_entropy(counts, rng=generator())


@pytest.mark.unit
def test_wrong_names_and_empty_cells_are_refused():
    with pytest.raises(InvalidInput, match="percentile"):
        entropy_estimates([[1, 2]], rng=generator(), interval="exact")
    with pytest.raises(NotEnoughData, match="no response"):
        entropy_estimates([[0, 0], [0, 0]], rng=generator())
    with pytest.raises(InvalidInput, match="shape"):
        entropy_estimates([1, 2, 3], rng=generator())


@pytest.mark.unit
def test_intervals_agree_where_data_are_plenty():
    counts = draw(400, 10, (0.5, 0.3, 0.2), 0.2, rng=generator())[0]
    cells = {name: entropy_estimates(counts, rng=generator(), interval=name) for name in INTERVALS}
    widths = {name: (cell.pooled.width, cell.within.width) for name, cell in cells.items()}
    for name, width in widths.items():
        assert width[0] == pytest.approx(widths["percentile"][0], rel=0.2), name
    assert widths["bca"][1] == pytest.approx(widths["percentile"][1], rel=0.2)


@pytest.mark.unit
def test_same_seed_same_numbers():
    counts = draw(30, 6, RARE, 0.3, rng=generator())[0]
    assert entropy_estimates(counts, rng=generator()) == entropy_estimates(counts, rng=generator())
