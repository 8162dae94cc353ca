import pytest

from secondlaw import language


@pytest.mark.unit
def test_exported_names_exist_and_are_sorted():
    assert list(language.__all__) == sorted(language.__all__, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    assert all(hasattr(language, name) for name in language.__all__)
