"""The engine: every answer stored once, and one clear end whatever the endpoint does."""

import asyncio
import errno
import json

import pytest
from moved_loop import run_moved

from secondlaw.errors import BudgetSpent, EndpointError, FileFormatError, InvalidInput
from secondlaw.formats.journal import Journal, journal_rows
from secondlaw.sampling import Budget, load_scenario, manifest_path, sample
from secondlaw.sampling.manifests import record_session

pytestmark = pytest.mark.unit


@pytest.fixture
def out(tmp_path):
    return tmp_path / "run.jsonl"


@pytest.fixture
def go(loopback, connect, out):
    """Return a function that samples a run against the loopback server."""

    def start(run, *, attempts=2, timeout=60.0, url=None, till=(), **options):
        async def all_of_it():
            async with connect(url or loopback.url, attempts=attempts, timeout=timeout) as endpoint:
                return await sample(run, endpoint, out, **options)

        return run_moved(all_of_it(), *till, seconds=40.0)

    return start


def rows_of(out):
    return list(journal_rows(out))


def all_ids(run):
    return {
        run.row_id(arm, prompt, step, k)
        for arm in run.arms
        for step in range(run.steps)
        for prompt in run.scenario.prompts_at(run.prompts, step, run.steps)
        for k in range(run.samples)
    }


def assert_complete(run, out):
    ids = [row["id"] for row in rows_of(out)]
    assert len(ids) == len(set(ids)) == run.total
    assert set(ids) == all_ids(run)


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_every_answer_is_stored_once(go, out, small_run, loopback, concurrency):
    run = small_run()
    state = go(run, concurrency=concurrency)
    assert_complete(run, out)
    assert len(loopback.asked) == state.requests == state.stored == 12
    assert (state.prompt_tokens, state.completion_tokens) == (84, 60)


def test_a_row_says_all_about_its_answer(go, out, small_run, loopback):
    run = small_run()
    go(run, concurrency=1)
    row = rows_of(out)[0]
    assert row.pop("sampled_at").endswith("+00:00")
    row_id = run.row_id(run.arms[0], run.prompts[0], 0, 0)
    assert row == {
        "id": row_id,
        "stream": "run",
        "model": "base",
        "step": 0,
        "prompt_id": "p0",
        "prompt": "Question 0?",
        "response": f"Question 0? / {run.request_seed(row_id)} / 0",
        "intent": "benign",
        "sample": 0,
        "finish_reason": "stop",
        "prompt_tokens": 7,
        "completion_tokens": 5,
        "prompt_set": "set",
        "topic": "topic",
        "served_model": "served",
        "seed": run.request_seed(row_id),
    }
    session = json.loads(manifest_path(out).read_text())["sessions"][0]
    assert (session["endpoint"], session["concurrency"], session["samples_per_request"]) == (loopback.url, 1, 1)


def test_an_endpoint_that_refuses_seeds_gets_none(go, small_run, loopback):
    go(small_run(seeded=False))
    assert all("seed" not in body for body in loopback.asked)


def test_a_complete_run_asks_nothing(go, small_run, loopback):
    go(small_run())
    loopback.asked.clear()
    assert go(small_run()).done == 12
    assert loopback.asked == []


def test_a_run_is_enlarged_by_asking_only_what_is_new(go, out, small_run, loopback):
    go(small_run())
    before = out.read_bytes()
    state = go(small_run(samples=5))
    assert (state.stored_before, state.stored, len(loopback.asked)) == (12, 18, 30)
    assert out.read_bytes().startswith(before)
    assert_complete(small_run(samples=5), out)


def test_another_run_leaves_the_file_as_it_is(go, out, small_run, loopback):
    go(small_run())
    before = out.read_bytes(), manifest_path(out).read_bytes()
    with pytest.raises(InvalidInput, match="seed: 3 there, 9 now"):
        go(small_run(seed=9))
    assert (out.read_bytes(), manifest_path(out).read_bytes()) == before
    assert len(loopback.asked) == 12


