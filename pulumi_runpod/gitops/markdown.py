"""Text of strangers in GitHub's Markdown: whatever a program says stays text, and calls nobody.

`code` and `fence` keep it literal; `prose` writes every active character as an entity, which can't start any structure.
Beyond Markdown, GitHub turns `@name` into a call, `#1` and links into references, and `$` into mathematics.
"""

from __future__ import annotations

import html
import re
import unicodedata

_ZERO_WIDTH_SPACE = "&#8203;"
_PLAIN = frozenset(" ,;?%/'()")
_LINK_START = re.compile(r"www$", re.IGNORECASE)


def code(text: str) -> str:
    """A code span, safe within tables, too."""
    text = one_line(text)
    if not text:
        return ""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    if text.startswith("`") or text.endswith("`"):
        text = f" {text} "
    # In a table cell a bar splits even a code span, and `\|` is the one escape that a span knows there.
    return f"{ticks}{text.replace('|', chr(92) + '|')}{ticks}" if "|" in text else f"{ticks}{text}{ticks}"


def html_code(text: str) -> str:
    """For within HTML blocks such as `<summary>`, where Markdown is not read."""
    return f"<code>{html.escape(one_line(text))}</code>"


def prose(text: str) -> str:
    """Running text of one line."""
    text = one_line(text)
    return "".join(_harmless(text, at) for at in range(len(text)))


def fence(text: str) -> str:
    """A block of literal lines."""
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks}text\n{_visible(text, keep_lines=True).strip()}\n{ticks}"


def one_line(text: str) -> str:
    return " ".join(_visible(text, keep_lines=False).split())


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _harmless(text: str, at: int) -> str:
    character = text[at]
    if character.isalnum() or character in _PLAIN or ord(character) > 127:
        return character
    if character == "$":
        return "<span>$</span>"
    before, after = text[:at], text[at + 1 : at + 2]
    if character == "." and before and not before.isdigit() and not _LINK_START.search(before):
        return character
    if character == ":" and before and (not after or after == " "):
        return character
    if character == "-" and before[-1:].isalnum() and after.isalnum() and before[-2:].upper() != "GH":
        return character
    entity = f"&#{ord(character)};"
    return (
        entity + _ZERO_WIDTH_SPACE
        if character in "@#" or (character == "-" and before[-2:].upper() == "GH")
        else entity
    )


def _visible(text: str, *, keep_lines: bool) -> str:
    """Without control characters and those that turn the direction of writing: what is seen is what is there."""
    return "".join(
        "�" if unicodedata.category(c) in ("Cc", "Cf", "Cs") and not c.isspace() else c
        for c in (text.replace("\r\n", "\n") if keep_lines else text)
    ).replace("\r", " ")
