"""A component's arguments as the program wrote them: all mistakes at once, in the words of the arguments.

Only what is known at once is judged; outputs of resources are judged by those that take them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import pulumi

from pulumi_runpod.components.plan_inputs import is_plain
from pulumi_runpod.components.worker_image import WorkerImageArgs
from pulumi_runpod.planning.image_reference import image_mistake
from pulumi_runpod.planning.service import Environment, Guard
from pulumi_runpod.resources.endpoint import FlashBoot
from pulumi_runpod.resources.model_weights import source_mistake

_WEEK_S = 7 * 24 * 3600
_LISTS = {"gpu_pools": "ADA_24", "data_centers": "EU-RO-1", "volumes": "agv6w2qcg7"}
_MAPS = ("env", "silenced")
_NUMBERS: Mapping[str, tuple[int, int | None, str]] = {
    "gpu_count": (1, None, "GPUs"),
    "workers_min": (0, None, "workers"),
    "workers_max": (0, None, "workers"),
    "idle_timeout_seconds": (1, 3600, "seconds"),
    "execution_timeout_seconds": (5, _WEEK_S, "seconds"),
    "endpoint_timeout_seconds": (1, _WEEK_S, "seconds"),
    "container_disk_gb": (1, None, "GB"),
    "volume_size_gb": (10, 4096, "GB"),
}
_CHOICES = {"flashboot": get_args(FlashBoot), "guard": get_args(Guard), "environment": get_args(Environment)}
_SCALING = {"QUEUE_DELAY": "queue_delay", "REQUEST_COUNT": "request_count"}


def check_args(component: str, name: str, args: object, expected: type) -> None:
    """Raises RunError with one line for each mistake."""
    if not isinstance(args, expected):
        raise pulumi.RunError(
            f"{component} {name!r}: takes {expected.__name__}(...), got {type(args).__name__}: write "
            f"{component}({name!r}, {expected.__name__}(image=...))"
        )
    wrong = [f"{component} {name!r}: {line}" for line in _mistakes(vars(args))]
    if wrong:
        raise pulumi.RunError("\n".join(wrong))


def _mistakes(values: Mapping[str, Any]) -> Iterator[str]:
    if values.get("image") is None:
        yield "image: is required: an image reference or WorkerImageArgs(repository=...)"
    for key, judge in _RULES.items():
        value = values.get(key)
        if value is not None and is_plain(value) and (mistake := judge(key, value)) is not None:
            yield f"{key}: {mistake}"
    least, most = values.get("workers_min"), values.get("workers_max")
    if isinstance(least, int) and isinstance(most, int) and 0 <= most < least:
        yield f"workers_max: must be at least workers_min ({least}), got {most}"


def _list(key: str, value: object) -> str | None:
    if isinstance(value, str):
        return f"must be a list, got the text {value!r}: write [{value!r}]"
    if not isinstance(value, list | tuple):
        return f"must be a list, got {value!r}: write [{_LISTS[key]!r}]"
    wrong = [item for item in value if not isinstance(item, str | pulumi.Resource)]
    return f"must be a list of texts, and {wrong[0]!r} is none" if wrong else None


def _map(_: str, value: object) -> str | None:
    return None if isinstance(value, Mapping) else f"must be a dictionary, got {value!r}: write {{'NAME': 'value'}}"


def _number(key: str, value: object) -> str | None:
    least, most, unit = _NUMBERS[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return f"must be a whole number of {unit}, got {value!r}"
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        return f"must be {bounds} {unit}, got {value!r}"
    return None


def _choice(key: str, value: object) -> str | None:
    allowed = _CHOICES[key]
    return None if value in allowed else f"must be {' or '.join(map(repr, allowed))}, got {value!r}"


def _image(_: str, value: object) -> str | None:
    if isinstance(value, WorkerImageArgs):
        return None
    if not isinstance(value, str) or not value:
        return f"must be an image reference or WorkerImageArgs(repository=...), got {value!r}"
    mistake = image_mistake(value)
    return None if mistake is None else f"{value!r} {mistake}"


def _scaling(_: str, value: object) -> str | None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind not in _SCALING:
        example = "{'type': 'QUEUE_DELAY', 'queue_delay': 4} or {'type': 'REQUEST_COUNT', 'request_count': 4}"
        return f"must be {example}, got {value!r}"
    return None


def _rollout(_: str, value: object) -> str | None:
    if not isinstance(value, Mapping):
        return f"must be a dictionary, got {value!r}: write {{'timeout': 600, 'smoke_input': {{...}}}}"
    return None


_RULES: Mapping[str, Callable[[str, Any], str | None]] = {
    "image": _image,
    **dict.fromkeys(_LISTS, _list),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_CHOICES, _choice),
    **dict.fromkeys(_MAPS, _map),
    "scaling": _scaling,
    "rollout": _rollout,
    "weights": lambda _, value: source_mistake(value),
}
