import xml.etree.ElementTree as ET

import pytest

from secondlaw.reports.charts import draw
from secondlaw.reports.series import LinePanel, Point, Series
from secondlaw.reports.svg import svg_of

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def drawn():
    line = Series('a <b> & "c"', 0, (Point(0, 0.4, 0.3, 0.5), Point(1, 0.5, 0.4, 0.6)))
    panel = LinePanel("<title>", "S, nats", "step", (line,), (0.0, 1.0))
    return svg_of(draw(panel), prefix="one", title="T <&>", description="D\x00\u202e")


def test_the_drawing_is_well_formed_and_has_a_title_and_a_description(drawn):
    root = ET.fromstring(drawn)
    name = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "one-title one-desc"
    assert root.find(f"{name}title").text == "T <&>"
    assert root.find(f"{name}desc").text == "D\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def test_ids_and_what_refers_to_them_carry_the_prefix(drawn):
    root = ET.fromstring(drawn)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) > 2
    assert all(name.startswith("one-") for name in ids)
    used = [value[5:-1] for e in root.iter() for value in e.attrib.values() if value.startswith("url(#")]
    assert used
    assert set(used) <= set(ids)


def test_names_are_text_not_markup(drawn):
    assert "a &lt;b&gt; &amp;" in drawn
    assert "<script" not in drawn
