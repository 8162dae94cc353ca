"""What pages say is not called stable when nobody decides any more; what a newcomer meets can be used as it stands."""

from datetime import timedelta

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from dashboard_simulation import LATEST, MONITOR, NOW, Simulation, dashboard_app
from fastapi.testclient import TestClient

from secondlaw.behavior import Transcript
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.pipeline.settings import Settings
from secondlaw.service.app import create_app
from secondlaw.service.evaluation_settings import EvaluationSettings
from secondlaw.service.page_label import meanings_of
from secondlaw.service.page_overview import headline
from secondlaw.service.running import Parts
from secondlaw.service.settings import ServiceSettings
from secondlaw.service.states import state_of
from secondlaw.storage import StreamSettings

pytestmark = pytest.mark.unit


def standing(one, name, **more):
    store = one.store
    alarms = store.alarms.list(stream=name, status="open")
    return state_of(store.streams.get(name), store.monitors.list(name), alarms, now=one.now, **more)


def get(one, address="/"):
    with TestClient(dashboard_app(one)) as client:
        return client.get(address).text


def test_what_is_not_decided_on_any_more_is_not_called_stable(simulation):
    assert standing(simulation, "search").state == "stable"
    simulation.hours(3)  # within what deciding may take: two windows, grace, patience
    assert standing(simulation, "search").state == "stable"
    simulation.hours(1)
    found = standing(simulation, "search")
    assert (found.state, found.reason[:54]) == (
        "not enough data",
        "nothing has been decided on since 2026-01-31 14:00 UTC",
    )
    assert standing(simulation, "chat").state == "drifting"  # an alarm that was raised stands
    assert "stable</span>" not in get(simulation).partition("What the words mean")[0]
    patient = EvaluationSettings(patience=86_400.0)
    assert standing(simulation, "search", default=patient).state == "stable"


def test_a_monitor_that_is_switched_off_says_so(simulation):
    off = StreamSettings(every=3600, monitors={"drift": MONITOR["drift"] | {"enabled": False}})
    simulation.store.streams.change("search", off, who="somebody")
    found = standing(simulation, "search")
    assert found.state == "not enough data"
    assert "switched off" in found.reason


def test_watching_says_how_far_the_evidence_is(tmp_path):
    one = Simulation(tmp_path)
    first = LATEST - 79
    raised = (0.74, 0.05, 0.07, 0.12, 0.02)
    one.events("near", range(first, LATEST + 1))
    for window in range(LATEST + 1, LATEST + 13):
        one.events("near", range(window, window + 1), raised)
        one.hours(1)
        one.evaluate()
        found = standing(one, "near")
        if found.state != "stable":
            break
    one.close()
    assert found.state == "watching"
    assert "% of the way to an alarm" in found.reason


def test_a_young_stream_says_when_something_is_decided_on(tmp_path):
    one = Simulation(tmp_path)
    one.events("young", range(LATEST + 1, LATEST + 2), n=3)
    assert standing(one, "young").reason == (
        "no window has been decided on yet: the latest ends at 2026-01-31 15:00 UTC"
    )
    one.close()


def test_streams_whose_events_have_no_text_say_so_at_first_sight(tmp_path):
    one = Simulation(tmp_path)
    one.store.events.add(
        [Transcript("", "", f"e{i}", "p", stream="mute", model="m", ts=NOW - timedelta(minutes=1)) for i in range(4)]
    )
    assert "Nothing that came has a text" in get(one)
    page = get(one, "/streams/mute")
    assert "4 of 4 events came without text" in page.partition('id="figure-evidence"')[0]
    one.close()


def test_the_headline_tells_of_silence_beside_a_drift(simulation):
    from secondlaw.service.page_board import Board

    board = Board(simulation.store, simulation.numbers, clock=simulation.clock)
    said = headline(board.lines(lambda name: True))
    board.settle()
    assert said == "1 of 4 streams has been drifting since 07:00 UTC; 1 sends nothing"


def test_the_first_lines_to_copy_are_those_of_a_shell(tmp_path):
    one = Simulation(tmp_path)
    page = get(one)
    block = page.partition("export OTEL_SERVICE_NAME")[2].partition("</code>")[0].splitlines()[1:]
    assert len(block) == 3
    assert all(line.startswith("export OTEL_") and " with " not in line for line in block)
    one.close()


def test_ids_of_rows_follow_the_stream_and_not_its_place(simulation):
    def row(page, name):
        return page.rpartition(f">{name}</a>")[0].rpartition('<tr id="')[2].partition('"')[0]

    before = get(simulation)
    simulation.store.streams.delete("chat", who="somebody")
    after = get(simulation)
    for name in ("search", "mail"):
        assert row(before, name) == row(after, name) != ""


def test_whoever_labels_can_read_what_the_categories_mean(simulation):
    page = get(simulation, "/streams/search/label?annotator=Ann")
    for name, meaning in meanings_of(FIVE):
        assert f"<strong>{name.replace('&', '&amp;')}</strong>" in page
        assert meaning in page


def test_unknown_addresses_are_pages_to_browsers_and_json_to_clients(simulation):
    parts = Parts(simulation.store, ServiceSettings(workers=0), Settings(), clock=simulation.clock)
    app = create_app(simulation.store, ServiceSettings(workers=0), parts, run_parts=False)
    with TestClient(app, base_url="http://127.0.0.1:8321") as client:
        browser = {"Accept": "text/html,application/xhtml+xml"}
        page = client.get("/nonsense", headers=browser)
        assert (page.status_code, "There is no page at this address" in page.text) == (404, True)
        assert client.get("/nonsense").json() == {"detail": "Not Found"}
        assert client.get("/v1/nonsense", headers=browser).json() == {"detail": "Not Found"}


def test_the_window_of_a_stream_may_be_said_as_in_the_settings(simulation):
    parts = Parts(simulation.store, ServiceSettings(workers=0), Settings(), clock=simulation.clock)
    app = create_app(simulation.store, ServiceSettings(workers=0), parts, run_parts=False)
    with TestClient(app, base_url="http://127.0.0.1:8321") as client:
        for said, meant in ((0, None), (None, None), ("15m", 900), (60, 60)):
            answer = client.put(f"/v1/streams/of {said}", json={"every": said})
            assert (answer.status_code, answer.json()["settings"]["every"]) == (200, meant)
        assert "such as 15m" in client.put("/v1/streams/wrong", json={"every": "soon"}).json()["detail"]
