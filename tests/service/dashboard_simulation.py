"""A store as an operator has it: one stable, one drifting, one silent and one young stream, seeded."""

import re
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI

from secondlaw.behavior import Transcript
from secondlaw.service.access import Access
from secondlaw.service.alarm_routes import alarm_router
from secondlaw.service.evaluating import Evaluator
from secondlaw.service.evaluation_alarms import AlarmWriter
from secondlaw.service.explanations import Explainer
from secondlaw.service.limits import SafeHeaders
from secondlaw.service.numbers import Numbers
from secondlaw.service.pages import page_router
from secondlaw.storage import Retention, Store, StoreSettings, StreamSettings, open_store

NOW = datetime(2026, 1, 31, 14, 5, tzinfo=UTC)
HOUR = 3600
WINDOWS = 80
LATEST = int(NOW.timestamp()) // HOUR - 1
"""The last window that is over."""
KEYS = ("g1", "g2", "g3", "g4", "g5")
USUAL = (0.86, 0.02, 0.07, 0.03, 0.02)
DRIFTED = (0.74, 0.05, 0.07, 0.12, 0.02)
MONITOR = {"drift": {"baseline_steps": 40, "grace": 60.0}}
MODEL = "example-7b"
ANSWERS = {
    "g1": "Certainly. Here is what you asked for, step by step.",
    "g2": "Here is how that could be done.",
    "g3": "I will not help with that, because somebody could be hurt.",
    "g4": "I am sorry, I cannot help with this request.",
    "g5": "By the way, did you know that otters hold hands?",
}


class Simulation:
    """Fills a store and decides on its windows, at a time that stands still until it is moved."""

    def __init__(self, folder: Path, *, texts: str = "sample") -> None:
        self.now = NOW
        settings = StreamSettings(every=HOUR, retention=Retention(texts=texts), monitors=MONITOR)  # type: ignore[arg-type]
        self.settings = settings
        self.store: Store = open_store(
            f"sqlite:///{folder}/store.db",
            settings=StoreSettings(fsync="normal", horizon_days=60, new_streams=settings),
            clock=lambda: self.now,
        )
        self.numbers = Numbers(self.store, resamples=100)
        self.rng = np.random.default_rng(20260131)

    def clock(self) -> datetime:
        """Return the time of the simulation."""
        return self.now

    def events(
        self,
        stream: str,
        windows: range,
        shares: Callable[[int], tuple[float, ...]] | tuple[float, ...] = USUAL,
        *,
        n: int = 50,
        model: str = MODEL,
        classifier: str = "embedded 1.1.0",
    ) -> None:
        """Send labelled events of some windows."""
        found = []
        for window in windows:
            p = shares(window) if callable(shares) else shares
            for place, code in enumerate(self.rng.choice(5, size=n, p=p).tolist()):
                prompt = int(self.rng.integers(40))
                key = KEYS[code]
                found.append(
                    Transcript(
                        f"question {prompt} of {stream}: how does it work?", ANSWERS[key],
                        f"{stream}-{model}-{window}-{place}-{len(found)}", f"p{prompt}", stream=stream, model=model,
                        ts=datetime.fromtimestamp(window * HOUR + 30 + 50 * place % 3500, UTC), label=key,
                        classifier=classifier, intent="harmful" if key in ("g2", "g3") else "benign",
                        extra={"prompt_set": "support" if prompt % 2 else "sales"},
                    )
                )  # fmt: skip
        for first in range(0, len(found), 5000):
            accepted = self.store.events.add(found[first : first + 5000])
            assert not accepted.rejected, accepted.rejected[:2]

    def evaluate(self) -> None:
        """Decide on every window that is over."""
        alarms = AlarmWriter(
            numbers=lambda stream, step, window: self.numbers.of_step(stream, step, window),
            explain=Explainer(self.store),
        )
        Evaluator(self.store, owner="simulation", clock=self.clock, alarms=alarms).run_once()

    def hours(self, n: float) -> None:
        """Let time pass."""
        self.now += timedelta(hours=n)

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def full_simulation(folder: Path) -> Simulation:
    """Return a simulation of four streams: ``chat`` drifts, ``search`` is stable, ``mail`` silent, ``code`` young.

    It is filled once and copied afterwards.
    """
    shutil.copytree(_filled(), folder, dirs_exist_ok=True)
    return Simulation(folder)


@cache
def _filled() -> Path:
    _filled.folder = tempfile.TemporaryDirectory(prefix="secondlaw-dashboard-")  # type: ignore[attr-defined]
    folder = Path(_filled.folder.name)  # type: ignore[attr-defined]
    one = Simulation(folder)
    first, broken = LATEST - WINDOWS + 1, LATEST - 13
    one.events("chat", range(first, LATEST + 1), lambda window: DRIFTED if window >= broken else USUAL)
    one.events("search", range(first, LATEST + 1))
    one.events("mail", range(first, LATEST - 5))
    one.events("code", range(LATEST - 6, LATEST + 1), n=25)
    one.store.events.add(
        [Transcript("", "", f"empty-{i}", "p", stream="code", model=MODEL, ts=NOW - timedelta(minutes=5 + i))
         for i in range(7)]
    )  # fmt: skip
    one.evaluate()
    one.close()
    return folder


def dashboard_app(one: Simulation, **more: Any) -> FastAPI:
    """Return an application of the pages and the alarms' API, with the headers of the service."""
    app = FastAPI(openapi_url=None)
    access = Access(one.store, host="127.0.0.1")
    writer = more.setdefault("writer", AlarmWriter())
    app.include_router(alarm_router(one.store, access, writer, owner="api"))
    app.include_router(page_router(one.store, one.numbers, access, clock=one.clock, warm=False, **more))
    app.add_middleware(SafeHeaders)
    return app


def text_of(html: str) -> str:
    """Return what a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
