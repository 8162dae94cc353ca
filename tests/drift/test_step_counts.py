"""From rows to steps: nothing lost, nothing counted twice, and the same after a restart."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondlaw.drift.step_counts import NO_CATEGORY, Cell, StepCounts, StepRow
from secondlaw.drift.step_counts_builder import StepBuilder
from secondlaw.drift.step_counts_policy import StepPolicy
from secondlaw.errors import InvalidInput


def row(step=None, category=0, *, time=None, model="m", **more):
    return StepRow("s", model, category, step=step, time=time, **more)


def cut(rows, policy, *, width=2, **more):
    builder = StepBuilder(policy, width=width, **more)
    return [*builder.add_all(rows), *builder.end()], builder


def shown(steps):
    return [(step.model, step.step, step.counts.tolist()) for step in steps]


@pytest.mark.unit
def test_stated_steps_with_gaps_are_emitted_in_order_with_zeros_between():
    steps, _ = cut([row(3), row(3, 1), row(6), row(7)], StepPolicy("step"))
    assert shown(steps) == [("m", 3, [1, 1]), ("m", 4, [0, 0]), ("m", 5, [0, 0]), ("m", 6, [1, 0]), ("m", 7, [1, 0])]
    assert steps[0].label == "step 3"


@pytest.mark.unit
def test_a_step_is_closed_by_a_later_one_and_late_rows_are_counted_apart():
    builder = StepBuilder(StepPolicy("step"), width=2)
    assert builder.add_all([row(0), row(0, 1)]) == []
    assert shown(builder.add(row(1))) == [("m", 0, [1, 1])]
    assert builder.add(row(0)) == []
    (last,) = builder.end()
    assert (last.late, builder.tallies.late, builder.tallies.counted) == (1, 1, 3)


@pytest.mark.unit
def test_lateness_keeps_a_step_open():
    steps, builder = cut([row(0), row(1), row(0), row(2), row(0)], StepPolicy("step", lateness=1))
    assert shown(steps) == [("m", 0, [2, 0]), ("m", 1, [1, 0]), ("m", 2, [1, 0])]
    assert builder.tallies.late == 1


@pytest.mark.unit
def test_windows_share_one_clock_so_that_a_silent_stream_gets_zeros():
    rows = [row(time=t, model=m) for t in (10, 70, 130) for m in ("a", "b") if (t, m) != (130, "b")]
    steps, builder = cut(rows, StepPolicy("time", every=60))
    assert [(s.model, s.step, s.n) for s in steps] == [
        ("a", 0, 1), ("b", 0, 1), ("a", 1, 1), ("b", 1, 1), ("a", 2, 1), ("b", 2, 0),
    ]  # fmt: skip
    assert steps[0].label == "1970-01-01 00:00"
    assert builder.tallies.counted == 5


@pytest.mark.unit
def test_wall_clock_and_end_fill_a_stream_that_stopped():
    builder = StepBuilder(StepPolicy("time", every=60), width=2)
    builder.add(row(time=10))
    assert [s.n for s in builder.advance(185.0)] == [1, 0, 0]
    assert [s.n for s in builder.end(through=300.0)] == [0, 0]


@pytest.mark.unit
def test_a_clock_that_was_told_before_the_first_row_holds_up_no_window():
    builder = StepBuilder(StepPolicy("time", every=60, lateness=60), width=2)
    assert builder.advance(50.0) == []
    assert builder.add_all([row(time=100), row(time=59)]) == []
    assert [(s.step, s.n) for s in builder.add(row(time=130))] == [(-1, 1)]


@pytest.mark.unit
def test_rows_per_step_leave_the_last_unfinished_one_out_and_say_so():
    steps, builder = cut([row(category=i % 2) for i in range(7)], StepPolicy("rows", rows=3))
    assert [s.counts.tolist() for s in steps] == [[2, 1], [1, 2]]
    assert [s.label for s in steps] == ["rows 1-3", "rows 4-6"]
    assert builder.tallies.unfinished == 1


@pytest.mark.unit
def test_strided_steps_are_numbered_one_after_the_other():
    steps, _ = cut([row(50), row(150), row(350)], StepPolicy("step", stride=100, offset=50))
    assert [(s.step, s.label, s.n) for s in steps] == [
        (0, "step 50", 1), (1, "step 150", 1), (2, "step 250", 0), (3, "step 350", 1),
    ]  # fmt: skip


@pytest.mark.unit
def test_duplicates_and_contradictions_are_counted_once_within_the_horizon():
    rows = [row(0, id="a"), row(0, id="a"), row(0, 1, id="a"), row(0, id="b"), row(0, id="a"), row(0), row(0)]
    (step,), _ = cut(rows, StepPolicy("step"))
    assert step.counts.tolist() == [4, 0]
    assert (step.duplicates, step.contradictions) == (2, 1)
    forgetful = StepBuilder(StepPolicy("step", horizon=1), width=2)
    forgetful.add_all(rows)
    assert forgetful.tallies.duplicates == 1  # the third "a" came after "b" was remembered in its place


@pytest.mark.unit
def test_the_same_id_in_another_model_is_another_response():
    steps, builder = cut([row(0, id="a", model="x"), row(0, id="a", model="y")], StepPolicy("step"))
    assert sum(step.n for step in steps) == 2
    assert builder.tallies.duplicates == 0


@pytest.mark.unit
def test_outside_and_unlabelled_are_apart_and_the_strata_add_up():
    rows = [
        row(0, 0, intent="benign", prompt_set="x", cluster="p"), row(0, 1, intent="harmful", cluster="q"),
        row(0, 2, intent="harmful", cluster="q"), row(0, NO_CATEGORY),
    ]  # fmt: skip
    (step,), _ = cut(rows, StepPolicy("step"))
    assert (step.counts.tolist(), step.outside, step.unlabelled) == ([1, 1], 1, 1)
    assert {name: counts.tolist() for name, counts in step.by("intent").items()} == {
        "benign": [1, 0, 0], "harmful": [0, 1, 1],
    }  # fmt: skip
    assert step.part("intent", "harmful").counts.tolist() == [0, 1]
    assert step.part("prompt_set", "x").cells == {Cell("x", "benign", "p"): (1, 0, 0)}


@pytest.mark.unit
def test_a_step_of_unlabelled_rows_alone_was_seen_but_counts_nothing():
    steps, _ = cut([row(0), row(1, NO_CATEGORY), row(2)], StepPolicy("step"))
    assert [(s.n, s.unlabelled) for s in steps] == [(1, 0), (0, 1), (1, 0)]


@pytest.mark.unit
def test_a_long_gap_is_not_emitted_without_end():
    steps, _ = cut([row(0), row(10**12)], StepPolicy("step"))
    assert len(steps) == 10_002
    assert steps[-1].step == 10**12


@pytest.mark.unit
@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: StepPolicy.of(), "the rows state no step"),
        (lambda: StepPolicy("time"), "a window lasts 1 second or more, got 0"),
        (lambda: StepPolicy("rows"), "a step holds 1 row or more, got 0"),
        (lambda: StepPolicy("week"), "cut by step, time or rows, got 'week'"),
        (lambda: StepPolicy("step", stride=0), "a stride is 1 or more, got 0"),
        (lambda: StepPolicy("step", lateness=-1), "lateness is 0 or more, got -1"),
        (lambda: StepBuilder(StepPolicy("step"), width=1), "two categories or more, got 1"),
        (lambda: cut([row()], StepPolicy("step")), "states no step"),
        (lambda: cut([row(1)], StepPolicy("time", every=60)), "has no ts"),
        (lambda: StepBuilder.from_state({}), "the state of the steps is incomplete"),
        (lambda: StepCounts("s", "m", 0, 3, {Cell("", "", ""): (1, 2)}), "counts of 3 categories and of outside"),
    ],
)
def test_what_cannot_be_cut_is_refused_in_a_sentence(act, words):
    with pytest.raises(InvalidInput, match=words):
        act()


rows_drawn = st.lists(
    st.builds(
        StepRow,
        stream=st.just("s"),
        model=st.sampled_from(["a", "b"]),
        category=st.integers(-1, 2),
        step=st.integers(0, 12),
        time=st.floats(0, 900),
        intent=st.sampled_from(["benign", "harmful"]),
        cluster=st.sampled_from(["p", "q"]),
        classifier=st.sampled_from([None, "c/1"]),
        id=st.sampled_from([None, "1", "2", "3", "4"]),
    ),
    max_size=40,
)
policies = st.sampled_from(
    [
        StepPolicy("step"), StepPolicy("step", lateness=2), StepPolicy("time", every=60), StepPolicy("rows", rows=3),
        StepPolicy("time", every=60, lateness=90.0), StepPolicy("step", stride=3, offset=1),
    ]
)  # fmt: skip


@pytest.mark.law
@given(rows_drawn, policies)
def test_every_row_is_somewhere_and_steps_come_in_order(rows, policy):
    steps, builder = cut(rows, policy)
    t = builder.tallies
    assert t.rows == len(rows) == t.counted + t.duplicates + t.contradictions + t.late + t.unlabelled
    assert sum(step.n + step.outside for step in steps) == t.counted - t.unfinished
    for model in ("a", "b"):
        numbers = [step.step for step in steps if step.model == model]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True


@pytest.mark.law
@given(rows_drawn, policies, st.integers(0, 40))
def test_a_restart_anywhere_gives_the_same_steps(rows, policy, place):
    whole, _ = cut(rows, policy)
    builder = StepBuilder(policy, width=2)
    first = builder.add_all(rows[:place])
    builder = StepBuilder.from_state(json.loads(json.dumps(builder.to_state())))
    assert [*first, *builder.add_all(rows[place:]), *builder.end()] == whole


@pytest.mark.law
@given(rows_drawn, st.integers(0, 2**32 - 1))
def test_the_order_within_a_step_changes_no_count(rows, seed):
    rows = [one._replace(id=None) for one in rows]
    order = np.random.default_rng(seed).permutation(len(rows))
    ordered = sorted(rows, key=lambda one: one.step)
    mixed = sorted([rows[i] for i in order], key=lambda one: one.step)
    assert sorted(shown(cut(ordered, StepPolicy("step"))[0])) == sorted(shown(cut(mixed, StepPolicy("step"))[0]))
