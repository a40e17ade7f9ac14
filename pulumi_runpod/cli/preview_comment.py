"""`pulumi-runpod preview-comment`: what a change does to every stack, as a comment, a job summary or JSON."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer

from pulumi_runpod.cli.gitops_flags import (
    FAILED,
    Form,
    Number,
    PolicyFolders,
    PolicyRules,
    RepositoryName,
    StackNames,
    complain,
    names_of,
    repository_of,
)
from pulumi_runpod.cli.project import workspace_here
from pulumi_runpod.gitops import publishing
from pulumi_runpod.gitops.comment import MARKER, SUMMARY, Origin, comment
from pulumi_runpod.gitops.engine import preview_all
from pulumi_runpod.gitops.masking import Masker
from pulumi_runpod.gitops.policy_packs import PolicyPacks
from pulumi_runpod.gitops.workflow import WorkflowEvent


def preview_comment(
    stacks: StackNames,
    form: Form = "markdown",
    refresh: Annotated[
        bool, typer.Option("--refresh/--no-refresh", help="Ask RunPod how things are, so that drift is reported.")
    ] = True,
    policy_packs: PolicyFolders = None,
    policy_rules: PolicyRules = None,
    post: Annotated[bool, typer.Option("--post", help="Keep the one comment on the pull request up to date.")] = False,
    number: Number = None,
    repository: RepositoryName = None,
) -> None:
    """Preview stacks side by side and print one report. In GitHub Actions it goes into the job summary as well.

    Exit codes: 0 every preview worked, whatever would change; 1 the command failed (GitHub refused, no token); 2 wrong
    usage; 3 a preview failed, or a policy refuses it, and the report, comment included, says why.
    """
    named = names_of(stacks)
    masker = Masker(os.environ)
    with publishing.failure_in_summary("Pulumi preview"):
        event = WorkflowEvent.of_environment()
        policies = PolicyPacks(tuple(policy_packs or ()), tuple(policy_rules or ()))
        found = preview_all(workspace_here(), named, refresh=refresh, policies=policies, mask=masker.text)
    previews = [masker.masked(preview) for preview in found]
    origin = Origin(event.commit, publishing.run_url())
    # Before anything that can fail.
    publishing.add_to_summary(comment(previews, origin, room=SUMMARY))
    result = comment(previews, origin)
    typer.echo(json.dumps({"stacks": [preview.json_ready() for preview in previews]}) if form == "json" else result)
    failed = [preview for preview in previews if preview.failed]
    for preview in failed:
        complain(f"preview of {preview.stack} failed", preview.reasons)
    if post:
        with publishing.failure_in_summary("The comment is not up to date"):
            asked = repository_of(repository, number)
            url = asked.repository.keep_comment(asked.number, MARKER, result)
        typer.echo(f"comment: {url}", err=True)
    if failed:
        raise typer.Exit(FAILED)
