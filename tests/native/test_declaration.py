"""What `pulumi import` prints: the shortest declaration that comes to the object as it is."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_runpod.native.declaration import declaration, says_the_same
from pulumi_runpod.resources.completion import COMPLETIONS

ENDPOINT: dict[str, Any] = {
    "name": "web",
    "type": "QUEUE",
    "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4},
    "gpu": {"pools": ["ADA_24"], "excluded_types": [], "count": 1, "allowed_cuda_versions": []},
    "workers": {"min": 0, "max": 3, "idle_timeout": 10},
    "image": "registry.example.com/team/worker:1",
    "args": "",
    "entrypoint": [],
    "cmd": [],
    "env": {},
    "ports": [],
    "disk": 20,
    "timeout": 300000,
    "flashboot": "OFF",
    "data_center_ids": [],
    "network_volumes": [],
}
SHORT = {key: ENDPOINT[key] for key in ("name", "type", "scaling", "image", "disk")} | {"gpu": {"pools": ["ADA_24"]}}


def test_defaults_are_left_out_at_both_levels() -> None:
    """An endpoint as the service made it, in six lines."""
    assert declaration("endpoint", ENDPOINT) == SHORT


def test_what_differs_from_a_default_stays() -> None:
    """And nothing else of the object that holds it."""
    changed = {**ENDPOINT, "workers": {"min": 1, "max": 3, "idle_timeout": 10}, "env": {"A": "b"}}

    assert declaration("endpoint", changed) == {**SHORT, "workers": {"min": 1}, "env": {"A": "b"}}


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ({"args": "python x.py", "entrypoint": [], "cmd": ["python", "x.py"]}, {"args": "python x.py"}),
        (
            {"args": '{"entrypoint":["sh"],"cmd":["-c"]}', "entrypoint": ["sh"], "cmd": ["-c"]},
            {"entrypoint": ["sh"], "cmd": ["-c"]},
        ),
    ],
)
def test_a_command_is_printed_in_the_form_it_was_given(command: dict[str, Any], kept: dict[str, Any]) -> None:
    """The service returns both forms; two would contradict each other after the first edit."""
    printed = declaration("endpoint", {**ENDPOINT, **command})

    assert {key: printed[key] for key in ("args", "entrypoint", "cmd") if key in printed} == kept


@pytest.mark.parametrize("inputs", [ENDPOINT, {**ENDPOINT, "args": "a b", "cmd": ["a", "b"]}])
def test_a_completed_declaration_says_the_same_as_the_short_one(inputs: dict[str, Any]) -> None:
    """So the `up` after an import finds nothing to do."""
    short = declaration("endpoint", inputs)
    completed = COMPLETIONS["endpoint"].complete({}, short)

    assert says_the_same("endpoint", short, completed)
    assert not says_the_same("endpoint", short, {**completed, "disk": 30})
    assert not says_the_same("endpoint", {}, completed)
