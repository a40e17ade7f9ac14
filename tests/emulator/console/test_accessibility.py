"""For everybody: keyboard, screen reader, small screens, dark and light, without motion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

Visit = Callable[..., Page]
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def busy(desk: Any) -> Any:
    """An account with something in every part of the page."""
    endpoint = desk.endpoint()
    desk.endpoint(name="unknown-image", image="registry.example.com/team/unknown:1")
    desk.job(endpoint, image=16, say="drawing")
    desk.job(endpoint, fail="no fox " * 20)
    desk.runpod.fault("http.delay", path="/v2/templates*", times=None)
    desk.runpod.fault("worker.slow_pull")
    return desk


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(busy: Any, visit: Visit, scheme: str, width: int) -> None:
    """Names, roles, contrast, headings, landmarks: by the rules of WCAG 2.2 AA and the best practices."""
    page = visit(color_scheme=scheme, viewport={"width": width, "height": 900})
    expect(page.locator("#cold tbody tr")).to_have_count(1)
    expect(page.locator("#log .line")).not_to_have_count(0)
    for opened in (None, "chart", "dialog"):
        if opened == "chart":
            page.get_by_text("As a table").first.click()
            page.get_by_text("Send a job").click()
        elif opened == "dialog":
            page.locator("#jobs tbody tr button").first.click()
            expect(page.locator("#job-body dl")).to_be_visible()
        found = Axe().run(page)
        items = [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in found.response["violations"]]
        assert items == []


def test_axe_finds_nothing_on_an_empty_page(desk: Any, visit: Visit) -> None:
    """Nor where there is nothing yet."""
    page = visit()
    expect(page.locator("#endpoints-empty")).to_be_visible()
    assert Axe().run(page).response["violations"] == []


def test_every_control_is_reached_by_tab_and_shows_it(busy: Any, visit: Visit) -> None:
    """In the order of the page, each with an outline, from the link that skips to the content to the last, and out."""
    page = visit()
    expect(page.locator("#jobs tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Pause").click()
    page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)")
    wanted = page.evaluate("""() => [...document.querySelectorAll(
        "a[href], button, input, select, textarea, summary, [tabindex='0']")]
        .filter((e) => e.checkVisibility() && !e.disabled && !e.closest("dialog"))
        .map((e, i) => { e.dataset.tab = i; return i; })""")
    reached, plain = [], []
    for _ in range(len(wanted) + 2):
        page.keyboard.press("Tab")
        at = page.evaluate("""() => {
            const e = document.activeElement;
            return [e.dataset.tab, getComputedStyle(e).outlineStyle, e.outerHTML.slice(0, 80)];
        }""")
        if at[0] is not None:
            reached.append(int(at[0]))
            if at[1] == "none":
                plain.append(at[2])
    assert sorted(set(reached)) == wanted
    assert plain == []


def test_a_dialog_is_left_with_escape_and_gives_the_focus_back(busy: Any, visit: Visit) -> None:
    """To the job that it was opened for, though jobs come meanwhile."""
    page = visit()
    button = page.locator("#jobs tbody tr button").first
    button.focus()
    name = button.get_attribute("aria-label")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    endpoints = busy.client.get("/v2/serverless").json()["endpoints"]
    busy.job(next(e for e in endpoints if e["name"] == "pictures"), caption="meanwhile")
    expect(page.locator("#jobs tbody tr")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == name


def test_live_figures_are_not_read_out(busy: Any, visit: Visit) -> None:
    """While jobs run, no live region changes; what a person does is said once."""
    page = visit()
    expect(page.locator("#jobs tbody tr")).to_have_count(2)
    page.locator("#workers tbody tr", has_text="pictures").get_by_role("button").click()
    expect(page.locator("#log")).to_contain_text("drawing")
    page.evaluate("""() => {
        window.spoken = [];
        for (const region of document.querySelectorAll("[role=status], [role=alert], [role=log], [aria-live]"))
            new MutationObserver(() => window.spoken.push(region.textContent))
                .observe(region, { childList: true, characterData: true, subtree: true });
    }""")
    endpoints = busy.client.get("/v2/serverless").json()["endpoints"]
    endpoint = next(e for e in endpoints if e["name"] == "pictures")
    for number in range(5):
        busy.job(endpoint, number=number, say=f"line {number}")
    expect(page.locator("#jobs tbody tr")).to_have_count(7)
    expect(page.locator("#log")).to_contain_text("line 4")
    assert page.evaluate("window.spoken") == []
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#said")).to_have_text("The clock is frozen")
    assert [text for text in page.evaluate("window.spoken") if text] == ["The clock is frozen"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_in_one_direction(busy: Any, visit: Visit, scheme: str) -> None:
    """At 360 pixels nothing lies beyond the edge, in the page and in a job's details; targets can be hit."""
    page = visit(viewport=PHONE, color_scheme=scheme, has_touch=True)
    expect(page.locator("#cold tbody tr")).to_have_count(1)
    beyond = """() => [...document.querySelectorAll("body *")]
        .filter((e) => e.checkVisibility() && !e.closest("svg, pre, .visually-hidden, .skip"))
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 90))"""
    assert page.evaluate(beyond) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    small = page.evaluate("""() => [...document.querySelectorAll("button, select, input")]
        .filter((e) => e.checkVisibility() && e.type !== "checkbox" && e.getBoundingClientRect().height < 24).length""")
    assert small == 0
    page.locator("#jobs tbody tr button").first.click()
    expect(page.locator("#job-body dl")).to_be_visible()
    assert page.evaluate(beyond) == []


def test_dark_and_light_follow_the_system(desk: Any, visit: Visit) -> None:
    """The ground is dark in the one and light in the other."""
    brightness = """() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g)
        .map(Number).reduce((a, b) => a + b) / 3"""
    assert visit(color_scheme="dark").evaluate(brightness) < 60
    assert visit(color_scheme="light").evaluate(brightness) > 200


def test_nothing_moves_for_those_who_ask_for_that(busy: Any, visit: Visit) -> None:
    """No transition, animation or smooth scrolling with reduced motion; there is some without."""
    moving = """() => [...document.querySelectorAll("*")].filter((e) => {
        const style = getComputedStyle(e);
        return style.transitionDuration !== "0s" || style.animationName !== "none" || style.scrollBehavior === "smooth";
    }).length"""
    still = visit(reduced_motion="reduce")
    expect(still.locator("#cold tbody tr")).to_have_count(1)
    assert still.evaluate(moving) == 0
    lively = visit(reduced_motion="no-preference")
    expect(lively.locator("#cold tbody tr")).to_have_count(1)
    assert lively.evaluate(moving) > 0


def test_charts_have_words_and_figures_beside_the_picture(busy: Any, visit: Visit) -> None:
    """A sentence that names each chart, and a table with its values."""
    page = visit()
    expect(page.get_by_role("img", name="2 jobs ended")).to_be_visible()
    page.locator("figure", has_text="Latency").get_by_text("As a table").click()
    table = page.get_by_role("table", name="Latency of ended jobs, every 30 seconds")
    expect(table.get_by_role("row")).not_to_have_count(1)
    assert table.get_by_role("columnheader").all_text_contents() == ["Time (UTC)", "Median", "95th percentile"]
