"""The command's entry: the groups, and what turns every error of ours into one line and an exit code."""

from __future__ import annotations

import os
import sys

import typer

from pulumi_runpod.cli.lazy_commands import LazyGroup
from pulumi_runpod.errors import RunPodError

app = typer.Typer(
    name="pulumi-runpod", cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.callback()
def root() -> None:
    """Work with RunPod serverless endpoints that Pulumi deploys, and with the local RunPod."""


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
