"""The Fisher spectrum of a saved network on texts: find it, load it, draw the texts, measure."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from secondlaw.alignment.fisher import NetworkSpectrum, SpectrumOptions, fisher_spectrum
from secondlaw.errors import InvalidInput
from secondlaw.pipeline.network_texts import NetworkTexts

if TYPE_CHECKING:
    from secondlaw.alignment.fisher.network_files import LoadedNetwork

__all__ = ["LOCAL_MODEL", "measure_network"]

LOCAL_MODEL = "gemma-3-270m"
"""Name of the language model that the extra ``local-model`` installs."""
Reporter = Callable[[str], Callable[[int, int], None]]


def measure_network(
    model: str,
    texts: NetworkTexts,
    options: SpectrumOptions,
    *,
    allow_download: bool = False,
    offline: bool = False,
    device: str = "cpu",
    progress: Reporter | None = None,
) -> NetworkSpectrum:
    """Measure the Fisher spectrum of a saved network.

    Parameters
    ----------
    model : str
        A folder, a ``.gguf`` file, ``gemma-3-270m`` (the extra ``local-model``), or REPOSITORY[@REVISION] of a hub.
    texts : NetworkTexts
    options : SpectrumOptions
    allow_download : bool
        Whether a repository may be fetched.
    offline : bool
        Whether settings forbid it.
    device : str
        As torch names it.
    progress : callable, optional
        ``progress("trace")`` gives a callable for (done, total).

    Raises
    ------
    ModelFileError
        If the model is not available, or torch and transformers are not installed.
    InvalidInput, NotEnoughData
        If the network has no Fisher matrix on these texts, or an option is out of range; if a download is allowed and
        forbidden.
    """
    from secondlaw.alignment.fisher.requirements import require_libraries

    if options.most_texts < 1:
        raise InvalidInput(f"at least 1 text is measured on, got {options.most_texts}")
    require_libraries("torch", "transformers")
    from secondlaw.alignment.fisher.network_files import load_network, token_batches

    rng = np.random.default_rng(options.seed)
    drawn = texts.drawn(options.most_texts, rng)
    name, revision = _found(model)
    if allow_download and offline and not isinstance(name, Path):
        raise InvalidInput(
            f"--allow-download may not fetch {model}: the setting offline (SECONDLAW_OFFLINE) forbids it; leave one of "
            "them out (a repository in the hub's cache needs no download)"
        )
    loading = progress("loading") if progress else lambda done, total: None
    loading(0, 1)
    network = load_network(name, revision=revision, allow_download=allow_download, device=device)
    loading(1, 1)
    batches = token_batches(
        network, drawn.texts, rows=options.batch, tokens=options.most_tokens, labels=_labels(network, drawn, options)
    )
    # The one prediction of a text is its class: the two means are the same number, and no token is counted.
    normalise = options.normalise if network.task == "next token" else "sample"
    spectrum = fisher_spectrum(
        network.model, batches, rng=rng, kind=options.kind, parameters=_patterns(options.parameters),
        normalise=normalise, draws=options.draws, memory=options.memory, tolerance=options.tolerance,
        leading=options.leading, most_products=options.most_products, trace_probes=options.trace_probes,
        density_probes=options.density_probes, density_steps=options.density_steps, folds=options.folds,
        level=options.level, progress=progress,
    )  # fmt: skip
    return NetworkSpectrum(
        model,
        network.architecture,
        network.task,
        drawn.source,
        len(drawn.texts),
        drawn.available,
        options,
        spectrum,
        drawn.notes,
    )


def _found(model: str) -> tuple[str | Path, str | None]:
    """Return what to load, and the revision of a repository."""
    if Path(model).expanduser().exists():
        return Path(model).expanduser(), None
    if model == LOCAL_MODEL:
        from secondlaw.sampling.local_model import local_model_path

        return local_model_path(), None
    name, _, revision = model.partition("@")
    return name, revision or None


def _patterns(parameters: Sequence[str]) -> str | tuple[str, ...]:
    return parameters[0] if len(parameters) == 1 else tuple(parameters)


def _labels(network: "LoadedNetwork", texts: NetworkTexts, options: SpectrumOptions) -> list[int] | None:
    """Return class labels of a classifier's texts, where the empirical Fisher needs them."""
    if network.task != "class" or options.kind != "empirical":
        return None
    if texts.labels is None:
        raise InvalidInput(
            f"the empirical Fisher of a classifier needs a label for each text: a field 'label' in every row of "
            f"{texts.source}"
        )
    known = {str(name): number for name, number in (getattr(network.model.config, "label2id", None) or {}).items()}
    unknown = sorted({str(one) for one in texts.labels if isinstance(one, str) and one not in known})
    if unknown:
        raise InvalidInput(f"the classifier knows no label {unknown[0]!r}; it knows {', '.join(known) or 'numbers'}")
    return [known[one] if isinstance(one, str) else one for one in texts.labels]
