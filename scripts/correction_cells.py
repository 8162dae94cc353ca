"""Cells on which corrections are measured: responses with people's categories, judged by heads that never saw them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from secondlaw.behavior.classifiers.embedded import EmbeddedClassifier
from secondlaw.behavior.classifiers.head import Head
from secondlaw.behavior.classifiers.outside import OutsideDetector
from secondlaw.behavior.classifiers.protocol import compose
from secondlaw.behavior.classifiers.shipped import LINE_SPREAD, load_weights, prompt_reader
from secondlaw.behavior.taxonomy import FIVE, INTENTS
from secondlaw.drift import CellRows, ClassifierError, Design, measure_cell
from secondlaw.language import SentenceEmbedder
from secondlaw.pipeline.classifier_errors import error_of
from secondlaw.statistics.labelling_design import draw_labelling, labelling_probabilities

K = len(FIVE.keys)
MISALIGNED = np.array(FIVE.misaligned)
REACHABLE = np.array([FIVE.reachable(intent) for intent in INTENTS])
LABELS, LEAST, RESAMPLES = 100, 200, 300
REFUSED = (0.0, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0)
"""Shares of refusals of drawn and simulated cells."""
ERRORS = (
    "| {} | median error of S | within .05 | within .1 | holds S | a share | machine as it is |\n"
    "|---|---|---|---|---|---|---|"
)
"""Head of a table of :func:`print_errors`."""


@dataclass(frozen=True)
class Judged:
    """Responses with people's category, the machine's probabilities and what is known of its error."""

    name: str
    groups: np.ndarray
    truth: np.ndarray
    strata: np.ndarray
    probabilities: np.ndarray
    error: ClassifierError

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: np.ndarray, groups: np.ndarray | None = None) -> "Judged":
        own = np.unique(self.groups[rows], return_inverse=True)[1] if groups is None else groups
        return replace(
            self, groups=own, truth=self.truth[rows], strata=self.strata[rows], probabilities=self.probabilities[rows]
        )

    def rows(self, human: np.ndarray | None = None, inclusion: np.ndarray | None = None) -> CellRows:
        seen = np.full(len(self), -1) if human is None else human
        label = self.probabilities.argmax(axis=1)
        return CellRows(self.groups, label, seen, self.strata, self.probabilities, inclusion)

    @property
    def shares(self) -> np.ndarray:
        return np.bincount(self.truth, minlength=K) / len(self)


def entropy(shares: np.ndarray) -> float:
    p = shares[shares > 0]
    return float(-(p * np.log(p)).sum())


def measured(judged: Judged, rows: CellRows, seed: int, error: ClassifierError | None = None):
    error = judged.error if error is None else error
    keys = np.arange(judged.groups.max() + 1, dtype=np.uint64)
    rng = np.random.default_rng([seed, 1])
    design = Design.draw(keys, resamples=RESAMPLES, rng=rng, calibration=error.calibration)
    return measure_cell(rows, design, misaligned=MISALIGNED, error=error, reachable=REACHABLE)


def interval(replicates: np.ndarray) -> np.ndarray:
    return np.quantile(replicates, [0.025, 0.975], axis=0)


def inside(replicates: np.ndarray, truth: np.ndarray | float) -> np.ndarray:
    low, high = interval(replicates)
    return (low - 1e-9 <= truth) & (truth <= high + 1e-9)


def errors_of_cell(cell: Judged, seed: int, of: np.ndarray | slice = slice(None)) -> list[float]:
    """Return how far S by EM is off, whether intervals hold S and shares `of`, and how far S as labelled is off."""
    truth, said = entropy(cell.shares), measured(cell, cell.rows(), seed)
    plain = entropy(np.bincount(cell.probabilities.argmax(axis=1), minlength=K) / len(cell))
    held = inside(said.shares.replicates, cell.shares)[of].mean()
    return [abs(float(said.pooled.point) - truth), inside(said.pooled.replicates, truth), held, abs(plain - truth)]


def print_errors(name: str, found: list[list[float]]) -> None:
    """Print a line on cells as :func:`errors_of_cell` found them."""
    off, held, shares, plain = np.array(found, dtype=float).T
    print(f"| {name} | {np.median(off):.3f} | {np.mean(off <= 0.05):.2f} | {np.mean(off <= 0.1):.2f} "
          f"| {held.mean():.2f} | {shares.mean():.2f} | {np.median(plain):.3f} |", flush=True)  # fmt: skip


def labelled(judged: Judged, rng: np.random.Generator, *, floor: float | None = None, labels: int = LABELS) -> CellRows:
    """Let people label some responses: at random, or by the classifier's doubt."""
    human, inclusion = np.full(len(judged), -1), None
    chosen = rng.permutation(len(judged))[:labels]
    if floor is not None:
        inclusion = labelling_probabilities(judged.probabilities, budget=labels, floor=floor)
        chosen = draw_labelling(inclusion, rng=rng)
    human[chosen] = judged.truth[chosen]
    return judged.rows(human, inclusion)


