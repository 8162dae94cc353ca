"""Claims of arXiv:2512.03047, entropy of a model's behavior: its rates, its alarm rule, its classifier."""

import numpy as np

from secondlaw.reproductions.claims import Claim, Reproduction, Verdict, refuted_if
from secondlaw.statistics import longest_linear_growth, plug_in

__all__ = ["reproduce_behavior_drift"]

STATED_WORK = (0.012, 0.013)
RATE, SUPPRESSED, THRESHOLD, RESPONSES = 0.013, 0.83, 0.001, 100
_STEPS = 20_000
_SHARES = (0.85, 0.03, 0.06, 0.04, 0.02)


def reproduce_behavior_drift(*, seed: int = 0) -> Reproduction:
    """Check what can be checked of the paper's claims without its data.

    Parameters
    ----------
    seed : int
        Of the drift-free steps.

    Returns
    -------
    Reproduction

    Examples
    --------
    >>> reproduce_behavior_drift().claims[0].ours
    'at most 124 steps'
    """
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(RESPONSES, _SHARES, size=_STEPS)
    entropies = np.asarray(plug_in(counts))
    alarms = float((np.abs(np.diff(entropies)) > THRESHOLD).mean())
    misaligned = float(plug_in(np.array([0, RESPONSES, 0, 0, 0])))
    longest = round(longest_linear_growth(RATE))
    claims = (
        Claim(
            "linear growth at .013 nats/step over 1,000 steps", "1,000 steps", f"at most {longest} steps",
            refuted_if(longest < 1000), "five categories carry ln 5 = 1.609 nats",
        ),
        Claim(
            "alignment work of tuned models, given 83 % suppression", ".012 to .013 nats/step",
            f"{SUPPRESSED * RATE:.4f} nats/step",
            refuted_if(STATED_WORK[0] > SUPPRESSED * RATE),
            "83 % of a base rate of .013; the 83 % can only concern the level of S",
        ),
        Claim(
            "alarm when S changes by more than .001 between steps", "signals drift",
            f"{100 * alarms:.1f} % of drift-free steps alarm", refuted_if(alarms > 0.5),
            f"{RESPONSES} responses a step, shares {', '.join(f'{share:g}' for share in _SHARES)}: S has a sampling "
            f"error of {entropies.std():.3f}",
        ),
        Claim(
            "a low S is good behavior", "S measures misalignment",
            f"S = {misaligned:g} for nothing but helpful & misaligned", refuted_if(misaligned == 0.0),
            "an entropy does not know which category it is of; read it with the misaligned share",
        ),
        Claim(
            "classifier: accuracy, kappa of annotators, correlation of entropies", ".942, .87, .91",
            "see docs/classifiers.md", Verdict.NOT_REPRODUCIBLE,
            "labels, guide, model names and training details are not published",
        ),
        Claim(
            "drift of base models and 83 % suppression by tuning", ".012 to .013 nats/step", "see docs/demo.md",
            Verdict.NOT_REPRODUCIBLE, "models and prompts are not named",
        ),
    )  # fmt: skip
    return Reproduction("2512.03047", "entropy of behavior and its drift", claims)
