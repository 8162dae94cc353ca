"""The overview: one look answers, worst first; empty stores help; everything that others wrote is escaped."""

import re
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from dashboard_simulation import LATEST, NOW, Simulation, dashboard_app, text_of
from fastapi.testclient import TestClient

from secondlaw.behavior import Transcript
from secondlaw.service.page_board import Board, model_of
from secondlaw.service.page_words import ago, reason_words, span_words, window_words
from secondlaw.storage import StreamSettings

pytestmark = pytest.mark.unit
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def empty(tmp_path):
    one = Simulation(tmp_path)
    yield one
    one.close()


def page(one, address="/", **more):
    with TestClient(dashboard_app(one)) as client:
        return client.get(address, **more)


def test_the_headline_says_which_streams_drift_and_since_when_and_the_worst_come_first(simulation):
    answer = page(simulation)
    assert answer.status_code == 200
    assert "1 of 4 streams has been drifting since 07:00 UTC" in answer.text
    order = [answer.text.index(f">{name}</a>") for name in ("chat", "mail", "code", "search")]
    assert order == sorted(order)
    said = text_of(answer.text)
    assert "▲ drifting since 07:00 UTC" in said
    assert "○ no data since 08:00 UTC" in said
    assert "… not enough data" in said
    assert "● stable" in said
    assert re.search(r"Learning what is normal: 7 of 40 steps", said)
    assert re.search(r"It began 2026-01-31 \d\d:00 UTC \[2026-01-3\d \d\d:00 UTC to", said)


def test_numbers_come_with_intervals_and_say_that_nothing_corrects_them(simulation):
    app = dashboard_app(simulation)
    with TestClient(app) as client:
        for _ in range(50):  # measured in the background on a busy machine
            text = client.get("/").text
            if "being measured" not in text:
                break
    said = text_of(text)
    assert len(re.findall(r"\d\.\d{3} nats \[\d\.\d{3}, \d\.\d{3}\]", said)) == 4
    assert len(re.findall(r"\d+\.\d % \[\d+\.\d, \d+\.\d\]", said)) == 4
    assert said.count("uncorrected") >= 4
    assert "log 15.0 of 9.2" in said
    assert "7 received, no text: switch content on" in said


def test_a_page_never_waits_for_a_slow_measurement(simulation):
    class Slow:
        asked = 0

        def windows(self, stream, windows):
            Slow.asked += 1
            gate.wait(120)
            return ()

    import threading

    gate = threading.Event()
    board = Board(simulation.store, Slow(), clock=simulation.clock)
    lines = board.lines(lambda name: True)
    assert [line.pending for line in lines].count(True) >= 3
    gate.set()
    board.settle()
    assert not any(line.pending for line in board.lines(lambda name: True))
    assert Slow.asked == 4  # each stream's latest window, once


def test_one_stream_that_cannot_be_measured_leaves_the_others_their_numbers(simulation, caplog):
    class Broken:
        def windows(self, stream, windows):
            if stream.name == "chat":
                raise ZeroDivisionError("a mistake of ours")
            return simulation.numbers.windows(stream, windows)

    board = Board(simulation.store, Broken(), clock=simulation.clock)
    for _ in range(2):
        board.lines(lambda name: True)
        board.settle()
    lines = board.lines(lambda name: True)
    assert not any(line.pending for line in lines)
    assert {line.stream for line in lines if line.numbers is None} == {"chat"}
    assert [one.getMessage() for one in caplog.records].count(
        "the numbers of the stream 'chat' could not be measured"
    ) == 1


def test_an_empty_store_says_how_to_send_the_first_event_and_where_traces_go(empty):
    said = page(empty).text
    assert "Nothing has come yet" in said
    assert "curl http://testserver/v1/events" in said
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://testserver" in said
    assert "CAPTURE_MESSAGE_CONTENT" in said


def test_hostile_names_and_texts_are_shown_as_they_are_and_never_run(empty):
    name = f"a/b {HOSTILE}"
    empty.store.events.add(
        [Transcript(f"p {HOSTILE}", f"r {HOSTILE}", f"e{i}", "p", stream=name, model=f"m/{HOSTILE}", label="g4",
                    classifier=f"c {HOSTILE}", ts=NOW - timedelta(hours=2)) for i in range(30)]
    )  # fmt: skip
    empty.evaluate()
    with TestClient(dashboard_app(empty)) as client:
        overview = client.get("/").text
        assert "<script>alert" not in overview
        (address,) = re.findall(r'href="(/streams/[^"]+)"', overview)[:1]
        assert "%2F" in address.partition("?")[0]
        address = address.replace("&amp;", "&")
        stream = client.get(address)
        assert stream.status_code == 200
        label = client.get(address.partition("?")[0] + "/label", params={"annotator": HOSTILE})
        interval = client.get(address.partition("?")[0] + "/interval")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in stream.text
    for answer in (stream, label, interval):
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        for tag in re.findall(r"<script[^>]*>", answer.text):
            assert 'type="application/json"' in tag or re.search(r' src="/assets/', tag), tag


def test_a_stream_that_is_called_like_a_page_is_still_found(empty):
    empty.store.streams.create("x/label", StreamSettings())
    empty.store.streams.create("x", StreamSettings())
    with TestClient(dashboard_app(empty)) as client:
        assert "<h1>x/label" in client.get("/streams/x%2Flabel").text
        assert "Label a sample</h1>" in client.get("/streams/x/label").text
        assert client.get("/streams/y").status_code == 404


