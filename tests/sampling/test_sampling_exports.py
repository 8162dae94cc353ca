"""What the room hands out."""

import pytest

import secondlaw.sampling

pytestmark = pytest.mark.unit


def test_every_export_exists_and_they_are_sorted():
    names = secondlaw.sampling.__all__
    constants = [name for name in names if name.isupper()]
    classes = [name for name in names if not name.isupper() and name[0].isupper()]
    functions = [name for name in names if name[0].islower()]
    assert names == sorted(constants) + sorted(classes) + sorted(functions)
    assert all(hasattr(secondlaw.sampling, name) for name in names)
