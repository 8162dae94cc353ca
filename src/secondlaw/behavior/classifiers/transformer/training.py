"""Fine-tuning from labelled rows to a folder that :func:`~.classifier.load_transformer` loads."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from secondlaw.behavior.classifiers.labelled import LabelledRow
from secondlaw.behavior.classifiers.transformer.base import Base, find_base
from secondlaw.behavior.classifiers.transformer.examples import check_held_out, check_rows, examples_of
from secondlaw.behavior.classifiers.transformer.finishing import FINGERPRINT, finish, write_report
from secondlaw.behavior.classifiers.transformer.job import Job
from secondlaw.behavior.classifiers.transformer.leftovers import check_place, drop_classifier
from secondlaw.behavior.classifiers.transformer.manifest import MANIFEST, is_finished, read_manifest
from secondlaw.behavior.classifiers.transformer.report import REPORT, TrainingReport
from secondlaw.behavior.classifiers.transformer.requirements import require_torch
from secondlaw.behavior.classifiers.transformer.settings import KINDS, TASKS, Kind, TransformerSettings
from secondlaw.behavior.taxonomy import FIVE, Taxonomy
from secondlaw.errors import InvalidInput, ModelFileError

if TYPE_CHECKING:
    from secondlaw.behavior.classifiers.transformer.networks import Network

__all__ = ["train_transformer"]


def train_transformer(
    train: Sequence[LabelledRow],
    validation: Sequence[LabelledRow],
    *,
    base: str | Path | Base,
    out: str | Path,
    kind: Kind = "sequence",
    settings: TransformerSettings | None = None,
    held_out: Sequence[LabelledRow] = (),
    taxonomy: Taxonomy = FIVE,
    allow_download: bool = False,
    device: str = "auto",
    resume: bool = True,
    replace: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingReport:
    """Fine-tune a transformer to judge act and intent.

    Parameters
    ----------
    train : sequence of LabelledRow
        With rows of every act and of both intents. Rows of unknown intent train the acts alone.
    validation : sequence of LabelledRow
        Rows of other prompts: they choose the epoch and fit the calibration.
    base : str, Path or Base
        A folder, ``REPOSITORY@COMMIT``, or what :func:`~.base.find_base` found before.
    out : str or Path
        Folder of the result. A finished model in it is replaced only if `replace` says so.
    kind : {"sequence", "text-to-text"}
        An encoder with two heads, or a text-to-text model (T5) that writes the label's name.
    settings : TransformerSettings, optional
    held_out : sequence of LabelledRow
        Rows of yet other prompts, for the report alone.
    taxonomy : Taxonomy
        That of the rows' categories.
    allow_download : bool
        Whether `base` may be fetched from a hub.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"``.
    resume : bool
        Go on from the checkpoint in `out`, if one is there; the result is the same as without the interruption. If the
        very same training is already finished there, its report is returned.
    replace : bool
        Start again whatever training stands in `out`: its checkpoint and its finished classifier are deleted first,
        no other file is.
    progress : callable, optional
        Called with (steps done, most steps); fewer are taken if training stops early.

    Returns
    -------
    TrainingReport
        Also in ``report.json``.

    Raises
    ------
    InvalidInput
        If rows or settings cannot train a classifier, or `out` holds another model or run, or files of something else
        that would be written over.
    ModelFileError
        If a library is missing, the base cannot be loaded, or a checkpoint is damaged.
    """
    chosen = settings if settings is not None else TransformerSettings()
    if kind not in KINDS:
        raise InvalidInput(f"kind is one of {', '.join(KINDS)}, got {kind!r}")
    check_rows(train, validation, taxonomy=taxonomy)
    check_held_out(held_out, [*train, *validation], taxonomy=taxonomy)
    require_torch()
    found = base if isinstance(base, Base) else find_base(base, allow_download=allow_download)
    check_place(Path(out), base=found.folder)
    job = Job(train, validation, held_out, found, Path(out), kind, chosen, taxonomy)
    if not replace and is_finished(job.out) and (report := _finished(job, resume=resume)) is not None:
        return report
    return _train(job, device=device, resume=resume, replace=replace, progress=progress)


def _train(
    job: Job, *, device: str, resume: bool, replace: bool, progress: Callable[[int, int], None] | None
) -> TrainingReport:
    import torch

    from secondlaw.behavior.classifiers.transformer.batches import TaskData
    from secondlaw.behavior.classifiers.transformer.checkpoints import CheckpointStore
    from secondlaw.behavior.classifiers.transformer.encoding import TextEncoder
    from secondlaw.behavior.classifiers.transformer.loop import fit
    from secondlaw.behavior.classifiers.transformer.networks import build_network, load_tokenizer
    from secondlaw.behavior.classifiers.transformer.scoring import choose_device

    settings, where = job.settings, choose_device(device)
    tokenizer = load_tokenizer(job.base.folder)
    encoder = TextEncoder(tokenizer, kind=job.kind, max_tokens=settings.max_tokens)
    factor = {"act": 1.0, "intent": settings.intent_weight}
    in_loss = {task: [w * factor[task] for w in job.class_weights[task].values()] for task in TASKS}
    data, held = (TaskData.of(examples_of(rows), encoder, in_loss) for rows in (job.train, job.validation))
    store = CheckpointStore(job.out, fingerprint=job.fingerprint)
    if not resume:
        store.clear()
    job.out.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(settings.seed)
        network = build_network(
            job.base.folder, kind=job.kind, encoder=encoder, dropout=settings.dropout, pretrained=True
        )
        _check_length(network, settings.max_tokens)
        network.to(where)
        if replace:
            drop_classifier(job.out)
        run = fit(
            network, encoder, data, held, settings,
            learning_rate=job.learning_rate, device=where, store=store, progress=progress,
        )  # fmt: skip
    manifest = finish(job, run, network, encoder, tokenizer, where)
    report = write_report(job, run, manifest, device=device)
    store.clear()
    return report


def _finished(job: Job, *, resume: bool) -> TrainingReport | None:
    """Return the report of the very same training, finished before; None if it was killed before it wrote one."""
    try:
        same = read_manifest(job.out).get(FINGERPRINT) == job.fingerprint
    except ModelFileError:
        same = False
    if not (same and resume):
        raise InvalidInput(
            f"{job.out} holds a finished classifier ({MANIFEST}) of other rows, settings, base or library versions, or "
            "a damaged one, and none is replaced unasked; give another folder, or --force (replace=True)"
        )
    return TrainingReport.from_file(job.out / REPORT) if (job.out / REPORT).is_file() else None


def _check_length(network: "Network", max_tokens: int) -> None:
    from secondlaw.behavior.classifiers.transformer.networks import config_of

    positions = getattr(config_of(network), "max_position_embeddings", None)
    if positions is not None and max_tokens > positions:
        raise InvalidInput(f"max_tokens {max_tokens} is more than the {positions} positions of the base")
