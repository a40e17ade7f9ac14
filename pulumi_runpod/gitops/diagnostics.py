"""What program, providers, engine and policies said in a preview: notices, reasons of a failure, violations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pulumi_runpod.gitops.events import Diagnostic, PolicyEvent
from pulumi_runpod.gitops.preview import Notice, Severity, Violation

_TOLD_ELSEWHERE = re.compile(r"an unhandled error occurred: program exited|(preview|update) failed$")
_SUBJECT = re.compile(r"^(?:\S+ resource '[^']*'(?: has a problem)?|Preview failed): ")
"""A prefix of our provider's messages; what failed, and its name, are reported elsewhere."""
_SEVERITIES: Mapping[str, Severity] = {"info": "info", "warning": "warning", "info#err": "warning"}


def notices_of(said: Iterable[Diagnostic]) -> tuple[Notice, ...]:
    """Each once, as said; those of resources, which come in any order, by name."""
    notices = [
        Notice(
            severity=_SEVERITIES[diagnostic.severity],
            text=diagnostic.text.removeprefix("warning: "),
            name=diagnostic.name,
        )
        for diagnostic in said
        if diagnostic.severity in _SEVERITIES and diagnostic.text
    ]
    return tuple(sorted(dict.fromkeys(notices), key=lambda notice: notice.name or ""))


def errors_of(said: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Each once, the resource's name before it; in the order of the names."""
    found = []
    for diagnostic in sorted(said, key=lambda one: one.name or ""):
        text = diagnostic.text.removeprefix("error: ")
        if diagnostic.severity != "error" or _TOLD_ELSEWHERE.match(text):
            continue
        name, words = diagnostic.name, _last_words(text)
        found.append(f"{name}: {_SUBJECT.sub('', words)}" if name else words)
    return tuple(dict.fromkeys(found))


def violations_of(found: Iterable[PolicyEvent]) -> tuple[Violation, ...]:
    """Each once, in an order that stays: those that refuse the update first. A level that is not known refuses."""
    violations = [
        Violation(
            policy=event.policy_name,
            pack=event.policy_pack_name,
            mandatory=event.enforcement_level != "advisory",
            text=_what_is_wrong(event.message),
            name=event.name,
        )
        for event in found
        if event.enforcement_level not in ("disabled", "remediate")
    ]
    return tuple(sorted(dict.fromkeys(violations), key=lambda it: (not it.mandatory, it.policy, it.name or "")))


def _what_is_wrong(message: str) -> str:
    """Without what the policy is for, which the engine puts before it; all of a message that says nothing else."""
    return message.strip().split("\n", 1)[-1].strip()


def _last_words(text: str) -> str:
    """Of a traceback, the exception and the last place in it; whole otherwise."""
    if "Traceback (most recent call last):" not in text:
        return text
    lines = [line for line in text.splitlines() if line.strip()]
    at = max((number for number, line in enumerate(lines) if line.startswith("  File ")), default=0)
    exception = next((number for number in range(at + 1, len(lines)) if not lines[number].startswith(" ")), at)
    result = "\n".join(lines[exception:])
    return f"{result} ({lines[at].strip()})" if exception != at else result
