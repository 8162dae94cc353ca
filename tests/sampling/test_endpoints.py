"""The HTTP client against a real server on the loopback interface."""

import asyncio
import logging
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from moved_loop import run_moved

from secondlaw.errors import EndpointError, InvalidInput
from secondlaw.sampling import OpenAIEndpoint, PassingFailure, RetryPolicy

pytestmark = pytest.mark.unit

QUESTION = [{"role": "user", "content": "Why?"}]


async def asking(endpoint, **parameters):
    async with endpoint:
        return await endpoint.complete(QUESTION, model="model", parameters=parameters)


def ask(endpoint, **parameters):
    return asyncio.run(asking(endpoint, **parameters))


def test_an_answer_and_what_was_sent(loopback, connect):
    reply = ask(connect(loopback.url, api_key=" secret\n"), temperature=0.5, seed=4)
    assert (reply.texts, reply.prompt_tokens, reply.completion_tokens, reply.served_model) == (
        ("Why? / 4 / 0",),
        7,
        5,
        "served",
    )
    assert loopback.asked == [{"model": "model", "messages": QUESTION, "temperature": 0.5, "seed": 4}]
    assert loopback.keys == ["Bearer secret"]


@pytest.mark.parametrize(
    "failures",
    [
        [{"status": 500}],
        [{"status": 429, "headers": {"Retry-After": "0"}}, {"status": 503, "body": b"starting"}],
        [{"status": 429, "headers": {"Retry-After": format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)}}],
        [{"body": b"\x00garbage"}, {"body": {"choices": []}}],
    ],
    ids=["500", "429 seconds, 503", "429 date", "garbage, none"],
)
def test_a_passing_failure_is_tried_again(loopback, connect, failures):
    loopback.then(*failures)
    endpoint = connect(loopback.url)
    assert ask(endpoint).texts == ("Why? / None / 0",)
    assert len(loopback.asked) == len(failures) + 1
    assert endpoint.retried == len(failures)


def test_retry_after_is_waited_for(loopback, connect, monkeypatch):
    waited, sleep = [], asyncio.sleep

    async def at_once(seconds, *result):
        waited.append(seconds)
        return await sleep(0, *result)

    monkeypatch.setattr(asyncio, "sleep", at_once)
    loopback.then({"status": 429, "headers": {"Retry-After": "7"}})
    ask(connect(loopback.url))
    assert 7.0 <= max(waited) < 8.0


def test_a_long_retry_after_ends_the_tries(loopback, connect):
    loopback.always = {"status": 429, "headers": {"Retry-After": "3600"}, "body": b"later"}
    with pytest.raises(PassingFailure, match=r"answered 429: 'later' \(Retry-After: 3600 s\)$"):
        ask(connect(loopback.url))
    assert len(loopback.asked) == 1


def test_tries_end(loopback, connect):
    loopback.always = {"status": 500, "body": b"broken"}
    endpoint = connect(loopback.url, attempts=4)
    with pytest.raises(PassingFailure, match=r"answered 500: 'broken' \(4 tries\)$"):
        ask(endpoint)
    assert (len(loopback.asked), endpoint.retried) == (4, 3)


@pytest.mark.parametrize("status", [400, 401, 404, 422, 301])
def test_a_final_refusal_is_not_tried_again(loopback, connect, status):
    loopback.always = {"status": status, "body": b"no"}
    with pytest.raises(EndpointError, match=f"{loopback.url}/chat/completions answered {status}: 'no'; ") as caught:
        ask(connect(loopback.url))
    assert caught.value.exit_code == 13
    assert len(loopback.asked) == 1


def test_an_endpoint_that_never_answers(loopback, connect):
    loopback.always = {"never": True}
    tries = (lambda: loopback.wait_for(1)), (lambda: loopback.wait_for(2))
    with pytest.raises(PassingFailure, match=r"did not answer within 60 s; raise --timeout .*\(2 tries\)") as caught:
        run_moved(asking(connect(loopback.url, attempts=2)), *tries, seconds=61.0)
    assert not caught.value.reached
    assert len(loopback.asked) == 2


def test_an_answer_that_drips_is_bounded_as_a_whole(loopback, connect):
    loopback.always = {"drip": True}
    with pytest.raises(PassingFailure, match=r"did not answer within 0.3 s"):
        ask(connect(loopback.url, attempts=1, timeout=0.3))


def test_a_query_of_the_url_is_kept_and_not_shown(loopback, connect):
    endpoint = connect(f"{loopback.url}/?api-version=2&key=hidden")
    ask(endpoint)
    assert loopback.paths == ["/v1/chat/completions?api-version=2&key=hidden"]
    assert endpoint.address == loopback.url


def test_nobody_listens(nobody, connect):
    with pytest.raises(PassingFailure, match=r"is the server running\? \(3 tries\)") as caught:
        ask(connect(nobody))
    assert not caught.value.reached


def test_an_answer_withheld_by_a_filter_counts(loopback, connect):
    loopback.always = {"status": 400, "body": {"error": {"code": "content_filter", "message": "withheld"}}}
    reply = ask(connect(loopback.url))
    assert (reply.texts, reply.finish_reasons) == (("",), ("content_filter",))


def test_a_key_that_the_server_repeats_is_not_quoted(loopback, connect):
    loopback.always = {"status": 401, "body": b"wrong key sk-12345678"}
    with pytest.raises(EndpointError, match=r"wrong key \*\*\*") as caught:
        ask(connect(loopback.url, api_key="sk-12345678"))
    assert "sk-1" not in str(caught.value)


def test_neither_key_nor_password_is_shown():
    endpoint = OpenAIEndpoint("http://me:password@localhost/v1/", api_key="secret")
    assert endpoint.address == "http://localhost/v1"
    assert "secret" not in repr(endpoint)
    assert "password" not in repr(endpoint)


def test_a_proxy_of_the_environment_does_not_stand_before_this_machine(loopback, connect, nobody, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", nobody)
    assert ask(connect(loopback.url)).texts


def test_repeated_tries_write_nothing_to_stderr(loopback, connect, capfd, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    loopback.then({"status": 500})
    ask(connect(loopback.url))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "localhost:8000/v1"}, "starts with http:// or https://, got 'localhost:8000/v1'"),
        ({"base_url": "http://local\nhost"}, "is no URL of an endpoint"),
        ({"base_url": "http://localhost:99999"}, "a port lies between 1 and 65535, got 99999"),
        ({"timeout": 0}, "longer than 0 seconds, got 0"),
        ({"api_key": "schlüssel"}, "no HTTP header can carry"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(options, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        OpenAIEndpoint(**({"base_url": "http://localhost/v1"} | options))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("options", [{"attempts": 0}, {"first_wait": -1.0}, {"longest_wait": float("nan")}])
def test_a_retry_policy_that_cannot_be(options):
    with pytest.raises(InvalidInput, match="at least"):
        RetryPolicy(**options)