def test_a_torn_last_line_is_asked_again(go, out, small_run, loopback):
    run = small_run()
    go(run)
    whole = out.read_bytes()
    out.write_bytes(whole[:-20])
    assert go(run).stored == 1
    assert_complete(run, out)
    assert len(loopback.asked) == 13


def test_a_damaged_line_is_named_and_nothing_is_asked(go, out, small_run, loopback):
    go(small_run())
    out.write_bytes(b'{"id": "a"}\n' + out.read_bytes().replace(b'"id"', b'"is"', 1))
    with pytest.raises(FileFormatError, match="holds a row without 'id'"):
        go(small_run())
    assert len(loopback.asked) == 12


def test_two_writers_of_one_file_are_refused(go, out, small_run, loopback):
    with Journal(out), pytest.raises(InvalidInput, match="is being written by another process"):
        go(small_run())
    assert (loopback.asked, manifest_path(out).exists()) == ([], False)


# What endpoints do


def test_passing_failures_cost_nothing_but_time(go, out, small_run, loopback):
    loopback.then({"status": 429, "headers": {"Retry-After": "0"}}, {"status": 500}, {"body": b"<html>"}, {})
    state = go(small_run(), attempts=4, concurrency=1)
    assert state.failed == 0
    assert_complete(small_run(), out)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"status": 429}, "answered 429"),
        ({"status": 500, "body": b"broken"}, "answered 500: 'broken'"),
        ({"body": b"garbage"}, "no chat completion: 'garbage'"),
        ({"body": {"answer": 42}}, "no chat completion"),
        ({"body": {"choices": []}}, "gave 0 answers where 1 were asked for"),
    ],
    ids=["429", "500", "garbage", "wrong JSON", "no choice"],
)
def test_an_endpoint_that_fails_for_ever_ends_the_run_and_what_it_gave_survives(
    go, out, small_run, loopback, answer, message
):
    loopback.then({}, {})
    loopback.always = answer
    with pytest.raises(EndpointError, match=f"{message}.*2 of 12 responses are stored in .*run the same") as caught:
        go(small_run(), concurrency=1)
    assert caught.value.exit_code == 13
    assert len(rows_of(out)) == 2
    assert len(loopback.asked) == 2 + 10 * 2
    loopback.always = {}
    assert go(small_run()).stored == 10
    assert_complete(small_run(), out)


@pytest.mark.parametrize(("status", "remedy"), [(401, "OPENAI_API_KEY"), (404, "--base-url")])
def test_a_refusal_ends_the_run_at_once(go, out, small_run, loopback, status, remedy):
    loopback.then({}, {}, {})
    loopback.always = {"status": status}
    with pytest.raises(EndpointError, match=f"answered {status}: .*{remedy}.*; 3 of 12 responses are stored") as caught:
        go(small_run(), concurrency=1)
    assert caught.value.exit_code == 13
    assert (len(loopback.asked), len(rows_of(out))) == (4, 3)


def too_long(loopback, question):
    """Let the server refuse one question and answer the others."""
    plain = loopback.next_answer

    def answer(body, key):
        asked = body["messages"][-1]["content"]
        return plain(body, key) | ({"status": 400, "body": b"context length"} if asked == question else {})

    loopback.next_answer = answer


@pytest.mark.parametrize("question", [0, 1])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_question_that_is_refused_is_left_out_and_said_and_not_asked_k_times(
    go, out, small_run, loopback, concurrency, question
):
    too_long(loopback, f"Question {question}?")
    run = small_run(samples=15)
    said = (
        f"2 questions were refused and left out, first prompt p{question} at step 0 of base: .*answered 400: 'context"
    )
    for asked in (60 + 2, 2):
        loopback.asked.clear()
        with pytest.raises(EndpointError, match=f"{said}.*--max-tokens.*; 60 of 90 responses are stored") as caught:
            go(run, concurrency=concurrency)
        assert caught.value.exit_code == 13
        assert asked <= len(loopback.asked) < asked + 2 * concurrency
    assert {row["prompt_id"] for row in rows_of(out)} == {"p0", "p1", "p2"} - {f"p{question}"}


