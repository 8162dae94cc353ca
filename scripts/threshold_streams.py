"""Streams of the threshold study: what a model does while the pressure on it grows, and what a monitor gets to see.

Every step asks k responses: k / 5 prompts drawn afresh from a mix of domains, five responses to each. A prompt has
shares of its own around its domain's (Dirichlet, concentration 2): responses to one prompt agree more than chance. In
harmful domains pressure turns refusals (g3) into misaligned compliance (g2) along a logistic dose-response curve, and
each domain gives way at another pressure; in benign domains it turns answers (g1) into over-refusals (g4). The *true
misaligned share* of a step is the mix's expected share of g2 and g4, before sampling and before the classifier errs.

Recorded streams resample real responses instead: see :class:`Recording`.
"""

import json
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import gammaln

BASELINE, QUIET = 100, 100  # steps that a monitor learns from, and further steps before the pressure begins
ONSET = BASELINE + QUIET
TOGETHER = 5  # responses to one prompt
CONCENTRATION = 2.0
CATEGORIES = 5
MISALIGNED = (1, 3)
OUTCOMES = np.array([one for one in product(range(TOGETHER + 1), repeat=CATEGORIES) if sum(one) == TOGETHER])
"""What a prompt's answers can come to: (outcome, category)."""

BENIGN = {"everyday": (0.96, 0.0, 0.0, 0.02, 0.02), "borderline": (0.88, 0.0, 0.0, 0.09, 0.03)}
HARMFUL = dict.fromkeys(("harassment", "fraud", "hacking", "violence"), (0.0, 0.02, 0.96, 0.0, 0.02))
DOMAINS = (*BENIGN, *HARMFUL)
HALF_DOSE = {"everyday": 0.7, "borderline": 0.45, "harassment": 0.35, "fraud": 0.5, "hacking": 0.6, "violence": 0.8}
FULL_EFFECT = {"everyday": 0.5, "borderline": 0.8, "harassment": 0.9, "fraud": 0.9, "hacking": 0.8, "violence": 0.6}
STEEPNESS = 0.08
MIXES = {
    "all benign": (0.7, 0.3, 0.0, 0.0, 0.0, 0.0),
    "mixed": (0.5, 0.2, 0.075, 0.075, 0.075, 0.075),
    "mostly harmful": (0.15, 0.05, 0.2, 0.2, 0.2, 0.2),
    "benign part": (5 / 7, 2 / 7, 0.0, 0.0, 0.0, 0.0),  # of the mixed one, where intents are watched apart
    "harmful part": (0.0, 0.0, 0.25, 0.25, 0.25, 0.25),
}

# Recall of the shipped classifier on sources that it was not trained on, intent known (training/report.json); what it
# misses is split evenly between the other two acts.
RECALL = {"g1": 0.884, "g2": 0.890, "g3": 0.937, "g4": 0.760, "g5": 0.788}


def misreading(errs: bool = True) -> np.ndarray:
    """Return (intent, true, read): the chance to read each category, benign first."""
    if not errs:
        return np.tile(np.eye(CATEGORIES), (2, 1, 1))
    out = np.zeros((2, CATEGORIES, CATEGORIES))
    for intent, acts in enumerate(((0, 3, 4), (1, 2, 4))):
        for true in range(CATEGORIES):
            recall = RECALL[f"g{true + 1}"]
            others = [act for act in acts if act != true]
            if true in acts:
                out[intent, true, true] = recall
                out[intent, true, others] = (1.0 - recall) / 2.0
            else:
                out[intent, true, true] = 1.0  # cannot come
    return out


def dose_response(pressure: np.ndarray, half: float) -> np.ndarray:
    """Return the part of the full effect, logistic in the pressure: 0 at 0 and 1 at 1."""

    def logistic(x: np.ndarray | float) -> np.ndarray:
        return 1.0 / (1.0 + np.exp(-(np.asarray(x) - half) / STEEPNESS))

    low, high = logistic(0.0), logistic(1.0)
    return (logistic(pressure) - low) / (high - low)


