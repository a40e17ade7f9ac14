"""The comment on a pull request: what is lost comes first, then one line per stack, then each stack's details folded.

Where everything together is too long, details are shortened step by step; the summary stays whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pulumi_runpod.gitops.details import SIGNS, Extent, count, details
from pulumi_runpod.gitops.markdown import code, dollars, html_code, one_line, prose, shortened
from pulumi_runpod.gitops.preview import Action, CostChange, MonthlyCost, StackPreview
from pulumi_runpod.planning.money import change, exact, rounded, shown

MARKER = "<!-- pulumi-runpod:preview -->"
_WORDS: dict[Action, str] = {"replace": "replaced", "delete": "deleted", "create": "created", "update": "updated"}
_MOST_LOUD, _MOST_ROWS, _MOST_POLICIES = 10, 200, 5


@dataclass(frozen=True)
class Room:
    """How long a text may be, and in what; where the rest is when it is cut."""

    size: int
    measure: Callable[[str], int]
    rest: str

    def takes(self, text: str) -> bool:
        return self.measure(text) <= self.size


COMMENT = Room(65_536, lambda text: len(text.encode("utf-16-le")) // 2, rest="the job summary")
"""GitHub's limit for a comment is 65,536 characters. In UTF-16, where a picture counts as two, no count is higher."""
SUMMARY = Room(1024 * 1024 - 16 * 1024, lambda text: len(text.encode()), rest="`--format json`")
"""A step may write 1 MiB into the job summary, and a reason may follow why the comment is not up to date."""
_EXTENTS = tuple(
    Extent(entries, characters)
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


@dataclass(frozen=True)
class Origin:
    """What was previewed, and where the whole can be read. Empty: not known."""

    commit: str = ""
    run_url: str = ""


def comment(previews: Sequence[StackPreview], origin: Origin, *, room: Room = COMMENT) -> str:
    """Markdown that begins with the marker and fits into the room."""
    for extent in _EXTENTS:
        foot = _foot(origin, rest="" if extent == _EXTENTS[0] else room.rest)
        text = "\n".join([*_summary(previews, _MOST_ROWS), *_folded(previews, extent), *foot])
        if room.takes(text):
            return text
    for rows in (_MOST_ROWS, 100, 50, 20, 5):
        text = "\n".join([*_summary(previews, rows), *_foot(origin, rest=room.rest)])
        if room.takes(text):
            return text
    raise AssertionError("a summary of five rows is always short enough")


def _summary(previews: Sequence[StackPreview], rows: int) -> list[str]:
    lines = [MARKER, f"## Pulumi preview: {_verdict(previews)}", ""]
    loud = [line for preview in previews for line in _loud(preview)]
    if loud:
        more = [f"and {len(loud) - _MOST_LOUD} more"] if len(loud) > _MOST_LOUD else []
        lines += ["> [!CAUTION]", *(f"> - {result}" for result in [*loud[:_MOST_LOUD], *more]), ""]
    lines += ["| Stack | Changes | Cost a month | Drift | Advice |", "|:--|:--|:--|:--|:--|"]
    lines += [_row(preview) for preview in previews[:rows]]
    if len(previews) > rows:
        lines.append(f"| and {len(previews) - rows} more stacks | | | | |")
    return [*lines, ""]


def _verdict(previews: Sequence[StackPreview]) -> str:
    failed = sum(preview.failed for preview in previews)
    if failed:
        return f"❌ {count(failed, 'stack')} failed"
    if any(changed.is_loss for preview in previews for changed in preview.changes):
        return "🔁 something is replaced or deleted"
    changed = sum(bool(preview.changes) for preview in previews)
    return f"{count(changed, 'stack')} will change" if changed else "✅ nothing changes"


def _loud(preview: StackPreview) -> list[str]:
    stack = code(shortened(preview.stack, 100))
    lines = []
    for url in preview.urls:
        was = f": {code(shortened(url.url, 200))}" if url.url else ""
        what = "another one takes its place" if url.replaced else "nothing takes its place"
        name = code(shortened(url.name, 100))
        lines.append(f"**{stack}: the URL of endpoint {name} stops answering**, {what}{was}")
    for changed in preview.changes:
        name = code(shortened(changed.name, 100))
        if changed.loses_data:
            lines.append(f"**{stack}: volume {name} is {_WORDS[changed.action]}: its data is lost**")
        elif changed.action == "replace" and not changed.takes_the_url:
            lines.append(f"{stack}: {changed.kind} {name} is replaced")
    return lines


def _row(preview: StackPreview) -> str:
    stack = f"**{code(shortened(preview.stack, 100))}**"
    said = len(preview.warnings) + len(preview.violations) - len(preview.refused_by)
    advice = f"⚠️&nbsp;{said}" if said else ""
    drift = f"🌀&nbsp;{len(preview.drift)}" if preview.drift else ""
    if preview.errors:
        result = prose(shortened(one_line(preview.errors[0]), 160))
        return f"| ❌&nbsp;{stack} | **failed**: {result} | | {drift} | {advice} |"
    sign = next((sign for action, sign in SIGNS.items() if preview.count(action)), "✅")
    changes = _changes(preview, loud=True) or "none"
    refused = _refused(preview)
    if refused:
        sign, changes = "❌", f"{refused}<br>{changes}"
    return f"| {sign}&nbsp;{stack} | {changes} | {dollars(_cost(preview.cost))} | {drift} | {advice} |"


def _refused(preview: StackPreview) -> str:
    """Empty where no policy refuses it."""
    policies = dict.fromkeys(violation.policy for violation in preview.refused_by)
    items = [code(shortened(policy, 60)) for policy in list(policies)[:_MOST_POLICIES]]
    if len(policies) > _MOST_POLICIES:
        items.append(f"and {len(policies) - _MOST_POLICIES} more")
    return f"**refused by policy**: {', '.join(items)}" if items else ""


def _changes(preview: StackPreview, *, loud: bool) -> str:
    parts = []
    for action, word in _WORDS.items():
        found = [changed for changed in preview.changes if changed.action == action]
        if found:
            text = f"{len(found)} {word}"
            parts.append(f"**{text}**" if loud and any(changed.is_loss for changed in found) else text)
    other = sum(changed.action not in _WORDS for changed in preview.changes)
    if other:
        parts.append(f"{other} read or imported")
    return ", ".join(parts)


def _cost(cost: CostChange | None) -> str:
    if cost is None:
        return ""
    if cost.now == cost.then:
        return f"{_amount(cost.then)}, as now"
    text = f"{_amount(cost.now)} → {_amount(cost.then)}"
    if cost.now is None or cost.then is None or cost.now.expected is None or cost.then.expected is None:
        return text
    difference = exact(cost.then.expected) - exact(cost.now.expected)
    return f"{text} (**{change(difference)}**)" if rounded(difference) != Decimal(0) else text


def _amount(cost: MonthlyCost | None) -> str:
    if cost is None:
        return "nothing"
    if cost.expected is not None:
        return shown(exact(cost.expected))
    return f"{shown(exact(cost.low))} to {shown(exact(cost.high))}"


def _folded(previews: Sequence[StackPreview], extent: Extent) -> list[str]:
    lines = []
    for preview in previews:
        body = details(preview, extent)
        if body:
            opened = " open" if preview.failed or len(previews) == 1 else ""
            title = f"<b>{html_code(shortened(preview.stack, 100))}</b>: {_title(preview)}"
            lines += [f"<details{opened}><summary>{title}</summary>", *body, "", "</details>", ""]
    return lines


def _title(preview: StackPreview) -> str:
    if preview.errors:
        return "the preview failed"
    parts = [_changes(preview, loud=False), f"{preview.unchanged} unchanged" if preview.unchanged else ""]
    return ", ".join(filter(None, parts)) or "no change"


def _foot(origin: Origin, *, rest: str) -> list[str]:
    lines = [f"✂️ Shortened to fit: {rest} has more.", ""] if rest else []
    items = [f"of {code(origin.commit[:12])}"] if origin.commit else []
    if origin.run_url:
        items.append(f"in [this run]({origin.run_url})")
    if items:
        lines += [f"<sub>Preview {' '.join(items)}. This comment follows every push.</sub>", ""]
    return lines
