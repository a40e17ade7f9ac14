"""Events of the engine -> one `StackPreview`. Pure: what is shown and what is not is decided here and nowhere else.

Values are shown where they are plain and short; never under a name that may hold a secret, and never of `env`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from pulumi_runpod.gitops.events import SIGNATURE, UNKNOWN, Diagnostic, Event, State, Step
from pulumi_runpod.gitops.preview import (
    Action,
    CostChange,
    Drift,
    MonthlyCost,
    Notice,
    PropertyChange,
    ResourceChange,
    Severity,
    StackPreview,
    UrlChange,
)

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
_STACK_TYPE, _PROVIDERS, _COMPONENTS = "pulumi:pulumi:Stack", "pulumi:providers:", "runpod:components:"
_HIDDEN = re.compile(
    r"(^|[._])(env|__provider|password|secrets?|token|credentials?|private)([.\[_]|$)|(api_?)?key", re.IGNORECASE
)
_LONGEST_VALUE = 80
_DIGEST = re.compile(r"\b(sha256:[0-9a-f]{12})[0-9a-f]{52}\b")
_SHOWN_SECRET, _SHOWN_UNKNOWN = "[secret]", "[known after the update]"
_TOLD_ELSEWHERE = re.compile(r"^an unhandled error occurred: program exited|^(preview|update) failed$")
_SEVERITIES: Mapping[str, Severity] = {"info": "info", "warning": "warning", "info#err": "warning"}
_OUTSIDE = "changed outside of Pulumi: in RunPod's console, or through its API"
_DELETED = "deleted outside of Pulumi: in RunPod's console, or through its API"


def read_preview(stack: str, events: Iterable[Event], *, seconds: float = 0, exit_code: int = 0) -> StackPreview:
    """`exit_code` of `pulumi`; one that failed without a word still counts as failed."""
    steps: dict[str, Step] = {}
    refreshed: dict[str, Step] = {}
    said: list[Diagnostic] = []
    failed = exit_code != 0
    for event in events:
        if event.diagnostic_event is not None:
            said.append(event.diagnostic_event)
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
    own = [step for step in steps.values() if not step.type.startswith((_STACK_TYPE, _PROVIDERS))]
    changes = sorted(
        (_change(step) for step in own if step.op in _ACTIONS),
        key=lambda change: (_ORDER.index(change.action), change.kind, change.name),
    )
    errors = _errors(said)
    if failed and not errors:
        errors = (f"pulumi ended with exit code {exit_code} and gave no reason",)
    notices, causes = _notices(said), _causes(said)
    return StackPreview(
        stack=stack,
        changes=tuple(changes),
        unchanged=sum(step.op == "same" for step in own),
        urls=tuple(_url(step) for step in own if step.op in _ACTIONS and _change(step).takes_the_url),
        # Of a program that ended early, services are missing: what is left would look like a saving.
        cost=None if failed else _cost(own),
        drift=tuple(_drift(step, causes) for step in refreshed.values() if _drifted(step)),
        notices=notices,
        errors=errors,
        seconds=round(seconds, 1),
    )


def _change(step: Step) -> ResourceChange:
    return ResourceChange(
        action=_ACTIONS[step.op],
        kind=_kind(step.type),
        name=step.name,
        urn=step.urn,
        properties=_properties(step),
        replaced_for=tuple(step.keys or ()) if step.op == "replace" else (),
    )


def _kind(type_: str) -> str:
    return re.split(r"[:/]", type_)[-1]


def _properties(step: Step) -> tuple[PropertyChange, ...]:
    paths = sorted(step.detailed_diff) if step.detailed_diff else sorted(step.diffs or ())
    before = step.old or State()
    after = step.new or State()
    return tuple(
        PropertyChange(path=path, before=_value(before, path), after=_value(after, path))
        for path in paths
        if not path.startswith("__")
    )


def _value(state: State, path: str) -> str | None:
    found: Any = state.inputs
    if _lookup(found, path) is None:
        found = state.outputs
    told = _lookup(found, path)
    return None if told is None else shown(told, path)


def _lookup(found: Any, path: str) -> Any:
    """`workers.max`, `gpu.pools[0]`, `env["A.B"]`."""
    for name, quoted, index in re.findall(r'([^.\[\]"]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]', path):
        if index and not name and isinstance(found, list):
            found = found[int(index)] if int(index) < len(found) else None
        elif isinstance(found, Mapping):
            if SIGNATURE in found:
                return found
            found = found.get(name or quoted)
        else:
            return None
    return found


def shown(value: object, path: str) -> str:
    """A value in a form that may be published."""
    if _HIDDEN.search(path) or _holds_secret(value):
        return _SHOWN_SECRET
    if _holds_unknown(value):
        return _SHOWN_UNKNOWN
    text = value if isinstance(value, str) else json.dumps(_without_zeros(value), ensure_ascii=False)
    text = _DIGEST.sub(r"\1…", text)
    half = _LONGEST_VALUE // 2
    # What differs is as often at the end as at the beginning.
    return text if len(text) <= _LONGEST_VALUE else f"{text[:half]}…{text[-half:]}"


def _holds_secret(value: object) -> bool:
    match value:
        case str():
            return value == _SHOWN_SECRET
        case Mapping():
            return SIGNATURE in value or any(_HIDDEN.search(str(k)) or _holds_secret(v) for k, v in value.items())
        case list():
            return any(map(_holds_secret, value))
    return False


def _holds_unknown(value: object) -> bool:
    match value:
        case str():
            return value == UNKNOWN
        case Mapping():
            return any(map(_holds_unknown, value.values()))
        case list():
            return any(map(_holds_unknown, value))
    return False


def _without_zeros(value: object) -> object:
    """The engine's numbers are floats: 3.0 workers look odd."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {key: _without_zeros(item) for key, item in value.items()}
        case list():
            return [_without_zeros(item) for item in value]
    return value


