"""`pulumi-runpod preview-comment`: what a change does to every stack, as a comment, a job summary or JSON."""

from __future__ import annotations

import json
import os
from typing import Annotated, Literal

import typer

from pulumi_runpod.cli.gitops_flags import Number, RepositoryName, StackNames, names_of, repository_of, workspace_here
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops import publishing
from pulumi_runpod.gitops.comment import MARKER, SUMMARY_LIMIT, Origin, comment
from pulumi_runpod.gitops.engine import preview_all
from pulumi_runpod.gitops.masking import Masker

PREVIEW_FAILED = 3


def preview_comment(
    stacks: StackNames,
    form: Annotated[
        Literal["markdown", "json"], typer.Option("--format", help="What to print: markdown or json.")
    ] = "markdown",
    refresh: Annotated[
        bool, typer.Option("--refresh/--no-refresh", help="Ask RunPod how things are, so that drift is told.")
    ] = True,
    post: Annotated[bool, typer.Option("--post", help="Keep the one comment on the pull request up to date.")] = False,
    number: Number = None,
    repository: RepositoryName = None,
) -> None:
    """Preview stacks side by side and print one report. In GitHub Actions it goes into the job summary as well.

    Exit codes: 0 every preview worked, whatever would change; 1 the command failed (GitHub refused, no token); 2 wrong
    usage; 3 a preview failed, and the report, comment included, says why.
    """
    named = names_of(stacks)
    found = preview_all(workspace_here(), named, refresh=refresh)
    masker = Masker(os.environ)
    previews = tuple(masker.told(preview) for preview in found)
    origin = Origin(os.environ.get("GITHUB_HEAD_SHA") or os.environ.get("GITHUB_SHA", ""), publishing.run_url())
    # Before anything that can fail.
    publishing.add_to_summary(comment(previews, origin, limit=SUMMARY_LIMIT))
    if form == "json":
        typer.echo(json.dumps({"stacks": [preview.json_ready() for preview in previews]}))
    else:
        typer.echo(comment(previews, origin))
    if post:
        asked = repository_of(repository, number)
        url = asked.repository.keep_comment(asked.number, MARKER, comment(previews, origin))
        typer.echo(f"comment: {url}", err=True)
    failed = [preview for preview in previews if preview.failed]
    if failed:
        error = RunPodError(
            f"preview of {', '.join(p.stack for p in failed)} failed: {' '.join(failed[0].errors[0].split())[:300]}"
        )
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(PREVIEW_FAILED)
