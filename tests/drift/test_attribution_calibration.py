"""Joint intervals of what moved hold where a change point and an alarm chose the stretch; a longer run is a script."""

import numpy as np
import pytest
from alarmed_streams import RARE, RARER, Stretches, draw_counts, shares_of, sides, until_alarm
from clustered_counts import fewest

from secondlaw.drift.attribution_categories import category_changes
from secondlaw.types import Estimate

NAMES = ("g1", "g2", "g3", "g4", "g5")
JUMP, STEEP, SLOW = ("jump", 0.05, ((1, 0.6), (3, 0.4))), ("jump", 0.15, ((1, 1.0),)), ("ramp", 0.004, ((3, 1.0),))


def _hold(found, kind, *, is_chosen):
    changes = category_changes(*sides(found, kind), NAMES, level=0.95, is_chosen=is_chosen)
    assert all(isinstance(change.difference, Estimate) for change in changes)
    return all(change.difference.covers(t) for change, t in zip(changes, found.change, strict=True))


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("kind", "size", "start", "drift"),
    [
        ("independent", 100, RARER, JUMP),
        ("independent", 15, RARE, STEEP),
        ("conversations", 15, RARER, SLOW),
        ("steps", 100, RARER, STEEP),
        ("prompts", 15, RARE, JUMP),
    ],
)
def test_intervals_hold_together_after_an_alarm(kind, size, start, drift):
    """60 runs: .93 is promised of each design."""
    rng = np.random.default_rng(size)
    path = shares_of(start, *drift)
    held = [_hold(found, kind, is_chosen=True) for found in (until_alarm(path, size, kind, rng=rng) for _ in range(60))
            if found is not None]  # fmt: skip
    assert len(held) >= 50
    assert sum(held) >= fewest(len(held), 0.93)


@pytest.mark.calibration
@pytest.mark.parametrize("kind", ["independent", "conversations", "steps", "prompts"])
@pytest.mark.parametrize(("size", "after"), [(15, 5), (15, 50), (100, 5)])
def test_intervals_hold_together_for_stretches_named_beforehand(kind, size, after):
    rng = np.random.default_rng(after)
    path = shares_of(RARER, *JUMP, steps=60 + after, begins=60)
    runs = [Stretches(draw_counts(path, size, kind, rng=rng), path, 60) for _ in range(60)]
    assert sum(_hold(found, kind, is_chosen=False) for found in runs) >= fewest(60, 0.93)
