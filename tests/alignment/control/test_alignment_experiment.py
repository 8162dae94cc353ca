"""The experiment on alignment work, in small: its runs, its numbers, and the page that they make."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra alignment")

ROOT = Path(__file__).parents[3]
sys.path.append(str(ROOT / "scripts" / "experiments"))

import torch  # noqa: E402
from alignment_runs import Run, do  # noqa: E402
from alignment_tables import half_way, kept, mixture_entropy, mixture_half_way  # noqa: E402
from goal_task import DIGITS, GO, START, GoalTransformer, answers, goal_log_probabilities, prompts  # noqa: E402

pytestmark = pytest.mark.unit

SMALL = {"size": "8x1", "steps": 60, "every": 20, "pretraining": 150}


def test_answers_are_what_each_goal_asks_for():
    asked = torch.tensor([[START, 7, 2, 9, 4, GO]] * 6)
    assert answers(asked, torch.arange(6)).tolist() == [7, 2, 9, 4, 9, 2]


def test_the_network_sees_nothing_of_what_comes_later():
    torch.manual_seed(0)
    network = GoalTransformer(8, 1)
    asked = prompts(5, torch.Generator().manual_seed(0))
    longer = torch.cat([asked, torch.full((5, 1), DIGITS)], dim=1)
    assert torch.allclose(network(asked), network(longer)[:, :-1], atol=1e-6)
    assert torch.allclose(goal_log_probabilities(network, asked).exp().sum(-1), torch.ones(5))


def test_a_run_without_work_goes_to_the_proxy_and_work_holds_it():
    free, held = (do(Run("sweep", work=work, **SMALL)) for work in (0.0, 1.0))
    assert free["kl_proxy"][-1] < 0.3 * free["kl_proxy"][0]
    assert held["kl_intended"][-1] < 0.2 * free["kl_intended"][-1]
    assert held["gamma"][-1] == pytest.approx(held["critical_work"], rel=1e-3)
    assert len(free["eigenvalue"]) == 4
    assert free["diverged"] is None
    json.dumps(free)  # plain values


def test_an_evolution_strategy_follows_the_same_pulls():
    found = do(Run("optimizers", optimizer="evolution", **(SMALL | {"steps": 20})))
    assert found["kl_proxy"][-1] < found["kl_proxy"][0]


def test_the_kept_runs_say_what_the_page_says():
    rows = kept()["sweep"]
    assert {row["seed"] for row in rows} >= set(range(5))
    assert len({row["parameters"] for row in rows}) >= 3
    found = np.array([[row["entropy"], float(mixture_entropy(row["gamma"]))] for row in rows])
    assert np.abs(found[:, 0] - found[:, 1]).max() < 0.12  # the mixture of both pulls, at every size and work
    at = np.array([one["at"] for one in half_way(rows)])
    assert at == pytest.approx(np.full(len(at), mixture_half_way()), rel=0.25)
    critical = [one["critical"] for one in half_way(rows)]
    assert max(critical) > 2.0 * min(critical)


def test_the_page_holds_every_table_and_picture():
    page = (ROOT / "docs" / "experiments" / "alignment-work.md").read_text(encoding="utf-8")
    from alignment_page import TABLES

    for make in TABLES:
        block = page.split(f"<!-- {make.__name__} -->")[1].split(f"<!-- /{make.__name__} -->")[0]
        assert block.strip() == make(kept()).strip()
    for name in ("sweep", "paths", "noise", "laws"):
        assert f"alignment-work-{name}.svg" in page
        assert (ROOT / "docs" / "experiments" / f"alignment-work-{name}.svg").stat().st_size > 2000
