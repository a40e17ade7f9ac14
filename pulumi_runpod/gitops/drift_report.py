"""Drift of all stacks as one issue: what is not as Pulumi left it, and whose doing that was.

A stack that could not be looked at is named, and keeps the issue from being closed: it may be the one that drifts.
"""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_runpod.gitops.details import drift_line
from pulumi_runpod.gitops.markdown import code, one_line, prose, shortened
from pulumi_runpod.gitops.preview import StackPreview

MARKER = "<!-- pulumi-runpod:drift -->"
LABEL = "drift"
TITLE = "Drift: what is deployed is not what Pulumi left"
_LONGEST = 60_000
"""Characters. GitHub takes 65,536."""
_MOST = 100


def drifted(previews: Sequence[StackPreview]) -> bool:
    return any(preview.drift for preview in previews)


def unknown(previews: Sequence[StackPreview]) -> tuple[str, ...]:
    """Stacks that could not be looked at."""
    return tuple(preview.stack for preview in previews if preview.errors)


def drift_issue(previews: Sequence[StackPreview]) -> str:
    """Markdown that begins with the marker. Without a date, so that an unchanged drift is no edit."""
    lines: list[str] = []
    for preview in previews:
        if preview.drift:
            lines += ["", f"### Stack {code(preview.stack)}", ""]
            lines += [f"- {drift_line(drift, 600)}" for drift in preview.drift[:_MOST]]
            if len(preview.drift) > _MOST:
                lines.append(f"- and {len(preview.drift) - _MOST} more")
            heal = f"pulumi up --refresh --stack {preview.stack}"
            accept = f"pulumi refresh --stack {preview.stack}"
            lines += ["", f"To take it back: {code(heal)}. To accept it: {code(accept)}, and change the program."]
        elif preview.errors:
            why = prose(shortened(one_line(preview.errors[0]), 300))
            lines += ["", f"### Stack {code(preview.stack)}", "", f"It could not be looked at: {why}"]
    if not lines:
        lines = ["", "Nothing has drifted."]
    text = "\n".join([MARKER, f"## {TITLE}" if drifted(previews) else "## Drift", *lines])
    cut = "\n\nThe rest is too long for an issue: `pulumi-runpod drift --stacks ...` prints it."
    if len(text) > _LONGEST:
        text = text[: text.rindex("\n", 0, _LONGEST)] + cut
    return f"{text}\n"
