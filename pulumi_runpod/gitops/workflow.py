"""What GitHub Actions tells a job of what it runs for: the event, the commit, its own page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pulumi_runpod.errors import RunPodError


@dataclass(frozen=True)
class WorkflowEvent:
    """The event that started the workflow; empty outside of one."""

    number: int | None = None
    """Of its pull request."""
    commit: str = ""
    """The last one of that; GITHUB_SHA is a merge that GitHub has made for the run."""

    @classmethod
    def of_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises `RunPodError` where the file that GITHUB_EVENT_PATH names can't be read."""
        file, commit = environ.get("GITHUB_EVENT_PATH"), environ.get("GITHUB_SHA", "")
        if not file:
            return cls(commit=commit)
        try:
            event = json.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunPodError(f"GITHUB_EVENT_PATH, {file} -> {error}") from None
        result = event.get("pull_request") if isinstance(event, dict) else None
        if not isinstance(result, dict):
            return cls(commit=commit)
        number, head = result.get("number"), result.get("head")
        sha = head.get("sha") if isinstance(head, dict) else None
        return cls(number if isinstance(number, int) else None, sha if isinstance(sha, str) else commit)
