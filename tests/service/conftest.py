"""Fixtures of the tests that look at pages in a real browser."""

from real_browser import browser, served, visit

__all__ = ["browser", "served", "visit"]
