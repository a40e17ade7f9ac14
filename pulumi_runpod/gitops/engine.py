"""Previews of several stacks side by side: one `pulumi` process each, its events read as they come.

Processes, and not the Automation API: that starts `pulumi` besides for every setting it makes, and writes events to a
file that it polls. Nothing is raised for a stack that fails: its preview says so.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.events import STREAM, read_events
from pulumi_runpod.gitops.preview import StackPreview
from pulumi_runpod.gitops.reading import read_preview

_MOST_AT_ONCE = 16


@dataclass(frozen=True)
class Workspace:
    """A Pulumi project: where it lies, and how `pulumi` is started there."""

    directory: Path
    command: str
    environment: Mapping[str, str] = field(repr=False)

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.command, *arguments, "--non-interactive"],
            cwd=self.directory,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        """What it printed. Raises `PulumiFailed` with its own reason."""
        with self.start(*arguments) as process:
            told, complaint = process.communicate()
        if process.returncode:
            raise PulumiFailed(arguments, process.returncode, f"{complaint}\n{told}")
        return told


class PulumiFailed(RunPodError):  # noqa: N818 - as the rest of the tree
    """`text`: everything that was printed."""

    def __init__(self, arguments: Sequence[str], exit_code: int, text: str) -> None:
        self.exit_code, self.text = exit_code, text
        command = " ".join(word for word in arguments[:2] if not word.startswith("-"))
        super().__init__(f"pulumi {command} -> {reason(text) or f'exit code {exit_code}'}")


def reason(text: str) -> str:
    """The first error that `pulumi` printed, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "")
    return told.removeprefix("error:").strip()


def preview(
    workspace: Workspace, stack: str, *, refresh: bool = True, mask: Callable[[str], str] = str
) -> StackPreview:
    """`refresh`: ask RunPod how things are, so that drift is told. `mask` takes secrets out of every text."""
    began = time.monotonic()
    asked = "--refresh=true" if refresh else "--refresh=false"
    with workspace.start("preview", "--json", "--stack", stack, asked, environment=STREAM) as process:
        told, complaint = process.communicate()
    seconds = time.monotonic() - began
    lines = told.splitlines()
    events = list(read_events(lines, mask))
    if process.returncode and not any(event.summary_event for event in events):
        # It ended before the engine began: no such stack, another backend, a broken project file.
        words = mask(reason("\n".join([complaint, *(line for line in lines if not line.startswith("{"))])))
        error = words or f"pulumi ended with exit code {process.returncode} and gave no reason"
        return StackPreview(stack=stack, errors=(error,), seconds=round(seconds, 1))
    return read_preview(stack, events, seconds=seconds, exit_code=process.returncode)


def preview_all(
    workspace: Workspace, stacks: Sequence[str], *, refresh: bool = True, mask: Callable[[str], str] = str
) -> tuple[StackPreview, ...]:
    """In the order asked for; as long as the slowest one takes."""
    with ThreadPoolExecutor(min(len(stacks), _MOST_AT_ONCE) or 1) as side_by_side:
        return tuple(side_by_side.map(lambda stack: preview(workspace, stack, refresh=refresh, mask=mask), stacks))
