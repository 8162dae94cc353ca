"""Small runs against a loopback server."""

import pytest

from secondlaw.sampling import Arm, OpenAIEndpoint, Plain, Prompt, RetryPolicy, SamplingRun


@pytest.fixture
def connect():
    """Return a maker of endpoints whose waits are tiny."""

    def make(url, *, attempts=3, timeout=60.0, **options):
        retries = RetryPolicy(attempts=attempts, first_wait=0.001, longest_wait=0.002)
        return OpenAIEndpoint(url, timeout=timeout, retries=retries, **options)

    return make


@pytest.fixture
def small_run():
    """Return a maker of runs: by default one arm, three prompts, two steps, two samples: twelve responses."""

    def make(**changes):
        prompts = [Prompt(f"p{k}", f"Question {k}?", "benign", "topic", "set") for k in range(3)]
        settings = {
            "name": "run",
            "arms": [Arm("base", "model")],
            "prompts": prompts,
            "scenario": Plain(),
            "steps": 2,
            "samples": 2,
            "parameters": {"temperature": 0.7},
            "seed": 3,
        }
        return SamplingRun(**(settings | changes))

    return make
