"""What program, providers and engine said in a preview, sorted into notices and reasons of a failure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pulumi_runpod.gitops.events import Diagnostic
from pulumi_runpod.gitops.preview import Notice, Severity

_TOLD_ELSEWHERE = re.compile(r"an unhandled error occurred: program exited|(preview|update) failed$")
_SUBJECT = re.compile(r"^\S+ resource '[^']*'(?: has a problem)?: ")
"""Said before what our provider says; the name is told already."""
_SEVERITIES: Mapping[str, Severity] = {"info": "info", "warning": "warning", "info#err": "warning"}


def notices_of(said: Iterable[Diagnostic]) -> tuple[Notice, ...]:
    """Each once, as said."""
    notices = [
        Notice(
            severity=_SEVERITIES[diagnostic.severity],
            text=diagnostic.text.removeprefix("warning: "),
            name=diagnostic.name,
        )
        for diagnostic in said
        if diagnostic.severity in _SEVERITIES and diagnostic.text
    ]
    return tuple(dict.fromkeys(notices))


def errors_of(said: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Each once, the resource's name before it."""
    found = []
    for diagnostic in said:
        text = diagnostic.text.removeprefix("error: ")
        if diagnostic.severity != "error" or _TOLD_ELSEWHERE.match(text):
            continue
        name, words = diagnostic.name, _last_words(text)
        found.append(f"{name}: {_SUBJECT.sub('', words)}" if name else words)
    return tuple(dict.fromkeys(found))


def _last_words(text: str) -> str:
    """Of a traceback, the exception and the last place in it; whole otherwise."""
    if "Traceback (most recent call last):" not in text:
        return text
    lines = [line for line in text.splitlines() if line.strip()]
    at = max((number for number, line in enumerate(lines) if line.startswith("  File ")), default=0)
    exception = next((number for number in range(at + 1, len(lines)) if not lines[number].startswith(" ")), at)
    told = "\n".join(lines[exception:])
    return f"{told} ({lines[at].strip()})" if exception != at else told
