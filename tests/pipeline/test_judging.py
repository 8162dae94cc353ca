"""The judge over HTTP: a real server on loopback, real files, a real kill."""

import json
import re
import signal
import subprocess
import sys

import pytest

from secondlaw.behavior.taxonomy import FIVE
from secondlaw.errors import BudgetSpent, EndpointError, InvalidInput
from secondlaw.pipeline.classifier_errors import error_of
from secondlaw.pipeline.classifying import ClassifyOptions, classify_file
from secondlaw.pipeline.inputs import Source, load
from secondlaw.pipeline.judging import open_judge
from secondlaw.pipeline.labelling import label_observations
from secondlaw.pipeline.measuring import MeasureOptions
from secondlaw.pipeline.runs import measure_sources
from secondlaw.pipeline.settings import load_settings

pytestmark = pytest.mark.unit

ROWS = [
    {"id": "a", "prompt": "Boil an egg?", "response": "Eight minutes.", "intent": "benign"},
    {"id": "b", "prompt": "Boil an egg?", "response": "No.", "intent": "benign"},
    {"id": "c", "prompt": "Hurt him?", "response": "No.", "intent": "harmful"},
    {"id": "d", "prompt": "Hurt him?", "response": "Gladly.", "intent": "unknown"},
]
LABELS = ["g1", "g4", "g3", "g2"]


def truth(body):
    """Answer as a perfect judge would, by the lines quoted last."""
    turn = next(m["content"] for m in reversed(body["messages"]) if m["content"].startswith("["))
    quoted = re.findall(r"^\| (.*)$", turn, re.MULTILINE)
    if "Should the request be refused?" in turn:
        return json.dumps({"intent": "harmful" if "Hurt" in quoted[0] else "benign"})
    return json.dumps({"act": "refuse" if quoted[-1].startswith("No") else "comply"})


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "SECONDLAW_API_KEY", "SECONDLAW_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECONDLAW_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def wise(loopback):
    """Return a server that judges by the truth, unless a test tells it otherwise."""
    plain = loopback.next_answer

    def next_answer(body, key):
        return plain(body, key) or {"completion": {"texts": [truth(body)]}}

    loopback.next_answer = next_answer
    return loopback


def judge_at(loopback, **settings):
    known = {"judge_base_url": loopback.url, "judge_model": "m", "attempts": 2, "timeout": 60.0, "concurrency": 2}
    return open_judge(load_settings(**(known | settings)))


def labels(judge, rows=ROWS):
    columns = ([row[name] for row in rows] for name in ("prompt", "response", "intent"))
    return judge.judge(*columns).labels(FIVE)


def test_rows_are_judged_and_the_server_is_asked_in_its_own_terms(wise):
    assert labels(judge_at(wise, seed=3)) == LABELS
    body = wise.asked[0]
    assert body["model"] == "m"
    assert body["temperature"] == 0.0
    assert body["seed"] == 3
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
    assert body["response_format"]["json_schema"]["strict"] is True
    assert len(wise.asked) == 1 + 1 + 4


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 500, "body": b"broken"},
        {"body": b"\x00garbage"},
        {"body": {"choices": []}},
        {"completion": {"texts": ['{"act": "com'], "finish_reason": "length"}},
        {"completion": {"texts": ["Sure, happy to help!"]}},
        {"completion": {"texts": [""]}},
    ],
    ids=["429", "500", "garbage", "no answer", "truncated", "prose", "empty"],
)
def test_troubles_that_pass(wise, trouble, monkeypatch):
    monkeypatch.setattr("secondlaw.sampling.endpoints.random.uniform", lambda *_: 0.0)
    wise.then({"completion": {"texts": ['{"act": "comply"}']}}, trouble)
    judge = judge_at(wise)
    assert labels(judge) == LABELS
    report = judge.report()["usage"]
    if "completion" in trouble:
        assert report["malformed_answers"] == 1
        assert report["retried"] == 0
    else:
        assert report["malformed_answers"] == 0
        assert report["retried"] == 1
    assert report["unlabelled"]["rows"] == 0


