"""What every page shares: eyebrow, title and foot of foreign names, warnings that do not swamp it, figures, ticks."""

from datetime import UTC, datetime

import pytest

from secondlaw.errors import InvalidInput
from secondlaw.reports.base_charts import named_ticks
from secondlaw.reports.notices import warning_box
from secondlaw.reports.page import bullets, figure, page, sentence

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
EVIL = "<b>\u202ename"


def test_foreign_names_stand_tamed_in_title_eyebrow_and_foot():
    made = page("Kind", ["<h1>A</h1>", ""], about=EVIL, created=NOW, version=EVIL, made=[f"input {EVIL}"])
    assert "<title>Kind: &lt;b&gt;\ufffdname</title>" in made
    assert '<p class="eyebrow">Kind · &lt;b&gt;\ufffdname</p>' in made
    assert "2026-01-02 03:04 UTC · input &lt;b&gt;\ufffdname</footer>" in made
    assert "\u202e" not in made
    assert "<b>" not in made


def test_a_page_without_a_subject_is_named_by_its_kind():
    made = page("Kind", [], created=NOW, version="1")
    assert "<title>Kind</title>" in made
    assert '<p class="eyebrow">Kind</p>' in made
    assert "<footer>secondlaw 1 · 2026-01-02 03:04 UTC</footer>" in made
    with pytest.raises(InvalidInput, match="needs a zone"):
        page("Kind", [], created=NOW.replace(tzinfo=None), version="1")


def test_warnings_are_counted_where_they_are_many():
    assert warning_box([]) == ""
    box = warning_box([f"warning {k}" for k in range(25)])
    assert box.count("<li>") == 21
    assert "<li>and 5 more warnings</li>" in box


def test_a_very_long_item_says_how_much_is_left_out():
    assert bullets(["a" * 1000]).endswith("a … (100 more characters)</li></ul>")


def test_sentences_begin_with_a_capital_and_names_do_not():
    assert [sentence(text) for text in ("population: 3", "lambda_max is 2", "0.3 nats")] == [
        "Population: 3", "lambda_max is 2", "0.3 nats",
    ]  # fmt: skip


def test_a_figure_without_a_caption_has_none_and_a_badge_stands_by_its_title():
    assert figure("a < b", "", ["<svg/>"], kind="wide", badge="<i>!</i>") == (
        '<figure class="wide"><h3>a &lt; b <i>!</i></h3><div class="panels"><svg/></div></figure>'
    )


def test_names_on_ticks_cannot_leave_their_quotes():
    assert named_ticks(["a\\", "b'"], at=(3, 8)) == r"datum.value == 3 ? 'a\\' : datum.value == 8 ? 'b\'' : ''"
