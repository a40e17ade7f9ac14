"""Events of the engine -> one `StackPreview`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pulumi_runpod.gitops.costs import COMPONENTS, cost_of
from pulumi_runpod.gitops.diagnostics import errors_of, notices_of, violations_of
from pulumi_runpod.gitops.drift import Cause, drift_of
from pulumi_runpod.gitops.events import STACK_TYPE, UNKNOWN, Diagnostic, Event, PolicyEvent, State, Step
from pulumi_runpod.gitops.preview import Action, ResourceChange, StackPreview, UrlChange
from pulumi_runpod.gitops.values import properties

_ACTIONS: Mapping[str, Action] = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "delete": "delete",
    "discard": "delete",
    "import": "import",
    "import-replacement": "import",
    "read": "read",
}
"""Of a replacement the engine tells three steps; `replace` alone is counted."""
_ORDER = ("replace", "delete", "create", "update", "import", "read")
_OF_THE_ENGINE = (STACK_TYPE, "pulumi:providers:")


def read_preview(stack: str, events: Iterable[Event], *, seconds: float = 0, exit_code: int = 0) -> StackPreview:
    """`exit_code` of `pulumi`; one that failed without a word still counts as failed."""
    steps: dict[str, Step] = {}
    refreshed: dict[str, Step] = {}
    said: list[Diagnostic] = []
    found: list[PolicyEvent] = []
    failed = exit_code != 0
    for event in events:
        if event.diagnostic_event is not None:
            said.append(event.diagnostic_event)
        if event.policy_event is not None:
            found.append(event.policy_event)
        if event.summary_event is not None and event.summary_event.result == "failed":
            failed = True
        done = event.res_outputs_event or event.resource_pre_event
        if done is None:
            continue
        step = done.metadata
        if step.op == "refresh":
            refreshed[step.urn] = step
        elif step.op == "same" or step.op in _ACTIONS:
            steps[step.urn] = step
    own = [step for step in steps.values() if not step.type.startswith(_OF_THE_ENGINE)]
    changes = sorted(
        (_change(step) for step in own if step.op in _ACTIONS),
        key=lambda change: (_ORDER.index(change.action), change.kind, change.name),
    )
    errors = errors_of(said)
    violations = violations_of(found)
    if failed and not errors and not any(violation.mandatory for violation in violations):
        errors = (f"pulumi ended with exit code {exit_code} and gave no reason",)
    causes = [cause for one in said if (cause := Cause.of(one)) is not None]
    drift = drift_of((step for step in refreshed.values() if _is_object(step)), causes)
    return StackPreview(
        stack=stack,
        changes=tuple(changes),
        unchanged=sum(step.op == "same" for step in own),
        urls=tuple(_url(step) for step in own if step.op in _ACTIONS and _change(step).takes_the_url),
        # Of a program that ended early, services are missing: what is left would look like a saving.
        cost=None if errors else cost_of(own),
        drift=drift,
        # A cause is reported with the drift.
        notices=notices_of(one for one in said if not (drift and Cause.of(one))),
        violations=violations,
        errors=errors,
        seconds=round(seconds, 1),
    )


def _is_object(step: Step) -> bool:
    """Something that exists at RunPod or elsewhere; stacks and components don't."""
    return not step.type.startswith((*_OF_THE_ENGINE, COMPONENTS))


def _change(step: Step) -> ResourceChange:
    return ResourceChange(
        action=_ACTIONS[step.op],
        kind=step.kind,
        name=step.name,
        urn=step.urn,
        properties=properties(step),
        replaced_for=tuple(step.keys or ()) if step.op == "replace" else (),
        retained=step.old is not None and step.old.retain_on_delete,
    )


def _url(step: Step) -> UrlChange:
    urls = (step.old or State()).outputs.get("request_urls")
    run = urls.get("run") if isinstance(urls, Mapping) else None
    url = run if isinstance(run, str) and run != UNKNOWN else None
    return UrlChange(name=step.name, url=url, replaced=step.op == "replace")
