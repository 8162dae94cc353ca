"""An event loop whose time a test moves on: limits of minutes pass at once, and a slow machine reaches none."""

import asyncio
import threading
from contextlib import suppress


class MovedLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes as usual, and by leaps."""

    _ahead = 0.0

    def time(self):
        return super().time() + self._ahead

    def move(self, seconds):
        """Let seconds pass at once; from any thread."""
        self._ahead += seconds
        with suppress(RuntimeError):  # it has ended meanwhile
            self.call_soon_threadsafe(lambda: None)


def run_moved(coroutine, *begun, seconds):
    """Run a coroutine; each time that one more of `begun` returns, so many seconds pass for it.

    Parameters
    ----------
    coroutine : coroutine
    *begun : callable
        Wait in a thread until something is under way.
    seconds : float
    """
    with asyncio.Runner(loop_factory=MovedLoop) as runner:
        loop = runner.get_loop()

        def move():
            for wait in begun:
                wait()
                loop.move(seconds)

        mover = threading.Thread(target=move)
        mover.start()
        try:
            return runner.run(coroutine)
        finally:
            mover.join()
