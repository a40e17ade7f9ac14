"""The comment on a pull request: what is lost comes first, then one line per stack, then each stack's details folded.

Where everything together is too long, details are shortened step by step; the summary stays whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from pulumi_runpod.gitops.markdown import code, fence, html_code, one_line, prose, shortened
from pulumi_runpod.gitops.preview import (
    CostChange,
    Drift,
    MonthlyCost,
    Notice,
    PropertyChange,
    ResourceChange,
    StackPreview,
)
from pulumi_runpod.planning.money import change, exact, shown

T = TypeVar("T")

MARKER = "<!-- pulumi-runpod:preview -->"
COMMENT_LIMIT = 65_000
"""Bytes. GitHub takes 65,536 characters; counted in bytes, no way of counting can make it too long."""
SUMMARY_LIMIT = 1_000_000
"""Bytes. GitHub takes 1 MiB from a step."""
_SIGNS = {"replace": "🔁", "delete": "🗑️", "create": "✨", "update": "✏️", "import": "📥", "read": "👁️"}
_WORDS = {"replace": "replaced", "delete": "deleted", "create": "created", "update": "updated"}
_SEVERITY_SIGNS = {"error": "❌", "warning": "⚠️", "info": "💡"}
_MOST_LOUD, _MOST_ROWS = 10, 200


@dataclass(frozen=True)
class Origin:
    """What was previewed, and where the whole can be read. Empty: not known."""

    commit: str = ""
    run_url: str = ""


@dataclass(frozen=True)
class _Extent:
    """How much is shown: entries of a list, characters of a text."""

    entries: int
    characters: int


_EXTENTS = tuple(
    _Extent(entries, characters)
    for entries, characters in (
        (1000, 4000),
        (200, 2000),
        (100, 1000),
        (50, 600),
        (20, 400),
        (10, 300),
        (5, 200),
        (2, 150),
        (0, 100),
    )
)


def comment(previews: Sequence[StackPreview], origin: Origin, *, limit: int = COMMENT_LIMIT) -> str:
    """Markdown of at most `limit` bytes that begins with the marker."""
    text = ""
    for extent in _EXTENTS:
        text = "\n".join([*_summary(previews, _MOST_ROWS), "", *_details(previews, extent), *_foot(origin)])
        if len(text.encode()) <= limit:
            return f"{text.strip()}\n"
    for rows in (_MOST_ROWS, 100, 50, 20, 5):
        text = "\n".join([*_summary(previews, rows), "", _left_out(origin), *_foot(origin)])
        if len(text.encode()) <= limit:
            return f"{text.strip()}\n"
    raise AssertionError("a summary of five rows is always short enough")


def _summary(previews: Sequence[StackPreview], rows: int) -> list[str]:
    lines = [MARKER, f"## Pulumi preview: {_verdict(previews)}", ""]
    loud = [line for preview in previews for line in _loud(preview)]
    if loud:
        lines += ["> [!CAUTION]"]
        lines += [f"> {line}<br>" for line in loud[:_MOST_LOUD]]
        if len(loud) > _MOST_LOUD:
            lines.append(f"> and {len(loud) - _MOST_LOUD} more")
        lines.append("")
    lines += ["| Stack | Changes | Cost a month | Drift | Advice |", "|:--|:--|:--|:--|:--|"]
    lines += [_row(preview) for preview in previews[:rows]]
    if len(previews) > rows:
        lines.append(f"| and {len(previews) - rows} more stacks | | | | |")
    return lines


def _verdict(previews: Sequence[StackPreview]) -> str:
    failed = sum(preview.failed for preview in previews)
    if failed:
        return f"❌ {_count(failed, 'stack')} failed"
    if any(change.action in ("replace", "delete") for preview in previews for change in preview.changes):
        return "🔁 something is replaced or deleted"
    changed = sum(bool(preview.changes) for preview in previews)
    return f"{_count(changed, 'stack')} will change" if changed else "✅ nothing changes"


def _loud(preview: StackPreview) -> list[str]:
    stack = code(preview.stack)
    lines = []
    for url in preview.urls:
        what = "a new URL takes its place" if url.replaced else "nothing takes its place"
        known = f" {code(shortened(url.url, 200))}" if url.url else ""
        lines.append(
            f"**{stack}: the URL of endpoint {code(shortened(url.name, 100))} stops answering**;{known} {what}"
        )
    for change_ in preview.changes:
        if change_.loses_data:
            name = code(shortened(change_.name, 100))
            lines.append(f"**{stack}: volume {name} is {_WORDS[change_.action]}: its data is lost**")
        elif change_.action == "replace" and not change_.takes_the_url:
            lines.append(f"{stack}: {change_.kind} {code(shortened(change_.name, 100))} is replaced")
    return lines


def _row(preview: StackPreview) -> str:
    stack = f"**{code(shortened(preview.stack, 100))}**"
    if preview.failed:
        told = prose(shortened(one_line(preview.errors[0]), 160))
        return f"| ❌&nbsp;{stack} | **failed**: {told} | | {_drift_cell(preview)} | {_advice_cell(preview)} |"
    sign = next((_SIGNS[action] for action in _SIGNS if preview.count(action)), "✅")  # type: ignore[arg-type]  # keys are actions
    return (
        f"| {sign}&nbsp;{stack} | {_changes(preview)} | {_cost(preview.cost)} | {_drift_cell(preview)} "
        f"| {_advice_cell(preview)} |"
    )


def _changes(preview: StackPreview) -> str:
    parts = []
    for action, word in _WORDS.items():
        count = preview.count(action)  # type: ignore[arg-type]  # keys are actions
        if count:
            text = f"{count} {word}"
            parts.append(f"**{text}**" if action in ("replace", "delete") else text)
    other = sum(change_.action not in _WORDS for change_ in preview.changes)
    if other:
        parts.append(f"{other} read or imported")
    return ", ".join(parts) or "none"


def _cost(cost: CostChange | None) -> str:
    if cost is None:
        return ""
    if cost.now is None or cost.then is None:
        return f"{_amount(cost.now)} → {_amount(cost.then)}"
    difference = _likely(cost.then) - _likely(cost.now)
    if abs(difference) < Decimal("0.005") and cost.now == cost.then:
        return f"{_amount(cost.then)}, as now"
    return f"{_amount(cost.now)} → {_amount(cost.then)} (**{change(difference)}**)"


def _amount(cost: MonthlyCost | None) -> str:
    if cost is None:
        return "nothing"
    if cost.expected is not None:
        return shown(exact(cost.expected))
    return f"{shown(exact(cost.low))} to {shown(exact(cost.high))}"


def _likely(cost: MonthlyCost) -> Decimal:
    return exact(cost.high if cost.expected is None else cost.expected)


def _drift_cell(preview: StackPreview) -> str:
    return f"🌀 {len(preview.drift)}" if preview.drift else ""


def _advice_cell(preview: StackPreview) -> str:
    return f"⚠️ {_count(len(preview.warnings), 'warning')}" if preview.warnings else ""


def _details(previews: Sequence[StackPreview], extent: _Extent) -> list[str]:
    lines = []
    for preview in previews:
        body = _body(preview, extent)
        if not body:
            continue
        title = f"<b>{html_code(shortened(preview.stack, 100))}</b>: {_plain_changes(preview)}"
        opened = " open" if preview.failed or len(previews) == 1 else ""
        lines += [f"<details{opened}><summary>{title}</summary>", "", *body, "", "</details>", ""]
    return lines


def _plain_changes(preview: StackPreview) -> str:
    if preview.failed:
        return "the preview failed"
    return f"{_changes(preview).replace('**', '')}, {preview.unchanged} unchanged"


def _body(preview: StackPreview, extent: _Extent) -> list[str]:
    lines = []
    if preview.errors:
        lines += _listed(preview.errors, extent, lambda error: fence(shortened(error, extent.characters)), "error")
    if preview.changes:
        lines += ["", "| | Resource | What changes |", "|:--|:--|:--|"]
        lines += _listed(preview.changes, extent, lambda c: _change_row(c, extent), "change", row="| | {} | |")
    if preview.cost is not None and preview.cost.then is not None:
        then = preview.cost.then
        lines += ["", f"**Cost**: {shown(exact(then.low))} to {shown(exact(then.high))} a month, in US dollars."]
    if preview.drift:
        lines += ["", "**Drift**: what is deployed is not as Pulumi left it.", ""]
        lines += _listed(preview.drift, extent, lambda d: f"- {drift_line(d, extent.characters)}", "drift")
    if preview.notices:
        lines += ["", "**Advice and messages**", ""]
        ordered = sorted(preview.notices, key=lambda notice: notice.severity == "info")
        lines += _listed(ordered, extent, lambda n: f"- {_notice(n, extent)}", "notice")
    return lines


def _change_row(change_: ResourceChange, extent: _Extent) -> str:
    told = [_property(p, p.path in change_.replaced_for, extent) for p in change_.properties[: max(extent.entries, 1)]]
    if len(change_.properties) > len(told):
        told.append(f"and {len(change_.properties) - len(told)} more")
    word = change_.action if change_.action in ("create", "update", "read", "import") else f"**{change_.action}**"
    name = code(shortened(change_.name, extent.characters))
    return f"| {_SIGNS[change_.action]}&nbsp;{word} | {change_.kind} {name} | {'<br>'.join(told)} |"


def _property(told: PropertyChange, replaces: bool, extent: _Extent) -> str:
    path = code(shortened(told.path, extent.characters))
    why = " **replaces it**" if replaces else ""
    if told.before is None and told.after is None:
        return f"{path}{why}"
    if told.before is None:
        return f"{path}: {code(told.after or '')} is new{why}"
    if told.after is None:
        return f"{path}: {code(told.before)} is taken out{why}"
    return f"{path}: {code(told.before)} → {code(told.after)}{why}"


def drift_line(drift: Drift, longest: int = 1000) -> str:
    """One object: what is different, and whose doing that was."""
    what = "; ".join(
        f"{code(p.path)} is {code(p.after or 'not set')}, should be {code(p.before or 'not set')}"
        for p in drift.properties[:20]
    )
    told = "is gone" if drift.gone else what or "differs"
    return f"{drift.kind} {code(shortened(drift.name, 100))}: {told}. Cause: {prose(shortened(drift.cause, longest))}"


def _notice(notice: Notice, extent: _Extent) -> str:
    name = f"{code(shortened(notice.name, 100))}: " if notice.name else ""
    return f"{_SEVERITY_SIGNS[notice.severity]} {name}{prose(shortened(one_line(notice.text), extent.characters))}"


def _listed(
    items: Sequence[T], extent: _Extent, line: Callable[[T], str], what: str, *, row: str = "- {}"
) -> list[str]:
    lines = [line(item) for item in items[: extent.entries]]
    if len(items) > extent.entries:
        lines.append(row.format(f"and {_count(len(items) - extent.entries, f'more {what}')}"))
    return lines


def _left_out(origin: Origin) -> str:
    where = f"the [job summary]({origin.run_url})" if origin.run_url else "the job summary"
    return f"The details are too long for a comment: they are in {where}."


def _foot(origin: Origin) -> list[str]:
    told = []
    if origin.commit:
        told.append(f"of {code(origin.commit[:12])}")
    if origin.run_url:
        told.append(f"in [this run]({origin.run_url}), whose summary has everything")
    if not told:
        return []
    return ["", f"<sub>Preview {' '.join(told)}. This comment follows every push.</sub>"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