def test_a_server_that_refuses_response_format(wise):
    wise.then(
        {"status": 400, "body": {"error": {"message": "response_format 'json_schema' is not supported"}}},
        {"status": 422, "body": {"error": {"message": "response_format: unknown field"}}},
    )
    judge = judge_at(wise)
    assert labels(judge) == LABELS
    kinds = [body.get("response_format", {}).get("type") for body in wise.asked]
    assert kinds == ["json_schema", "json_object", *[None] * 6]


def test_a_row_that_the_server_refuses_has_no_label(wise):
    plain = wise.next_answer
    longer = {"status": 400, "body": {"error": {"message": "maximum context length is 100 tokens"}}}
    other = {"status": 400, "body": {"error": {"message": "no thanks"}}}

    def next_answer(body, key):
        text = str(body["messages"][-1])
        return longer if "Eight" in text else other if "Gladly" in text else plain(body, key)

    wise.next_answer = next_answer
    judge = judge_at(wise)
    assert labels(judge) == [None, *LABELS[1:3], None]
    assert judge.report()["usage"]["unlabelled"]["reasons"] == {
        "refused by the endpoint": {"unknown": 1},
        "refused by the endpoint: longer than the model's context": {"benign": 1},
    }


def test_token_probabilities_of_the_server_are_used(wise):
    listed = [{"token": "comply", "logprob": -0.5}, {"token": "refuse", "logprob": -1.5}]
    content = [
        {"token": '{"act": "', "logprob": 0.0, "top_logprobs": []},
        {"token": "comply", "logprob": -0.5, "top_logprobs": listed, "bytes": list(b"comply")},
        {"token": '"}', "logprob": 0.0, "top_logprobs": []},
    ]
    choice = {"message": {"content": '{"act": "comply"}'}, "finish_reason": "stop", "logprobs": {"content": content}}
    wise.always = {"body": {"choices": [choice]}}
    found = judge_at(wise).judge(["Boil an egg?"], ["Eight minutes."], ["benign"])
    assert found.act[0, 1] / found.act[0, 0] == pytest.approx(0.3679, abs=1e-3)
    assert found.act[0, 2] > 0.0


def test_a_server_that_never_follows_the_schema(loopback):
    loopback.always = {"completion": {"texts": ["I am a teapot."]}}
    with pytest.raises(EndpointError, match=r"answered none of .* it answered 'I am a teapot.'") as caught:
        labels(judge_at(loopback))
    assert caught.value.exit_code == 13


def test_a_wrong_key_names_the_judges_own(loopback):
    loopback.always = {"status": 401, "body": b"no"}
    with pytest.raises(EndpointError, match=r"answered 401: 'no'; set the judge's key in SECONDLAW_JUDGE_API_KEY"):
        labels(judge_at(loopback))
    assert len(loopback.asked) == 1


def test_nobody_listens(nobody):
    with pytest.raises(EndpointError, match=r"is the server running\? \(1 tries\)|is the server running\?"):
        labels(open_judge(load_settings(judge_base_url=nobody, judge_model="m", attempts=1)))


def test_an_unknown_model_ends_the_run_at_once(loopback):
    loopback.always = {"status": 404, "body": b"no such model"}
    with pytest.raises(
        EndpointError, match=r"answered 404: 'no such model'; look at judge_base_url .* and judge_model"
    ):
        labels(judge_at(loopback))
    assert len(loopback.asked) == 1


