"""``check`` as JUnit XML: one test case a check, its numbers as properties."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from secondlaw.drift.check_results import CheckResult
from secondlaw.reports.words import tame
from secondlaw.types import Estimate

__all__ = ["check_junit", "failed_junit"]

SUITE = "secondlaw check"
ELEMENT = {"drift": "failure", "inconclusive": "error", "no-data": "error"}
"""Only *pass* is green: a check that could not decide must not look like one that passed."""

Case = tuple[str, str, str, Mapping[str, object]]
"""Name, verdict, message, properties."""


def check_junit(found: CheckResult) -> str:
    """Return a result as a JUnit XML document.

    Drift is a ``failure``; *inconclusive* and *no-data* are an ``error`` of that type. No text of a prompt or response
    is in it.

    Examples
    --------
    >>> print(check_junit(CheckResult("no-data", "n = 0", settings={"on": ["entropy"]})).splitlines()[1])
    <testsuite name="secondlaw check" tests="1" failures="0" errors="1" skipped="0">
    """
    shared = {name: value for name, value in found.settings.items() if name != "on"} | {
        "exit_code": found.exit_code,
        "verdict": found.verdict,
    }
    for side, run in (("base", found.base), ("candidate", found.candidate)):
        if run is not None:
            shared |= {side: run.name, f"{side}_responses": run.responses, f"{side}_prompts": run.prompts}
    if found.tested is not None:
        shared |= {"kind": found.tested.kind, "matched": found.tested.matched, "dealt": found.tested.dealt}
    if found.verdict == "no-data":
        return _document(
            [(name, "no-data", found.message, {}) for name in found.settings.get("on", ("check",))], shared
        )
    cases: list[Case] = []
    for one in found.checks:
        numbers: dict[str, object] = {"p_value": one.p_value, "adjusted_p": one.adjusted_p}
        if isinstance(one.change, Estimate):
            numbers |= {"change": one.change.value, "low": one.change.low, "high": one.change.high}
            numbers |= {"level": one.change.level, "unit": one.change.unit, one.change.n_unit: one.change.n}
        cases.append((one.name, one.verdict, one.message, numbers))
    return _document(cases, shared)


def failed_junit(checks: Sequence[str], message: str, *, exit_code: int) -> str:
    """Return the document of a run that could not be read: every check is an error.

    Examples
    --------
    >>> 'errors="1"' in failed_junit(["entropy"], "no such file", exit_code=13)
    True
    """
    return _document([(name, "no-data", message, {}) for name in checks], {"exit_code": exit_code})


def _document(cases: Sequence[Case], shared: Mapping[str, object]) -> str:
    elements = [ELEMENT.get(verdict) for _, verdict, _, _ in cases]
    body = "\n".join(_case(case) for case in cases)
    counts = f'failures="{elements.count("failure")}" errors="{elements.count("error")}" skipped="0"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name={quoteattr(SUITE)} tests="{len(cases)}" {counts}>\n'
        f"{_properties(shared, '  ')}{body}\n</testsuite>\n"
    )


def _case(case: Case) -> str:
    name, verdict, message, numbers = case
    said, element = tame(message), ELEMENT.get(verdict)
    if element is None:
        inner = f"    <system-out>{escape(said)}</system-out>"
    else:
        inner = f'    <{element} type="{verdict}" message={quoteattr(said)}>{escape(said)}</{element}>'
    opened = f"  <testcase classname={quoteattr(SUITE)} name={quoteattr(tame(name))}>"
    return f"{opened}\n{_properties(numbers, '    ')}{inner}\n  </testcase>"


def _properties(values: Mapping[str, object], indent: str) -> str:
    shown = [(name, value) for name, value in values.items() if value is not None]
    if not shown:
        return ""
    lines = [f"{indent}  <property name={quoteattr(n)} value={quoteattr(tame(_word(v)))}/>" for n, v in shown]
    return "\n".join([f"{indent}<properties>", *lines, f"{indent}</properties>\n"])


def _word(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
