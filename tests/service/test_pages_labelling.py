"""Labelling on the page: blind, in the store's order, to be undone, and counted towards the correction at once."""

import re

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from dashboard_simulation import ANSWERS, Simulation, dashboard_app, text_of
from fastapi.testclient import TestClient

from secondlaw.storage import Retention, StreamSettings

pytestmark = pytest.mark.unit
OF = {answer: key for key, answer in ANSWERS.items()}


def shown(html):
    return int(re.search(r'name="text" value="(\d+)"', html).group(1))


def give(client, text, label, **more):
    data = {"text": text, "label": label, "annotator": "Ann", "period": "7d", **more}
    return client.post("/streams/search/label", data=data)


def test_first_it_asks_who_labels(client):
    page = client.get("/streams/search/label").text
    assert "Who labels?" in page
    assert 'name="label"' not in page
    assert client.post("/streams/search/label", data={"text": 1, "label": "g1"}).status_code == 422


def test_the_machine_s_label_is_nowhere_on_the_page(simulation, client):
    page = client.get("/streams/search/label?annotator=Ann").text
    first = simulation.store.texts.get("search", shown(page))
    bare = re.sub(r"<(button|kbd)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    assert first.response in page
    assert first.category not in bare
    assert "embedded 1.1.0" not in page
    assert 'class="badge' not in bare
    keys = re.findall(r'value="([^"]+)" data-key="(.)"', page)
    assert keys == [
        ("g1", "1"),
        ("g2", "2"),
        ("g3", "3"),
        ("g4", "4"),
        ("g5", "5"),
        ("outside", "0"),
        ("cannot say", "?"),
    ]


def test_texts_come_in_the_store_s_random_order_and_labels_are_kept_with_the_time_they_took(simulation, client):
    wanted = [one.id for one in simulation.store.labels.to_label("search", annotator="Ann", limit=3)]
    page = client.get("/streams/search/label?annotator=Ann&period=7d").text
    seen = []
    for label in ("g4", "outside", "cannot say"):
        seen.append(shown(page))
        page = give(client, seen[-1], label, seconds="2.5").text
    assert seen == wanted
    given = simulation.store.labels.list("search")
    assert [one.label for one in given] == ["g4", "outside", None]
    assert {one.seconds for one in given} == {2.5}
    assert {one.annotator for one in given} == {"Ann"}
    assert "3 responses labelled" in text_of(page)


def test_the_last_label_can_be_undone(simulation, client):
    page = client.get("/streams/search/label?annotator=Ann&period=7d").text
    first = shown(page)
    page = give(client, first, "g2").text
    undo = re.search(r'id="undo"[^>]* href="([^"]+)"', page).group(1).replace("&amp;", "&")
    again = client.get(undo).text
    assert shown(again) == first
    assert "You said: g2." in again
    give(client, first, "g3")
    (only,) = simulation.store.labels.list("search")
    assert only.label == "g3"


def test_wrong_answers_are_refused(simulation, client):
    first = shown(client.get("/streams/search/label?annotator=Ann").text)
    assert give(client, first, "g9").status_code == 422
    assert give(client, 10**6, "g1").status_code == 404
    assert client.post("/streams/nope/label", data={"text": 1, "label": "g1", "annotator": "A"}).status_code == 404
    assert give(client, first, "g1", seconds="nonsense").status_code == 200
    assert simulation.store.labels.list("search")[0].seconds is None


def test_from_a_hundred_labels_on_they_correct_the_period_and_more_make_it_narrower(simulation, client):
    def fragment():
        page = client.get("/streams/search/interval?period=7d").text
        row = re.search(r'data-labels="(\d+)" data-correction="([^"]+)" data-low="([\d.]+)" data-value="[\d.]+" '
                        r'data-high="([\d.]+)"', page)  # fmt: skip
        return text_of(page), int(row.group(1)), row.group(2), float(row.group(4)) - float(row.group(3))

    def label(n):
        for one in simulation.store.labels.to_label("search", annotator="Ann", limit=n):
            simulation.store.labels.add("search", one.id, label=OF[one.response], annotator="Ann")

    said, labels, correction, _ = fragment()
    assert (labels, correction) == (0, "none")
    assert "0 of 100 labels. 100 more and they correct" in said
    assert "uncorrected" in said
    label(99)
    said, labels, correction, _ = fragment()
    assert (labels, correction) == (99, "none")
    assert "99 of 100 labels. 1 more and they correct" in said
    label(31)
    said, labels, correction, first = fragment()
    assert (labels, correction) == (130, "ppi++")
    assert "corrected by people" in said
    label(600)
    assert fragment()[3] < first


def test_several_people_label_the_same_responses(simulation, client):
    texts = simulation.store.labels.to_label("search", annotator="Ann", limit=4)
    for who in ("Ann", "Bo"):
        for one in texts:
            simulation.store.labels.add("search", one.id, label="g1", annotator=who)
    said = text_of(client.get("/streams/search/interval").text)
    assert "4 of 100 labels" in said
    assert "Labelled by Ann (4), Bo (4)" in said


def test_with_a_token_its_name_labels_and_no_other(simulation):
    secret = simulation.store.tokens.create("cleo", scopes=("read",))[1]
    with TestClient(dashboard_app(simulation), cookies={"secondlaw_token": secret}) as client:
        page = client.get("/streams/search/label?annotator=Somebody").text
        assert "Somebody" not in page
        give(client, shown(page), "g1")
    assert [one.annotator for one in simulation.store.labels.list("search")] == ["cleo"]


def test_without_texts_it_says_how_to_keep_them(tmp_path):
    one = Simulation(tmp_path)
    one.store.streams.create("bare", StreamSettings(retention=Retention(texts="none")))
    with TestClient(dashboard_app(one)) as client:
        assert "No texts of this stream are kept" in client.get("/streams/bare/label?annotator=A").text
    one.close()


def test_when_all_is_labelled_it_says_so(simulation, client):
    simulation.events("few", range(491_629, 491_630), n=3)
    for one in simulation.store.labels.to_label("few", annotator="Ann", limit=9):
        simulation.store.labels.add("few", one.id, label="g1", annotator="Ann")
    assert "All texts of this period are labelled" in client.get("/streams/few/label?annotator=Ann").text