def test_parameters_that_every_question_is_refused_for_end_the_run(go, out, small_run, loopback):
    loopback.always = {"status": 400}
    run = small_run(steps=20)
    with pytest.raises(EndpointError, match=r"answered 400: .*--max-tokens.*; 0 of 120 responses are stored"):
        go(run, concurrency=1)
    assert len(loopback.asked) == 10


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_endpoint_that_is_not_there_ends_the_run_after_the_tries_of_one_question(
    go, out, small_run, nobody, concurrency
):
    seen = []
    with pytest.raises(EndpointError, match=r"is the server running\? \(2 tries\); 0 of 12 responses") as caught:
        go(small_run(), url=nobody, concurrency=concurrency, progress=lambda state: seen.append(state.failed))
    assert caught.value.exit_code == 13
    assert seen == list(range(1, concurrency + 1))
    assert rows_of(out) == []


def test_an_endpoint_that_never_answers_ends_the_run(go, out, small_run, loopback):
    loopback.always = {"never": True}
    with pytest.raises(EndpointError, match=r"did not answer within 0\.1 s.*0 of 12 responses"):
        go(small_run(), timeout=0.1, concurrency=2)
    assert len(loopback.asked) <= 4


def test_one_question_that_cannot_be_answered_leaves_the_others(go, out, small_run, loopback):
    loopback.then({}, {"status": 500}, {"status": 500})
    with pytest.raises(EndpointError, match=r"answered 500: .*; 11 of 12 responses are stored"):
        go(small_run(), concurrency=1)
    assert len(rows_of(out)) == 11


def test_questions_under_way_are_not_waited_for_long_after_a_refusal(go, small_run, loopback, monkeypatch):
    monkeypatch.setattr("secondlaw.sampling.engine.LAST_ANSWERS_WAIT", 0.05)
    loopback.then({"never": True}, {"never": True}, {"status": 401})
    with pytest.raises(EndpointError, match="answered 401"):
        go(small_run(), concurrency=3, timeout=300.0)
    assert loopback.given_late == 0


def test_failures_that_are_not_in_a_row_leave_the_others(go, out, small_run, loopback):
    loopback.then(*[{"status": 500}, {}] * 12)
    with pytest.raises(EndpointError, match="48 of 60 responses"):
        go(small_run(samples=10), attempts=1, concurrency=1)
    assert len(rows_of(out)) == 48


def test_a_run_that_another_process_enlarged_meanwhile_is_refused(go, out, small_run, monkeypatch):
    """The manifest may change between the first look at it and the lock on the rows."""
    go(small_run())

    class LateJournal(Journal):
        def __init__(self, path, *, fsync):
            super().__init__(path, fsync=fsync)
            record_session(small_run(samples=9), path, {})

    monkeypatch.setattr("secondlaw.sampling.engine.Journal", LateJournal)
    with pytest.raises(InvalidInput, match="samples: 9 there, 5 now"):
        go(small_run(samples=5))


# Several answers at once


def test_samples_are_asked_for_together(go, out, small_run, loopback):
    run = small_run(samples=5)
    state = go(run, samples_per_request=2, concurrency=1)
    assert_complete(run, out)
    assert [body.get("n") for body in loopback.asked] == [2, 2, None] * 6
    assert (state.requests, state.stored, state.completion_tokens) == (18, 30, 150)
    first, second, *_, fifth = rows_of(out)[:5]
    assert (first["sample"], second["sample"], first["choice"], second["choice"]) == (0, 1, 0, 1)
    assert first["seed"] == second["seed"] == run.request_seed(first["id"])
    assert first["response"] != second["response"]
    assert (first["choices"], first["request_completion_tokens"]) == (2, 10)
    assert "completion_tokens" not in first
    assert (fifth["completion_tokens"], "choice" in fifth) == (5, False)


