"""Many resources: how many calls each command makes, how much state it writes; a quota only makes it slower."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pulumi_runpod import Endpoint, NetworkVolume, RegistryCredential, Template
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.resources.adapter import PROVIDER_KEY

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
Calls = Callable[[], list[str]]
IMAGE = "registry.example.com/team/worker:1"
EACH = 50
MISSING = {"template": "template3", "network volume": "volume7"}
"""By kind, what somebody deletes outside."""


def four_kinds() -> None:
    for i in range(EACH):
        NetworkVolume(f"volume{i}", size=10, data_center="EU-RO-1")
        Template(f"template{i}", image=IMAGE)
        RegistryCredential(f"registry{i}", username="u", password="p")
        Endpoint(
            f"endpoint{i}",
            type="QUEUE",
            scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
            gpu={"pools": ["ADA_24"]},
            workers={"max": 1},
            image=IMAGE,
        )


def test_calls_and_state_of_many_resources(deploy: Deploy, local_runpod: LocalRunPod, resource_calls: Calls) -> None:
    """One POST each; nothing in a no-op; a refresh is one list per kind; the state adds little to the data itself.

    What its list lacks is asked for by its id, and gone only when that is a 404.
    """
    stack = deploy(four_kinds)
    done = stack.up()
    created = Counter(call.split(" ")[0] for call in resource_calls())
    local_runpod.forget_calls()
    again = stack.up()
    unchanged = list(local_runpod.calls())
    gone = {kind: stack.resources()[name]["id"] for kind, name in MISSING.items()}
    for kind, object_id in gone.items():
        local_runpod.call(lambda p, kind=kind, object_id=object_id: p.store.delete(kind, object_id))
    completed = stack.refresh()
    refreshed = Counter(resource_calls())

    assert not done.failed, done.text
    assert created == {"POST": 4 * EACH}
    assert (again.steps, unchanged) == ([], [])
    assert refreshed == {
        "GET /v2/network-volumes": 1,
        "GET /v2/registries": 1,
        "GET /v2/serverless": 1,
        "GET /v2/templates": 1,
        f"GET /v2/templates/{gone['template']}": 1,
        f"GET /v2/network-volumes/{gone['network volume']}": 1,
    }
    assert not completed.failed, completed.text
    assert len(stack.resources()) == 4 * EACH - len(MISSING)
    assert not set(MISSING.values()) & set(stack.resources())
    for resource in stack.resources().values():
        # The SDK adds the stack of the caller, here that of pytest; in its own program that is about 1 kB.
        resource.pop("stackTrace", None)
        own = [{k: v for k, v in resource[side].items() if k != PROVIDER_KEY} for side in ("inputs", "outputs")]
        assert len(json.dumps(resource)) - len(json.dumps(own)) < 1000, resource
        assert len(resource["inputs"][PROVIDER_KEY]) < 120


def test_a_quota_makes_an_up_slower_and_fails_none_of_it(deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """150 creates where sixty are allowed in 3 s: every one succeeds, once, and hardly a call is sent in vain."""
    local_runpod.limit("q=60;w=3")

    def declare() -> None:
        for i in range(150):
            Template(f"template{i}", image=IMAGE)

    stack = deploy(declare)
    done = stack.up()
    posts = Counter(call.status for call in local_runpod.calls("POST", "/v2/templates"))
    windows = Counter(int(call.at // 3) for call in local_runpod.calls("POST", "/v2/templates") if call.status == 201)

    assert not done.failed, done.text
    assert posts[201] == len(stack.resources()) == local_runpod.call(lambda p: len(p.store.list("template"))) == 150
    assert posts.total() - posts[201] <= len(windows), posts
