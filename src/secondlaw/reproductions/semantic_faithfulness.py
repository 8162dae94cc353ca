"""The table of arXiv:2512.05156: semantic faithfulness of ten answers about NVIDIA's 10-K of 2024.

Data: the topic distributions that the author published (ighalp/semantic-faithfulness-sdm, MIT), not part of this
repository; ``SECONDLAW_DATA`` names the folder that holds ``faithfulness/nvidia10k_qca_distributions_v2.json``.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import FileFormatError, SourceError
from secondlaw.faithfulness import (
    RestrictedSupport,
    documented_production,
    level_table,
    off_support_mass,
    semantic_faithfulness,
    topic_divergence,
    transport,
)
from secondlaw.reproductions.claims import Claim, Reproduction, Verdict, compared, refuted_if

__all__ = ["reproduce_semantic_faithfulness"]

Floats = NDArray[np.float64]

FILE = "faithfulness/nvidia10k_qca_distributions_v2.json"
STATED = {"A": (0.943, 0.930, 0.875, 0.822, 0.957), "B": (0.695, 0.757, 0.797, 0.848, 0.802)}
MEANS = {"A": 0.906, "B": 0.780}
TOLERANCE = 1e-3
PRODUCTION = (0.102, 0.294)
"""Mean semantic entropy production of groups A and B, as the author's repository states it, in "bits"."""
COUPLINGS = 20
ROUNDING = 1e-9
"""Nats below which a value is 0 up to rounding."""
REASON = "on the published distributions, over the question's topics alone"


def reproduce_semantic_faithfulness(data: Path | None = None, *, seed: int = 0) -> Reproduction:
    """Measure the table's ten values and two means again.

    Parameters
    ----------
    data : Path, optional
        Folder with the data; the environment variable ``SECONDLAW_DATA`` without it.
    seed : int
        Of the null's deals.

    Returns
    -------
    Reproduction

    Raises
    ------
    SourceError
        If the file of distributions is not there.
    FileFormatError
        If it is not the published one.
    """
    triplets = _triplets(data)
    shares = {key: np.array([one[key] for one in triplets], dtype=np.float64) for key in ("p_a", "p_q", "p_c")}
    answers, questions = shares["p_a"], shares["p_q"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RestrictedSupport)  # it is said in the findings
        faithful = semantic_faithfulness(answers, questions, smoothing=0.0, support="restricted")
    groups = np.array([one["group"] for one in triplets])
    numbers = []
    for group, stated in STATED.items():
        mine = faithful[groups == group]
        numbers += [
            compared(f"SF of answer {group}{place}", value, float(measured), tolerance=TOLERANCE, reason=REASON)
            for place, (value, measured) in enumerate(zip(stated, mine, strict=True))
        ]
        mean = float(mine.mean())
        numbers.append(compared(f"mean SF of group {group}", MEANS[group], mean, tolerance=TOLERANCE, reason=REASON))
    claims = (*numbers, *_production_claims(shares, faithful, groups, seed))
    return Reproduction(
        "2512.05156", "semantic faithfulness and semantic entropy production", claims,
        tuple(_findings(triplets, shares, seed)),
    )  # fmt: skip


def _triplets(data: Path | None) -> list[dict[str, Any]]:
    import orjson

    folder = data or (Path(os.environ["SECONDLAW_DATA"]) if os.environ.get("SECONDLAW_DATA") else None)
    if folder is None:
        raise SourceError(
            f"the paper's distributions are not part of this repository: set SECONDLAW_DATA to a folder that holds "
            f"{FILE} (from ighalp/semantic-faithfulness-sdm)"
        )
    path = folder / FILE
    if not path.is_file():
        raise SourceError(f"there is no {path}: get distributions_v2.json of ighalp/semantic-faithfulness-sdm")
    try:
        found: list[dict[str, Any]] = orjson.loads(path.read_bytes())["triplets"]
        sizes = {group: sum(one["group"] == group for one in found) for group in STATED}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path} is not the published file of distributions: {error}") from error
    if any(sizes[group] != len(STATED[group]) for group in STATED):
        raise FileFormatError(f"{path} holds {sizes} answers by group, the published file has 5 each")
    return found