def test_a_request_that_was_stored_in_part_is_completed(go, out, small_run, loopback):
    run = small_run(samples=4)
    go(run, samples_per_request=4, concurrency=1)
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:6]))  # the second request lost two of its four rows
    loopback.asked.clear()
    go(run, samples_per_request=4, concurrency=1)
    assert [body["n"] for body in loopback.asked] == [2, 4, 4, 4, 4]
    assert_complete(run, out)


def test_an_endpoint_with_fewer_slots_ends_the_run_clearly(go, small_run, loopback):
    loopback.always = {"status": 400, "body": b"1 <= n <= 2"}
    with pytest.raises(EndpointError, match=r"answered 400: '1 <= n <= 2'; 4 answers .* lower --n"):
        go(small_run(samples=4), samples_per_request=4, concurrency=1)
    assert len(loopback.asked) == 1


def test_an_endpoint_that_overlooks_n_ends_the_run_clearly(go, small_run, loopback):
    loopback.always = {"completion": {"texts": ["only one"]}}
    with pytest.raises(EndpointError, match="gave 1 of 4 answers"):
        go(small_run(samples=4), samples_per_request=4, concurrency=1)
    assert len(loopback.asked) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [({"concurrency": 0}, "concurrency is at least 1, got 0"), ({"samples_per_request": 0}, "at least 1.*got 0")],
)
def test_options_that_cannot_be(go, small_run, options, message):
    with pytest.raises(InvalidInput, match=message):
        go(small_run(), **options)


# A conversation


def test_a_conversation_sends_the_models_own_answers(go, out, small_run, loopback):
    run = small_run(scenario=load_scenario("conversation"), steps=3, samples=1)
    go(run, concurrency=1)
    assert_complete(run, out)
    said = [row["response"] for row in rows_of(out)[:3]]
    third = loopback.asked[2]["messages"]
    assert [m["content"] for m in third if m["role"] == "assistant"] == said[:2]
    assert len({row["conversation"] for row in rows_of(out)}) == 3
    with pytest.raises(InvalidInput, match="exactly 1 where a step needs the answers before it"):
        go(run, samples_per_request=2)


def test_a_conversation_goes_on_where_it_was_cut(go, out, small_run, loopback):
    run = small_run(scenario=load_scenario("conversation"), steps=3, samples=1)
    go(run, concurrency=1)
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:2]))
    loopback.asked.clear()
    go(run, concurrency=1)
    assert_complete(run, out)
    assert len(loopback.asked) == 7
    kept = [json.loads(line)["response"] for line in lines[:2]]
    assert [m["content"] for m in loopback.asked[0]["messages"] if m["role"] == "assistant"] == kept


def test_a_conversation_stops_at_the_turn_that_failed(go, out, small_run, loopback):
    run = small_run(scenario=load_scenario("conversation"), steps=3, samples=1)
    loopback.then({}, {"status": 500}, {"status": 500})
    with pytest.raises(EndpointError, match="7 of 9 responses"):
        go(run, concurrency=1)
    assert [row["step"] for row in rows_of(out) if row["prompt_id"] == "p0"] == [0]


# Budgets


@pytest.mark.parametrize(
    ("budget", "stored", "spent"),
    [
        (Budget(requests=5), 5, "requests: 5 of 5"),
        (Budget(tokens=30), 3, "tokens: 36 of 30"),
        (Budget(cost=20e-6, prompt_price=1.0), 3, "cost: 2.1e-05 of 2e-05"),
    ],
    ids=["requests", "tokens", "cost"],
)
def test_a_spent_budget_ends_the_run_and_more_goes_on(go, out, small_run, loopback, budget, stored, spent):
    with pytest.raises(BudgetSpent, match=rf"the budget is spent \({spent}\); {stored} of 12 responses are") as caught:
        go(small_run(), budget=budget, concurrency=1)
    assert caught.value.exit_code == 14
    assert len(rows_of(out)) == len(loopback.asked) == stored
    go(small_run())
    assert_complete(small_run(), out)
    assert len(loopback.asked) == 12


