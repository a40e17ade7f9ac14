"""Where a report goes besides a comment: the job summary of GitHub Actions, and files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.markdown import fence
from pulumi_runpod.gitops.masking import Masker


def add_to_summary(text: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Append to the job summary; False outside of GitHub Actions."""
    named = environ.get("GITHUB_STEP_SUMMARY")
    if not named:
        return False
    try:
        with Path(named).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        raise RunPodError(f"GITHUB_STEP_SUMMARY, {named} -> {error.strerror}") from None
    return True


def run_url(environ: Mapping[str, str] = os.environ) -> str:
    """Of this workflow run; empty outside of GitHub Actions."""
    server, slug, run = (environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{slug}/actions/runs/{run}" if server and slug and run else ""


@contextmanager
def failure_in_summary(title: str, environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """An error of ours on the way goes to the job summary before it is raised on."""
    try:
        yield
    except RunPodError as error:
        add_to_summary(f"## ❌ {title}\n\n{fence(Masker(environ).text(str(error)))}", environ)
        raise
