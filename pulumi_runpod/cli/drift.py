"""`pulumi-runpod drift`: what was changed or deleted behind Pulumi's back, as one issue that comes and goes with it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Annotated

import typer

from pulumi_runpod.cli.gitops_flags import FAILED, Form, RepositoryName, StackNames, complain, names_of
from pulumi_runpod.cli.project import workspace_here
from pulumi_runpod.gitops import publishing
from pulumi_runpod.gitops.drift_report import LABEL, MARKER, TITLE, drift_issue, drifted, unknown
from pulumi_runpod.gitops.engine import preview_all
from pulumi_runpod.gitops.github_api import Repository
from pulumi_runpod.gitops.masking import Masker
from pulumi_runpod.gitops.preview import StackPreview

DRIFTED = 4


def drift(
    stacks: StackNames,
    report: Annotated[
        bool, typer.Option("--report", help="Keep one issue: opened with drift, updated, closed when it is gone.")
    ] = False,
    form: Form = "markdown",
    repository: RepositoryName = None,
) -> None:
    """Compare stacks with what is deployed, and say whose doing each difference was. Changes nothing.

    Exit codes: 0 no drift, or --report has posted it; 1 the command failed (GitHub refused, no token); 2 wrong usage;
    3 a stack could not be looked at; 4 drift, without --report.
    """
    named = names_of(stacks)
    masker = Masker(os.environ)
    with publishing.failure_in_summary("Drift"):
        found = preview_all(workspace_here(), named, refresh=True, mask=masker.text)
    previews = [masker.masked(preview) for preview in found]
    text = drift_issue(previews)
    publishing.add_to_summary(text)
    typer.echo(json.dumps(_json(previews)) if form == "json" else text)
    missing = unknown(previews)
    for preview in previews:
        if preview.errors:
            complain(f"stack {preview.stack} could not be looked at", preview.errors)
    if report:
        with publishing.failure_in_summary("The issue is not up to date"):
            _report(Repository.of_environment(repository), previews, text)
    if missing:
        raise typer.Exit(FAILED)
    if drifted(previews) and not report:
        raise typer.Exit(DRIFTED)


def _report(repository: Repository, previews: Sequence[StackPreview], text: str) -> None:
    if drifted(previews):
        what, url = repository.keep_issue(MARKER, LABEL, title=TITLE, body=text)
        typer.echo(f"issue {what}: {url}", err=True)
    elif not unknown(previews):
        closed = repository.close_issue(MARKER, LABEL, farewell="Nothing has drifted any more.")
        if closed:
            typer.echo(f"issue closed: {closed}", err=True)


def _json(previews: Sequence[StackPreview]) -> dict[str, object]:
    return {
        "drifted": drifted(previews),
        "stacks": [
            {
                "stack": preview.stack,
                "drift": [drift.json_ready() for drift in preview.drift],
                "errors": list(preview.errors),
            }
            for preview in previews
        ],
    }