@dataclass(frozen=True)
class Profile:
    """How pressure towards misaligned compliance, and towards refusal, grows over the steps after the onset."""

    compliance: np.ndarray
    refusal: np.ndarray

    @property
    def steps(self) -> int:
        return len(self.compliance)


def profiles() -> dict[str, Profile]:
    ramp = np.arange(1, 301) / 300.0
    creep = np.arange(1, 1001) / 1000.0 * 0.6
    late = np.arange(1, 201)
    none = np.zeros_like
    return {
        "compliance grows": Profile(ramp, none(ramp)),
        "over-refusal grows": Profile(none(ramp), ramp),
        "both grow": Profile(ramp, ramp),
        "slow creep": Profile(creep, none(creep)),
        "sudden break": Profile(np.full(200, 0.6), np.zeros(200)),
        "saturating": Profile(0.52 * (1.0 - np.exp(-late / 40.0)), np.zeros(200)),
    }


def true_shares(profile: Profile) -> np.ndarray:
    """Return the expected shares (ONSET + steps, domain, category) of each domain."""
    start = np.array([*BENIGN.values(), *HARMFUL.values()])
    out = np.tile(start, (ONSET + profile.steps, 1, 1))
    for place, name in enumerate(DOMAINS):
        pressure = profile.refusal if name in BENIGN else profile.compliance
        source, target = (0, 3) if name in BENIGN else (2, 1)
        moved = dose_response(pressure, HALF_DOSE[name]) * FULL_EFFECT[name] * start[place, source]
        out[ONSET:, place, source] -= moved
        out[ONSET:, place, target] += moved
    return out


def misaligned_truth(shares: np.ndarray, mix: tuple[float, ...]) -> np.ndarray:
    """Return the true misaligned share of every step."""
    return np.einsum("tdk,d->tk", shares, np.array(mix))[:, MISALIGNED].sum(axis=1)


@dataclass(frozen=True)
class World:
    """What surrounds a stream: the mix of prompts, the responses a step, and what stands between truth and counts."""

    mix: str = "mixed"
    k: int = 100
    clustered: bool = True
    classifier: bool = True

    def __str__(self) -> str:
        kind = "clustered" if self.clustered else "independent"
        return f"{self.mix}, k = {self.k}, {kind}, " + ("classifier errs" if self.classifier else "no classifier error")


def draw(shares: np.ndarray, world: World, runs: int, rng: np.random.Generator) -> np.ndarray:
    """Draw counts (runs, steps, category) as a monitor sees them from shares (steps, domain, category)."""
    intent = np.array([0] * len(BENIGN) + [1] * len(HARMFUL))
    mix = np.array(MIXES[world.mix])
    if not world.clustered:
        seen = np.einsum("tdk,dkj,d->tj", shares, misreading(world.classifier)[intent], mix)
        return rng.multinomial(world.k, seen / seen.sum(axis=1, keepdims=True), size=(runs, len(shares)))
    came = prompt_outcomes(shares) * mix[:, None]  # (step, domain, true outcome)
    read = answers_read(world.classifier)
    chances = sum(came[:, intent == one].sum(axis=1) @ read[one] for one in (0, 1))
    return draw_prompts(chances, world.k, runs, rng)


def prompt_outcomes(shares: np.ndarray) -> np.ndarray:
    """Return the chance (..., outcome) of what a prompt comes to, Dirichlet-multinomial around (..., category)."""
    alpha = np.maximum(CONCENTRATION * shares, 1e-300)[..., None]
    rising = np.concatenate([np.zeros_like(alpha), np.log(alpha + np.arange(TOGETHER)).cumsum(axis=-1)], axis=-1)
    each = sum(rising[..., category, OUTCOMES[:, category]] for category in range(CATEGORIES))
    return np.exp(each + multinomial_weights() + gammaln(CONCENTRATION) - gammaln(CONCENTRATION + TOGETHER))


@cache
def answers_read(errs: bool) -> np.ndarray:
    """Return the chance (intent, true outcome, read outcome) when each of a prompt's answers is misread on its own."""
    return np.stack([_answers_read(one) for one in misreading(errs)])


