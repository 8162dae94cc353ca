"""Keys of a terminal, one at a time."""

import os
import select
import signal
import sys
import threading
from contextlib import suppress

import numpy as np
import pytest

from secondlaw.cli.keyboard import END, Keyboard, open_keyboard

pty = pytest.importorskip("pty", reason="the system has no pseudo-terminals")
pytestmark = pytest.mark.unit


@pytest.fixture
def typed(monkeypatch):
    """Put a pseudo-terminal on standard input; return its other end."""
    outer, inner = pty.openpty()
    monkeypatch.setattr(sys, "stdin", os.fdopen(inner, "r"))
    yield outer
    os.close(outer)
    sys.stdin.close()


def test_keys_come_without_enter_and_the_terminal_is_put_back(typed):
    import termios

    before = termios.tcgetattr(sys.stdin.fileno())
    with open_keyboard() as keyboard:
        os.write(typed, "cé\x1b[A\x1bOQ?\x04".encode())
        assert [keyboard.read() for _ in range(4)] == ["c", "é", "?", END]
        assert termios.tcgetattr(sys.stdin.fileno()) != before
    assert termios.tcgetattr(sys.stdin.fileno()) == before


def test_keys_pressed_too_early_are_forgotten(typed):
    with open_keyboard() as keyboard:
        os.write(typed, b"ccc")
        assert select.select([sys.stdin], [], [], 60)[0]
        keyboard.forget()
        os.write(typed, b"r")
        assert keyboard.read() == "r"


class Told(Exception):  # noqa: N818
    pass


def test_a_signal_at_any_moment_ends_the_wait(typed):
    """A plain read misses 1 in 400 of these: those that come after Python's last look and before the system's read."""
    at, missed, over = [0], [], threading.Event()

    def rescue():
        before = None
        while not over.wait(30):
            if at == [before]:
                missed.append(before)
                os.write(typed, b"x")
            before = at[0]

    def told(*_):
        raise Told

    rng, watcher = np.random.default_rng(0), threading.Thread(target=rescue)
    handler, timer = signal.signal(signal.SIGALRM, told), signal.setitimer(signal.ITIMER_REAL, 0)
    watcher.start()
    try:
        with open_keyboard() as keyboard:
            for at[0] in range(3000):
                with suppress(Told):
                    signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-6, 6e-5))
                    keyboard.read()
                assert not missed, "a signal did not end the wait for a key"
    finally:
        over.set()
        watcher.join()
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)  # a test's own time limit may run on it


def test_without_single_keys_the_first_letter_of_a_line_is_the_key(monkeypatch, tmp_path):
    path = tmp_path / "lines"
    path.write_text("comply\n\n")
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        keyboard = Keyboard(None)
        keyboard.forget()
        assert [keyboard.read() for _ in range(3)] == ["c", " ", END]
