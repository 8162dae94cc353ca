"""``check`` as JUnit XML: one test case a check, its numbers as properties."""

from collections.abc import Sequence

from secondlaw.drift.check_results import CheckResult
from secondlaw.reports.junit import Case, junit_document
from secondlaw.types import Estimate

__all__ = ["check_junit", "failed_junit"]

SUITE = "secondlaw check"


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
        checks = found.settings.get("on", ("check",))
        return junit_document(SUITE, [(name, "no-data", found.message, {}) for name in checks], shared)
    cases: list[Case] = []
    for one in found.checks:
        numbers: dict[str, object] = {"p_value": one.p_value, "adjusted_p": one.adjusted_p}
        if isinstance(one.change, Estimate):
            numbers |= {"change": one.change.value, "low": one.change.low, "high": one.change.high}
            numbers |= {"level": one.change.level, "unit": one.change.unit, one.change.n_unit: one.change.n}
        cases.append((one.name, one.verdict, one.message, numbers))
    return junit_document(SUITE, cases, shared)


def failed_junit(checks: Sequence[str], message: str, *, exit_code: int) -> str:
    """Return the document of a run that could not be read: every check is an error.

    Examples
    --------
    >>> 'errors="1"' in failed_junit(["entropy"], "no such file", exit_code=13)
    True
    """
    return junit_document(SUITE, [(name, "no-data", message, {}) for name in checks], {"exit_code": exit_code})
