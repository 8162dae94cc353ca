"""A stream's page: the evidence that is alarmed on, numbers with intervals, what moved, what came, examples."""

import json
import re
from datetime import timedelta

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from dashboard_simulation import LATEST, MODEL, NOW, Simulation, dashboard_app, text_of
from fastapi.testclient import TestClient

from secondlaw.behavior import Transcript
from secondlaw.service.page_stretches import MOST_STRETCHES, Stretches, period_of, stretches_of
from secondlaw.storage import Retention, StreamSettings

pytestmark = pytest.mark.unit


def embedded(html):
    found = re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', html, re.DOTALL)
    return {name: json.loads(values) for name, values in found}


def data_of(spec, layer):
    data = layer.get("data") or spec.get("data") or {}
    return data["values"] if "values" in data else spec.get("datasets", {}).get(data.get("name"), [])


def rows_of(spec):
    return [row for layer in spec["layer"] for row in data_of(spec, layer)]


def rows_in(spec, style):
    return [data_of(spec, layer) for layer in spec["layer"] if layer["mark"].get("style") == style]


def test_the_chart_of_the_evidence_is_the_evidence_that_was_decided_on(simulation, client):
    specs = embedded(client.get("/streams/chat?period=all").text)
    assert {"spec-evidence", "spec-entropy", "spec-misaligned", "spec-shares", "themes"} <= set(specs)
    decided = simulation.store.monitors.decisions("chat", f"drift:{MODEL}")
    (line,) = rows_in(specs["spec-evidence"], "sl-line")
    drawn = {row["x"]: row["y"] for row in line}
    known = [one for one in decided if one.log_evidence is not None]
    assert len(drawn) == len(known)
    import math

    for one in known:
        assert drawn[(one.window + 1) * 3_600_000] == pytest.approx(max(math.exp(one.log_evidence), 1e-3), rel=1e-9)
    limits = [row for row in rows_of(specs["spec-evidence"]) if str(row.get("said", "")).startswith("alarm at")]
    assert limits[0]["y"] == pytest.approx(math.exp(known[-1].log_threshold))


def test_alarm_and_change_point_are_marked_in_every_panel(simulation, client):
    specs = embedded(client.get("/streams/chat").text)
    (alarm,) = simulation.store.alarms.list(stream="chat")
    for name in ("evidence", "entropy", "misaligned", "shares"):
        rows = rows_of(specs[f"spec-{name}"])
        assert any(row.get("said") == "alarm" and row["x"] == (alarm.window + 1) * 3_600_000 for row in rows), name
        began = [row for row in rows if row.get("said") == "change began"]
        assert began[0]["from"] <= began[0]["x"] <= began[0]["to"], name


def test_what_is_drawn_also_stands_in_a_table_and_in_a_picture_without_script(client):
    text = client.get("/streams/chat?period=24h").text
    assert text.count('role="img"') >= 4
    said = text_of(text)
    assert "2026-01-31 13:00 to 14:00 UTC" in said
    assert said.count("nats [") >= 24
    pictures = re.findall(r'<noscript><img src="([^"]+)"', text)
    assert len(pictures) == 4
    answer = client.get(pictures[0].replace("&amp;", "&"))
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")
    assert client.get("/streams/chat/chart?which=other").status_code == 404


def test_what_moved_is_told_with_its_interval(client):
    said = text_of(client.get("/streams/chat").text)
    assert re.search(r"g4 refusal misaligned \d\.\d % \d+\.\d % \+\d+\.\d points \[\+\d+\.\d, \+\d+\.\d\] moved", said)
    assert "Intents: their part of all responses" in said
    assert "The mix of prompts, which moves shares without any drift of the model" in said
    assert "points of all responses" in said


def test_examples_are_there_only_where_texts_are_kept(tmp_path):
    one = Simulation(tmp_path)
    settings = StreamSettings(every=3600, retention=Retention(texts="none"))
    one.store.streams.create("bare", settings)
    one.events("bare", range(LATEST - 3, LATEST + 1))
    one.events("kept", range(LATEST - 3, LATEST + 1))
    with TestClient(dashboard_app(one)) as client:
        bare, kept = client.get("/streams/bare").text, client.get("/streams/kept").text
    one.close()
    assert "No texts of this stream are kept" in bare
    assert "otters" not in bare
    assert "No texts" not in kept
    assert "question" in kept


def test_what_came_late_waits_or_had_no_text_is_told_with_the_switch(simulation, client):
    simulation.events("chat", range(LATEST - 1, LATEST), n=3)
    simulation.store.events.add([Transcript("a prompt", "a response", "w1", "p1", stream="chat", model=MODEL, ts=NOW)])
    said = text_of(client.get("/streams/chat").text)
    assert "late 3 " in said
    assert "waiting for their label 1 " in said
    young = text_of(client.get("/streams/code").text)
    assert "7 events came without text and label" in young
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in young
    assert "TRACELOOP_TRACE_CONTENT" in young
    assert "TRACELOOP_TRACE_CONTENT" not in said


