"""A gate's verdict as JUnit XML, which every CI system shows."""

from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from secondlaw.errors import InvalidInput
from secondlaw.reports.words import tame

__all__ = ["GateVerdict", "junit_xml"]

GateVerdict = Literal["pass", "fail", "inconclusive", "no-data"]
ELEMENT = {"pass": None, "fail": "failure", "inconclusive": "error", "no-data": "error"}
"""Only *pass* is green: a gate that could not decide must not look like one that passed."""


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
    if verdict not in ELEMENT:
        raise InvalidInput(f"a verdict is one of {', '.join(ELEMENT)}, got {verdict!r}")
    name, message, suite = (tame(text) for text in (name, message, suite))
    element = ELEMENT[verdict]
    if element is None:
        body = f"    <system-out>{escape(message)}</system-out>"
    else:
        body = f'    <{element} type="{verdict}" message={quoteattr(message)}>{escape(message)}</{element}>'
    failures, errors = int(element == "failure"), int(element == "error")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name={quoteattr(suite)} tests="1" failures="{failures}" errors="{errors}" skipped="0">\n'
        f"  <testcase classname={quoteattr(suite)} name={quoteattr(name)}>\n"
        f"{body}\n"
        "  </testcase>\n"
        "</testsuite>\n"
    )