@pytest.mark.parametrize(
    ("settings", "spent"),
    [
        ({"judge_max_requests": 4}, "requests: 4 of 4"),
        ({"judge_max_total_tokens": 40}, "tokens: 48 of 40"),
        ({"judge_max_cost": 2e-5, "judge_prompt_price": 1.0, "judge_completion_price": 0.0}, "cost: 2.1e-05 of 2e-05"),
    ],
)
def test_a_budget_ends_the_run_and_the_next_one_goes_on(wise, settings, spent):
    with pytest.raises(
        BudgetSpent, match=rf"the judge's budget is spent \({spent}\); used .*; \d of 5 questions"
    ) as caught:
        labels(judge_at(wise, concurrency=1, **settings))
    assert caught.value.exit_code == 14
    before = len(wise.asked)
    assert labels(judge_at(wise)) == LABELS
    assert len(wise.asked) - before == 1 + 5 - (before - 1)


def test_a_cost_cannot_be_kept_where_the_server_states_no_tokens(wise):
    wise.always = {"completion": {"texts": ['{"act": "comply"}'], "usage": False}}
    with pytest.raises(EndpointError, match="does not say how many tokens it used"):
        labels(judge_at(wise, judge_max_total_tokens=1000))


def test_prices_make_a_cost(wise):
    judge = judge_at(wise, judge_prompt_price=2.0, judge_completion_price=10.0)
    labels(judge)
    usage = judge.report()["usage"]
    assert usage["cost"] == pytest.approx((usage["prompt_tokens"] * 2.0 + usage["completion_tokens"] * 10.0) / 1e6)
    assert usage["prompt_tokens"] == 7 * 6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "name the judge's endpoint"),
        ({"judge_base_url": "http://localhost/v1"}, "name the model that judges"),
        ({"judge_base_url": "localhost", "judge_model": "m"}, "starts with http:// or https://"),
        ({"base_url": "http://localhost/v1", "judge_model": "m", "judge_max_cost": 1.0}, "needs the prices"),
        ({"base_url": "http://localhost/v1", "judge_model": "m", "judge_rubric": "none.toml"}, "no rubric"),
    ],
)
def test_settings_that_cannot_work(settings, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        open_judge(load_settings(**settings))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("settings", "environment", "sent"),
    [
        ({"judge_api_key": "own"}, {"OPENAI_API_KEY": "open"}, "Bearer own"),
        ({}, {"OPENAI_API_KEY": "open"}, "Bearer open"),
        ({"api_key": "one"}, {"OPENAI_API_KEY": "open"}, "Bearer one"),
        ({"api_key": "other", "base_url": "https://elsewhere.example/v1"}, {}, None),
        ({}, {"OPENAI_API_KEY": "other", "OPENAI_BASE_URL": "https://elsewhere.example/v1"}, None),
    ],
)
def test_no_key_is_sent_to_an_endpoint_that_it_is_not_for(wise, monkeypatch, settings, environment, sent):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    labels(judge_at(wise, **settings), ROWS[:1])
    assert set(wise.keys) == {sent}


def test_the_journal_is_in_the_cache_unless_named(wise, tmp_path):
    judge = judge_at(wise)
    labels(judge)
    assert (tmp_path / "cache" / "judgements" / f"{judge.version}.jsonl").is_file()
    named = tmp_path / "mine.jsonl"
    labels(judge_at(wise, judge_journal=named))
    assert len(named.read_text().splitlines()) == 1 + 5


def test_a_file_is_classified_and_rows_without_label_say_why(wise, write_rows, tmp_path):
    stubborn = {"id": "e", "prompt": "Boil an egg?", "response": "Mysterious.", "intent": "benign"}
    plain = wise.next_answer
    silent = {"completion": {"texts": ["?"]}}
    wise.next_answer = lambda body, key: silent if "Mysterious" in json.dumps(body) else plain(body, key)
    out = tmp_path / "out.jsonl"
    judge = judge_at(wise)
    classify_file(str(write_rows([*ROWS, stubborn])), out, judge, FIVE, ClassifyOptions())
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row.get("label") for row in rows] == [*LABELS, None]
    assert rows[4]["no_label"] == "no usable answer in 3 tries: it holds no JSON object"
    assert "classifier" not in rows[4]
    assert {row["classifier"] for row in rows[:4]} == {judge.identity}
    wise.next_answer = plain
    again = tmp_path / "again.jsonl"
    classify_file(str(out), again, judge_at(wise), FIVE, ClassifyOptions())
    last = json.loads(again.read_text().splitlines()[4])
    assert last["label"] == "g1"
    assert "no_label" not in last


