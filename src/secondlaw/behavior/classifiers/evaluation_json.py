"""An evaluation as plain JSON values and back, so that a manifest can carry it and a card be written from it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

import numpy as np

from secondlaw.behavior.classifiers.evaluation import Evaluation, Intents, Slice
from secondlaw.behavior.taxonomy import Taxonomy
from secondlaw.errors import ModelFileError
from secondlaw.statistics.abstention import Abstention, CoveragePoint
from secondlaw.statistics.calibration_error import CalibrationReport, ReliabilityBin
from secondlaw.statistics.entropy_ranking import EntropyCorrelation
from secondlaw.statistics.label_agreement import AgreementReport
from secondlaw.types import SHARE, Estimate, Measured, measured_from_dict

__all__ = ["EVALUATION_SCHEMA", "evaluation_from_dict", "evaluation_to_dict"]

EVALUATION_SCHEMA = "secondlaw/evaluation/1"
DIGITS = 6
"""Significant digits kept: intervals of thousands of responses carry three."""
PER_CLASS = ("recall", "precision", "f1")


def evaluation_to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain JSON values; :func:`evaluation_from_dict` is the way back.

    Left out are the calibration curves of single slices and the entropies of single groups.
    """
    e = evaluation
    return {
        "schema": EVALUATION_SCHEMA,
        "classifier": e.classifier,
        "labels": e.labels,
        "taxonomy": e.taxonomy.to_dict(),
        "level": e.level,
        "resamples": e.resamples,
        "seed": e.seed,
        "notes": list(e.notes),
        "raters": None if e.raters is None else {name: _number(m) for name, m in e.raters.items()},
        "slices": [_slice(one) for one in e.slices],
    }


def evaluation_from_dict(values: Mapping[str, Any]) -> Evaluation:
    """Rebuild an evaluation.

    Raises
    ------
    ModelFileError
        If a part is missing or wrong.
    """
    try:
        raters = values["raters"]
        return Evaluation(
            str(values["classifier"]),
            str(values["labels"]),
            Taxonomy.from_dict(values["taxonomy"]),
            float(values["level"]),
            int(values["resamples"]),
            int(values["seed"]),
            tuple(_slice_of(one) for one in values["slices"]),
            tuple(map(str, values["notes"])),
            None if raters is None else {str(name): measured_from_dict(m) for name, m in raters.items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"a stored evaluation is not of the form {EVALUATION_SCHEMA}: {error!r} is missing or wrong; evaluate again"
        ) from error


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _number(measured: Measured) -> dict[str, Any]:
    plain = measured.to_dict()
    return {name: _round(value) if isinstance(value, float) else value for name, value in plain.items()}


def _point(share: Estimate) -> list[float]:
    """Return a point of a curve: value, ends, rows and level; its method is that of all shares."""
    return [_round(share.value), _round(share.low), _round(share.high), share.n, share.level]


def _of_point(values: Sequence[Any]) -> Estimate:
    value, low, high, n, level = values
    return Estimate(
        float(value), float(low), float(high), float(level), int(n), SHARE, "exact interval by prompt", "rows"
    )


def _estimate(values: Mapping[str, Any]) -> Estimate:
    return Estimate.from_dict(values)


def _slice(one: Slice) -> dict[str, Any]:
    a, c = one.agreement, one.calibration
    keys = a.classes
    out: dict[str, Any] = {
        "by": one.by,
        "name": one.name,
        "intent": one.intent,
        "n": a.n,
        "prompts": a.groups,
        "outside": one.outside,
        "accuracy": _number(a.accuracy),
        "macro_f1": _number(a.macro_f1),
        "kappa": _number(a.kappa),
        **{name: dict(zip(keys, map(_number, getattr(a, name)), strict=True)) for name in PER_CLASS},
        "confusion": a.confusion.tolist(),
        "mistaken": {pair: _number(m) for pair, m in one.mistaken.items()},
        "flags": list(one.flags),
    }
    if c is not None:
        out["calibration"] = {
            "ece": dict(zip(keys, map(_number, c.ece), strict=True)),
            "ece_debiased": dict(zip(keys, map(_number, c.ece_debiased), strict=True)),
            "brier": _number(c.brier),
            # Curves are kept of all rows only: those of every source would make the file several times as large.
            "curve": {
                key: [[_round(b.probability), *_point(b.frequency)] for b in curve] if one.by == "all" else []
                for key, curve in zip(keys, c.curve, strict=True)
            },
        }
    for name, found in (("entropy_prompts", one.entropy_prompts), ("entropy_cells", one.entropy_cells)):
        if found is not None:
            out[name] = {"pearson": _number(found.pearson), "spearman": _number(found.spearman)}
    if one.abstention is not None:
        out["abstention"] = _abstention(one.abstention)
    return out


def _abstention(found: Abstention) -> dict[str, Any]:
    return {
        "threshold": found.threshold,
        "target": found.target,
        "risk": found.risk,
        "guarantee": found.guarantee,
        "coverage": None if found.coverage is None else _number(found.coverage),
        "accuracy": None if found.accuracy is None else _number(found.accuracy),
        "curve": [[_round(p.threshold), _round(p.coverage), *_point(p.accuracy)] for p in found.curve],
    }


def _slice_of(values: Mapping[str, Any]) -> Slice:
    keys = tuple(values["recall"])
    recall, precision, f1 = (tuple(measured_from_dict(m) for m in values[name].values()) for name in PER_CLASS)
    agreed = AgreementReport(
        keys,
        _estimate(values["accuracy"]),
        measured_from_dict(values["macro_f1"]),
        measured_from_dict(values["kappa"]),
        recall,
        precision,
        f1,
        np.array(values["confusion"], dtype=np.int64),
        int(values["n"]),
        int(values["prompts"]),
    )
    calibrated = None
    if (c := values.get("calibration")) is not None:
        curves = (
            tuple(ReliabilityBin(float(p), _of_point(rest)) for p, *rest in curve) for curve in c["curve"].values()
        )
        calibrated = CalibrationReport(
            keys,
            tuple(map(measured_from_dict, c["ece"].values())),
            tuple(map(measured_from_dict, c["ece_debiased"].values())),
            _estimate(c["brier"]),
            tuple(curves),
            agreed.n,
            agreed.groups,
        )
    return Slice(
        str(values["by"]),
        str(values["name"]),
        _intent(values["intent"]),
        agreed,
        calibrated,
        int(values["outside"]),
        {str(pair): measured_from_dict(m) for pair, m in values["mistaken"].items()},
        _entropies(values.get("entropy_prompts")),
        _entropies(values.get("entropy_cells")),
        _abstention_of(values.get("abstention")),
    )


def _intent(value: str) -> Intents:
    for known in get_args(Intents):
        if value == known:
            return cast(Intents, known)
    raise ValueError(f"intent {value!r}")


def _entropies(values: Mapping[str, Any] | None) -> EntropyCorrelation | None:
    if values is None:
        return None
    none = np.empty(0)
    return EntropyCorrelation(measured_from_dict(values["pearson"]), measured_from_dict(values["spearman"]), none, none)


def _abstention_of(values: Mapping[str, Any] | None) -> Abstention | None:
    if values is None:
        return None
    coverage, accuracy = (
        None if values[name] is None else _estimate(values[name]) for name in ("coverage", "accuracy")
    )
    points = tuple(CoveragePoint(float(t), float(c), _of_point(rest)) for t, c, *rest in values["curve"])
    threshold = None if values["threshold"] is None else float(values["threshold"])
    return Abstention(
        threshold, coverage, accuracy, float(values["target"]), float(values["risk"]), str(values["guarantee"]), points
    )
