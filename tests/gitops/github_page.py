"""A comment as a page: GitHub's own Markdown library, its alerts, and a style near enough to judge it by (github.css).

`python -m tests.gitops.github_page FOLDER` makes pictures of all that is published, for a look at them. One of them,
`example.png`, is `docs/preview.png`.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Literal

import cmarkgfm
from cmarkgfm.cmark import Options
from playwright.sync_api import sync_playwright

from pulumi_runpod.gitops.comment import Origin, comment
from pulumi_runpod.gitops.drift_report import drift_issue
from pulumi_runpod.gitops.pr_stack import PrStackReport
from pulumi_runpod.gitops.pr_stack_comment import comment as pr_stack_comment
from pulumi_runpod.gitops.preview import MonthlyCost, StackPreview
from tests.gitops.golden_events import golden_preview
from tests.gitops.project.situations import SITUATIONS

_ALERT = re.compile(r"<blockquote>\s*<p>\[!(?P<kind>[A-Z]+)\]</p>(?P<body>.*?)</blockquote>", re.DOTALL)
_STYLE = Path(__file__).with_name("github.css")
EXAMPLE = {"dev": "update", "staging": "drift", "prod": "replace"}
ORIGIN = Origin("0123456789abcdef0123", "https://github.com/team/endpoints/actions/runs/1")


def page(markdown: str) -> str:
    # Raw HTML is let through, as GitHub does with most of it: what a stranger writes as HTML would show up.
    html = cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    alerts = _ALERT.sub(
        lambda found: (
            f'<div class="alert {found["kind"].lower()}"><p class="title">{found["kind"].capitalize()}</p>'
            f"{found['body']}</div>"
        ),
        html,
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Comment</title>'
        f'<style>{_STYLE.read_text()}</style><body><main class="comment markdown-body">{alerts}</main></body></html>'
    )


def all_stacks() -> tuple[StackPreview, ...]:
    """One of everything that a comment can say."""
    without = {"create", "advice-stops", "many"}
    return tuple(golden_preview(situation) for situation in SITUATIONS if situation not in without)


def published() -> dict[str, str]:
    """Name -> Markdown of everything that goes to GitHub."""
    deployed = PrStackReport(
        stack="pr-7",
        number=7,
        outcome="deployed",
        endpoint_id="k3x9w2m1",
        run_url="https://api.runpod.ai/v2/k3x9w2m1/run",
        runsync_url="https://api.runpod.ai/v2/k3x9w2m1/runsync",
        cost=MonthlyCost(low=1.4, expected=None, high=253.13),
    )
    reason = "sdxl: RunPod API POST /serverless -> 402: no funds are left on this account; add credit in the console"
    failed = deployed.model_copy(update={"outcome": "failed", "errors": (reason,), "left": True})
    removed = PrStackReport(stack="pr-7", number=7, outcome="removed", why="the pull request is closed")
    request = '{"prompt": "a red fox in the snow"}'
    many = [golden_preview("many", f"stack-{number}") for number in range(9)]
    return {
        "example": comment([golden_preview(situation, stack) for stack, situation in EXAMPLE.items()], ORIGIN),
        "all": comment(all_stacks(), ORIGIN),
        "cut": comment(many, ORIGIN),
        "one": comment([golden_preview("update")], ORIGIN),
        "nothing": comment([golden_preview("unchanged")], ORIGIN),
        **{
            f"pr-stack-{report.outcome}": pr_stack_comment(report, ORIGIN, request=request, label="pr-stack")
            for report in (deployed, failed, removed)
        },
        "drift": drift_issue([golden_preview("drift", "prod"), golden_preview("crash", "staging")]),
    }


def main(folder: Path) -> int:
    """Light and dark, and on a telephone."""
    folder.mkdir(parents=True, exist_ok=True)
    screens: tuple[tuple[str, int, Literal["light", "dark"]], ...] = (
        ("", 860, "light"),
        ("-dark", 860, "dark"),
        ("-telephone", 390, "light"),
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for end, width, scheme in screens:
            shown = browser.new_page(viewport={"width": width, "height": 100}, color_scheme=scheme)
            for name, markdown in published().items():
                shown.set_content(page(markdown.replace("http://127.0.0.1:1/", "https://api.runpod.ai/")))
                shown.screenshot(path=folder / f"{name}{end}.png", full_page=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
