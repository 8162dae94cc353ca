import numpy as np
import pytest

from secondlaw.errors import InvalidInput
from secondlaw.statistics.pair_confusion import confused_pairs

TABLE = np.array([[180.0, 20.0, 0.0], [16.0, 84.0, 0.0], [0.0, 2.0, 98.0]])


@pytest.mark.unit
def test_a_pair_above_five_percent_is_named_with_both_directions():
    [found] = confused_pairs(TABLE)
    assert (found.first, found.second, found.n) == (0, 1, 300.0)
    assert found.rate == pytest.approx(36 / 300)
    assert (found.first_as_second, found.second_as_first) == (pytest.approx(0.1), pytest.approx(0.16))
    assert found.low < found.rate < found.high
    assert found.is_sure


@pytest.mark.unit
def test_pairs_below_and_pairs_never_seen_are_not():
    assert confused_pairs(TABLE, pairs=[(1, 2), (0, 2)]) == []
    assert confused_pairs(np.zeros((2, 2))) == []
    assert len(confused_pairs(TABLE, pairs=[(1, 2), (0, 1)], above=0.005)) == 2
    [few] = confused_pairs([[9, 1], [0, 5]])
    assert not few.is_sure


@pytest.mark.unit
def test_what_is_no_table_or_no_pair_is_refused():
    with pytest.raises(InvalidInput, match="square"):
        confused_pairs([[1.0, 2.0]])
    with pytest.raises(InvalidInput, match="a pair names"):
        confused_pairs(TABLE, pairs=[(0, 3)])
