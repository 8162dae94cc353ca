import xml.etree.ElementTree as ET

import pytest

from secondlaw.errors import InvalidInput
from secondlaw.reports import junit_xml

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("verdict", "element", "failures", "errors"),
    [
        ("pass", None, "0", "0"),
        ("fail", "failure", "1", "0"),
        ("inconclusive", "error", "0", "1"),
        ("no-data", "error", "0", "1"),
    ],
)
def test_only_a_pass_is_green(verdict, element, failures, errors):
    root = ET.fromstring(junit_xml("run.jsonl", verdict, "S rose").encode())
    assert (root.get("failures"), root.get("errors"), root.get("tests")) == (failures, errors, "1")
    case = root.find("testcase")
    assert case.get("name") == "run.jsonl"
    if element:
        assert case.find(element).get("type") == verdict
        assert case.find(element).get("message") == "S rose"
    else:
        assert case.find("failure") is None
        assert case.find("error") is None


def test_foreign_text_cannot_break_out():
    hostile = "a\"'<b>&\x00\x1b ]]> \ud800"
    root = ET.fromstring(junit_xml(hostile, "fail", hostile).encode())
    assert root.find("testcase").get("name").startswith("a\"'<b>&")


def test_an_unknown_verdict_is_refused():
    with pytest.raises(InvalidInput, match="'maybe'"):
        junit_xml("x", "maybe", "")
