"""From trained weights to a finished classifier: files, calibration, manifest, report."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from secondlaw.behavior.classifiers.labelled import GIVEN_BY_PEOPLE
from secondlaw.behavior.classifiers.protocol import KNOWN_INTENTS
from secondlaw.behavior.classifiers.transformer.calibration import (
    CONDITIONS,
    Codes,
    Floats,
    fit_calibration,
    stated_prior,
    uncalibrated,
    weighted_log_loss,
)
from secondlaw.behavior.classifiers.transformer.classifier import WEIGHTS, TransformerClassifier, load_transformer
from secondlaw.behavior.classifiers.transformer.examples import class_counts, examples_of, intent_rows
from secondlaw.behavior.classifiers.transformer.job import Job
from secondlaw.behavior.classifiers.transformer.known import KNOWN, KnownRows
from secondlaw.behavior.classifiers.transformer.manifest import write_manifest
from secondlaw.behavior.classifiers.transformer.report import REPORT, TrainingReport, scores_of
from secondlaw.behavior.classifiers.transformer.requirements import libraries
from secondlaw.behavior.classifiers.transformer.settings import LABELS, TASKS, Task
from secondlaw.behavior.taxonomy import ACTS
from secondlaw.formats import replace_file

if TYPE_CHECKING:
    import torch

    from secondlaw.behavior.classifiers.transformer.encoding import TextEncoder
    from secondlaw.behavior.classifiers.transformer.loop import TrainingRun
    from secondlaw.behavior.classifiers.transformer.networks import Network

__all__ = ["FINGERPRINT", "finish", "write_report"]

FINGERPRINT = "training"
"""Key of the manifest under which the training's fingerprint stands."""
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
CONFIGURATION = "config.json"


def finish(
    job: Job,
    run: "TrainingRun",
    network: "Network",
    encoder: "TextEncoder",
    tokenizer: Any,  # noqa: ANN401 - a class of transformers
    where: "torch.device",
) -> dict[str, Any]:
    """Calibrate on the validation rows and write everything that loading needs; the manifest comes last."""
    bare = TransformerClassifier(
        network, encoder, where, act=uncalibrated(len(ACTS)), intent=uncalibrated(len(KNOWN_INTENTS)), name="-",
        version="-",
    )  # fmt: skip
    act = bare.raw_acts([row.prompt for row in job.validation], [row.response for row in job.validation])
    intent = bare.raw_intents([row.prompt for row in job.validation])
    calibration = dict(_calibrations(job, act, intent))
    files = _save_network(network, tokenizer, job.out)
    KnownRows.of(job.validation, act, intent).save(job.out / KNOWN)
    return write_manifest(
        job.out,
        {
            "name": job.settings.name, "network": job.kind, "settings": job.settings.to_dict(),
            "base": {"name": job.base.name, "revision": job.base.revision, "sha256": dict(job.base.sha256)},
            "calibration": calibration, "libraries": libraries(), "taxonomy": job.taxonomy.to_dict(),
            "best_epoch": run.best(job.settings.stop_on), FINGERPRINT: job.fingerprint,
        },
        files=[*files, KNOWN],
    )  # fmt: skip


def write_report(job: Job, run: "TrainingRun", manifest: dict[str, Any], *, device: str) -> TrainingReport:
    """Measure the classifier as loaded from its folder, and write ``report.json``."""
    classifier = load_transformer(job.out, device=device)
    report = TrainingReport(
        identity=classifier.identity, network=job.kind, base=manifest["base"],
        epochs=tuple(asdict(record) for record in run.history), best_epoch=manifest["best_epoch"],
        stopped_early=run.stopped_early(job.settings), steps=run.steps,
        rows={"train": len(job.train), "validation": len(job.validation), "held_out": len(job.held_out)},
        examples={str(task): counts for task, counts in job.counts.items()},
        class_weights={label: w for task in TASKS for label, w in job.class_weights[task].items()},
        calibration=manifest["calibration"],
        validation=scores_of(classifier, job.validation, taxonomy=job.taxonomy),
        held_out=scores_of(classifier, job.held_out, taxonomy=job.taxonomy) if job.held_out else {},
        notes=tuple(_notes(job, run)),
    )  # fmt: skip
    text = json.dumps(report.to_dict(), indent=1) + "\n"
    replace_file(job.out / REPORT, lambda path: _write(path, text))
    return report