def judged_cells(table: pd.DataFrame, people: tuple[str, ...], *, told: bool):
    """Return the cells, and one for each source, intent stated or not."""
    cells, sources = [], []
    for source, rows in read_by_people(table, people).groupby("source"):
        whole = judged_rows(rows, probabilities(rows, told=told), error_without(table, str(source)), told=told)
        sources.append(whole)
        cells += by_model(whole, rows)
    return cells, sources


def read_by_people(table: pd.DataFrame, people: tuple[str, ...]) -> pd.DataFrame:
    """Return the whole responses with a category given by people, and `truth`; the index is that of the table."""
    full = table[(table.form == "full") & table["act.0"].notna()].drop_duplicates(["source", "prompt", "response"])
    full = full.assign(truth=[FIVE.keys.index(c) if c in FIVE.keys else -1 for c in full.category])
    return full[full.label_strength.isin(people) & (full.truth >= 0) & full.harmful.notna()]


def by_model(whole: Judged, rows: pd.DataFrame) -> list[Judged]:
    """Return one cell for each model of a source; the source itself where all its models are small."""
    large = [(m, of) for m, of in rows.reset_index(drop=True).groupby("model") if len(of) >= LEAST]
    if not large:
        return [whole] if len(whole) >= LEAST else []
    return [replace(whole.take(of.index.to_numpy()), name=f"{whole.name}, {model}") for model, of in large]


def judged_rows(rows: pd.DataFrame, judged: np.ndarray, error: ClassifierError, *, told: bool) -> Judged:
    """Return the rows of one source with the probabilities of their categories."""
    strata = rows.harmful.to_numpy(int) if told else np.full(len(rows), INTENTS.index("unknown"))
    groups = np.unique(rows.prompt, return_inverse=True)[1]
    return Judged(str(rows.source.iloc[0]), groups, rows.truth.to_numpy(int), strata, judged, error)


def probabilities(rows: pd.DataFrame, *, told: bool) -> np.ndarray:
    if told:
        return compose(rows[[f"told.{k}" for k in range(3)]].to_numpy(), np.eye(2)[rows.harmful.to_numpy(int)], FIVE)
    return compose(
        rows[[f"act.{k}" for k in range(3)]].to_numpy(), rows[[f"intent.{k}" for k in range(2)]].to_numpy(), FIVE
    )


def error_without(table: pd.DataFrame, source: str) -> ClassifierError:
    """Return what would be known of the heads' error if the source did not exist."""
    from out_of_fold import known_without

    _, arrays = load_weights()
    share = float(table.share[table.source == source].mean())
    act, intent = (Head.from_arrays(name, arrays) for name in ("act", "intent"))
    known = {name: array.astype(float) for name, array in known_without(table, source).items()}
    classifier = EmbeddedClassifier(
        act, replace(intent, prior=np.array([1.0 - share, share])), OutsideDetector.from_arrays(arrays),
        embedder=SentenceEmbedder(), reader=prompt_reader(), version="1", known=known, line_spread=LINE_SPREAD,
    )  # fmt: skip
    return error_of(classifier, FIVE)


def with_models(table: pd.DataFrame, data: Path) -> pd.DataFrame:
    public = pd.read_parquet(data / "labelled.parquet", columns=["source", "model", "prompt", "response"])
    public["source"] = public.source.str.removeprefix("constructed_mismatch_")
    return table.merge(
        public.drop_duplicates(["source", "prompt", "response"]), "left", ["source", "prompt", "response"]
    )
