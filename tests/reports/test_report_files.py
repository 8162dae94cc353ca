import subprocess
import sys

import pytest
from handmade_measurements import CREATED, make_measurement

import secondlaw.reports
from secondlaw.errors import SourceError
from secondlaw.reports import write_report

pytestmark = pytest.mark.unit
SMALL = make_measurement(cells=(), rates=(), comparisons=(), replay=None, variance=(), examples=())


def test_a_report_is_written_whole_and_replaces_an_older_one(tmp_path):
    target = tmp_path / "new" / "report.html"
    for version in ("1", "2"):
        assert write_report(SMALL, target, created=CREATED, version=version) == target
    assert "secondlaw 2" in target.read_text(encoding="utf-8")
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


def test_a_folder_in_the_way_is_said_and_leaves_nothing_behind(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(SourceError, match="cannot be written"):
        write_report(SMALL, tmp_path / "report.html", created=CREATED, version="1")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_exported_names():
    assert secondlaw.reports.__all__ == ["GateVerdict", "junit_xml", "render_html", "render_text", "write_report"]
    assert all(hasattr(secondlaw.reports, name) for name in secondlaw.reports.__all__)


def test_importing_reports_loads_no_drawing_library():
    code = "import sys, secondlaw.reports; print({'altair', 'vl_convert', 'rich', 'scipy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
