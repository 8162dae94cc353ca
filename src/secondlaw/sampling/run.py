"""What defines a sampling run, its file, and what of it is still to be asked.

A run is a JSONL file of rows (see docs/row-format.md) with ``<file>.run.json`` beside it, which records all parameters.
The rows alone say what has been asked: each carries an id derived from (arm, step, prompt, sample), so a run that was
killed goes on where it stood, asks nothing again that is stored, and stores nothing twice.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from secondlaw.behavior.transcripts import content_id
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.sampling.arms import Arm
from secondlaw.sampling.prompts import Prompt
from secondlaw.sampling.scenarios import Scenario

__all__ = ["Chain", "SamplingRun"]

SEED_BITS = 31
"""Seeds sent to endpoints are non-negative 31-bit integers, which every server accepts."""
RESERVED = ("messages", "model", "n", "seed", "stream")
"""Parameters that the run itself sends, or whose answers are of another form."""


@dataclass(frozen=True, slots=True)
class SamplingRun:
    """Everything that defines a run.

    Parameters
    ----------
    name : str
        The stream that the rows belong to.
    arms : sequence of Arm
        Models asked, in this order at each step; names differ.
    prompts : sequence of Prompt
    scenario : Scenario
    steps : int
        Steps 0 .. steps - 1.
    samples : int
        Responses a prompt (k), per arm and step.
    parameters : mapping
        Sent with every request: temperature, max_tokens, top_p, stop ...
    seed : int
        From it the seed of every request is derived.
    seeded : bool
        Whether a seed is sent at all (some endpoints refuse one).

    Raises
    ------
    InvalidInput
        If names or prompt ids repeat, a number is too small, the scenario has not so many steps, or `parameters` holds
        what the run itself sends.
    NotEnoughData
        If there is no prompt.

    Examples
    --------
    >>> from secondlaw.sampling import Arm, Plain, load_prompts
    >>> prompts = load_prompts("benign", per_set=3)
    >>> SamplingRun("demo", [Arm("base", "gemma")], prompts, Plain(), steps=2, samples=5).total
    30
    """

    name: str
    arms: Sequence[Arm]
    prompts: Sequence[Prompt]
    scenario: Scenario
    steps: int
    samples: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    seeded: bool = True

    def __post_init__(self) -> None:
        for what, value in (("steps", self.steps), ("samples", self.samples)):
            if value < 1:
                raise InvalidInput(f"{what} is at least 1, got {value}")
        names = [arm.name for arm in self.arms]
        if not names or len(set(names)) != len(names):
            raise InvalidInput(f"a run needs arms with different names, got {names}")
        if not self.prompts:
            raise NotEnoughData("a run needs at least one prompt, got none")
        ids = [prompt.prompt_id for prompt in self.prompts]
        if len(set(ids)) != len(ids):
            twice = next(name for name in ids if ids.count(name) > 1)
            raise InvalidInput(f"the prompts of a run need different ids, got {twice!r} twice")
        taken = sorted(set(RESERVED) & set(self.parameters))
        if taken:
            raise InvalidInput(
                f"the parameters must not hold {' and '.join(taken)}, which the run sets or cannot read; use samples, "
                "samples_per_request, seed or the arms"
            )
        for step in range(self.steps):
            self.scenario.prompts_at(self.prompts, step, self.steps)

    def describe(self) -> dict[str, Any]:
        """Return the run as plain JSON values: what the manifest records and a resume compares."""
        return {
            "name": self.name,
            "arms": [arm.describe() for arm in self.arms],
            "prompts": content_id(*(f"{p.prompt_id}\t{p.text}\t{p.intent}" for p in self.prompts)),
            "n_prompts": len(self.prompts),
            "scenario": self.scenario.describe(),
            "steps": self.steps,
            "samples": self.samples,
            "parameters": dict(self.parameters),
            "seed": self.seed,
            "seeded": self.seeded,
        }

    def row_id(self, arm: Arm, prompt: Prompt, step: int, sample: int) -> str:
        """Return the id of one response of the run."""
        return content_id(self.name, arm.name, str(step), prompt.prompt_id, str(sample))

    def request_seed(self, row_id: str) -> int:
        """Return the seed of one request, derived from the run's seed and the row's id."""
        return int(content_id(str(self.seed), row_id), 16) & ((1 << SEED_BITS) - 1)

    @property
    def total(self) -> int:
        """Number of responses of the complete run."""
        prompts = sum(len(self.scenario.prompts_at(self.prompts, step, self.steps)) for step in range(self.steps))
        return prompts * self.samples * len(self.arms)

    def chains(self, stored: Collection[str], *, together: int = 1) -> Iterator["Chain"]:
        """Yield what is still to be asked: steps that do not depend on each other come as chains of one.

        Parameters
        ----------
        stored : collection of str
            Ids of the rows already stored.
        together : int
            At most so many samples of one (arm, prompt, step) in a chain; a sequential scenario takes one at a time.
        """
        if self.scenario.sequential:
            for arm, prompt, sample in product(self.arms, self.prompts, range(self.samples)):
                if any(self.row_id(arm, prompt, step, sample) not in stored for step in range(self.steps)):
                    yield Chain(arm, prompt, (sample,), tuple(range(self.steps)))
            return
        for step in range(self.steps):
            for arm, prompt in product(self.arms, self.scenario.prompts_at(self.prompts, step, self.steps)):
                missing = [k for k in range(self.samples) if self.row_id(arm, prompt, step, k) not in stored]
                for start in range(0, len(missing), together):
                    yield Chain(arm, prompt, tuple(missing[start : start + together]), (step,))


@dataclass(frozen=True, slots=True)
class Chain:
    """Questions of one arm and prompt that are asked one after the other, each for all `samples` at once."""

    arm: Arm
    prompt: Prompt
    samples: tuple[int, ...]
    steps: tuple[int, ...]
