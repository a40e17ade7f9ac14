"""What a report folds away: of one stack every change, drift, word of advice and error, as far as there is room."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pulumi_runpod.gitops.markdown import code, fence, one_line, prose, shortened
from pulumi_runpod.gitops.preview import (
    Action,
    Drift,
    Notice,
    PropertyChange,
    ResourceChange,
    StackPreview,
    Violation,
)

T = TypeVar("T")

SIGNS: dict[Action, str] = {"replace": "🔁", "delete": "🗑️", "create": "✨", "update": "✏️", "import": "📥", "read": "👁️"}
_SEVERITY_SIGNS = {"error": "❌", "warning": "⚠️", "info": "💡"}
_MOST_DRIFTED = 20
_WIDTH = 100


@dataclass(frozen=True)
class Extent:
    """How much is shown: entries of a list, characters of a text."""

    entries: int
    characters: int


def details(preview: StackPreview, extent: Extent) -> list[str]:
    """Lines of Markdown; none where there is nothing to say."""
    return [
        *_section(
            "", preview.errors, extent, lambda error: fence(wrapped(shortened(error, extent.characters))), "error"
        ),
        *_section(
            "**Policies**", preview.violations, extent, lambda found: f"- {_violation(found, extent)}", "violation"
        ),
        *_changes(preview, extent),
        *_section(
            "**Drift**: what is deployed is not as Pulumi left it.",
            preview.drift,
            extent,
            lambda drift: f"- {drift_line(drift, extent.characters)}",
            "drifted object",
        ),
        *_section(
            "**Advice and messages**",
            sorted(preview.notices, key=lambda notice: notice.severity == "info"),
            extent,
            lambda notice: f"- {_notice(notice, extent)}",
            "message",
        ),
    ]


def drift_line(drift: Drift, longest: int = 1000) -> str:
    """One object: what is different, and whose doing that was."""
    what = "; ".join(
        f"{code(shortened(p.path, longest))} is {_or_not_set(p.after)}, should be {_or_not_set(p.before)}"
        for p in drift.properties[:_MOST_DRIFTED]
    )
    text = "is gone" if drift.gone else what or "differs"
    return f"{drift.kind} {code(shortened(drift.name, 100))}: {text}. Cause: {prose(shortened(drift.cause, longest))}"


def _changes(preview: StackPreview, extent: Extent) -> list[str]:
    if not preview.changes:
        return []
    rows = _listed(preview.changes, extent, lambda c: _row(c, extent), "change", more="| | {} | |")
    return ["", "| | Resource | What changes |", "|:--|:--|:--|", *rows]


def _row(changed: ResourceChange, extent: Extent) -> str:
    items = [_property(p, p.path in changed.replaced_for, extent) for p in changed.properties[: max(extent.entries, 1)]]
    if len(changed.properties) > len(items):
        items.append(f"and {len(changed.properties) - len(items)} more")
    if changed.retained and changed.action in ("replace", "delete"):
        items.append("the old object is kept, and no longer managed")
    word = f"**{changed.action}**" if changed.is_loss else changed.action
    name = code(shortened(changed.name, extent.characters))
    return f"| {SIGNS[changed.action]}&nbsp;{word} | {changed.kind} {name} | {'<br>'.join(items)} |"


def _property(result: PropertyChange, replaces: bool, extent: Extent) -> str:
    path = code(shortened(result.path, extent.characters))
    why = " (**replaces it**)" if replaces else ""
    if result.before == result.after:
        return f"{path}: another {code(result.after)}{why}" if result.after else f"{path}{why}"
    return f"{path}: {_or_not_set(result.before)} → {_or_not_set(result.after)}{why}"


def _or_not_set(value: str | None) -> str:
    if value is None:
        return "not set"
    return code(value) or "empty"


def _notice(notice: Notice, extent: Extent) -> str:
    name = f"{code(shortened(notice.name, 100))}: " if notice.name else ""
    return f"{_SEVERITY_SIGNS[notice.severity]} {name}{prose(shortened(one_line(notice.text), extent.characters))}"


def _violation(found: Violation, extent: Extent) -> str:
    sign, level = ("❌", "refuses") if found.mandatory else ("⚠️", "advises against")
    what = code(shortened(found.name, 100)) if found.name else "the stack"
    said = prose(shortened(one_line(found.text), extent.characters))
    return f"{sign} {code(shortened(found.policy, 100))} of {code(shortened(found.pack, 100))} {level} {what}: {said}"


def wrapped(text: str) -> str:
    """Code on GitHub runs out of sight to the right."""
    return "\n".join(
        part
        for line in text.splitlines()
        for part in textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    )


def _section(title: str, items: Sequence[T], extent: Extent, line: Callable[[T], str], what: str) -> list[str]:
    if not items:
        return []
    heading = ["", title] if title else []
    return [*heading, "", *_listed(items, extent, line, what)]


def _listed(
    items: Sequence[T], extent: Extent, line: Callable[[T], str], what: str, *, more: str = "- {}"
) -> list[str]:
    lines = [line(item) for item in items[: extent.entries]]
    if len(items) > extent.entries:
        lines.append(more.format(f"and {count(len(items) - extent.entries, f'more {what}')}"))
    return lines


def count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
