"""The dashboard in a real browser: drawn, live, by keyboard, on a phone, in the dark; no errors, no foreign request."""

import re

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from dashboard_simulation import LATEST
from real_browser import DRAWN, overflow, until, wait_for

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy


def test_the_overview_answers_at_one_look_and_follows_what_happens(visit, served):
    page = visit("/")
    assert "1 of 4 streams has been drifting since 07:00 UTC" in page.locator("h1").inner_text()
    assert page.locator(".board tbody tr").first.locator(".chip").inner_text().split() == ["▲", "drifting"]
    until(page, "document.getElementById('live-state').textContent === 'live'")
    simulation = served.simulation
    for stream in ("mail", "search", "chat", "code"):
        simulation.events(stream, range(LATEST + 1, LATEST + 2))
    simulation.hours(1)
    simulation.evaluate()
    until(page, "!document.querySelector('.board tr.nodata')")
    simulation.store.alarms.acknowledge(1, who="somebody")
    until(page, "document.querySelector('.board').textContent.includes('somebody is on it')")
    assert page.locator("h1").count() == 1


def test_the_charts_of_a_stream_are_drawn_and_drawn_anew_when_something_comes(visit, served):
    page = visit("/streams/chat")
    until(page, DRAWN)
    assert page.locator(".vega svg.marks").count() == 4
    assert page.locator("#figure-evidence").get_by_text("alarm at 10,000").count() == 1
    assert page.locator("#figure-entropy svg.marks path").count() > 2
    colors = page.evaluate(
        "[...document.querySelectorAll('#figure-evidence svg path[stroke]')].map(e => e.getAttribute('stroke'))"
    )
    assert "#0072b2" in colors
    page.locator("#table > summary").click()
    until(page, "document.getElementById('live-state').textContent === 'live'")
    simulation = served.simulation
    simulation.events("chat", range(LATEST + 1, LATEST + 2))
    simulation.hours(1)
    simulation.evaluate()
    until(page, "document.body.dataset.updated !== undefined")
    until(page, "document.getElementById('table').textContent.includes('15:00 UTC')")
    until(page, DRAWN)
    assert page.evaluate("document.getElementById('table').open")  # what was open stays open
    told = page.locator("#vg-tooltip-element.visible")

    def pointed(x):  # a chart that is drawn anew meanwhile has to be pointed at again
        page.hover("#figure-entropy svg.marks", position={"x": x, "y": 80})
        return told.count() and re.search(r"nats \[", told.first.inner_text())

    assert any(pointed(500 + k % 2) or page.wait_for_timeout(100) for k in range(200))


def test_in_the_dark_page_and_charts_are_dark(visit):
    page = visit("/streams/search", color_scheme="dark")
    until(page, DRAWN)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 23, 32)"
    assert page.locator(".vega").first.get_attribute("data-drawn") == "dark"
    page.emulate_media(color_scheme="light")
    until(page, "document.querySelector('.vega').dataset.drawn === 'light'")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_nothing_is_wider_than_a_phone(visit, served):
    page = visit("/", width=360, height=740)
    assert overflow(page) <= 0
    for address in (
        "/streams/chat",
        "/streams/code",
        "/streams/chat/label?annotator=Ann",
        "/alarms",
        "/alarms/1",
        "/status",
    ):
        page.goto(served.url + address)
        if address.startswith("/streams/") and "label" not in address:
            until(page, DRAWN)
        if "label" in address:
            page.locator("#fragment").wait_for()
        assert overflow(page) <= 0, address


def test_labels_are_given_and_undone_by_keyboard_and_counted_at_once(visit, served):
    page = visit("/streams/search/label?period=7d")
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    page.locator("#response").wait_for()
    page.wait_for_load_state("load")  # from then on keys are heard
    store = served.simulation.store

    def labels():
        return [one.label for one in store.labels.list("search")]

    def press(key, n):
        page.keyboard.press(key)
        wait_for(page, lambda: len(labels()) == n)
        page.get_by_text(f"{n} response{'s' if n > 1 else ''} labelled").wait_for()
        page.wait_for_load_state("load")

    def measured(n):  # the page is left only then: what it did not wait for is in no picture
        page.locator(f"#progress tr.numbers-of[data-labels='{n}']").first.wait_for(state="attached")

    press("4", 1)
    measured(1)
    press("0", 2)
    measured(2)
    press("?", 3)
    assert labels() == ["g4", "outside", None]
    page.get_by_text("2 of 100 labels.").wait_for()
    page.locator("#shrinking svg rect").first.wait_for()
    page.wait_for_load_state("load")
    page.keyboard.press("u")
    page.get_by_text("You said: cannot say.").wait_for()
    page.wait_for_load_state("load")
    page.keyboard.press("1")
    page.get_by_text("3 of 100 labels.").wait_for()
    assert labels() == ["g4", "outside", "g1"]
    assert all(one.seconds is not None and one.seconds < 600 for one in store.labels.list("search"))


