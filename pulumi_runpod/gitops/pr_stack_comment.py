"""What the comment on a pull request says of its stack: the URL and a command to try it, or why there is none."""

from __future__ import annotations

import shlex

from pulumi_runpod.gitops.comment import Origin
from pulumi_runpod.gitops.details import wrapped
from pulumi_runpod.gitops.markdown import code, dollars, fence, prose, shortened
from pulumi_runpod.gitops.pr_stack import PrStackReport
from pulumi_runpod.planning.money import exact, shown

MARKER = "<!-- pulumi-runpod:pr-stack -->"
_LONGEST_ERROR, _MOST_ERRORS = 3000, 5


def comment(report: PrStackReport, origin: Origin, *, request: str, label: str) -> str:
    """Markdown that begins with the marker. `request`: the JSON text that is sent as the job's input."""
    stack = code(report.stack)
    match report.outcome:
        case "deployed":
            lines = [f"## 🟢 Endpoint of this pull request: {stack}", "", *_endpoint(report, request=request)]
            lines += ["", f"It goes when the pull request is closed, or when its label {code(label)} is taken off."]
        case "failed":
            lines = [f"## 🔴 Endpoint of this pull request: {stack} failed", "", *_failure(report)]
        case _:
            why = f": {prose(report.why)}" if report.why else ""
            lines = [f"## ⚪ Endpoint of this pull request: {stack} is removed{why}", "", "Nothing of it is left."]
    return "\n".join([MARKER, *lines, *_foot(origin)]).strip() + "\n"


def curl(url: str, request: str) -> str:
    """A command that sends one job and waits for its result. The key comes from the caller's environment."""
    body = f'{{"input": {request}}}'
    return (
        f"curl --fail-with-body -sS {shlex.quote(url)} \\\n"
        '  -H "Authorization: Bearer $RUNPOD_API_KEY" -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(body)}"
    )


def _endpoint(report: PrStackReport, *, request: str) -> list[str]:
    lines = []
    if report.endpoint_id:
        lines.append(f"- Endpoint: {code(report.endpoint_id)}")
    if report.run_url:
        lines.append(f"- URL: {code(report.run_url)}")
    if report.cost is not None:
        low, high = exact(report.cost.low), exact(report.cost.high)
        lines.append(f"- Costs: {dollars(f'{shown(low)} a month while idle, at most {shown(high)}')}")
    if report.runsync_url:
        lines += ["", fence(curl(report.runsync_url, request)), ""]
        lines.append(
            "The first job waits for a worker to start: `runsync` may then answer with the job still in queue."
        )
    return lines


def _failure(report: PrStackReport) -> list[str]:
    lines = [fence(wrapped(shortened(error, _LONGEST_ERROR))) for error in report.errors[:_MOST_ERRORS]]
    if len(report.errors) > _MOST_ERRORS:
        lines.append(f"and {len(report.errors) - _MOST_ERRORS} more")
    if report.left and report.run_url:
        lines += ["", f"The endpoint of the last push that worked is still there: {code(report.run_url)}"]
    elif report.left:
        lines += ["", "Not everything could be taken away: the next sweep tries again."]
    else:
        lines += ["", "What it had made is destroyed again: nothing of it is left."]
    return lines


def _foot(origin: Origin) -> list[str]:
    items = []
    if origin.commit:
        items.append(f"Commit {code(origin.commit[:12])}")
    if origin.run_url:
        items.append(f"[run]({origin.run_url})")
    return ["", f"<sub>{', '.join(items)}. This comment follows every push.</sub>"] if items else []
