"""One local RunPod for a module, an empty account for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.quota import DEFAULT_QUOTA

Json = dict[str, Any]
IMAGE = "registry.example.com/team/worker:1"
NOON = 1_778_444_800.0
"""10 May 2026: where clocks of tests stand."""


@pytest.fixture(scope="module")
def shared_runpod() -> Iterator[LocalRunPod]:
    with LocalRunPod(frozen_at=NOON) as running:
        yield running


@pytest.fixture
def runpod(shared_runpod: LocalRunPod) -> LocalRunPod:
    """A local RunPod with an empty account and a clock that is frozen."""
    shared_runpod.limit(DEFAULT_QUOTA)
    shared_runpod.reset()
    return shared_runpod


@pytest.fixture
def api(runpod: LocalRunPod) -> Iterator[httpx.Client]:
    """A plain HTTP client of the account's owner: no client of ours is between a test and the service."""
    with httpx.Client(base_url=runpod.api, headers={"Authorization": f"Bearer {runpod.api_key}"}) as client:
        yield client


class Make:
    """Objects of the account. A field set to None is left out of the body."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api

    @staticmethod
    def endpoint_body(**changes: object) -> Json:
        """A GPU queue endpoint without workers."""
        body = {
            "name": "sdxl",
            "type": "QUEUE",
            "image": IMAGE,
            "gpu": {"pools": ["ADA_24"]},
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
            "workers": {"min": 0, "max": 1},
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    def endpoint(self, **changes: object) -> Json:
        return self.made("serverless", self.endpoint_body(**changes))

    def volume(self, **changes: object) -> Json:
        return self.made("network-volumes", {"name": "weights", "size": 20, "dataCenter": "EU-RO-1", **changes})

    def template(self, **changes: object) -> Json:
        return self.made("templates", {"name": "worker", "image": IMAGE, "serverless": True, **changes})

    def registry(self, **changes: object) -> Json:
        return self.made("registries", {"name": "private", "username": "someone", "password": "hunter2", **changes})

    def made(self, collection: str, body: Json) -> Json:
        answer = self._api.post(f"/v2/{collection}", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
def make(api: httpx.Client) -> Make:
    return Make(api)