def _answers_read(reading: np.ndarray) -> np.ndarray:
    place = {tuple(one): at for at, one in enumerate(OUTCOMES)}
    out = np.zeros((len(OUTCOMES), len(OUTCOMES)))
    for at, true in enumerate(OUTCOMES):
        found = {(0,) * CATEGORIES: 1.0}
        for category in np.repeat(np.arange(CATEGORIES), true):
            grown: dict[tuple[int, ...], float] = {}
            for before, chance in found.items():
                for read in np.flatnonzero(reading[category]):
                    after = (*before[:read], before[read] + 1, *before[read + 1 :])
                    grown[after] = grown.get(after, 0.0) + chance * reading[category, read]
            found = grown
        for read, chance in found.items():
            out[at, place[read]] = chance
    return out


def draw_prompts(chances: np.ndarray, k: int, runs: int, rng: np.random.Generator) -> np.ndarray:
    """Draw counts (runs, steps, category) of k / 5 prompts a step, from the chances (steps, outcome) of each prompt."""
    used = chances.max(axis=0) > 1e-15
    chances = chances[:, used] / chances[:, used].sum(axis=1, keepdims=True)
    return rng.multinomial(k // TOGETHER, chances, size=(runs, len(chances))) @ OUTCOMES[used]


@dataclass(frozen=True)
class Recording:
    """Machine labels of a recorded run: how often each category came at each level of pressure, by prompt.

    A stream at a pressure between two levels takes each prompt's answers from one or the other. Five responses to a
    prompt are drawn, with replacement, from those recorded. Its true share is that of the recorded labels.
    """

    name: str
    prompts: tuple[str, ...]
    sets: tuple[str, ...]
    topics: tuple[str, ...]
    counts: np.ndarray  # (level, prompt, category), responses in no category left out

    @property
    def levels(self) -> int:
        return len(self.counts)

    def weights(self, mix: dict[str, float]) -> np.ndarray:
        """Return the chance of each prompt in a mix of prompt sets."""
        sizes = {name: self.sets.count(name) for name in mix}
        return np.array([mix.get(name, 0.0) / sizes.get(name, 1) for name in self.sets])

    def shares(self) -> np.ndarray:
        """Return (level, prompt, category)."""
        return self.counts / self.counts.sum(axis=2, keepdims=True)

    def truth(self, level: np.ndarray, mix: dict[str, float], categories: tuple[int, ...] = MISALIGNED) -> np.ndarray:
        """Return the share of some categories, the misaligned ones, at each level of pressure, whole or between two."""
        of_level = np.einsum("lpk,p->lk", self.shares(), self.weights(mix))[:, categories].sum(axis=1)
        return np.interp(level, np.arange(self.levels), of_level)

    def draw(self, level: np.ndarray, mix: dict[str, float], k: int, runs: int, rng: np.random.Generator) -> np.ndarray:
        """Draw counts (runs, steps, category) for the level of pressure (steps,)."""
        chances = np.exp(np.log(np.maximum(self.shares(), 1e-300)) @ OUTCOMES.T + multinomial_weights())
        of_level = np.einsum("lpo,p->lo", chances, self.weights(mix))
        below = np.minimum(np.floor(level).astype(int), self.levels - 2)
        upper = (level - below)[:, None]
        return draw_prompts((1.0 - upper) * of_level[below] + upper * of_level[below + 1], k, runs, rng)


def multinomial_weights() -> np.ndarray:
    """Return ln(5! / prod n!) of each outcome."""
    return gammaln(TOGETHER + 1.0) - gammaln(OUTCOMES + 1.0).sum(axis=1)


def read_recordings(path: Path) -> dict[str, Recording]:
    """Read examples/threshold-recorded.json."""
    out = {}
    for run in json.loads(path.read_text())["runs"]:
        rows = run["prompts"]
        out[run["name"]] = Recording(
            run["name"],
            tuple(row["prompt_id"] for row in rows),
            tuple(row["prompt_set"] for row in rows),
            tuple(row["topic"] for row in rows),
            np.array([row["counts"] for row in rows], dtype=np.float64).transpose(1, 0, 2)[:, :, :CATEGORIES],
        )
    return out
