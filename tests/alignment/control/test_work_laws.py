"""Laws for gamma: exact values, convergence on systems whose answer is known, bounds, and states."""

import json
import subprocess
import sys

import numpy as np
import pytest

from secondlaw.alignment import GoalDiffusion, operating_point
from secondlaw.alignment.control import ConstantWork, MinimalWork, ProportionalIntegral, WorkLaw
from secondlaw.errors import InvalidInput
from secondlaw.types import Estimate

pytestmark = pytest.mark.unit

PROXY, MEANT = [0.4, 0.3, 0.1, 0.1, 0.05, 0.05], [0.05, 0.75, 0.05, 0.05, 0.05, 0.05]


def seen(value, half=0.01):
    return Estimate(value, max(value - half, 0.0), value + half, 0.95, 64, "nats", "given")


def settled(work):
    """E[S] of model A, whose operating point is exact."""
    return GoalDiffusion(PROXY, MEANT, gaming=0.5, work=work, diffusion=0.05).mean_entropy()


def laws():
    return [
        ConstantWork(2.0),
        ProportionalIntegral(target=0.5, proportional=1.0, integral=0.3, highest=5.0, base=0.2, lowest=0.1),
        MinimalWork(tolerance=1.1, start=0.5, highest=50.0, settle=1, patience=2, precision=0.05, recheck=4),
    ]


@pytest.mark.parametrize("law", laws(), ids=lambda law: law.kind)
def test_a_law_goes_on_from_its_state_exactly(law):
    rng = np.random.default_rng(0)
    entropies = [seen(value, 0.05) for value in rng.uniform(0.2, 1.8, size=80)]
    again = next(one for one in laws() if one.kind == law.kind)
    first = [law.update(one, elapsed=2.0) for one in entropies[:37]]
    assert all(gamma >= 0.0 for gamma in first)
    again.restore(json.loads(json.dumps(law.state)))
    assert again.gamma == law.gamma
    assert [again.update(one, elapsed=2.0) for one in entropies[37:]] == [
        law.update(one, elapsed=2.0) for one in entropies[37:]
    ]
    assert isinstance(law, WorkLaw)


def test_laws_and_measurements_need_no_network_library():
    code = "import sys, secondlaw.alignment.control; print('torch' in sys.modules, 'transformers' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]


def test_a_state_of_another_law_or_setting_is_refused():
    constant, other = ConstantWork(2.0), laws()[1]
    with pytest.raises(InvalidInput, match="is of the law 'constant', not 'minimal'"):
        laws()[2].restore(constant.state)
    with pytest.raises(InvalidInput, match=r"settings \{'gamma': 2.0\}, not \{'gamma': 3.0\}"):
        ConstantWork(3.0).restore(constant.state)
    with pytest.raises(InvalidInput, match=r"lacks \['accumulated'\]"):
        laws()[1].restore({key: value for key, value in other.state.items() if key != "accumulated"})


def test_the_integral_removes_the_offset_that_a_proportional_law_leaves():
    def finally_at(integral):
        law = ProportionalIntegral(target=1.1, proportional=1.0, integral=integral, highest=50.0)
        for _ in range(800):
            law.update(seen(settled(law.gamma)), elapsed=1.0)
        return settled(law.gamma), law.gamma

    assert finally_at(0.0)[0] > 1.15
    entropy, gamma = finally_at(0.5)
    assert entropy == pytest.approx(1.1, abs=1e-6)
    assert gamma == pytest.approx(
        operating_point(GoalDiffusion(PROXY, MEANT, gaming=0.5, work=0.0, diffusion=0.05), tolerance=1.1), rel=1e-4
    )


def test_saturation_is_not_paid_back_later():
    law = ProportionalIntegral(target=0.5, proportional=1.0, integral=1.0, highest=3.0)
    for _ in range(200):
        assert law.update(seen(2.5), elapsed=1.0) <= 3.0
    assert law.saturated
    falling = [law.update(seen(0.3), elapsed=1.0) for _ in range(20)]
    assert falling[0] < 3.0  # an integral without bound would keep it there for 2,000 steps
    assert falling[-1] == 0.0
    assert law.saturated


def test_minimal_work_finds_the_operating_point_from_either_side():
    exact = operating_point(GoalDiffusion(PROXY, MEANT, gaming=0.5, work=0.0, diffusion=0.05), tolerance=1.1)
    for start in (0.01, 30.0):
        law = MinimalWork(tolerance=1.1, start=start, highest=100.0, settle=1, patience=2, precision=0.05, recheck=99)
        for _ in range(80):
            entropy = settled(law.gamma)
            law.update(seen(entropy, 1e-9), elapsed=1.0)
        failing, holding = law.bracket
        assert failing < exact <= law.gamma == holding <= 1.06 * failing


def test_minimal_work_follows_a_system_that_gets_worse_and_better():
    law = MinimalWork(tolerance=0.5, start=1.0, highest=64.0, settle=0, patience=1, precision=0.1, recheck=5)
    for strength, exact in ((1.5, 2.0), (4.0, 7.0), (0.8, 0.6)):
        for _ in range(60):
            law.update(seen(strength / (1.0 + law.gamma), 1e-3), elapsed=1.0)
        assert exact / 1.25 <= law.gamma <= 1.25 * exact  # one trial below is under way now and then


def test_what_is_open_does_not_count_as_held():
    law = MinimalWork(tolerance=0.5, start=1.0, highest=8.0, settle=0, patience=3)
    assert [law.update(seen(0.45, 0.2), elapsed=1.0) for _ in range(4)] == [1.0, 1.0, 2.0, 2.0]
    for _ in range(20):
        law.update(seen(0.9), elapsed=1.0)
    assert law.gamma == 8.0
    assert law.saturated


def test_no_work_is_found_where_none_is_needed():
    law = MinimalWork(tolerance=0.5, start=1.0, highest=8.0, settle=0, patience=1, recheck=3)
    for _ in range(30):
        law.update(seen(0.1), elapsed=1.0)
    assert law.gamma == 0.0
    assert law.update(seen(0.9), elapsed=1.0) == 1.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ConstantWork(-0.1), "gamma is a rate and must be 0 or more, got -0.1"),
        (lambda: ConstantWork(float("nan")), "gamma is a rate"),
        (lambda: ProportionalIntegral(target=0.5, proportional=-1.0, integral=0.0, highest=1.0), "al is a rate"),
        (lambda: ProportionalIntegral(target=0.5, proportional=0.0, integral=0.0, highest=1.0), "needs a gain above 0"),
        (lambda: ProportionalIntegral(target=0.5, proportional=1.0, integral=0.0, highest=1.0, base=2.0), "lowest <="),
        (lambda: MinimalWork(tolerance=0.0, start=1.0, highest=2.0), "tolerance must be a positive number"),
        (lambda: MinimalWork(tolerance=0.5, start=3.0, highest=2.0), "start must not exceed highest, got 3 and 2"),
        (lambda: ConstantWork(1.0).update(seen(0.5), elapsed=0.0), "elapsed must be a positive number"),
    ],
)  # fmt: skip
def test_what_is_no_law_is_refused(make, words):
    with pytest.raises(InvalidInput, match=words):
        make()
