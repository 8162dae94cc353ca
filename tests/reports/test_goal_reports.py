"""Reports of inferred and of simulated goals: sound pictures, dark ones too, and names that cannot break the page."""

import io
from datetime import UTC, datetime

import altair as alt
import numpy as np
import pytest

from secondlaw.alignment.goals import Episode, Episodes, act, grid_world, infer_goals, soft_policies
from secondlaw.alignment.simulations import SimulationSettings, simulate
from secondlaw.errors import InvalidInput
from secondlaw.reports.dark import is_recoloured
from secondlaw.reports.goals_charts import MOST_AGENTS, agent_chart, entropy_chart, path_chart, share_chart
from secondlaw.reports.goals_page import render_goals_page
from secondlaw.reports.goals_text import render_goals_text
from secondlaw.reports.simulation_charts import entropy_sweep_chart, order_chart, time_chart
from secondlaw.reports.simulation_page import render_simulation_page
from secondlaw.reports.simulation_text import render_simulation_text
from secondlaw.reports.svg import svg_of

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
GRID = ["A...B", "C...D", "E...F", "G...H"]
EVIL = "<script>alert(1)</script> [bold]"


@pytest.fixture(scope="module")
def found():
    """80 agents with 8 goals, one of them without any, one with a name that is no name."""
    world = grid_world(GRID, slip=0.1)
    rng = np.random.default_rng(0)
    whose = np.repeat(np.arange(80), 3)
    seen = act(
        soft_policies(world, betas=[4.0]),
        goals=whose % 8,
        starts=world.states.index("1,2"),
        steps=6,
        rng=rng,
        agent=whose,
    )
    rows = [
        Episode(f"agent {seen.agent[k]}", str(k), seen.states[k][: n + 1].tolist(), seen.actions[k][:n].tolist())
        for k, n in enumerate(seen.lengths)
    ]
    there_and_back = [8, 7] * 30 + [8]
    rows.append(Episode(EVIL, "1", there_and_back, [3, 1] * 30))
    return infer_goals(world, Episodes.of(rows), rng=rng, source=EVIL)


@pytest.fixture(scope="module")
def simulated():
    settings = SimulationSettings.of({"model": "diffusion", "steps": 60, "trials": 20})
    return simulate(settings, sweep=True, sweep_trials=100, tolerance=1.2)


def said(content):
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=160).print(content)
    return out.getvalue()


def test_the_pictures_are_sound_and_have_their_dark_colours(found, simulated):
    charts = [share_chart(found.goals, found.shares), agent_chart(found), entropy_chart(found, found.entropy),
              path_chart(found.paths[0], found.goals), time_chart(simulated), order_chart(simulated.sweep),
              entropy_sweep_chart(simulated.sweep)]  # fmt: skip
    for number, one in enumerate(charts):
        alt.LayerChart.from_dict(one, validate=True)
        assert is_recoloured(svg_of(one, prefix=f"p{number}", title="t", description="d"))


def test_many_agents_are_thinned_and_those_unexplained_are_grey(found):
    assert found.count("unexplained") == 1
    chart = agent_chart(found)
    (rows,) = chart["datasets"].values()
    assert len({row["agent"] for row in rows}) == MOST_AGENTS
    grey = [row for row in rows if row["goal"] == "none of the goals"]
    assert len(grey) == 1
    goals = {row["goal"] for row in rows}
    assert "other goals" in goals  # eight goals have fewer colours
    for agent in {row["agent"] for row in rows}:
        assert sum(row["p"] for row in rows if row["agent"] == agent) == pytest.approx(1.0, abs=1e-3)


def test_names_break_neither_page_nor_text(found):
    html = render_goals_page(found, created=NOW, version="1")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "none of the goals" in html
    assert "[bold]" in said(render_goals_text(found))


def test_pages_carry_version_seed_and_time(found, simulated):
    assert "secondlaw 7.7 · 2026-01-02 03:04 UTC" in render_goals_page(found, created=NOW, version="7.7")
    page = render_simulation_page(simulated, created=NOW, version="7.7")
    assert "secondlaw 7.7 · 2026-01-02 03:04 UTC · seed 0" in page
    assert "crossover" in page
    for render, one in ((render_goals_page, found), (render_simulation_page, simulated)):
        with pytest.raises(InvalidInput, match="needs a zone"):
            render(one, created=NOW.replace(tzinfo=None), version="1")


def test_the_text_of_a_simulation_shows_names_whole(simulated):
    text = said(render_simulation_text(simulated))
    assert "E[S(p)]: how undecided one agent is" in text
    assert "the least alignment work that holds E[S(p)] at 1.2 nats" in text
