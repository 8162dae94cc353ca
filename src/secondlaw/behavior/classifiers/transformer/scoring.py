"""A network's log-probabilities of many texts, independent of how they are batched, and how good they are."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from secondlaw.behavior.classifiers.transformer.batches import TaskData, token_batches
from secondlaw.behavior.classifiers.transformer.encoding import Encoded, TextEncoder
from secondlaw.behavior.classifiers.transformer.networks import Inputs, Network
from secondlaw.behavior.classifiers.transformer.settings import LABELS, TASKS, Task
from secondlaw.errors import InvalidInput
from secondlaw.statistics.label_agreement import cohen_kappa

__all__ = ["choose_device", "log_scores", "validate"]

BATCH_TOKENS = 8192
"""Of the validation after an epoch."""


def choose_device(name: str) -> torch.device:
    """Return the device: ``"auto"`` is the GPU where there is one, else the processor.

    Raises
    ------
    InvalidInput
        If this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        why = str(error).splitlines()[0]
        raise InvalidInput(f"device is auto, cpu, cuda or cuda:N; {name!r} cannot be used here: {why}") from error
    return device


def log_scores(
    network: Network,
    encoder: TextEncoder,
    task: Task,
    rows: Sequence[Encoded],
    *,
    device: torch.device,
    batch_tokens: int,
    told: Callable[[int], None] | None = None,
) -> npt.NDArray[np.float64]:
    """Return the log-probability of each label of a task, in nats, shape (rows, labels).

    Parameters
    ----------
    network : Network
        Left in evaluation mode.
    encoder : TextEncoder
    task : {"act", "intent"}
    rows : sequence of Encoded
    device : torch.device
    batch_tokens : int
        Most tokens of a batch, padding included.
    told : callable, optional
        Called with the number of rows of each batch done.
    """
    out = np.empty((len(rows), len(LABELS[task])))
    network.eval()
    with torch.inference_mode():
        for batch in token_batches([len(row) for row in rows], batch_tokens):
            inputs = Inputs.of([rows[int(i)] for i in batch], encoder, device)
            out[batch] = network.log_scores(inputs, task).double().cpu().numpy()
            if told is not None:
                told(len(batch))
    return out


def validate(network: Network, encoder: TextEncoder, data: TaskData, *, device: torch.device) -> tuple[float, float]:
    """Return the mean weighted loss of the labels' probabilities, in nats, and the mean kappa of act and intent.

    A task whose rows are all of one class, and are all judged so, has no kappa and is left out; if none has one, it
    is 0.
    """
    loss, kappas = 0.0, []
    for task in TASKS:
        of = [i for i, example in enumerate(data.examples) if example.task == task]
        if not of:
            continue
        scores = log_scores(
            network, encoder, task, [data.encoded[i] for i in of], device=device, batch_tokens=BATCH_TOKENS
        )
        labels = np.array([data.examples[i].label for i in of])
        weights = np.array([data.weights[i] for i in of])
        loss -= float((weights * scores[np.arange(len(of)), labels]).sum())
        confusion = np.zeros((len(LABELS[task]),) * 2)
        np.add.at(confusion, (labels, scores.argmax(1)), 1.0)
        kappas.append(float(cohen_kappa(confusion)))
    known = [kappa for kappa in kappas if np.isfinite(kappa)]
    return loss / max(len(data.examples), 1), float(np.mean(known)) if known else 0.0
