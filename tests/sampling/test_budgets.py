"""Budgets and progress, without any endpoint."""

import pytest

from secondlaw.errors import InvalidInput
from secondlaw.sampling import Budget, Reply, SamplingProgress

pytestmark = pytest.mark.unit


def test_rate_and_time_left_are_functions_of_the_progress():
    progress = SamplingProgress(total=100, stored_before=20, stored=40, seconds=10.0)
    assert (progress.done, progress.rate, progress.seconds_left) == (60, 4.0, 10.0)


@pytest.mark.parametrize(
    "progress", [SamplingProgress(total=5), SamplingProgress(total=5, stored_before=3, seconds=2.0)]
)
def test_no_rate_before_the_first_response(progress):
    assert progress.rate is progress.seconds_left is None


@pytest.mark.parametrize(
    ("budget", "spent"),
    [
        (Budget(), None),
        (Budget(requests=4), None),
        (Budget(requests=3), "requests: 3 of 3"),
        (Budget(tokens=1_000), "tokens: 1,200 of 1,000"),
        (Budget(cost=0.5, prompt_price=1.0), "cost: 0.75 of 0.5"),
        (Budget(seconds=2.0), "seconds: 2.5 of 2"),
    ],
)
def test_what_is_spent(budget, spent):
    progress = SamplingProgress(9, requests=3, prompt_tokens=1_000, completion_tokens=200, cost=0.75, seconds=2.5)
    assert progress.spent(budget) == spent


def test_a_price_is_per_million_tokens():
    budget = Budget(prompt_price=2.0, completion_price=10.0)
    assert budget.price(Reply(("a",), (None,), 500_000, 100_000, None)) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cost": 1.0}, "--prompt-price"),
        ({"requests": 0}, "a budget of requests is above 0, got 0"),
        ({"seconds": float("nan")}, "a budget of seconds is above 0"),
        ({"prompt_price": -1.0}, "prompt_price is at least 0"),
    ],
)
def test_a_budget_that_cannot_be(options, message):
    with pytest.raises(InvalidInput, match=message):
        Budget(**options)
