"""`pulumi-runpod preview-comment`: what a change does to every stack, as a comment, a job summary or JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Annotated

import typer

from pulumi_runpod.cli.gitops_flags import (
    Form,
    Number,
    RepositoryName,
    StackNames,
    names_of,
    repository_of,
    workspace_here,
)
from pulumi_runpod.gitops import publishing
from pulumi_runpod.gitops.comment import MARKER, SUMMARY, Origin, comment
from pulumi_runpod.gitops.engine import preview_all
from pulumi_runpod.gitops.masking import Masker
from pulumi_runpod.gitops.preview import StackPreview
from pulumi_runpod.gitops.workflow import WorkflowEvent

PREVIEW_FAILED = 3


def preview_comment(
    stacks: StackNames,
    form: Form = "markdown",
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
    event = WorkflowEvent.of_environment()
    masker = Masker(os.environ)
    found = preview_all(workspace_here(), named, refresh=refresh, mask=masker.text)
    previews = [masker.told(preview) for preview in found]
    origin = Origin(event.commit, publishing.run_url())
    # Before anything that can fail.
    publishing.add_to_summary(comment(previews, origin, room=SUMMARY))
    told = comment(previews, origin)
    typer.echo(json.dumps({"stacks": [preview.json_ready() for preview in previews]}) if form == "json" else told)
    _complain(previews)
    if post:
        asked = repository_of(repository, number)
        url = asked.repository.keep_comment(asked.number, MARKER, told)
        typer.echo(f"comment: {url}", err=True)
    if any(preview.failed for preview in previews):
        raise typer.Exit(PREVIEW_FAILED)


def _complain(previews: Sequence[StackPreview]) -> None:
    for preview in previews:
        if preview.failed:
            reason = " ".join(preview.errors[0].split())
            typer.echo(f"error: preview of {preview.stack} failed: {reason[:300]}", err=True)
