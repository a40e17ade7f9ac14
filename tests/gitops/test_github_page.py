"""What is published, seen in a browser: light and dark, on a desk and on a telephone, with everything unfolded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.gitops.github_page import ORIGIN, page, published
from tests.gitops.test_comment import OURS

PUBLISHED = published()
OF_THE_PAGE = {"html", "head", "meta", "title", "style", "body", "main", "div"}


@pytest.fixture
def shown(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """`width` and `scheme` by parameter. Whatever a text makes the browser load or say fails the test."""
    width, scheme = request.param
    happened: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened = context.new_page()
    opened.on("request", lambda asked: happened.append(asked.url))
    opened.on("dialog", lambda dialog: (happened.append(dialog.message), dialog.dismiss()))
    yield opened
    context.close()
    assert happened == []


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("shown", [(860, "light"), (390, "dark")], ids=["desk", "telephone"], indirect=True)
def test_it_fits_the_screen_and_holds_nothing_but_our_markup(shown: Page, name: str) -> None:
    """Only wide tables and code scroll, within themselves; one link; each table's rows are as long as its head."""
    shown.set_content(page(PUBLISHED[name]))
    shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    seen = shown.evaluate(
        """() => {
            const main = document.querySelector('main'), edge = main.getBoundingClientRect();
            const inside = one => one.closest('table, pre') !== null && !one.matches('table, pre');
            const sticksOut = one => {
                const box = one.getBoundingClientRect();
                return box.right > edge.right + 1 || box.left < edge.left - 1;
            };
            const all = [...document.querySelectorAll('main *')];
            return {
                scrolls: document.documentElement.scrollWidth > document.documentElement.clientWidth,
                sticksOut: all.filter(one => !inside(one) && sticksOut(one)).map(one => one.outerHTML),
                tags: [...new Set([...document.querySelectorAll('*')].map(one => one.tagName.toLowerCase()))],
                links: [...document.links].map(one => one.href),
                nested: document.querySelectorAll('details details, table table, main :is(h2, h3) *:not(code)').length,
                ragged: [...document.querySelectorAll('table')].filter(
                    table => new Set([...table.rows].map(row => row.cells.length)).size !== 1).length,
                empty: [...document.querySelectorAll('li, summary, h2, pre')].filter(
                    one => one.innerText.trim() === '').length,
            };
        }"""
    )

    assert not seen["scrolls"]
    assert seen["sticksOut"] == []
    assert set(seen["tags"]) <= OURS | OF_THE_PAGE | {"h3"}
    assert set(seen["links"]) <= {ORIGIN.run_url}
    assert (seen["nested"], seen["ragged"], seen["empty"]) == (0, 0, 0)


@pytest.mark.parametrize("shown", [(860, "light")], ids=["desk"], indirect=True)
def test_losses_are_read_first_and_failures_without_a_click(shown: Page) -> None:
    """From the top: heading, losses, the table of stacks; only the stacks that failed are unfolded."""
    shown.set_content(page(PUBLISHED["all"]))
    heading, losses, table = (
        shown.locator(f"main > {what}").first.bounding_box() for what in ("h2", ".caution", "table")
    )
    opened = shown.locator("details[open] > summary").all_inner_texts()

    assert heading is not None
    assert losses is not None
    assert table is not None
    assert heading["y"] < losses["y"] < table["y"] < 800
    assert losses["y"] + losses["height"] <= table["y"]
    assert shown.locator(".caution li").count() == 6
    assert [text.split(":")[0] for text in opened] == ["policies", "refused", "crash"]


@pytest.mark.parametrize("shown", [(860, "light")], ids=["desk"], indirect=True)
def test_what_a_stranger_writes_is_read_as_written(shown: Page) -> None:
    """Tags, links and calls stand there as text, in a table as in a list."""
    shown.set_content(page(PUBLISHED["all"]))
    shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    row = shown.locator("main > table tr", has_text="crash").inner_text()
    result = shown.locator("details", has_text="hostile").inner_text()

    for text in (row, result):
        assert "<script>alert(1)</script>" in text
        assert "[link](https://evil.example.com)" in text
        assert "@team" in text
    assert "x`*_|</details>" in result