def _production_claims(
    shares: dict[str, Floats], faithful: Floats, groups: NDArray[np.str_], seed: int
) -> tuple[Claim, ...]:
    """Return the claims about semantic entropy production and about its use."""
    rng = np.random.default_rng(seed)
    smooth = {key: (p + 0.01) / (p + 0.01).sum(axis=1, keepdims=True) for key, p in shares.items()}
    largest = 0.0
    for _ in range(COUPLINGS):  # the optimal A* is not unique: whichever it is
        best = transport(smooth["p_a"], smooth["p_q"], smooth["p_c"], rng=rng, tolerance=1e-6).answer
        largest = max(largest, float(np.abs(documented_production(best, smooth["p_c"], rng=rng)).max()))
    by_code = 1.0 / faithful - 1.0
    means = [float(by_code[groups == group].mean()) for group in STATED]
    in_bits = [mean / np.log(2.0) for mean in means]
    near = max(abs(mean - stated) for mean, stated in zip(means, PRODUCTION, strict=True)) <= TOLERANCE
    said = f"under {ROUNDING:.0e}" if largest < ROUNDING else f"{largest:.0e}"
    return (
        Claim(
            "semantic entropy production by algorithm 2, the divergence of A from its reverse",
            "under .1 to over .5 bits",
            f"{said} nats, over ten answers and {COUPLINGS} optimal couplings of each",
            refuted_if(largest < ROUNDING),
            "degenerate: A itself meets every constraint on its reverse, so the minimum is 0",
        ),
        Claim(
            "mean semantic entropy production of groups A and B (the author's repository)",
            "{:.3f}, {:.3f} bits".format(*PRODUCTION),
            "{:.3f}, {:.3f} nats ({:.3f}, {:.3f} bits)".format(*means, *in_bits),
            Verdict.REPRODUCED if near else Verdict.NOT_REPRODUCIBLE,
            "by the published code's 1 / SF - 1, of the published distributions: near in nats, in bits it is not",
        ),
        Claim(
            "high faithfulness generally implies low entropy production", "r about -.6",
            "a function of SF (1 / SF - 1) by the published code, 0 whatever SF by algorithm 2",
            Verdict.REFUTED, "no measurement: the one is the other by definition, or a constant",
        ),
        Claim(
            "SF and SEP serve the control of hallucination", "stated", "SF is near chance, see docs/faithfulness.md",
            Verdict.NOT_REPRODUCIBLE, "no labelled answers are shown; on two labelled sets AUROC is .49 to .55",
        ),
    )  # fmt: skip


def _findings(triplets: list[dict[str, Any]], shares: dict[str, Floats], seed: int) -> list[str]:
    answers, questions = shares["p_a"], shares["p_q"]
    mass = off_support_mass(answers, questions)
    sizes_q = np.array([one["num_prompt_sentences"] for one in triplets])
    sizes_a = np.array([one["num_answer_sentences"] for one in triplets])
    counts_q, counts_a = (np.rint(p * n[:, None]) for p, n in ((questions, sizes_q), (answers, sizes_a)))
    rng = np.random.default_rng(seed)
    table = level_table(counts_a, counts_q, rng=rng, draws=999)
    smooth = [(p + 0.01) / (p + 0.01).sum(axis=1, keepdims=True) for p in (answers, questions, shares["p_c"])]
    apart = float(np.abs(transport(*smooth).value - topic_divergence(smooth[0], smooth[1], smoothing=0.0)).max())
    return [
        f"The values are of the answer conditioned on the question's topics: {100 * mass.min():.0f} to "
        f"{100 * mass.max():.0f} % of the answers' mass lies on other topics, where D is infinite and SF 0.",
        f"The minimum is KL(p_a || p_q), whatever p_c: alternating minimisation differs by {apart:.0e} nats at most.",
        f"Questions have {sizes_q.min()} to {sizes_q.max()} sentences. Over all topics, with 1/2 added to each, SF is "
        f"{table.faithfulness.mean():.3f} on average, and {table.null_mean.mean():.3f} where the same sentences "
        "are dealt to question and answer at random.",
    ]
