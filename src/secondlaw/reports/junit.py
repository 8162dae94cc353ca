"""Verdicts as JUnit XML, which every CI system shows."""

from collections.abc import Mapping, Sequence
from typing import Literal

from secondlaw.errors import InvalidInput
from secondlaw.reports.words import tame

__all__ = ["Case", "GateVerdict", "junit_document", "junit_xml"]

GateVerdict = Literal["pass", "fail", "inconclusive", "no-data"]
GATED = ("pass", "fail", "inconclusive", "no-data")
ELEMENT = {"fail": "failure", "drift": "failure", "inconclusive": "error", "no-data": "error"}
"""Only *pass* is green: what could not decide must not look like what passed."""
Case = tuple[str, str, str, Mapping[str, object]]
"""Name, verdict, message, properties."""


def junit_xml(name: str, verdict: GateVerdict, message: str, *, suite: str = "secondlaw") -> str:
    """Return one gate's verdict as a JUnit XML document.

    Parameters
    ----------
    name : str
        What was gated, for example the input and the model.
    verdict : {"pass", "fail", "inconclusive", "no-data"}
        *fail* becomes a ``failure``; *inconclusive* and *no-data* become an ``error`` of that type.
    message : str
        Estimate, interval and threshold in words.
    suite : str

    Raises
    ------
    InvalidInput
        If `verdict` is none of the four.

    Examples
    --------
    >>> print(junit_xml("run.jsonl", "fail", "dS/dt 0.02 > 0.01").splitlines()[3].strip())
    <failure type="fail" message="dS/dt 0.02 &gt; 0.01">dS/dt 0.02 &gt; 0.01</failure>
    """
    if verdict not in GATED:
        raise InvalidInput(f"a verdict is one of {', '.join(GATED)}, got {verdict!r}")
    return junit_document(tame(suite), [(name, verdict, message, {})])


def junit_document(suite: str, cases: Sequence[Case], shared: Mapping[str, object] | None = None) -> str:
    """Return cases as a JUnit XML document.

    Parameters
    ----------
    suite : str
    cases : sequence of (name, verdict, message, properties)
        *fail* and *drift* become a ``failure``; *inconclusive* and *no-data* an ``error`` of that type.
    shared : mapping, optional
        Properties of them all.
    """
    from xml.sax.saxutils import quoteattr  # here, for it brings an HTTP client along

    elements = [ELEMENT.get(verdict) for _, verdict, _, _ in cases]
    body = "\n".join(_case(suite, case) for case in cases)
    counts = f'failures="{elements.count("failure")}" errors="{elements.count("error")}" skipped="0"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name={quoteattr(suite)} tests="{len(cases)}" {counts}>\n'
        f"{_properties(shared or {}, '  ')}{body}\n</testsuite>\n"
    )


def _case(suite: str, case: Case) -> str:
    from xml.sax.saxutils import escape, quoteattr

    name, verdict, message, numbers = case
    said, element = tame(message), ELEMENT.get(verdict)
    if element is None:
        inner = f"    <system-out>{escape(said)}</system-out>"
    else:
        inner = f'    <{element} type="{verdict}" message={quoteattr(said)}>{escape(said)}</{element}>'
    opened = f"  <testcase classname={quoteattr(suite)} name={quoteattr(tame(name))}>"
    return f"{opened}\n{_properties(numbers, '    ')}{inner}\n  </testcase>"


def _properties(values: Mapping[str, object], indent: str) -> str:
    from xml.sax.saxutils import quoteattr

    shown = [(name, value) for name, value in values.items() if value is not None]
    if not shown:
        return ""
    lines = [f"{indent}  <property name={quoteattr(n)} value={quoteattr(tame(_word(v)))}/>" for n, v in shown]
    return "\n".join([f"{indent}<properties>", *lines, f"{indent}</properties>\n"])


def _word(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