def test_the_promise_and_what_was_spent_of_it_are_told(client):
    said = text_of(client.get("/streams/chat").text)
    assert "At most 0.0001 false alarms a step are expected" in said
    assert "over the 40 windows watched until now, 0.004 false alarms are expected at most" in said


def test_another_classifier_is_told_and_never_pooled(simulation, client):
    simulation.events("search", range(LATEST + 1, LATEST + 3), classifier="embedded 2.0.0")
    simulation.hours(2)
    simulation.evaluate()
    text = client.get("/streams/search?period=24h").text
    said = text_of(text)
    assert "Labelled by embedded 1.1.0 (from" in said
    assert "embedded 2.0.0 (from 2026-01-31 14:00 UTC)" in said
    assert "not enough data" in said  # a new baseline
    rows = rows_of(embedded(text)["spec-entropy"])
    assert any(row.get("said") == "other classifier" for row in rows)


def test_a_stream_without_any_event_says_so(simulation, client):
    simulation.store.streams.create("idle", StreamSettings())
    said = client.get("/streams/idle").text
    assert "Nothing has come yet" in said


def test_streams_of_steps_are_shown_by_step(simulation, client):
    simulation.store.streams.create("run", StreamSettings(every=None, monitors={"drift": {"baseline_steps": 20}}))
    simulation.store.events.add(
        [Transcript("", "", f"s{step}-{i}", f"p{i % 7}", stream="run", model="m", step=step, classifier="c 1",
                    label="g1" if i % 5 else "g4") for step in range(30) for i in range(40)]
    )  # fmt: skip
    simulation.evaluate()
    text = client.get("/streams/run").text
    assert "steps 0 to 29" in text_of(text)
    assert ">200</a>" in text
    assert embedded(text)["spec-entropy"]["layer"][-1]["encoding"]["x"]["axis"]["title"] == "step"


def test_periods_end_with_the_latest_event_and_stretches_keep_their_cuts(simulation):
    stream = simulation.store.streams.get("chat")
    first = int(simulation.store.events.arrivals("chat").windows.min())
    assert len(period_of(stream, "24h", first=first)) == 24
    assert period_of(stream, "all", first=first) == range(first, LATEST + 1)
    long = stretches_of(range(1000, 1995))
    assert len(long) <= MOST_STRETCHES
    assert [len(one) for one in long[1:-1]] == [len(long[1])] * (len(long) - 2)
    later = stretches_of(range(1003, 1998))
    assert len({one for one in long if one in later}) >= len(long) - 2
    assert sorted(window for one in long for window in one) == list(range(1000, 1995))


def test_a_stretch_is_measured_once_until_its_counts_change(simulation, monkeypatch):
    stretches = Stretches(simulation.store, simulation.numbers)
    stream = simulation.store.streams.get("search")
    period = range(LATEST - 9, LATEST + 1)
    asked = []
    real = simulation.numbers.period
    monkeypatch.setattr(simulation.numbers, "period", lambda *given: asked.append(given[1]) or real(*given))

    def measure():
        totals = simulation.store.counts.totals("search", period)
        return stretches.measured(stream, period, model=MODEL, totals=totals)

    assert len(measure()) == 10
    assert len(asked) == 10
    assert measure() == measure()
    assert len(asked) == 10
    simulation.events("search", range(LATEST, LATEST + 1), n=4, model=MODEL, classifier="embedded 1.1.0")
    measure()
    assert asked[10:] == [range(LATEST, LATEST + 1)]


def test_a_gap_without_responses_stays_a_gap(simulation, client):
    simulation.events("holes", [LATEST - 9, LATEST - 8, LATEST - 3, LATEST])
    spec = embedded(client.get("/streams/holes?period=24h").text)["spec-entropy"]
    assert [len(rows) for rows in rows_in(spec, "sl-line")] == [2]
    assert [len(rows) for rows in rows_in(spec, "sl-whisker")] == [1, 1]


def test_silence_after_the_last_event_is_drawn(simulation, client):
    spec = embedded(client.get("/streams/mail").text)["spec-evidence"]
    (missing,) = simulation.store.alarms.list(stream="mail")
    assert missing.kind == "missing"
    end = spec["layer"][-1]["encoding"]["x"]["scale"]["domain"][1]
    assert end >= (missing.window + 1) * 3_600_000
    assert any(row.get("said") == "no data" for row in rows_of(spec))
    assert NOW - simulation.store.streams.get("mail").last_event_at > timedelta(hours=5)
