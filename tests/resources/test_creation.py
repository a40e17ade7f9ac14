"""A POST of unknown outcome: sent once, looked for, and never answered by a second object."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import AmbiguousCreate
from pulumi_runpod.resources.kinds.template import TemplateLifecycle
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.template import TEMPLATES, CreateTemplate

IMAGE = "registry.example.com/team/worker:1"


@pytest.fixture
def api(local_runpod: LocalRunPod) -> Iterator[RunPodClient]:
    with RunPodClient(Settings.load({}, local_runpod.environment)) as client:
        yield client


class LateCommit:
    """A service that answers failure and makes the object `after` seconds later; sleeping takes no time."""

    def __init__(self, api: RunPodClient, after: float) -> None:
        self._api, self._after = api, after
        self._slept = 0.0
        self.name = ""

    def sleep(self, seconds: float) -> None:
        was, self._slept = self._slept, self._slept + seconds
        if was < self._after <= self._slept:
            self.commit()

    def commit(self) -> None:
        self._api.create(TEMPLATES, CreateTemplate.model_validate({"name": self.name, "image": IMAGE}))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(("after", "found"), [(3.0, True), (9.0, False)])
def test_a_commit_after_a_failure_is_found_or_reported_and_never_doubled(
    api: RunPodClient, local_runpod: LocalRunPod, status: int, after: float, found: bool
) -> None:
    """Three seconds later the object is there; after nine the error says what to do."""
    service = LateCommit(api, after)
    lifecycle = TemplateLifecycle(sleep=service.sleep)
    inputs = lifecycle.check({}, {"auto_name": "web-abcde", "image": IMAGE}).inputs
    service.name = inputs["name"]
    local_runpod.fault("http.status", method="POST", path="/v2/templates", status=status)

    if found:
        created = lifecycle.create(api, inputs)
        assert [t.model_dump()["id"] for t in api.list(TEMPLATES)] == [created.id]
    else:
        with pytest.raises(AmbiguousCreate, match="recover"):
            lifecycle.create(api, inputs)
        service.commit()
        assert len(api.list(TEMPLATES)) == 1
