"""What a refresh has found: objects that are gone or no longer as Pulumi left them, and whose doing that was.

The engine tells the difference, the provider the cause where RunPod itself acted; all else was done outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pulumi_runpod.gitops.events import Diagnostic, State, Step
from pulumi_runpod.gitops.preview import Drift
from pulumi_runpod.gitops.values import properties

_CHANGED = "changed outside of Pulumi: in RunPod's console, or through its API"
_DELETED = "deleted outside of Pulumi: in RunPod's console, or through its API"
_PLATFORM_SETS = "workers.max"
"""What RunPod changes by itself: anything else beside it was somebody."""
_SAID = re.compile(r"(?:warning: )?(?P<kind>[\w ]+) '(?P<name>[^']+)': (?P<cause>RunPod has .*)", re.DOTALL)


@dataclass(frozen=True)
class Cause:
    """What the provider said of one object: `endpoint 'NAME': RunPod has lowered workers.max ...`."""

    kind: str
    """In small letters, words apart: `network volume`."""
    name: str
    """The object's, not the resource's."""
    text: str

    @classmethod
    def of(cls, said: Diagnostic) -> Cause | None:
        found = _SAID.fullmatch(said.text) if said.severity == "info#err" else None
        return cls(found["kind"], found["name"], found["cause"]) if found else None


def drift_of(steps: Iterable[Step], causes: Iterable[Cause]) -> tuple[Drift, ...]:
    """`steps`: of the refresh, one for each object. An object has an entry for each cause."""
    known = {(cause.kind, cause.name): cause.text for cause in causes}
    return tuple(drift for step in steps if step.new is None or step.detailed_diff for drift in _drifts(step, known))


def _drifts(step: Step, known: Mapping[tuple[str, str], str]) -> Iterator[Drift]:
    if step.new is None:
        yield Drift(kind=step.kind, name=step.name, urn=step.urn, gone=True, cause=_DELETED)
        return
    # Of a refresh the engine compares old outputs, which is what Pulumi left, with new inputs, which is what is.
    found, platform = properties(step), _platform_cause(step, step.new, known)
    lowered = tuple(result for result in found if platform and result.path == _PLATFORM_SETS)
    others = tuple(result for result in found if result not in lowered)
    for part, cause in ((lowered, platform), (others, _CHANGED)):
        if part and cause:
            yield Drift(kind=step.kind, name=step.name, urn=step.urn, gone=False, cause=cause, properties=part)


def _platform_cause(step: Step, now: State, known: Mapping[tuple[str, str], str]) -> str | None:
    """None where RunPod itself has done nothing."""
    result = now.outputs.get("scaled_down")
    if isinstance(result, str) and result:
        return result
    kind = re.sub(r"(?<!^)(?=[A-Z])", " ", step.kind).lower()
    return known.get((kind, str(now.outputs.get("name"))))
