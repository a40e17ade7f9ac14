"""What a stranger writes stays text: checked on the HTML that GitHub's own Markdown library makes of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import example, given
from hypothesis import strategies as st

from pulumi_runpod.gitops.markdown import code, dollars, fence, html_code, one_line, prose

REFERENCES = re.compile(r"@\w|#\d|\bGH-\d|\b[0-9a-f]{7,40}\b|://|\bwww\.|:\w+:|(?<!>)\$")
"""What GitHub makes more of than Markdown does, outside of code. A dollar sign within its own span is text."""
HOSTILE = [
    "@team please approve",
    "fixes #1, GH-2 and team/endpoints#3",
    "<script>alert(1)</script>",
    "</details></td></table><h1>done</h1>",
    "<!-- pulumi-runpod:preview -->",
    "[click](https://evil.example.com) ![picture](https://evil.example.com/x.png)",
    "https://evil.example.com/?a=b&c www.evil.example.com someone@evil.example.com",
    "see 0123456789abcdef0123456789abcdef01234567 and 0123456",
    "`code` ``more`` ``` ~~~ ~~gone~~ *a* **b** _c_ __d__",
    "a | b || c \\| d \\",
    "$x$ costs $1.50, $$y$$ :tada: &lt; &#64;team",
    "> quote\n- list\n# title\n1. one\n\n    code",
    "| a | b |\n|---|---|\n| c | d |",
    "[^1]: note\n[x]: https://evil.example.com",
    "\u202egnp.exe\u202c \x1b[31mred\x1b[0m \u200b",
    "`",
    "``",
    "",
    "'quoted' \"words\" (in brackets), 92.6 % — and so on…",
]


class Rendered(HTMLParser):
    """Text within code, text outside of it, and the tags."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = self.outside = ""
        self._code = 0
        # Raw HTML is let through, as GitHub does: what is written as HTML would show up.
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._code += tag in ("code", "pre")
        if tag == "span":
            self.outside += ">"

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("code", "pre")

    def handle_data(self, data: str) -> None:
        self.text += data
        if not self._code:
            self.outside += data


def words(text: str) -> list[str]:
    return one_line(text).split()


@pytest.mark.parametrize("text", HOSTILE)
def test_prose_is_read_as_written_and_does_nothing(text: str) -> None:
    """The same words, no link, no picture, no markup but code, and nothing that GitHub would follow."""
    rendered = Rendered(f"- {prose(text)}")

    assert words(rendered.text) == words(text)
    assert set(rendered.tags) <= {"ul", "li", "code", "span", "p"}
    assert not REFERENCES.search(rendered.outside), rendered.outside


@given(st.text(max_size=200) | st.text(alphabet="@#`|<>*_[]()!$:~\\-=+.a1& \n", max_size=60))
def test_any_prose_is_read_as_written(text: str) -> None:
    """Whatever the text."""
    rendered = Rendered(f"- 💡 {prose(text)}")

    assert words(rendered.text) == ["💡", *words(text)]
    assert set(rendered.tags) <= {"ul", "li", "code", "span", "p"}


@example("| 0 |")
@example("| |")
@given(st.text(max_size=100) | st.text(alphabet="`|<>*_[]!\\ a", max_size=40))
def test_code_stays_in_its_cell(text: str) -> None:
    """A table keeps its columns, and the cell shows the text as it is."""
    rendered = Rendered(f"| a | b | c |\n|---|---|---|\n| x | {code(text)} | {prose(text)} |")

    assert rendered.tags.count("td") == 3
    assert words(rendered.text.replace("\n", " ")) == ["a", "b", "c", "x", *words(text), *words(text)]


@given(st.text(max_size=300) | st.text(alphabet="`~\n <a>", max_size=60))
def test_a_fence_is_never_left(text: str) -> None:
    """However many backticks: one block of code, followed by what follows it."""
    rendered = Rendered(f"{fence(text)}\n\nafter")

    assert rendered.tags == ["pre", "code", "p"]
    assert rendered.outside.strip() == "after"
    assert rendered.text.split() == [*fence(text).split()[1:-1], "after"]


@given(st.text(max_size=100))
def test_code_in_html_is_escaped(text: str) -> None:
    """Within `<summary>` only HTML counts."""
    rendered = Rendered(f"<details><summary>{html_code(text)}</summary>\n\nx\n\n</details>")

    assert rendered.tags == ["details", "summary", "code", "p"]
    assert words(rendered.text) == [*words(text), "x"]


def test_amounts_open_no_formula() -> None:
    """Two amounts in a line are no formula between dollar signs."""
    assert dollars("$1.00 → $2.00") == "<span>$</span>1.00 → <span>$</span>2.00"
    assert prose("$1.00 to $2.00,") == "<span>$</span>1.00 to <span>$</span>2.00,"


def test_plain_words_stay_plain() -> None:
    """An ordinary sentence is not made into code."""
    sentence = "RP012 steady load: 92.6 % of 1 GPU are busy, don't wait (a reserved GPU costs less)."
    assert prose(sentence) == sentence
