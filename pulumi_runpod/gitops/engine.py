"""Previews of several stacks side by side: one `pulumi` process each, its events read as they come.

Processes, and not the Automation API: that starts `pulumi` besides for every setting it makes, and writes events to a
file that it polls. Nothing is raised for a stack that fails: its preview has the errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pulumi_runpod.gitops.events import STREAM, read_events
from pulumi_runpod.gitops.policy_packs import NO_POLICIES, PolicyPacks
from pulumi_runpod.gitops.preview import StackPreview
from pulumi_runpod.gitops.reading import read_preview
from pulumi_runpod.gitops.workspace import PulumiFailed, Workspace, reason

_MOST_AT_ONCE = 16


def carried_out(
    workspace: Workspace,
    *arguments: str,
    stack: str,
    mask: Callable[[str], str],
    environment: Mapping[str, str] | None = None,
) -> StackPreview:
    """What `pulumi ARGUMENTS`, with events as its output, did or would do. `mask` takes secrets out of every text.

    Raises `PulumiFailed` where it ended before the engine began: no such stack, a lock, a broken project file.
    """
    began = time.monotonic()
    with workspace.start(*arguments, "--json", "--stack", stack, environment=environment) as process:
        result, complaint = process.communicate()
    lines = result.splitlines()
    events = list(read_events(lines, mask))
    if process.returncode and not any(event.summary_event for event in events):
        said = (line for line in lines if not line.startswith("{"))
        text = "\n".join([complaint, *said, *read_preview(stack, events).errors])
        raise PulumiFailed(arguments, process.returncode, mask(text))
    return read_preview(stack, events, seconds=time.monotonic() - began, exit_code=process.returncode)


def preview(
    workspace: Workspace,
    stack: str,
    *,
    refresh: bool = True,
    policies: PolicyPacks = NO_POLICIES,
    mask: Callable[[str], str] = str,
) -> StackPreview:
    """`refresh`: ask RunPod how things are, so that drift is reported. `mask` takes secrets out of every text."""
    began = time.monotonic()
    asked = (f"--refresh={str(refresh).lower()}", *policies.arguments)
    try:
        return carried_out(workspace, "preview", *asked, stack=stack, mask=mask, environment=STREAM)
    except PulumiFailed as failure:
        error = reason(failure.text) or f"pulumi ended with exit code {failure.exit_code} and gave no reason"
        return StackPreview(stack=stack, errors=(error,), seconds=round(time.monotonic() - began, 1))


def preview_all(
    workspace: Workspace,
    stacks: Sequence[str],
    *,
    refresh: bool = True,
    policies: PolicyPacks = NO_POLICIES,
    mask: Callable[[str], str] = str,
) -> tuple[StackPreview, ...]:
    """In the order asked for; as long as the slowest one takes."""

    def one(stack: str) -> StackPreview:
        return preview(workspace, stack, refresh=refresh, policies=policies, mask=mask)

    with ThreadPoolExecutor(min(len(stacks), _MOST_AT_ONCE) or 1) as side_by_side:
        return tuple(side_by_side.map(one, stacks))
