"""The example of the documentation runs and shows what the text says; data that suit currents are told from others."""

import re
from pathlib import Path

import numpy as np
import pytest
from known_processes import driven_cycle

from secondlaw.systems import spinning_particle
from secondlaw.trajectories import Trajectories, looks_diffusive

pytestmark = pytest.mark.unit
PAGE = Path(__file__).parents[3] / "docs" / "trajectories.md"


def test_the_example_runs(capsys):
    section = PAGE.read_text(encoding="utf-8").split("## Currents")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    names: dict = {}
    exec(compile(code, str(PAGE), "exec"), names)
    assert names["result"].estimate.value == pytest.approx(7.73, rel=0.15)
    assert names["result"].extrapolated.covers(8.0)
    assert len(names["sigma"]) == 200
    assert len(names["arrows"]) == 20 * 20 * 2
    assert "nats per unit of time" in capsys.readouterr().out


def test_data_that_suit_currents():
    rng = np.random.default_rng(0)
    x = spinning_particle().simulate(points=500, dt=0.01, trajectories=20, rng=rng)
    assert looks_diffusive(Trajectories.of(x, dt=0.01))
    assert looks_diffusive(Trajectories.of(x))  # a step is then the unit of time
    assert not looks_diffusive(Trajectories.of(x + 0.1 * rng.normal(size=x.shape), dt=0.01))
    assert not looks_diffusive(Trajectories.of(x[:, ::20], dt=0.2))
    assert not looks_diffusive(Trajectories.of(x[:, :2], dt=0.01))
    assert not looks_diffusive(Trajectories.of(np.round(x, 1), dt=0.01))
    assert not looks_diffusive(Trajectories.of([driven_cycle(2000, rng)], dt=0.01))
