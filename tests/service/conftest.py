"""Fixtures of the tests that look at pages: the simulated store, a client of its pages, and a real browser."""

import pytest
from real_browser import browser, served, visit

__all__ = ["browser", "client", "served", "simulation", "visit"]


@pytest.fixture
def simulation(tmp_path):
    from dashboard_simulation import full_simulation

    one = full_simulation(tmp_path)
    yield one
    one.close()


@pytest.fixture
def client(simulation):
    from dashboard_simulation import dashboard_app
    from fastapi.testclient import TestClient

    with TestClient(dashboard_app(simulation)) as one:
        yield one
