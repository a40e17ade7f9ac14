"""Drift of all stacks as one issue: what is not as Pulumi left it, and whose doing that was.

A stack that could not be looked at is named, and keeps the issue from being closed: it may be the one that drifts.
"""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_runpod.gitops.comment import COMMENT
from pulumi_runpod.gitops.details import drift_line
from pulumi_runpod.gitops.markdown import code, one_line, prose, shortened
from pulumi_runpod.gitops.preview import StackPreview

MARKER = "<!-- pulumi-runpod:drift -->"
LABEL = "drift"
TITLE = "Drift: what is deployed is not what Pulumi left"
_MOST = 100
_CUT = "\n\nThe rest is too long for an issue: `pulumi-runpod drift --stacks ...` prints it."


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
    return f"{text if COMMENT.takes(text) else _shortened(text)}\n"


def _shortened(text: str) -> str:
    """Whole lines, as many as an issue takes, which is as long as a comment."""
    kept, room = [], COMMENT.size - COMMENT.measure(_CUT)
    for line in text.split("\n"):
        room -= COMMENT.measure(line) + 1
        if room < 1:
            break
        kept.append(line)
    return "\n".join(kept) + _CUT
