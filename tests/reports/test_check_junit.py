import xml.etree.ElementTree as ET

import pytest

from secondlaw.drift.check_results import Checked, CheckResult, CheckSide
from secondlaw.reports.check_junit import check_junit, failed_junit
from secondlaw.types import SHARE, Estimate

pytestmark = pytest.mark.unit

CHANGE = Estimate(0.1, 0.05, 0.15, 0.95, 40, SHARE, "bootstrap", "prompts")
HOSTILE = "a\"'<b>&\x00\x1b ]]> \ud800"


def _checked(name, verdict):
    return Checked(name, verdict, HOSTILE, CHANGE, 0.01, 0.02)


def test_one_case_a_check_and_only_a_pass_is_green():
    side = CheckSide(HOSTILE, 200, 40, 0, "judge/1")
    checks = tuple(
        _checked(*one) for one in (("entropy", "pass"), ("misaligned", "drift"), ("outside", "inconclusive"))
    )
    found = CheckResult("drift", "moved", side, side, checks=checks, settings={"on": [], "alpha": 0.05})
    root = ET.fromstring(check_junit(found).encode())
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["3", "1", "1", "0"]
    cases = root.findall("testcase")
    assert [[child.tag for child in case][1] for case in cases] == ["system-out", "failure", "error"]
    numbers = {one.get("name"): one.get("value") for one in cases[1].iter("property")}
    assert (numbers["change"], numbers["adjusted_p"], numbers["prompts"]) == ("0.1", "0.02", "40")
    shared = {one.get("name"): one.get("value") for one in root.find("properties")}
    assert (shared["alpha"], shared["exit_code"], shared["base_prompts"]) == ("0.05", "10", "40")


def test_missing_data_and_a_failed_source_make_every_check_an_error():
    found = CheckResult("no-data", HOSTILE, settings={"on": ["entropy", "misaligned"]})
    for document in (check_junit(found), failed_junit(["entropy", "misaligned"], HOSTILE, exit_code=13)):
        root = ET.fromstring(document.encode())
        assert (root.get("tests"), root.get("errors"), root.get("failures")) == ("2", "2", "0")
        assert {one.get("type") for one in root.iter("error")} == {"no-data"}
