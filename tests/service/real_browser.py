"""The dashboard in Debian's chromium, driven by Playwright: fixtures of all tests that look at pages."""

import os
import shutil
import socket
import threading
import time

import pytest
from absent_programs import absent

__all__ = ["DRAWN", "PATIENCE", "browser", "overflow", "served", "until", "visit", "wait_for"]

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
PATIENCE = 120_000
"""Milliseconds: the machine may be busy."""
DRAWN = "document.querySelectorAll('.vega[data-drawn] svg.marks').length === document.querySelectorAll('.vega').length"


@pytest.fixture(scope="module")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    if not os.access(CHROMIUM, os.X_OK):
        absent("chromium is not installed (Debian's package chromium)")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE)
        yield found
        found.close()


class Served:
    """The pages of a simulation, served on loopback."""

    def __init__(self, simulation):
        import uvicorn
        from dashboard_simulation import dashboard_app

        from secondlaw.service.live import Live

        self.simulation = simulation
        app = dashboard_app(simulation, live=Live(every=0.2, stopping=lambda: self.server.should_exit))
        self.server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5, lifespan="off", ws="none")
        )
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    def close(self):
        self.server.should_exit = True
        self.thread.join(120)
        self.socket.close()
        assert not self.thread.is_alive()


@pytest.fixture
def served(simulation):
    one = Served(simulation)
    yield one
    one.close()


@pytest.fixture
def visit(browser, served):
    """Return a function that opens a page; at the end nothing may have gone wrong in it."""
    contexts, troubles, expected = [], [], []

    def opened(address, *, width=1200, height=800, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request", lambda sent: None if sent.url.startswith((served.url, "data:")) else troubles.append(sent.url)
        )
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective))"
        )
        page.goto(served.url + address, timeout=PATIENCE)
        return page

    opened.expected = expected
    yield opened
    for context in contexts:
        context.close()
    assert not [one for one in troubles if not any(part in one for part in expected)]


def until(page, expression):
    """Wait for something; Playwright's own way of waiting evaluates strings in the page, which its policy forbids."""
    wait_for(page, lambda: page.evaluate(expression), f"never came true: {expression}")


def wait_for(page, condition, trouble="never came true"):
    """Wait for something outside the page, which goes on meanwhile."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not condition():
        assert time.monotonic() < deadline, trouble
        page.wait_for_timeout(50)


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
