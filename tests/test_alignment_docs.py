"""The example of docs/alignment.md prints what the page says."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/alignment.md"


@pytest.mark.unit
def test_the_example_prints_what_the_page_says(capsys):
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    exec(compile(code, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"#\s(.+)", code)
