"""What no pull request needs any more is removed: stacks of closed ones, stacks past their time, orphaned objects.

Nothing that somebody works on is touched. An object is an orphan only when two listings, some time apart, agree that no
stack knows it: that of an update that runs is in the state by then. Volumes hold data and are never removed here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeVar

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.deployment import StackSummary, stacks_of
from pulumi_runpod.gitops.markdown import code, prose
from pulumi_runpod.gitops.pr_stack import PrStacks, number_of
from pulumi_runpod.gitops.preview import Masked
from pulumi_runpod.gitops.stack_lock import StackLocked


class Stray(Protocol):
    """As `resources.orphans.Orphan`."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def holds_data(self) -> bool: ...


S = TypeVar("S", bound=Stray)


class SweptStack(Masked):
    """`busy`: somebody works on it at this moment."""

    stack: str
    outcome: Literal["kept", "due", "removed", "busy", "failed"]
    why: str


class SweptObject(Masked):
    kind: str
    id: str
    name: str
    outcome: Literal["kept", "due", "removed", "failed"]
    why: str = ""


class SweepReport(Masked):
    stacks: tuple[SweptStack, ...] = ()
    objects: tuple[SweptObject, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        stacks = [f"stack {result.stack}: {result.why}" for result in self.stacks if result.outcome == "failed"]
        return (*stacks, *(f"{o.kind} {o.id}: {o.why}" for o in self.objects if o.outcome == "failed"))


@dataclass(frozen=True, kw_only=True)
class Due:
    """`unwanted(number)`: why no pull request wants the stack, None while one does."""

    unwanted: Callable[[int], str | None]
    time_to_live: timedelta
    now: datetime

    def why(self, stack: StackSummary, number: int) -> str | None:
        reason = self.unwanted(number)
        if reason is not None:
            return reason
        if stack.last_update is not None and self.now - stack.last_update > self.time_to_live:
            return f"not updated for {_hours(self.time_to_live)}"
        return None


def sweep_stacks(
    stacks: PrStacks, due: Due, *, dry_run: bool = False, removed: Callable[[int, str], None] = lambda *_: None
) -> tuple[SweptStack, ...]:
    """One after the other. A failure is reported, and the next one is tried. `removed(number, why)` follows each."""
    hasty = replace(stacks, locks=replace(stacks.locks, patience=timedelta(0)))
    found = []
    for stack in stacks_of(stacks.workspace):
        number = number_of(stack.name)
        if number is None:
            continue
        try:
            found.append(_swept(hasty, due, stack, number, dry_run=dry_run))
            if found[-1].outcome == "removed":
                removed(number, found[-1].why)
        except StackLocked as locked:
            found.append(SweptStack(stack=stack.name, outcome="busy", why=str(locked)))
        except RunPodError as error:
            found.append(SweptStack(stack=stack.name, outcome="failed", why=str(error)))
    return tuple(found)


def _swept(stacks: PrStacks, due: Due, stack: StackSummary, number: int, *, dry_run: bool) -> SweptStack:
    if stack.update_in_progress:
        return SweptStack(stack=stack.name, outcome="busy", why="an update runs")
    why = due.why(stack, number)
    if why is None:
        return SweptStack(stack=stack.name, outcome="kept", why="its pull request is open")
    if dry_run:
        return SweptStack(stack=stack.name, outcome="due", why=why)
    report = stacks.down(number, why)
    if report.outcome == "failed":
        return SweptStack(stack=stack.name, outcome="failed", why="; ".join(report.errors))
    return SweptStack(stack=stack.name, outcome="removed", why=why)


def sweep_objects(
    listed: Callable[[], Sequence[S]],
    delete: Callable[[S], None],
    *,
    apart: timedelta,
    dry_run: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[SweptObject, ...]:
    """`listed()`: objects that no stack knows, in an order in which they can be deleted. Raises what it raises."""
    first = {(stray.kind, stray.id) for stray in listed()}
    if not first:
        return ()
    sleep(apart.total_seconds())
    agreed = [stray for stray in listed() if (stray.kind, stray.id) in first]
    return tuple(_swept_object(stray, delete, dry_run=dry_run) for stray in agreed)


def _swept_object(stray: S, delete: Callable[[S], None], *, dry_run: bool) -> SweptObject:
    result = SweptObject(kind=stray.kind, id=stray.id, name=stray.name, outcome="due")
    if stray.holds_data:
        why = "it holds data: `pulumi-runpod orphans --delete --volumes` removes it"
        return result.model_copy(update={"outcome": "kept", "why": why})
    if dry_run:
        return result
    try:
        delete(stray)
    except RunPodError as error:
        return result.model_copy(update={"outcome": "failed", "why": str(error)})
    return result.model_copy(update={"outcome": "removed"})


def sweep_table(report: SweepReport) -> str:
    """Markdown."""
    if not report.stacks and not report.objects:
        return "## Sweep: no pull request has a stack, and nothing is orphaned\n"
    rows = [f"| stack {code(s.stack)} | {s.outcome} | {prose(s.why)} |" for s in report.stacks]
    rows += [f"| {o.kind} {code(o.id)} ({code(o.name)}) | {o.outcome} | {prose(o.why)} |" for o in report.objects]
    gone = sum(" removed |" in row for row in rows)
    return "\n".join([f"## Sweep: {gone} removed", "", "| What | | Why |", "|:--|:--|:--|", *rows]) + "\n"


def _hours(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:g} hours"
