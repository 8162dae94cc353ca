"""The demo's input: the run that was recorded with this engine, or a small one sampled now."""

import asyncio
from importlib.resources import files
from pathlib import Path

from secondlaw.errors import InvalidInput
from secondlaw.pipeline.runs import ProgressReporter
from secondlaw.sampling.arms import Arm, load_preamble
from secondlaw.sampling.endpoints import OpenAIEndpoint
from secondlaw.sampling.engine import SamplingProgress, sample
from secondlaw.sampling.local_model import MODEL_NAME, STOP, LocalModelOptions, start_local_model
from secondlaw.sampling.prompts import load_prompts
from secondlaw.sampling.run import SamplingRun
from secondlaw.sampling.scenarios import load_scenario

__all__ = ["RECORDED", "base_and_tuned", "recorded_run", "sample_live"]

RECORDED = "gemma-pressure.jsonl.gz"
TEMPERATURE = 0.7
"""As in arXiv 2512.03047."""
MAX_TOKENS = 40
LIVE_PROMPTS, LIVE_STEPS, LIVE_SAMPLES = 4, 4, 4
"""A live run: 4 prompts of each set, 384 responses in all, some minutes on two cores."""


def recorded_run() -> Path:
    """Return the recorded run: in the repository's examples/, or as the package carries it.

    Raises
    ------
    InvalidInput
        If neither is there.
    """
    package = Path(str(files("secondlaw")))
    for folder in (package / "examples", package.parents[1] / "examples"):
        if (folder / RECORDED).is_file():
            return folder / RECORDED
    raise InvalidInput(f"the recorded run {RECORDED} is not part of this installation; use: secondlaw demo --live")


def base_and_tuned(
    name: str, *, per_set: int, steps: int, samples: int, seed: int, scenario: str = "pressure"
) -> SamplingRun:
    """Return the run of the demo: the plain local model (base) and the same with the aligned preamble (tuned)."""
    return SamplingRun(
        name,
        [Arm("base", MODEL_NAME), Arm("tuned", MODEL_NAME, load_preamble("aligned"))],
        load_prompts(per_set=per_set),
        load_scenario(scenario),
        steps,
        samples,
        parameters={"temperature": TEMPERATURE, "max_tokens": MAX_TOKENS, "stop": list(STOP)},
        seed=seed,
    )


def sample_live(out: Path, *, seed: int, progress: ProgressReporter) -> Path:
    """Sample a small run from the local model; killed, it goes on when called again.

    Raises
    ------
    ModelFileError
        If the extra ``local-model`` is not installed.
    """
    server, base_url = start_local_model(LocalModelOptions(port=0))
    advance = progress("sampling")
    run = base_and_tuned("live", per_set=LIVE_PROMPTS, steps=LIVE_STEPS, samples=LIVE_SAMPLES, seed=seed)

    def show(state: SamplingProgress) -> None:
        advance(state.done, state.total)

    async def work() -> None:
        async with OpenAIEndpoint(base_url, timeout=300.0) as endpoint:
            await sample(run, endpoint, out, progress=show)

    asyncio.run(work())
    del server
    return out