def _url(step: Step) -> UrlChange:
    urls = (step.old or State()).outputs.get("request_urls")
    run = urls.get("run") if isinstance(urls, Mapping) else None
    url = run if isinstance(run, str) and run != UNKNOWN else None
    return UrlChange(name=step.name, url=url, replaced=step.op == "replace")


def _cost(steps: Iterable[Step]) -> CostChange | None:
    services = [step for step in steps if step.type.startswith(_COMPONENTS)]
    now = _sum(step.old for step in services)
    then = _sum(step.new for step in services if step.op not in ("delete", "discard"))
    return None if now is None and then is None else CostChange(now=now, then=then)


def _sum(states: Iterable[State | None]) -> MonthlyCost | None:
    costs = [cost for state in states if state is not None and (cost := _monthly(state)) is not None]
    if not costs:
        return None
    expected = [cost.expected for cost in costs]
    return MonthlyCost(
        low=round(sum(cost.low for cost in costs), 2),
        expected=None if None in expected else round(sum(e for e in expected if e is not None), 2),
        high=round(sum(cost.high for cost in costs), 2),
    )


def _monthly(state: State) -> MonthlyCost | None:
    told = state.outputs.get("monthly_cost")
    if not isinstance(told, Mapping):
        return None
    try:
        return MonthlyCost.model_validate({name: told.get(name) for name in ("low", "expected", "high")})
    except ValidationError:
        return None


def _drifted(step: Step) -> bool:
    if step.type.startswith((_STACK_TYPE, _PROVIDERS, _COMPONENTS)):
        return False
    return step.new is None or bool(step.detailed_diff)


def _drift(step: Step, causes: Mapping[str, str]) -> Drift:
    gone = step.new is None
    return Drift(
        kind=_kind(step.type),
        name=step.name,
        urn=step.urn,
        gone=gone,
        cause=_DELETED if gone else _cause(step, causes),
        # Of a refresh the engine compares old outputs, what Pulumi left, with new inputs, what is.
        properties=() if gone else _properties(step),
    )


def _cause(step: Step, causes: Mapping[str, str]) -> str:
    """The provider's own word, in its output `scaled_down` or in what it printed of the object; else "outside"."""
    outputs = step.new.outputs if step.new is not None else {}
    told = outputs.get("scaled_down")
    if isinstance(told, str):
        return told
    return causes.get(str(outputs.get("name")), _OUTSIDE)


def _causes(said: Iterable[Diagnostic]) -> dict[str, str]:
    """Object name -> what the provider said of it: `endpoint 'NAME': RunPod has lowered ...`."""
    found = {}
    for diagnostic in said:
        match = re.match(r"(?:warning: )?[\w ]+ '([^']+)': (RunPod has .*)", diagnostic.text, re.DOTALL)
        if diagnostic.severity == "info#err" and match:
            found[match[1]] = match[2]
    return found


def _notices(said: Iterable[Diagnostic]) -> tuple[Notice, ...]:
    notices = [
        Notice(
            severity=_SEVERITIES[diagnostic.severity],
            text=diagnostic.text.removeprefix("warning: "),
            name=_named(diagnostic),
        )
        for diagnostic in said
        if diagnostic.severity in _SEVERITIES and diagnostic.text
    ]
    return tuple(dict.fromkeys(notices))


def _named(diagnostic: Diagnostic) -> str | None:
    return diagnostic.urn.rsplit("::", 1)[-1] if diagnostic.urn and f"::{_STACK_TYPE}::" not in diagnostic.urn else None


def _errors(said: Iterable[Diagnostic]) -> tuple[str, ...]:
    found = []
    for diagnostic in said:
        if diagnostic.severity == "error" and not _TOLD_ELSEWHERE.match(
            text := diagnostic.text.removeprefix("error: ")
        ):
            name = _named(diagnostic)
            found.append(f"{name}: {_last_words(text)}" if name else _last_words(text))
    return tuple(dict.fromkeys(found))


def _last_words(text: str) -> str:
    """Of a traceback, the exception and the program's own last line; whole otherwise."""
    if "Traceback (most recent call last):" not in text:
        return text
    lines = [line for line in text.splitlines() if line.strip()]
    place = next((line.strip() for line in reversed(lines) if line.lstrip().startswith("File ")), "")
    return f"{lines[-1].strip()} ({place})" if place else lines[-1].strip()
