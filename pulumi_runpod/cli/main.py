"""The command's entry: mounts the groups, and turns every error of ours into one line and an exit code."""

from __future__ import annotations

import os
import sys

import typer

from pulumi_runpod.cli import (
    advise,
    cost,
    deploy,
    drift,
    emulator,
    endpoint,
    gpus,
    job,
    orphans,
    pr_stack,
    preview_comment,
    recover,
    spec,
)
from pulumi_runpod.errors import RunPodError

app = typer.Typer(
    name="pulumi-runpod",
    help="Work with RunPod serverless endpoints that Pulumi deploys, and with the local RunPod.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(emulator.app, name="emulator")
app.add_typer(endpoint.app, name="endpoint")
app.add_typer(job.app, name="job")
app.add_typer(spec.app, name="spec")
app.add_typer(pr_stack.app, name="pr-stack")
app.command()(recover.recover)
app.command()(orphans.orphans)
app.command()(deploy.deploy)
app.command()(drift.drift)
app.command()(gpus.gpus)
app.command()(cost.cost)
app.command()(advise.advise)
app.command()(preview_comment.preview_comment)


def main() -> None:
    """Run the command. Exit codes: 0 done, 1 an error (one line on stderr), 2 wrong usage."""
    try:
        app()
    except RunPodError as error:
        if os.environ.get("PULUMI_RUNPOD_DEBUG") == "1":
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of a pipe has gone (`| head`): nothing is wrong, and nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
