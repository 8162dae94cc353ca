"""Something to look at: a recorded run that the service labels itself, and simulated streams that say so.

The recorded run has ten steps, too few for a baseline, so that its streams stand at *not enough data*. What a steady, a
drifting and a silent stream look like is therefore simulated, and named so.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from secondlaw.behavior import FIVE, Transcript, read_transcripts
from secondlaw.formats import BadRow, read_rows
from secondlaw.storage import Retention, Store, StreamSettings

__all__ = ["DEMO_MONITOR", "fill_with_recorded", "fill_with_simulated"]

DEMO_MONITOR = {"baseline_steps": 60, "alpha": 1e-3}
"""Settings of the demo's monitors: one false alarm in 1,000 hours at most, for all models of a stream together."""
HOURS, RESPONSES, PROMPTS = 160, 60, 20
USUAL = (0.90, 0.03, 0.04, 0.01, 0.02)
DRIFTED = (0.72, 0.14, 0.06, 0.03, 0.05)
CONCENTRATION = 50.0
"""Of the prompts' shares around those of the stream: answers to one prompt are alike."""
DRIFT_HOURS, SILENT_HOURS = 24, 8


def fill_with_recorded(store: Store, path: Path, *, progress: Callable[[int], object] = lambda done: None) -> int:
    """Send a recorded run to a store, unlabelled, one stream for each of its arms.

    Parameters
    ----------
    store : Store
    path : Path
    progress : callable
        Called with the number of events sent.

    Returns
    -------
    int
        Events sent.
    """
    sent = 0
    known = {stream.name for stream in store.streams.list()}
    rows = read_transcripts(read_rows(path))
    while batch := list(islice(rows, 500)):
        events = [
            replace(one, stream=f"recorded run, {one.model}", ts=None, label=None, classifier=None, label_probs=None)
            for one in batch
            if not isinstance(one, BadRow)
        ]
        for name in sorted({one.stream for one in events} - known):
            settings = StreamSettings(every=None, retention=Retention(texts="sample"), monitors={"drift": DEMO_MONITOR})
            store.streams.create(name, settings)
            known.add(name)
        sent += store.events.add(events).accepted
        progress(sent)
    return sent


def fill_with_simulated(store: Store, *, now: datetime, rng: np.random.Generator) -> Sequence[str]:
    """Simulate hours of labelled responses that end now: a steady stream, one that drifts, one that fell silent.

    Returns
    -------
    sequence of str
        Their names.
    """
    end = now.replace(minute=0, second=0, microsecond=0)
    names = []
    for kind in ("steady", "drifting", "silent"):
        name = f"simulated, {kind}"
        store.streams.create(name, StreamSettings(every=3600, monitors={"drift": DEMO_MONITOR}))
        names.append(name)
        for hour in range(HOURS):
            left = HOURS - hour
            if kind == "silent" and left <= SILENT_HOURS:
                continue
            part = max(0.0, 1.0 - (left - 1) / DRIFT_HOURS) if kind == "drifting" else 0.0
            shares = (1.0 - part) * np.array(USUAL) + part * np.array(DRIFTED)
            store.events.add(_hour(name, end - timedelta(hours=left), shares, hour, rng))
    return names


def _hour(stream: str, begins: datetime, shares: np.ndarray, hour: int, rng: np.random.Generator) -> list[Transcript]:
    of_prompts = rng.dirichlet(CONCENTRATION * shares, size=PROMPTS)
    events = []
    for i in range(RESPONSES):
        prompt = i % PROMPTS
        code = int(rng.choice(len(shares), p=of_prompts[prompt]))
        events.append(
            Transcript(
                "", "", f"{hour}-{i}", f"prompt {prompt}", stream=stream, model="simulated",
                ts=begins + timedelta(seconds=3600.0 * i / RESPONSES), intent="harmful" if prompt % 2 else "benign",
                label=FIVE.keys[code], classifier="simulation/1",
            )
        )  # fmt: skip
    return events
