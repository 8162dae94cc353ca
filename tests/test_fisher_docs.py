"""The example of docs/fisher.md prints what the page says."""

import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")

PAGE = Path(__file__).parents[1] / "docs/fisher.md"


@pytest.mark.unit
def test_the_example_prints_what_the_page_says(capsys):
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    exec(compile(code, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"print\(.*#\s(.+)", code)