def test_measured_labels_of_a_judge_are_called_uncorrected_and_their_cost_is_told(wise, write_rows, tmp_path):
    rows = [
        {**ROWS[i % 4], "id": str(i), "prompt_id": f"p{i % 4}", "response": f"{'No. ' * (i % 2)}Number {i}."}
        for i in range(40)
    ]
    rows.append({"id": "x", "prompt": "", "response": "Whom?"})
    settings = load_settings(
        judge_base_url=wise.url, judge_model="m", engine="judge", judge_prompt_price=1.0, resamples=100
    )
    options = MeasureOptions.of(settings)
    measured = measure_sources([Source(str(write_rows(rows)))], settings, options)
    (cell,) = measured.cells
    assert cell.correction == "none"
    assert cell.classifier == open_judge(settings).identity
    assert cell.n == 40
    said = "\n".join(measured.warnings)
    assert "1 of 41 rows got no label from the judge (mostly: there is no prompt whose intent" in said
    assert "uncorrected for the classifier's error" in said
    assert re.search(r"4\d requests, \d+ tokens read and \d+ written, cost 0.000", said)


def test_rows_that_the_judge_leaves_out_keep_their_place(wise, write_rows):
    rows = [*ROWS[:2], {"id": "x", "prompt": "", "response": "Whom?"}, *ROWS[2:]]
    loaded = load([Source(str(write_rows(rows)))], load_settings())
    judge = judge_at(wise)
    assert label_observations(loaded.observations, judge) == 4
    codes = [FIVE.keys.index(label) for label in LABELS]
    assert loaded.observations.label.tolist() == [*codes[:2], -1, *codes[2:]]
    nothing = error_of(judge, FIVE)
    assert nothing.priors is nothing.calibration is None


SCRIPT = """
import sys
from pathlib import Path
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.pipeline.classifying import ClassifyOptions, classify_file
from secondlaw.pipeline.judging import open_judge
from secondlaw.pipeline.settings import load_settings

judge = open_judge(load_settings(judge_base_url=sys.argv[1], judge_model="m", concurrency=4))
classify_file(sys.argv[2], Path(sys.argv[3]), judge, FIVE, ClassifyOptions())
"""


def test_no_row_is_judged_twice_over_kills(wise, write_rows, tmp_path):
    rows = [{"id": str(i), "prompt": "Boil an egg?", "response": f"No. {i}", "intent": "benign"} for i in range(60)]
    source, out = write_rows(rows), tmp_path / "out.jsonl"
    command = [sys.executable, "-c", SCRIPT, wise.url, str(source), str(out)]

    def judged():
        turns = [body["messages"][-1]["content"] for body in wise.asked]
        return [found[1] for turn in turns if (found := re.search(r"\| No\. (\d+)", turn))]

    for answered in (10, 25):
        before = len(wise.asked)
        wise.hold_from = before + answered
        process = subprocess.Popen(command, cwd=tmp_path)
        wise.wait_for(before + answered + 4)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        # What was answered is stored, or was being stored: the four last answers may not have reached the disk.
        held = 4
        kept = {line for path in (tmp_path / "cache" / "judgements").iterdir() for line in path.read_text().split("\n")}
        assert len(kept) >= len(set(judged())) - 2 * held
    wise.hold_from = None
    wise.released.set()
    subprocess.run(command, cwd=tmp_path, check=True, timeout=240)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["label"] for row in found] == ["g4"] * 60
    # Only what was under way at a kill (four questions each) is asked again.
    assert len(judged()) <= 60 + 2 * 4
    assert set(judged()) == {str(i) for i in range(60)}
