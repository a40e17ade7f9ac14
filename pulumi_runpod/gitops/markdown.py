"""Text of strangers in GitHub's Markdown: whatever a program says stays text, and calls nobody.

Beyond Markdown, GitHub turns `@name` into a call, `#1`, links and commit ids into references, `:x:` into pictures and
`$` into mathematics, but none of that in code: words that are not plain become code.
"""

from __future__ import annotations

import html
import re
import unicodedata

_WORD = r"[^\W_]+(?:[-'’/,][^\W_]+|\.[^\W_]+)*"
_PLAIN = re.compile(rf"[('\"“]{{0,2}}{_WORD}%?[)'\"”.,;:?!…]*|[-–—→%]|…")
_MONEY = re.compile(r"[(+-]?\$\d[\d,.]*[).,;:?!]*")
_ACTIVE = re.compile(r"^GH-\d|^www\.|^[0-9a-f]{7,40}$", re.IGNORECASE)
"""Plain, and yet a reference, a link or a commit."""
_AROUND = re.compile(r"(?P<before>[(]?)(?P<word>.*?)(?P<after>[.,;:?!]*)", re.DOTALL)


def code(text: str) -> str:
    """A code span, within tables, too: a bar would split a cell even there, so it goes between two spans."""
    return "&#124;".join(_span(part) for part in one_line(text).split("|"))


def _span(text: str) -> str:
    if not text:
        return ""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    # Markdown takes a space off both ends of a span that has one at both ends, and is not all spaces.
    spaced = text.startswith(" ") and text.endswith(" ") and text.strip(" ")
    padded = f" {text} " if spaced or text.startswith("`") or text.endswith("`") else text
    return f"{ticks}{padded}{ticks}"


def html_code(text: str) -> str:
    """For within HTML blocks such as `<summary>`, where Markdown is not read."""
    return f"<code>{html.escape(one_line(text))}</code>"


def prose(text: str) -> str:
    """Running text of one line."""
    return " ".join(_harmless(word) for word in one_line(text).split())


def dollars(text: str) -> str:
    """An amount as this package writes it, whose sign opens no formula."""
    return text.replace("$", "<span>$</span>")


def fence(text: str) -> str:
    """A block of literal lines."""
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks}text\n{_visible(text, keep_lines=True).strip()}\n{ticks}"


def one_line(text: str) -> str:
    return " ".join(_visible(text, keep_lines=False).split())


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _harmless(word: str) -> str:
    if _MONEY.fullmatch(word):
        return dollars(word)
    bare = word.strip("('\"“”).,;:?!…")
    if _PLAIN.fullmatch(word) and not _ACTIVE.search(bare):
        return word
    around = _AROUND.fullmatch(word)
    if around is None or not around["word"]:
        return code(word)
    return f"{around['before']}{code(around['word'])}{around['after']}"


def _visible(text: str, *, keep_lines: bool) -> str:
    """Without control characters and those that turn the direction of writing: what is seen is what is there."""
    if text.isprintable():
        return text
    return "".join(
        "�" if unicodedata.category(c) in ("Cc", "Cf", "Cs") and not c.isspace() else c
        for c in (text.replace("\r\n", "\n") if keep_lines else text)
    ).replace("\r", " ")