def _calibrations(job: Job, act: Floats, intent: Floats) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Fit the calibration of each task, with the log loss before and after it."""
    for task, (logs, labels, condition) in _measured(job, act, intent).items():
        counts = np.array(list(job.counts[task].values()), dtype=np.float64)
        prior, trained_as = stated_prior(counts), counts * np.array(list(job.class_weights[task].values()))
        conditions = len(CONDITIONS) if task == "act" else 1
        fitted = fit_calibration(logs, labels, condition, n_conditions=conditions, prior=prior, trained_as=trained_as)
        start = uncalibrated(len(LABELS[task]), prior=prior, trained_as=trained_as)
        yield task, {
            **fitted.to_dict(), "rows": len(labels),
            "log_loss_before": weighted_log_loss(start.probabilities(logs, condition), labels, prior),
            "log_loss_after": weighted_log_loss(fitted.probabilities(logs, condition), labels, prior),
        }  # fmt: skip


def _measured(job: Job, act: Floats, intent: Floats) -> dict[Task, tuple[Floats, Codes, Codes]]:
    """Return of each task the validation's log-probabilities, labels and conditions; each request counts once."""
    rows = job.validation
    asked = np.array(intent_rows(rows), dtype=np.intp)
    intents = np.array([KNOWN_INTENTS.index(rows[i].intent) for i in asked], dtype=np.intp)
    acts = np.array([ACTS.index(row.act) for row in rows], dtype=np.intp)
    conditions = np.array([CONDITIONS.index(row.intent) for row in rows], dtype=np.intp)
    return {"act": (act, acts, conditions), "intent": (intent[asked], intents, np.zeros_like(intents))}


def _save_network(network: "Network", tokenizer: Any, out: Path) -> list[str]:  # noqa: ANN401
    """Save weights, configuration and tokenizer; return the names of the files."""
    from safetensors.torch import save_file

    from secondlaw.behavior.classifiers.transformer.networks import config_of

    tensors = _each_once(network)
    replace_file(out / WEIGHTS, lambda path: save_file(tensors, str(path)))
    config_of(network).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return [WEIGHTS, *(name for name in (CONFIGURATION, *TOKENIZER) if (out / name).is_file())]


def _each_once(network: "Network") -> dict[str, "torch.Tensor"]:
    """Return the tensors of a network, those of several names under the first of them.

    ``save_model`` of safetensors notes the other names in an order of chance: the same network gets different files,
    and with them different versions.
    """
    found: dict[str, torch.Tensor] = {}
    places: set[tuple[int, tuple[int, ...], tuple[int, ...]]] = set()
    for name, tensor in sorted(network.state_dict().items()):
        place = (tensor.data_ptr(), tuple(tensor.shape), tuple(tensor.stride()))
        if tensor.numel() and place in places:
            continue
        places.add(place)
        found[name] = tensor.contiguous()
    return found


def _notes(job: Job, run: "TrainingRun") -> Iterator[str]:
    yield "the validation rows chose the epoch and the calibration: their scores are a little too good"
    if not job.held_out:
        yield "no held-out rows were given: how good the classifier is on rows that chose nothing is not known"
    for task, counts in class_counts(examples_of(job.validation)).items():
        yield from (
            f"no validation example of the {task} {name}: its calibration is a guess"
            for name, n in counts.items()
            if n == 0
        )
    asked = [job.train[i].prompt for i in intent_rows(job.train)]
    if disputed := len(asked) - len(set(asked)):
        yield f"{disputed} training requests are called benign by some rows and harmful by others: it learned both"
    if not all(row.strength in GIVEN_BY_PEOPLE for row in [*job.validation, *job.held_out]):
        yield "some labels of the measured rows were not given by people: the scores are no claim of accuracy"
    if not run.stopped_early(job.settings):
        yield f"training ended with its last epoch ({job.settings.epochs}), not by itself: more might help"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