def test_an_alarm_is_acknowledged_by_keyboard_and_the_form_passes_the_check_of_its_origin(visit, served):
    page = visit("/alarms/1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.fill("#say", "on it")
    page.focus("#acknowledge")
    page.keyboard.press("Enter")
    page.get_by_text("local acknowledged it now").wait_for()
    assert served.simulation.store.alarms.get(1).acknowledged_by == "local"


def test_signing_in_and_out_in_a_browser(visit, served):
    secret = served.simulation.store.tokens.create("ann", scopes=("admin",))[1]
    page = visit("/alarms/1")
    assert page.url.endswith("/signin?next=%2Falarms%2F1")
    page.fill("#token", secret)
    page.keyboard.press("Enter")
    page.locator("#acknowledge").wait_for()
    assert page.url == f"{served.url}/alarms/1"
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    page.locator("#token").wait_for()


def test_without_script_there_are_pictures_and_tables(visit):
    page = visit("/streams/search?period=24h", java_script_enabled=False)
    pictures = page.locator(".vega img")
    assert pictures.count() == 4
    pictures.first.scroll_into_view_if_needed()
    assert pictures.first.bounding_box()["height"] > 100


def test_after_the_service_came_back_the_page_takes_over_what_it_missed(visit, served):
    page = visit("/")
    until(page, "document.getElementById('live-state').textContent === 'live'")
    visit.expected += ["net::ERR_FAILED", "status of 503"]
    page.route("**/live*", lambda route: route.abort())
    refused = []

    def refuse(route):
        refused.append(route.request.url)
        route.fulfill(status=503, body="away")

    page.route(served.url + "/", refuse)
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")  # the connection ends
    served.simulation.store.alarms.acknowledge(1, who="somebody")
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    until(page, "document.getElementById('live-state').classList.contains('away')")
    page.unroute("**/live*")
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    until(page, "document.getElementById('live-state').textContent === 'live'")
    wait_for(page, lambda: refused)
    page.unroute(served.url + "/")  # until now the page itself was refused: it has to ask again
    until(page, "document.querySelector('.board').textContent.includes('somebody is on it')")


def test_after_an_answer_that_ends_the_connection_for_good_the_page_listens_again(visit, served):
    visit.expected += ["status of 502"]
    page = visit("/")
    until(page, "document.getElementById('live-state').textContent === 'live'")
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    page.route("**/live*", lambda route: route.fulfill(status=502, body="bad gateway"))
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    until(page, "document.getElementById('live-state').textContent === 'not live, trying again'")
    page.unroute("**/live*")
    until(page, "document.getElementById('live-state').textContent === 'live'")  # without a reload, five seconds later
    served.simulation.store.alarms.acknowledge(1, who="somebody")
    until(page, "document.querySelector('.board').textContent.includes('somebody is on it')")


def test_focus_and_what_was_opened_stay_with_their_stream_when_rows_move(visit, served):
    page = visit("/")
    page.locator("#words > summary").click()
    page.locator(".board tr", has_text="search").locator("a").first.focus()
    until(page, "document.getElementById('live-state').textContent === 'live'")
    served.simulation.store.streams.delete("chat", who="somebody")
    until(page, "document.querySelectorAll('.board tbody tr').length === 3")
    assert page.evaluate("document.activeElement.textContent") == "search"
    assert page.evaluate("document.getElementById('words').open")


def test_charts_that_did_not_change_stay_drawn_and_nothing_jumps(visit, served):
    page = visit("/streams/search", width=390, height=844)
    until(page, DRAWN)
    page.evaluate(
        "window.moved = []; new PerformanceObserver((l) => { for (const one of l.getEntries())"
        " window.moved.push([one.value, ...one.sources.map(s => s.node?.outerHTML?.slice(0, 80) ?? s.node?.data)]); })"
        ".observe({ type: 'layout-shift' })"
    )
    until(page, "document.getElementById('live-state').textContent === 'live'")
    page.evaluate("window.scrollTo(0, 500)")
    served.simulation.events("search", range(LATEST + 1, LATEST + 2), n=1)
    until(page, "document.body.dataset.updated !== undefined")
    until(page, DRAWN)
    assert page.evaluate("window.scrollY") == 500
    assert sum(one[0] for one in page.evaluate("window.moved")) < 0.02, page.evaluate("window.moved")


def test_a_list_of_alarms_follows_what_happens(visit, served):
    page = visit("/alarms")
    until(page, "document.getElementById('live-state').textContent === 'live'")
    served.simulation.store.alarms.acknowledge(1, who="somebody")
    until(page, "document.querySelector('.board').textContent.includes('acknowledged by somebody')")


def test_on_a_phone_an_axis_of_days_names_them(visit):
    page = visit("/streams/search", width=390, height=844)
    until(page, DRAWN)
    said = page.evaluate(
        "[...document.querySelectorAll('#figure-entropy svg text')].filter(e => e.getAttribute('opacity') !== '0')"
        ".map(e => e.textContent)"
    )
    assert sum(" Jan" in one for one in said) >= 3
