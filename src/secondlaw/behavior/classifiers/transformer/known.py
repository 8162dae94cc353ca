"""The validation rows as numbers: what the classifier said of responses whose category is known, without any text.

A correction of shares takes from this sample how far the classifier can be trusted (``CalibrationSample``). Its rows
trained no weight, though they chose the epoch and fitted a handful of calibration numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from secondlaw.behavior.classifiers.labelled import LabelledRow
from secondlaw.behavior.classifiers.protocol import KNOWN_INTENTS, compose
from secondlaw.behavior.classifiers.transformer.calibration import Calibration
from secondlaw.behavior.taxonomy import ACTS, Taxonomy
from secondlaw.formats import replace_file
from secondlaw.statistics.calibration import CalibrationSample

__all__ = ["KNOWN", "KnownRows"]

KNOWN = "known.npz"
FEWEST_SOURCES = 5
"""With this many sources the groups are sources, so that their differences count; with fewer, prompts."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Raw log-probabilities of act (m, 3) and intent (m, 2), the truth of both (m,), and the group (m,)."""

    act: Floats
    intent: Floats
    true_act: npt.NDArray[np.intp]
    harmful: npt.NDArray[np.intp]
    group: npt.NDArray[np.intp]

    @classmethod
    def of(cls, rows: Sequence[LabelledRow], act: Floats, intent: Floats) -> "KnownRows":
        """Keep the rows whose intent is known."""
        chosen = [i for i, row in enumerate(rows) if row.intent in KNOWN_INTENTS]
        sources = {rows[i].source for i in chosen}
        names = [rows[i].source if len(sources) >= FEWEST_SOURCES else rows[i].prompt_id for i in chosen]
        group = np.unique(names, return_inverse=True)[1] if chosen else np.zeros(0)
        return cls(
            act[chosen], intent[chosen],
            np.array([ACTS.index(rows[i].act) for i in chosen], dtype=np.intp),
            np.array([KNOWN_INTENTS.index(rows[i].intent) for i in chosen], dtype=np.intp),
            group.astype(np.intp),
        )  # fmt: skip

    def save(self, path: Path) -> None:
        """Write the sample."""

        def write(part: Path) -> None:
            with part.open("wb") as handle:
                np.savez_compressed(
                    handle, act=self.act, intent=self.intent, true_act=self.true_act, harmful=self.harmful,
                    group=self.group,
                )  # fmt: skip

        replace_file(path, write)

    @classmethod
    def load(cls, path: Path) -> "KnownRows":
        """Read a sample; OSError, ValueError or KeyError if it is none."""
        with np.load(path, allow_pickle=False) as stored:
            codes = (stored[name].astype(np.intp) for name in ("true_act", "harmful", "group"))
            return cls(stored["act"], stored["intent"], *codes)

    def sample(self, act: Calibration, intent: Calibration, taxonomy: Taxonomy) -> CalibrationSample | None:
        """Return the sample in a taxonomy: every row in the stratum of its intent and in that of unknown intents."""
        n = len(self.group)
        if n == 0:
            return None
        keys = list(taxonomy.keys)
        category = np.array(
            [[keys.index(taxonomy.category_of(what, done)) for done in ACTS] for what in KNOWN_INTENTS]
        )[self.harmful, self.true_act]
        stated, inferred = np.eye(2)[self.harmful], intent.probabilities(self.intent)
        known, unknown = (
            act.probabilities(self.act, which) for which in (1 + self.harmful, np.zeros(n, dtype=np.intp))
        )
        return CalibrationSample(
            np.concatenate([compose(known, stated, taxonomy), compose(unknown, inferred, taxonomy)]),
            np.tile(category, 2),
            np.concatenate([self.harmful, np.full(n, 2)]),
            np.tile(self.group, 2),
        )
