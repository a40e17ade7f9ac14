"""The stack of a pull request, `pr-NUMBER`: deployed for as long as the request is open and asks for it, then removed.

Whatever happens on the way, nothing is left over: whether the request is still open is asked before and after an
update, a first update that fails is taken back, and a stack that somebody else works on is waited for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from pulumi_runpod.gitops.deployment import outputs_of, stacks_of, update
from pulumi_runpod.gitops.policy_packs import NO_POLICIES, PolicyPacks
from pulumi_runpod.gitops.pr_settings import PrSettings, copy_settings, settings_file, write_settings
from pulumi_runpod.gitops.preview import Masked, MonthlyCost, StackPreview
from pulumi_runpod.gitops.stack_lock import LockPolicy, when_unlocked
from pulumi_runpod.gitops.workspace import PulumiFailed, Workspace

_NAME = re.compile(r"pr-([1-9]\d*)")
_OVERTAKEN = re.compile(
    r"no stack named '[^']*' found|still has resources; removal rejected|stack '[^']*' already exists"
)
_MOST_ATTEMPTS = 5

Outcome = Literal["deployed", "removed", "absent", "failed"]
Wanted = Callable[[], str | None]
"""Why the stack is not wanted (`the pull request is closed`); None while it is."""


class PrStackReport(Masked):
    """`absent`: there was none to remove. `failed`: `errors` say why, and `left` whether the stack is still there."""

    stack: str
    number: int
    outcome: Outcome
    why: str = ""
    left: bool = False
    endpoint_id: str | None = None
    """This and the URLs: from the program's outputs `endpoint_id` and `request_urls`, where it has them."""
    run_url: str | None = None
    runsync_url: str | None = None
    cost: MonthlyCost | None = None
    errors: tuple[str, ...] = ()


def name_of(number: int) -> str:
    return f"pr-{number}"


def number_of(stack: str) -> int | None:
    """None for a stack that belongs to no pull request."""
    match = _NAME.fullmatch(stack)
    return int(match[1]) if match else None


@dataclass(frozen=True, kw_only=True)
class PrStacks:
    """`recover(stack)` puts what an interrupted update made into the state, or raises where a person must decide."""

    workspace: Workspace
    recover: Callable[[str], None]
    say: Callable[[str], None]
    settings: PrSettings = field(default_factory=PrSettings)
    locks: LockPolicy = field(default_factory=LockPolicy)
    policies: PolicyPacks = NO_POLICIES
    """What they refuse is not deployed."""
    mask: Callable[[str], str] = str
    """Takes secrets out of every text."""

    def up(self, number: int, wanted: Wanted) -> PrStackReport:
        """Deploy, or remove where the stack is not wanted (any more). Raises `RunPodError` where nothing was begun."""
        stack = name_of(number)
        report = self._settled(stack, lambda: self._deploy(number, wanted))
        why = report.why if report.outcome == "absent" else wanted()
        if why is not None:
            return self.down(number, why)
        return report

    def down(self, number: int, why: str = "") -> PrStackReport:
        """Destroy, and remove the stack with its settings."""
        return self._settled(name_of(number), lambda: self._remove(number, why))

    def _deploy(self, number: int, wanted: Wanted) -> PrStackReport:
        stack, why = name_of(number), wanted()
        if why is not None:
            return PrStackReport(stack=stack, number=number, outcome="absent", why=why)
        stacks = self._stacks()
        exists = stack in stacks
        write_settings(self.workspace, stack, self.settings, stacks)
        before = outputs_of(self.workspace, stack) if exists else {}
        if exists:
            self.recover(stack)
        done = update(self.workspace, "up", stack, policies=self.policies, mask=self.mask)
        if not done.failed:
            return _report(number, "deployed", done, outputs_of(self.workspace, stack))
        failed = _report(number, "failed", done, before).model_copy(update={"left": True})
        if before:
            # An earlier push is deployed, and may well serve: its endpoint went back to the release before.
            return failed
        self.say(f"stack {stack}: its first update failed, so that what it has made is destroyed again")
        removed = self._remove(number, "")
        return failed.model_copy(update={"left": removed.left, "errors": (*failed.errors, *removed.errors)})

    def _remove(self, number: int, why: str) -> PrStackReport:
        stack = name_of(number)
        if stack not in self._stacks():
            settings_file(self.workspace, stack).unlink(missing_ok=True)
            return PrStackReport(stack=stack, number=number, outcome="absent", why=why)
        copy_settings(self.workspace, stack, self.settings.source, exists=True)
        self.recover(stack)
        done = update(self.workspace, "destroy", stack, mask=self.mask)
        if done.failed:
            return PrStackReport(stack=stack, number=number, outcome="failed", why=why, left=True, errors=done.reasons)
        self.workspace.run("stack", "rm", "--stack", stack, "--yes", "--remove-backups")
        settings_file(self.workspace, stack).unlink(missing_ok=True)
        return PrStackReport(stack=stack, number=number, outcome="removed", why=why)

    def _stacks(self) -> frozenset[str]:
        return frozenset(found.name for found in stacks_of(self.workspace))

    def _settled(self, stack: str, work: Callable[[], PrStackReport]) -> PrStackReport:
        """From the start again where another run has made or removed the stack meanwhile."""
        for _ in range(_MOST_ATTEMPTS - 1):
            try:
                return when_unlocked(self.workspace, stack, work, self.locks, say=self.say)
            except PulumiFailed as failure:
                if not _OVERTAKEN.search(failure.text):
                    raise
        return when_unlocked(self.workspace, stack, work, self.locks, say=self.say)


def _report(number: int, outcome: Outcome, done: StackPreview, outputs: Mapping[str, JsonValue]) -> PrStackReport:
    endpoint_id, urls = outputs.get("endpoint_id"), outputs.get("request_urls")
    result = urls if isinstance(urls, dict) else {}
    return PrStackReport(
        stack=name_of(number),
        number=number,
        outcome=outcome,
        endpoint_id=endpoint_id if isinstance(endpoint_id, str) else None,
        run_url=_text(result.get("run") or result.get("base")),
        runsync_url=_text(result.get("run_sync")),
        cost=done.cost.then if done.cost else None,
        errors=done.reasons,
    )


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
