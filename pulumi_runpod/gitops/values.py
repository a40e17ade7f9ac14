"""Properties of a step -> short text that may be published. Secrets and what is under a telling name stay hidden.

Values of `env` are never shown: what a worker gets is often a key under any name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pulumi_runpod.gitops.events import SIGNATURE, UNKNOWN, State, Step
from pulumi_runpod.gitops.masking import HIDDEN
from pulumi_runpod.gitops.preview import PropertyChange

_TELLING = re.compile(
    r"(^|[._])(env|__provider|password|secrets?|token|credentials?|private)([.\[_]|$)|(api_?)?key", re.IGNORECASE
)
_LONGEST_VALUE = 80
_DIGEST = re.compile(r"\b(sha256:[0-9a-f]{12})[0-9a-f]{52}\b")
_UNKNOWN_SHOWN = "[known after the update]"


def properties(step: Step) -> tuple[PropertyChange, ...]:
    """What changes, by path. `before` and `after` are None where there is no such property."""
    kinds = {path: result.diff_kind for path, result in (step.detailed_diff or {}).items()} or dict.fromkeys(
        step.diffs or (), "update"
    )
    before, after = step.old or State(), step.new or State()
    return tuple(
        PropertyChange(
            path=path,
            before=None if kind.startswith("add") else _value(before, path),
            after=None if kind.startswith("delete") else _value(after, path),
        )
        for path, kind in sorted(kinds.items())
        if not path.startswith("__")
    )


def shown(value: object, path: str) -> str:
    """A value as short text; what differs is as often at its end as at its beginning."""
    if _TELLING.search(path) or _holds_secret(value):
        return HIDDEN
    if _holds_unknown(value):
        return _UNKNOWN_SHOWN
    text = value if isinstance(value, str) else json.dumps(_without_zeros(value), ensure_ascii=False)
    text = _DIGEST.sub(r"\1…", text)
    half = _LONGEST_VALUE // 2
    return text if len(text) <= _LONGEST_VALUE else f"{text[:half]}…{text[-half:]}"


def _value(state: State, path: str) -> str | None:
    result = _lookup(state.inputs, path)
    if result is None:
        result = _lookup(state.outputs, path)
    return None if result is None else shown(result, path)


def _lookup(found: Any, path: str) -> Any:
    """`workers.max`, `gpu.pools[0]`, `env["A.B"]`. A secret on the way is what is found."""
    for name, quoted, index in re.findall(r'([^.\[\]"]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]', path):
        number = index or name
        if isinstance(found, list) and number.isdigit():
            found = found[int(number)] if int(number) < len(found) else None
        elif isinstance(found, Mapping):
            if SIGNATURE in found:
                return found
            found = found.get(name or quoted or index)
        elif found == HIDDEN:
            return found
        else:
            return None
    return found


def _holds_secret(value: object) -> bool:
    match value:
        case str():
            return HIDDEN in value
        case Mapping():
            return SIGNATURE in value or any(_TELLING.search(str(k)) or _holds_secret(v) for k, v in value.items())
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
