import pytest
from handmade_measurements import make_measurement


@pytest.fixture(scope="session")
def measurement():
    return make_measurement()