def test_requests_under_way_exceed_a_budget_by_less_than_the_concurrency(go, out, small_run, loopback):
    with pytest.raises(BudgetSpent):
        go(small_run(), budget=Budget(requests=2), concurrency=4)
    assert 2 <= len(rows_of(out)) == len(loopback.asked) < 2 + 4


def test_time_is_kept_even_if_an_answer_is_under_way(go, out, small_run, loopback):
    loopback.then({})
    loopback.always = {"never": True}
    with pytest.raises(BudgetSpent, match=r"seconds: all 30\); 1 of 12"):
        go(small_run(), budget=Budget(seconds=30.0), concurrency=1, till=[lambda: loopback.wait_for(2)])
    assert len(rows_of(out)) == 1


def test_time_is_looked_at_before_each_request(go, out, small_run):
    ticks = iter(range(100))
    with pytest.raises(BudgetSpent, match=r"seconds: 2[01] of 20"):
        go(small_run(), budget=Budget(seconds=20.0), concurrency=1, timer=lambda: next(ticks))
    assert 0 < len(rows_of(out)) < 12


def test_a_budget_that_reaches_to_the_end_is_not_spent(go, small_run):
    assert go(small_run(), budget=Budget(requests=12), concurrency=1).done == 12


def test_a_token_budget_cannot_be_kept_where_the_endpoint_states_no_tokens(go, out, small_run, loopback):
    loopback.always = {"completion": {"usage": False}}
    with pytest.raises(EndpointError, match=r"does not say how many tokens.*requests or seconds; 1 of 12"):
        go(small_run(), budget=Budget(tokens=1000), concurrency=1)
    assert go(small_run(), budget=Budget(requests=1000)).done == 12


# Interruptions


def test_a_cancelled_run_comes_out_as_cancelled_and_goes_on(out, small_run, loopback, connect, go):
    loopback.hold_from = 4

    async def cancelled():
        async with connect(loopback.url) as endpoint:
            task = asyncio.create_task(sample(small_run(), endpoint, out, concurrency=2))
            await asyncio.to_thread(loopback.wait_for, 6)
            task.cancel()
            await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert len(rows_of(out)) == 4
    loopback.hold_from = None
    assert go(small_run()).stored == 8
    assert_complete(small_run(), out)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_error_of_the_callback_comes_out_alone(go, out, small_run, concurrency):
    class UnexpectedError(Exception):
        pass

    def progress(state):
        if state.stored == 3:
            raise UnexpectedError

    with pytest.raises(UnexpectedError):
        go(small_run(), concurrency=concurrency, progress=progress)
    assert 3 <= len(rows_of(out)) < 3 + concurrency


def test_a_full_disk_comes_out_as_it_is_and_leaves_whole_rows(go, out, small_run, monkeypatch):
    append, stored = Journal.append, []

    def full(self, row):
        if len(stored) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        stored.append(row)
        append(self, row)

    monkeypatch.setattr(Journal, "append", full)
    with pytest.raises(OSError, match="No space left on device"):
        go(small_run(), concurrency=4)
    monkeypatch.undo()
    assert len(rows_of(out)) == 5
    go(small_run())
    assert_complete(small_run(), out)


def test_progress_is_shown_for_each_request(go, small_run):
    seen = []
    ticks = iter(range(1000))
    go(small_run(), concurrency=1, timer=lambda: next(ticks) / 2, progress=lambda s: seen.append((s.done, s.rate)))
    assert [done for done, _ in seen] == list(range(1, 13))
    assert seen[0][1] == 1.0  # one response after the second look at the clock: half a second each
