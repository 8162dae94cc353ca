"""A Fisher spectrum in words: the same sentences for terminal and page."""

from secondlaw.alignment.fisher import CRITICAL_WORK_WARNING, FisherSpectrum, NetworkSpectrum
from secondlaw.reports.words import count, one_line, reading
from secondlaw.types import Estimate, Insufficient, Measured

__all__ = ["caution_words", "data_words", "headline", "matrix_words", "number_rows", "pretty"]


def pretty(value: float) -> str:
    """Return a number with four significant digits.

    Examples
    --------
    >>> pretty(1234567.0), pretty(0.0123456)
    ('1.235e+06', '0.01235')
    """
    return f"{value:.4g}"


def headline(found: NetworkSpectrum) -> str:
    """Return the largest eigenvalue on the texts, and the interval for all texts."""
    population, largest = found.spectrum.data.population, found.spectrum.largest
    beyond = "no interval for all texts"
    if isinstance(population, Estimate):
        beyond = f"{pretty(population.low)} to {pretty(population.high)} for all texts"
    unsure = "" if largest.converged else ", not converged"
    return f"largest eigenvalue {pretty(largest.value)} on these texts{unsure}; {beyond}"


def matrix_words(found: NetworkSpectrum) -> str:
    """Say which matrix it is."""
    one = found.spectrum
    draws = f", {count(one.draws, 'draws')} a prediction" if one.draws else ""
    return (
        f"{one.kind} Fisher{draws} over {count(one.parameters, 'parameters')} of {found.architecture}, mean per "
        f"{one.normalise}; {one.dtype} on {one.device}"
    )


def data_words(found: NetworkSpectrum) -> str:
    """Say what it was measured on."""
    one = found.spectrum
    things = "tokens predicted" if found.task == "next token" else "classes predicted"
    return (
        f"{found.texts:,} of {count(found.available, 'texts')} of {one_line(found.source, 80)}, at most "
        f"{found.options.most_tokens:,} tokens each; {one.predictions:,} {things}, mini-batches of "
        f"{max(one.batch_rows)}"
    )


def number_rows(spectrum: FisherSpectrum) -> list[tuple[str, str, str]]:
    """Return (quantity, value with interval, what the interval is of)."""
    largest, data = spectrum.largest, spectrum.data
    ends = f"{pretty(largest.value)} [{pretty(largest.low)}, {pretty(largest.high)}]"
    rows = [
        ("lambda_max on these texts", ends, f"residual of Lanczos, {count(largest.products, 'products')}"),
        ("lambda_max for all texts", _measured(data.population), "from held-out texts to these; value biased up"),
    ]
    if data.minibatch is not None and data.held_out is not None:
        rows.append(("lambda_max on held-out texts", pretty(data.held_out), "biased down"))
        name = f"lambda_max of {data.minibatch_samples:.3g} texts"
        rows.append((name, pretty(data.minibatch), "mean of mini-batches; biased up"))
    rows += [
        ("trace on these texts", _measured(spectrum.trace.on_data), f"random probes, {spectrum.trace.method}"),
        ("trace for all texts", _measured(spectrum.trace.population), "probes and texts"),
        ("effective rank, trace / lambda_max", _measured(spectrum.effective_rank), "on these texts"),
        ("(lambda_max / 2) ln N", _measured(spectrum.critical_work), "no threshold follows from it"),
    ]
    return rows


def _measured(found: Measured) -> str:
    """Return a number with four digits, for these range over many decades, and its interval."""
    if isinstance(found, Insufficient):
        return reading(found)
    return f"{pretty(found.value)} {found.unit} [{pretty(found.low)}, {pretty(found.high)}]"


def caution_words(spectrum: FisherSpectrum) -> str:
    """Say what the paper's critical work is not."""
    if isinstance(spectrum.critical_work, Insufficient):
        return ""
    return CRITICAL_WORK_WARNING
