"""Results for people: a self-contained HTML page, a terminal rendering, and a gate's verdict for CI."""

from secondlaw.reports.html import render_html
from secondlaw.reports.junit import GateVerdict, junit_xml
from secondlaw.reports.text import render_text
from secondlaw.reports.writing import write_report

__all__ = ["GateVerdict", "junit_xml", "render_html", "render_text", "write_report"]
