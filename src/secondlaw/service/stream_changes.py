"""What a client sets for a stream: what it leaves out stays; of a new stream it is as the service makes it."""

from collections.abc import Mapping
from typing import Any

from secondlaw.errors import InvalidInput
from secondlaw.service.evaluation_settings import MONITOR, EvaluationSettings, taxonomy_of
from secondlaw.service.settings import window_length
from secondlaw.storage import StreamSettings

__all__ = ["changed_settings"]

LONGEST_WINDOW = 366 * 24 * 3600
"""Seconds: a year. A longer one is a mistake."""


def changed_settings(sent: Mapping[str, Any], before: StreamSettings, *, default: EvaluationSettings) -> StreamSettings:
    """Return the settings of a stream as a client wants them.

    Parameters
    ----------
    sent : mapping
        As it came: ``every`` may be ``"1h"``, or 0 where events state steps. Of ``retention`` what is named changes;
        a monitor that is named is set anew as a whole.
    before : StreamSettings
        As they are, or as the service makes a new stream.
    default : EvaluationSettings
        What streams are monitored by, unless they say.

    Raises
    ------
    InvalidInput
        If a name is unknown or a value is wrong.

    Examples
    --------
    >>> before = StreamSettings(monitors={"drift": {"alpha": 0.001}})
    >>> after = changed_settings({"every": "15m", "retention": {"texts": "all"}}, before, default=EvaluationSettings())
    >>> after.every, after.retention.texts, after.retention.text_days, after.monitors["drift"]
    (900, 'all', 30, {'alpha': 0.001})
    """
    news, known = dict(sent), before.to_dict()
    _all_known(news, known, "a stream")
    for name in ("retention", "monitors", "extra"):
        if name in news and not isinstance(news[name], Mapping):
            raise InvalidInput(f"{name} is an object of names and values, got {str(news[name])[:80]!r}")
    if "every" in news:
        every = window_length(news["every"])
        news["every"] = int(every) if isinstance(every, float) and every.is_integer() else every
    if "retention" in news:
        _all_known(news["retention"], known["retention"], "retention")
        news["retention"] = known["retention"] | news["retention"]
    if "monitors" in news:
        unknown = sorted(set(news["monitors"]) - {MONITOR})
        if unknown:
            raise InvalidInput(f"there is one monitor, {MONITOR!r}, got {str(unknown[0])[:80]!r}")
        if not all(isinstance(one, Mapping) for one in news["monitors"].values()):
            raise InvalidInput(f"a monitor is an object of names and values, got {str(news['monitors'])[:80]!r}")
    _check_kinds(known | news)
    wanted = StreamSettings.from_dict(known | news)
    EvaluationSettings.of(wanted, default)
    taxonomy_of(wanted)
    return wanted


def _all_known(sent: Mapping[str, Any], known: Mapping[str, Any], what: str) -> None:
    unknown = sorted(set(sent) - set(known))
    if unknown:
        raise InvalidInput(f"{what} has no setting {unknown[0][:80]!r}; there are: {', '.join(known)}")


def _check_kinds(values: Mapping[str, Any]) -> None:
    """Refuse values of another kind; what an earlier version took and stored is read all the same."""
    every, keys = values["every"], values["keys"]
    if not isinstance(keys, list | tuple) or not all(isinstance(key, str) for key in keys):
        raise InvalidInput(f"keys are the names of categories, got {str(keys)[:80]!r}")
    if every is not None and not (_is_whole(every) and every <= LONGEST_WINDOW):
        raise InvalidInput(f"a window lasts a whole number of seconds, {LONGEST_WINDOW} at most, got {every!r}")
    for name, value in values["retention"].items():
        if name != "texts" and not _is_whole(value) and not (name == "cluster_days" and value is None):
            raise InvalidInput(f"{name} is a whole number, got {value!r}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
