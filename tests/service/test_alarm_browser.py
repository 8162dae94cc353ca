"""What an on-call engineer does about an alarm, in a real browser: by keyboard and by touch, on any screen.

After each step the page, the API and the store say the same.
"""

import pytest

pytest.importorskip("fastapi", reason="the server's packages are not installed")

from dashboard_simulation import LATEST, MODEL
from real_browser import PATIENCE, overflow

pytestmark = [pytest.mark.unit, pytest.mark.timeout(900)]  # real processes, minutes where the machine is busy

SCREENS = {
    "desk, light": {"width": 1200, "height": 800, "color_scheme": "light"},
    "phone, dark": {"width": 360, "height": 740, "color_scheme": "dark", "has_touch": True, "is_mobile": True},
}


def focused(page):
    return page.evaluate("document.activeElement.id")


def tab_to(page, wanted):
    """Press Tab until something has the focus; whoever has no mouse must come everywhere."""
    for _ in range(60):
        if focused(page) == wanted:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", wanted
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} cannot be reached by Tab")


def contrast(page, selector):
    """Return the ratio of the luminances of a text and of what lies behind it, after WCAG 2."""
    return page.evaluate(
        """(selector) => {
            const light = (color) => {
                const [r, g, b] = color.match(/[0-9.]+/g).slice(0, 3).map((c) => {
                    const v = c / 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b };
            const element = document.querySelector(selector);
            let behind = element;
            const clear = (e) => /, 0\\)$|transparent/.test(getComputedStyle(e).backgroundColor);
            while (behind.parentElement && clear(behind)) behind = behind.parentElement;
            const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]
                .map(light).sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05) }""",
        selector,
    )


@pytest.mark.parametrize("screen", SCREENS)
def test_an_alarm_is_acknowledged_noted_and_answered_by_a_new_baseline(visit, served, screen):
    store = served.simulation.store
    page = visit("/alarms", **SCREENS[screen])

    def api():
        return page.request.get(f"{served.url}/v1/alarms/1").json()

    def do(field, said, button):
        if screen.startswith("desk"):  # by keyboard alone
            tab_to(page, field)
            page.keyboard.type(said)
            tab_to(page, button)
            page.keyboard.press("Enter")
        else:
            page.locator(f"#{field}").tap()
            page.keyboard.type(said)
            page.locator(f"#{button}").tap()

    link = page.locator("#alarm-1 .state a")
    if screen.startswith("desk"):
        link.focus()
        page.keyboard.press("Enter")
    else:
        link.tap()
    page.locator("#acknowledge").wait_for()
    assert overflow(page) <= 0
    assert min(contrast(page, one) for one in ("h1", ".soft", "#acknowledge", "#say", "label[for=anew]")) >= 4.5

    do("say", "it is me, ärger & <b>co</b>", "acknowledge")
    page.get_by_text("local acknowledged it now").wait_for()
    assert page.locator(".history").get_by_text("it is me, ärger & <b>co</b>").count() == 1
    found = api()
    assert (found["acknowledged_by"], found["status"]) == ("local", "open")
    assert found["history"][-1]["data"] == {"note": "it is me, ärger & <b>co</b>"}
    assert store.alarms.get(1).acknowledged_by == "local"

    page.get_by_text("Add a note").wait_for()
    do("say", "the new model is meant", "acknowledge")
    page.locator(".history").get_by_text("the new model is meant").wait_for()
    assert [one["action"] for one in api()["history"]][-2:] == ["acknowledged", "note"]
    assert store.alarms.history(1)[-1].data["note"] == "the new model is meant"

    do("anew", "", "rebaseline")  # without a reason the browser does not send it
    assert page.evaluate("document.getElementById('anew').validity.valueMissing")
    assert api()["status"] == "open"
    do("anew", "model-b is what we want", "rebaseline")
    page.locator(".badge.good").wait_for()
    assert overflow(page) <= 0
    assert "re-baselined: model-b is what we want" in page.locator(".history").inner_text()
    assert page.locator("#resolve").count() == 0  # it is over
    assert api()["status"] == "resolved"
    assert store.alarms.get(1).resolved_at is not None

    served.simulation.events("chat", range(LATEST + 1, LATEST + 3))
    served.simulation.hours(2)
    served.simulation.evaluate()
    assert store.monitors.get("chat", f"drift:{MODEL}").decision.verdict == "baseline"
    page.goto(served.url + "/", timeout=PATIENCE)
    row = page.locator(".board tbody tr", has_text="chat")
    row.get_by_text("not enough data").first.wait_for()  # a reading of up to a second ago is shown, and then told of
    assert "drifting" not in page.locator("h1").inner_text()


def test_an_alarm_is_resolved_and_may_be_noted_afterwards(visit, served):
    page = visit("/alarms/1")
    tab_to(page, "why")
    page.keyboard.type("rolled back")
    tab_to(page, "resolve")
    page.keyboard.press("Space")
    page.locator(".badge.good").wait_for()
    assert served.simulation.store.alarms.get(1).status == "resolved"
    tab_to(page, "say")
    page.keyboard.type("found the cause a day later")
    tab_to(page, "acknowledge")
    page.keyboard.press("Enter")
    page.locator(".history").get_by_text("found the cause a day later").wait_for()
    history = page.request.get(f"{served.url}/v1/alarms/1").json()["history"]
    assert [one["action"] for one in history if one["action"] == "resolved"] == ["resolved"]
