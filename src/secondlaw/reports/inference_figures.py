"""The figures of an inferred entropy production, each with the caption that says how to read it."""

import numpy as np

from secondlaw.reports.inference_words import largest, parts_of
from secondlaw.reports.page import chart_figure
from secondlaw.reports.words import count
from secondlaw.trajectories.inference_results import Inference
from secondlaw.types import Estimate, Insufficient

__all__ = ["Known", "inference_figures", "known_value"]

Known = float | dict[int, float] | None
MOST_BARS = 20


def inference_figures(found: Inference, exact: Known = None) -> list[str]:
    """Return the figures that an inference supports, as HTML.

    Parameters
    ----------
    found : Inference
    exact : float or dict of int to float, optional
        The known value, or one for each lag.
    """
    return [
        *_contributions(found),
        *_couplings(found),
        *_paths(found, exact),
        *_limits(found, exact),
        *_ladders(found, exact),
    ]


def known_value(found: Inference, exact: Known) -> float | None:
    """Return the known value at the lag that was asked for."""
    return exact.get(found.asked.lag) if isinstance(exact, dict) else exact


def _contributions(found: Inference) -> list[str]:
    from secondlaw.reports.inference_charts import contribution_chart

    out = []
    for name, parts in parts_of(found):
        if isinstance(parts, Insufficient) or len(parts) < 2:
            continue
        shown = largest(parts, MOST_BARS)
        left = f" Drawn are the {len(shown)} largest of {len(parts):,}." if len(shown) < len(parts) else ""
        caption = (
            "How the held-out value divides; all parts add up to it. Lines: intervals from the same resampled blocks. "
            f"A part may be negative; only the sum is a bound.{left}"
        )
        drawn = contribution_chart(shown, unit=found.estimate.unit)
        out.append(chart_figure(f"ep-{name}s", f"By {name}", caption, drawn))
    return out


def _couplings(found: Inference) -> list[str]:
    from secondlaw.reports.inference_charts import asymmetry_chart

    fitted, couplings = found.asymmetry, found.recording.couplings
    if fitted is None or couplings is None or fitted.shape != couplings.shape:
        return []
    true = couplings - couplings.T
    i, j = np.triu_indices(len(true), 1)
    x, y = true[i, j], fitted[i, j]
    slope = float(x @ y / (x @ x)) if (x @ x) > 0.0 else 0.0
    correlation = float(np.corrcoef(x, y)[0, 1]) if x.std() > 0.0 and y.std() > 0.0 else 0.0
    caption = (
        f"Each dot is one of {count(len(x), 'pairs')}; on the dashed line both are equal. Correlation "
        f"{correlation:.3f}, slope through 0 {slope:.2f}; penalties and shrinkage pull it below 1."
    )
    drawn = asymmetry_chart(fitted, true)
    return [chart_figure("ep-couplings", "Asymmetry of couplings, fitted against true", caption, drawn)]


def _paths(found: Inference, exact: Known) -> list[str]:
    from secondlaw.reports.inference_charts import path_chart

    if not found.paths:
        return []
    known = known_value(found, exact)
    timed = found.recording.trajectories.dt is not None
    lines = "orange: the held-out estimate" + ("" if known is None else "; dotted: the known value")
    caption = (
        f"Fitted entropy production summed along {_trajectories(len(found.paths))}; {lines}. The parameters were "
        "fitted on these same trajectories, so that the curves lie above what new data would show: by the gap between "
        "train and held-out value."
    )
    drawn = path_chart(found.paths, rate=found.estimate.value, x_title="time" if timed else "step", exact=known)
    return [chart_figure("ep-path", "Along a trajectory", caption, drawn)]


def _trajectories(number: int) -> str:
    return "1 trajectory" if number == 1 else count(number, "trajectories")


def _ladders(found: Inference, exact: Known) -> list[str]:
    from secondlaw.reports.inference_charts import ladder_chart

    out, unit = [], found.estimate.unit
    if found.orders:
        caption = (
            "Nested sets of observables. In the population a larger set never gives less; on held-out rows it may, "
            "where more parameters cost more than they bring."
        )
        drawn = ladder_chart(found.orders, x_title="observables up to this order", unit=unit, joined=False)
        out.append(chart_figure("ep-orders", "By order of interaction", caption, drawn))
    if found.lags:
        dt = None if found.recording.kind == "flips" else found.recording.trajectories.dt
        caption = (
            "The same data at longer lags, each value divided by its lag. For a Markov process that is fully observed "
            "the value rises as the lag gets shorter; if it falls instead, noise of measurement or hidden variables "
            f"are at work.{'' if exact is None else ' Dashed: the known value.'}"
        )
        drawn = ladder_chart(
            found.lags, x_title="lag, steps" if dt is None else "lag, units of time", unit=unit, step=dt or 1.0,
            exact=exact,
        )  # fmt: skip
        out.append(chart_figure("ep-lags", "Convergence in the lag", caption, drawn))
    return out


def _limits(found: Inference, exact: Known) -> list[str]:
    from secondlaw.reports.inference_charts import convergence_chart

    out, unit, known = [], found.estimate.unit, known_value(found, exact)
    if len(found.by_lag) > 1:
        limit = found.extrapolated if isinstance(found.extrapolated, Estimate) else None
        caption = (
            "The same field judged at dt, 2 dt and so on. "
            + ("" if limit is None else "Orange square: what the first two tend to as dt vanishes, which is no bound. ")
            + "Where the values fall steeply, dt is coarse."
            + ("" if known is None else " Dashed: the known value.")
        )
        truth = None if known is None else [(0.0, known), (found.by_lag[-1][0], known)]
        drawn = convergence_chart(
            found.by_lag, x_title="dt, units of time" if found.recording.trajectories.dt else "dt, steps", unit=unit,
            limit=limit, limit_at=0.0, exact=truth,
        )  # fmt: skip
        out.append(chart_figure("ep-dt", "Convergence in dt", caption, drawn))
    if len(found.by_memory) > 1:
        limit = found.in_memory if isinstance(found.in_memory, Estimate) else None
        caption = (
            "Values of Markov processes of growing memory, as far as words of states occur often enough. "
            + (
                "The data do not support a limit."
                if limit is None
                else "Orange: the limit with its interval; no bound."
            )
            + ("" if known is None else " Dashed: the known value.")
        )
        points = [(float(order), value) for order, value in found.by_memory]
        truth = None if known is None else [(points[0][0], known), (points[-1][0], known)]
        drawn = convergence_chart(points, x_title="memory, steps", unit=unit, limit=limit, exact=truth)
        out.append(chart_figure("ep-memory", "Convergence in memory", caption, drawn))
    return out
