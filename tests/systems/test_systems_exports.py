import subprocess
import sys

import pytest

import secondlaw.systems as systems


@pytest.mark.unit
def test_exports_are_sorted_and_there():
    assert list(systems.__all__) == sorted(systems.__all__)
    assert all(hasattr(systems, name) for name in systems.__all__)


@pytest.mark.unit
def test_import_loads_neither_numba_nor_scipy():
    code = "import sys, secondlaw.systems; print([name for name in ('numba', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