def test_nothing_comes_from_elsewhere_and_nothing_runs_in_the_page(simulation):
    with TestClient(dashboard_app(simulation)) as client:
        for address in ("/", "/streams/chat", "/streams/chat/label?annotator=A", "/alarms", "/alarms/1", "/status",
                        "/signin"):  # fmt: skip
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert "script-src 'self'" in answer.headers["content-security-policy"]
            assert answer.headers["referrer-policy"] == "same-origin"
            outside = re.findall(r'(?:src|href|action)="(?!/)([^"#]+)', answer.text)
            assert not outside, (address, outside)
            assert not re.search(r"\son[a-z]+=", answer.text), address
            assert "<style" not in answer.text
            assert '<html lang="en">' in answer.text
            assert 'class="skip"' in answer.text


def test_assets_are_ours_are_kept_by_browsers_and_change_their_address_with_their_content(simulation):
    with TestClient(dashboard_app(simulation)) as client:
        text = client.get("/").text
        style = re.search(r'href="(/assets/[0-9a-f]{12}/pages\.css)"', text).group(1)
        answer = client.get(style)
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert "immutable" in answer.headers["cache-control"]
        assert "url(" not in answer.text
        assert client.get("/assets/other/pages.css").headers["cache-control"] == "no-cache"
        assert client.get("/assets/other/pages.html").status_code == 404
        for name in ("charts.js", "live.js", "label.js"):
            script = client.get(f"/assets/x/{name}").text
            assert "eval(" not in script
            assert "http:" not in script.replace("http://www.w3.org/2000/svg", "")


def test_addresses_begin_with_the_path_that_a_proxy_puts_before_them(simulation):
    with TestClient(dashboard_app(simulation), root_path="/watch") as client:
        text = client.get("/streams/chat").text
    found = re.findall(r'(?:src|href|action|data-live)="(/[^"]*)"', text)
    assert len(found) > 10
    assert all(one.startswith("/watch/") for one in found), found


def test_a_store_that_is_away_is_a_page_with_a_status(simulation, monkeypatch):
    from secondlaw.errors import StorageUnavailable

    def away(*_, **__):
        raise StorageUnavailable("the database does not answer")

    with TestClient(dashboard_app(simulation)) as client:
        monkeypatch.setattr(simulation.store.streams, "list", away)
        answer = client.get("/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "the database does not answer" in answer.text


def test_series_of_models_with_slashes_find_their_model(simulation):
    simulation.events("paths", range(LATEST - 2, LATEST), model="org/model")
    simulation.events("paths", range(LATEST - 2, LATEST), model="org")
    totals = simulation.store.counts.totals("paths")
    assert model_of("drift:org/model", totals) == "org/model"
    assert model_of("drift:org/model/benign", totals) == "org/model"
    assert model_of("drift:org/benign", totals) == "org"


def test_every_model_of_a_stream_has_its_own_line(simulation):
    simulation.events("chat", range(LATEST - 3, LATEST + 1), model="second-model")
    text = page(simulation).text
    assert text.count(">chat</a>") == 2
    assert "second-model" in text
    assert "1 of 4 streams has been drifting" in text


def test_words_of_times_and_windows():
    now = datetime(2026, 1, 31, 14, 5, tzinfo=UTC)
    assert ago(now - timedelta(days=3), now) == "3 days ago"
    assert ago(now + timedelta(hours=2), now).startswith("in the future")
    assert ago(None, now) == "never"
    assert window_words(LATEST * 24, 150) != ""
    assert span_words(range(20_484, 20_485), 86_400) == "2026-01-31"
    assert span_words(range(20_484, 20_487), 86_400) == "2026-01-31 to 2026-02-02"
    said = "alarm at 2026-01-31 10:00 UTC, probably from 2026-01-31"
    assert reason_words(said, now=now) == "alarm at 10:00 UTC, probably from 2026-01-31"
    assert reason_words(said, has_began=True) == "alarm at 2026-01-31 10:00 UTC"


def test_monitors_are_read_without_their_states(simulation):
    full, bare = simulation.store.monitors.list(), simulation.store.monitors.list(states=False)
    assert [(one.stream, one.name, one.decision, one.settings) for one in full] == [
        (one.stream, one.name, one.decision, one.settings) for one in bare
    ]
    assert any(one.state for one in full)
    assert not any(one.state for one in bare)


def test_the_charts_script_is_made_once_and_sent_compressed(simulation, monkeypatch):
    from secondlaw.service import page_assets

    made = []
    real = page_assets.subprocess.run
    monkeypatch.setattr(page_assets.subprocess, "run", lambda *a, **k: made.append(a) or real(*a, **k))
    page_assets._vega.cache_clear()
    with TestClient(dashboard_app(simulation)) as client:
        first, again = (client.get("/assets/x/vega.js") for _ in range(2))
        plain = client.get("/assets/x/vega.js", headers={"accept-encoding": "identity"})
    assert first.headers["content-encoding"] == "gzip"
    assert "window.vegaEmbed=" in first.text
    assert first.text == again.text == plain.text
    assert "content-encoding" not in plain.headers
    assert len(made) == 1
