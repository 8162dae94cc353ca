"""What moved between two periods: the model, the classifier, both or nothing; asked of the anchor set and the rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from secondlaw.behavior import ObservationsBuilder, load_taxonomy
from secondlaw.behavior.classifier_identity import split_identity
from secondlaw.behavior.classifiers.protocol import Classifier
from secondlaw.behavior.classifiers.told_share import shipped_priors
from secondlaw.behavior.observations import NO_CODE, Observations
from secondlaw.behavior.taxonomy import OUTSIDE
from secondlaw.drift.anchor_changes import ChangeOptions, corrected_movement, movement
from secondlaw.drift.anchors import Attribution, Movement, attribute, classifier_test, model_test
from secondlaw.errors import InvalidInput, NotEnoughData
from secondlaw.formats import BadRow, Row, read_rows
from secondlaw.pipeline.anchor_files import Anchor
from secondlaw.pipeline.engines import stated_share
from secondlaw.pipeline.inputs import Source, load
from secondlaw.pipeline.labelling import label_observations
from secondlaw.pipeline.settings import Settings
from secondlaw.pipeline.settled_shares import known_priors, settle_shares

__all__ = ["Attributed", "attribute_periods"]

Ints = NDArray[np.int64]
MACHINE_FIELDS = ("label", "label_probs", "classifier")


@dataclass(frozen=True, slots=True)
class Attributed:
    """An attribution with what it rests on.

    Parameters
    ----------
    attribution : Attribution
    old, new : str
        The versions that labelled the two periods.
    anchor_rows : int
        Anchor rows that both versions scored.
    relabelled : int
        How many of them the two label differently.
    agreement : tuple of float
        Share of these rows on which the old and the new version agree with people.
    on_stream : Movement or None
        The change that the new version alone makes on the earlier period's responses, where these were labelled again;
        with the model's movement it adds up to the change that was seen.
    notes : tuple of str
    """

    attribution: Attribution
    old: str
    new: str
    anchor_rows: int
    relabelled: int
    agreement: tuple[float, float]
    on_stream: Movement | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "old": self.old,
            "new": self.new,
            "anchor_rows": self.anchor_rows,
            "relabelled": self.relabelled,
            "agreement": {"old": self.agreement[0], "new": self.agreement[1]},
            "attribution": self.attribution.to_dict(),
            "on_stream": self.on_stream.to_dict() if self.on_stream else None,
            "notes": list(self.notes),
        }


def attribute_periods(
    before: Source,
    after: Source,
    anchor: Anchor,
    settings: Settings,
    *,
    classifier: Classifier | None = None,
    tolerance: float | None = None,
) -> Attributed:
    """Attribute what changed from one period to the next.

    Parameters
    ----------
    before, after : Source
        Responses of the two periods, each labelled by one version.
    anchor : Anchor
        Scored by both versions.
    settings : Settings
        Of which taxonomy, alpha, permutations, resamples and seed are used.
    classifier : Classifier, optional
        If it is the version of the later period, the earlier one is labelled again by it where texts are kept: then
        the test of the model is exact. Otherwise both periods are corrected through the anchor.
    tolerance : float, optional
        Largest change of a share that does not matter.

    Returns
    -------
    Attributed

    Raises
    ------
    InvalidInput
        If a period is labelled by several versions or none, or the anchor was not scored by both.
    NotEnoughData
        If too few anchor rows were scored by both, or too few prompts for any verdict.
    """
    taxonomy = load_taxonomy(settings.taxonomy)
    told = settings.model_copy(update={"harmful_share": stated_share(settings) or _share_of(anchor)})
    first, second = (_observed(one, told, classifier) for one in (before, after))
    old, new = (_version(one, source.path) for one, source in ((first, before), (second, after)))
    rng = np.random.default_rng(settings.seed)
    options = ChangeOptions(taxonomy.keys, taxonomy.misaligned, 1.0 - settings.alpha / 2.0, settings.resamples)
    scored = _Scored.of(anchor, old, new, len(taxonomy.keys) + 1)
    _require_power(scored.groups, "the anchor set", settings.alpha)
    of_classifier = _classifier_movement(scored, options, settings, rng)
    again = _labelled_again(before, first, settings, classifier, old, new)
    on_stream = None
    notes: list[str] = []
    if again is not None or old == new:
        same = again if again is not None else first
        of_model = _model_movement(same, second, f"both periods labelled by {new}", options, settings, rng)
        if again is not None:
            words = f"{old} and {new} on the earlier responses"
            on_stream = _model_movement(first, again, words, options, settings, rng)
    else:
        of_model = _through_anchor(first, second, scored, options, rng)
        notes = _doubts(second, scored, taxonomy.keys)
    _require_power(of_model.groups, "the periods", settings.alpha)
    human, labels = scored.human, scored.labels
    return Attributed(
        attribution=attribute(of_model, of_classifier, alpha=settings.alpha, tolerance=tolerance),
        old=old,
        new=new,
        anchor_rows=len(human),
        relabelled=int((labels[0] != labels[1]).sum()),
        agreement=(float((labels[0] == human).mean()), float((labels[1] == human).mean())),
        on_stream=on_stream,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    """The anchor rows that both versions labelled; `unit` numbers their prompts."""

    old: str
    new: str
    human: Ints
    labels: tuple[Ints, Ints]
    unit: Ints
    groups: int
    width: int

    @classmethod
    def of(cls, anchor: Anchor, old: str, new: str, width: int) -> "_Scored":
        kept = _both(anchor, old, new)
        ids, unit = np.unique(anchor.groups[kept], return_inverse=True)
        labels = anchor.labels[old][kept], anchor.labels[new][kept]
        return cls(old, new, anchor.human[kept], labels, unit.astype(np.int64), len(ids), width)

    def confusion(self, labels: Ints) -> Ints:
        """Return counts by prompt: category by people, category by a version."""
        flat = (self.unit * self.width + self.human) * self.width + labels
        counts = np.bincount(flat, minlength=self.groups * self.width**2)
        return counts.reshape(self.groups, self.width, self.width).astype(np.int64)


def _classifier_movement(
    scored: _Scored, options: ChangeOptions, settings: Settings, rng: np.random.Generator
) -> Movement:
    p_value = classifier_test(
        scored.human,
        *scored.labels,
        scored.unit,
        categories=scored.width - 1,
        rng=rng,
        permutations=settings.permutations,
    )
    first, second = (_table(scored.unit, label, scored.groups, scored.width) for label in scored.labels)
    method = f"{scored.old} and {scored.new} on {len(scored.human)} anchor rows, swapped in whole prompts"
    return movement(first, second, options, p_value=p_value, paired=True, rng=rng, method=method)


def _model_movement(
    first: Observations,
    second: Observations,
    words: str,
    options: ChangeOptions,
    settings: Settings,
    rng: np.random.Generator,
) -> Movement:
    tables = _aligned(first, second, len(options.keys) + 1)
    p_value, paired, _ = model_test(*tables, rng=rng, permutations=settings.permutations)
    how = "swapped in whole prompts" if paired else "no prompt in common, so prompts were dealt anew"
    return movement(*tables, options, p_value=p_value, paired=paired, rng=rng, method=f"{words}, {how}")


def _through_anchor(
    first: Observations, second: Observations, scored: _Scored, options: ChangeOptions, rng: np.random.Generator
) -> Movement:
    confusions = scored.confusion(scored.labels[0]), scored.confusion(scored.labels[1])
    method = f"each period corrected by its version's confusion on {len(scored.human)} anchor rows"
    return corrected_movement(*_aligned(first, second, scored.width), confusions, options, rng=rng, method=method)


def _require_power(prompts: int, what: str, alpha: float) -> None:
    """Refuse a test that could never name anything: a test that cannot fail must not pass."""
    if 2.0 ** (1 - prompts) > alpha / 2.0:
        raise NotEnoughData(
            f"with {prompts} prompts in {what} no p-value lies below {2.0 ** (1 - prompts):g}, and alpha / 2 is "
            f"{alpha / 2.0:g}: nothing could be named; add prompts"
        )


def _doubts(second: Observations, scored: _Scored, keys: tuple[str, ...]) -> list[str]:
    notes = [
        "the earlier responses were not labelled again by the later version (no texts, or another engine): their "
        "shares are corrected through the anchor, and the model's p-value is approximate"
    ]
    lacking = [
        key for k, key in enumerate((*keys, OUTSIDE)) if not (scored.human == k).any() and (second.label == k).any()
    ]
    if lacking:
        notes.append(f"the anchor has no row that people call {', '.join(lacking)}: taken as always recognised")
    return notes


def _observed(source: Source, settings: Settings, classifier: Classifier | None) -> Observations:
    """Read a period; rows without a label get one if there is a classifier."""
    found = load([source], settings, examples=0).observations
    if found.needs_labels and classifier is not None:
        label_observations(found, classifier)
    settle_shares(found, settings, standing=(), priors=known_priors(() if classifier is None else (classifier,)))
    return found


def _share_of(anchor: Anchor) -> float | Literal["prior"]:
    """Return the share of harmful requests under which an anchor was scored, where it is one only."""
    shares = {split_identity(name)[1] for name in anchor.labels if split_identity(name)[0] in shipped_priors()}
    return (next(iter(shares)) if len(shares) == 1 else None) or "prior"


def _version(observations: Observations, name: str) -> str:
    versions = observations.classifier_versions(np.arange(len(observations)))
    if len(versions) != 1:
        shown = ", ".join(versions) or "none"
        raise InvalidInput(f"{name} is one period labelled by one version, its labels are of: {shown}")
    return versions[0]


def _both(anchor: Anchor, old: str, new: str) -> NDArray[np.bool_]:
    for version in (old, new):
        if version not in anchor.labels:
            known = ", ".join(anchor.labels)
            raise InvalidInput(
                f"the anchor set was never scored by {version}, only by {known}; score it while that version is at "
                f"hand: secondlaw anchor score"
            )
    kept = (anchor.labels[old] >= 0) & (anchor.labels[new] >= 0)
    if kept.sum() < 2:
        raise NotEnoughData(f"{int(kept.sum())} anchor rows were scored by both {old} and {new}: score it again")
    return np.asarray(kept)


def _labelled_again(
    source: Source, first: Observations, settings: Settings, classifier: Classifier | None, old: str, new: str
) -> Observations | None:
    """Return the earlier period labelled by the later version, or None where that cannot be done."""
    if old == new or classifier is None or classifier.identity != new or source.path == "-":
        return None
    builder = ObservationsBuilder(taxonomy=first.taxonomy, assume_utc=settings.assume_utc, examples=0)
    builder.add_rows(_stripped(source, settings))
    again = builder.build()
    if again.needs_labels < len(again):
        return None
    label_observations(again, classifier)
    return again


def _stripped(source: Source, settings: Settings) -> Iterator[Row | BadRow]:
    """Yield a period's rows without what a machine said, grouped as the period was."""
    left_out = (*MACHINE_FIELDS, "conversation_id") if settings.groups == "prompt" else MACHINE_FIELDS
    for row in read_rows(source.path):
        if isinstance(row, BadRow):
            yield row
        elif source.model is None or str(row.value.get("model")) == source.model:
            yield row._replace(value={k: v for k, v in row.value.items() if k not in left_out})


def _aligned(first: Observations, second: Observations, width: int) -> tuple[Ints, Ints]:
    """Return counts by group of both, over the groups of either."""
    hashes = np.unique(np.concatenate([first.group_hashes, second.group_hashes]))
    tables = []
    for one in (first, second):
        known = one.label != NO_CODE
        unit = np.searchsorted(hashes, one.group_hashes[one.group[known]])
        tables.append(_table(unit, one.label[known].astype(np.int64), len(hashes), width))
    return tables[0], tables[1]


def _table(unit: Ints, labels: Ints, groups: int, width: int) -> Ints:
    flat = np.bincount(unit * width + labels, minlength=groups * width)
    return flat.reshape(groups, width).astype(np.int64)
