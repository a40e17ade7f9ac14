"""The native provider under the real engine, declared by the same Python classes: a whole life, import, reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from pulumi_runpod import Endpoint, NetworkVolume, Provider, Secret, Template
from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.wire import NETWORK_VOLUMES
from pulumi_runpod.wire.network_volume import CreateNetworkVolume
from tests.e2e.conftest import ROOT
from tests.e2e.every_kind import every_kind

pytestmark = pytest.mark.engine
native = pytest.mark.parametrize("adapter", ["native"], indirect=True)

Deploy = Callable[..., Any]


@native
def test_a_life_of_every_kind(adapter: str, deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """Created, unchanged, read without a difference, destroyed; no provider code and no secret in the state."""
    stack = deploy(every_kind)
    first = stack.up()
    local_runpod.forget_calls()
    again = stack.up()
    calls = local_runpod.calls()
    drift = stack.preview(refresh=True, expect_no_changes=True)
    resources, text = stack.resources(), stack.state_text()
    destroyed = stack.destroy()

    assert not first.failed, first.text
    assert {r["type"].split(":")[0] for r in resources.values()} == {"runpod-serverless"}
    assert (again.steps, calls) == ([], [])
    assert not drift.failed, drift.text
    assert "__provider" not in text
    assert not [secret for secret in ("pw-4711", "hf-0815") if secret in text]
    assert not destroyed.failed, destroyed.text
    assert local_runpod.call(lambda p: [len(p.store.list(kind)) for kind in ("endpoint", "secret")]) == [0, 0]


@native
def test_the_import_option_takes_an_object_over(
    adapter: str, deploy: Deploy, outsider: RunPodClient, local_runpod: LocalRunPod
) -> None:
    """Nothing is created or changed, and the next `up` finds nothing to do."""
    body = {"name": "by-hand", "size": 10, "dataCenter": "EU-RO-1"}
    made = outsider.create(NETWORK_VOLUMES, CreateNetworkVolume.model_validate(body)).model_dump()["id"]

    def declare(**options: Any) -> Callable[[], None]:
        def program() -> None:
            volume = NetworkVolume(
                "weights", size=10, data_center="EU-RO-1", name="by-hand", opts=pulumi.ResourceOptions(**options)
            )
            pulumi.export("id", volume.id)

        return program

    local_runpod.forget_calls()
    stack = deploy(declare(import_=made))
    imported, after = stack.up(), stack.up(declare())

    assert not imported.failed, imported.text
    assert imported.outputs == {"id": made}
    assert imported.steps[0] == ("import", "weights")
    assert after.steps == []
    assert [call.method for call in local_runpod.calls() if call.method != "GET"] == []


@native
def test_get_reads_what_something_else_manages(adapter: str, deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """Outputs under Python's names, nested ones included, and usable as inputs."""

    def program() -> None:
        secret = Secret("token", value="s3cr3t")
        template = Template("worker", image="registry.example.com/team/worker:1", env={"TOKEN": secret.placeholder})
        made = Endpoint(
            "web",
            type="QUEUE",
            scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
            gpu={"pools": ["ADA_24"]},
            template=Template.get("read", template.id),
        )
        pulumi.export("run_sync", Endpoint.get("again", made.id).request_urls["run_sync"])
        pulumi.export("delay", made.scaling["queue_delay"])

    done = deploy(program).up()

    assert not done.failed, done.text
    assert done.outputs["run_sync"].endswith("/runsync")
    assert done.outputs["delay"] == 4


@native
def test_an_explicit_provider_is_checked_and_changed_in_place(
    adapter: str, engine: Any, local_runpod: LocalRunPod
) -> None:
    """Its key is encrypted; another timeout is an update of the provider alone; a mistake is one line."""

    def program(**settings: Any) -> Callable[[], None]:
        def declare() -> None:
            account = Provider("other", api_key=local_runpod.api_key, api_base_url=local_runpod.api, **settings)
            NetworkVolume("weights", size=10, data_center="EU-RO-1", opts=pulumi.ResourceOptions(provider=account))

        return declare

    stack = engine.stack(program(), {**local_runpod.environment, "RUNPOD_API_KEY": "wrong"})
    made, changed, wrong = stack.up(), stack.up(program(timeout=20)), stack.up(program(timeout=-1))
    [provider] = [r for r in stack.state()["resources"] if r["urn"].endswith("::other")]

    assert not made.failed, made.text
    assert not changed.failed, changed.text
    assert changed.steps == []
    assert provider["type"] == "pulumi:providers:runpod-serverless"
    assert "ciphertext" in provider["inputs"]["apiKey"]
    assert wrong.failed
    assert any("runpod-serverless:timeout" in error for error in wrong.errors), wrong.errors


@native
def test_a_missing_key_stops_the_preview_in_one_line(adapter: str, engine: Any, local_runpod: LocalRunPod) -> None:
    """With the config key of this provider."""
    stack = engine.stack(
        lambda: (NetworkVolume("weights", size=10, data_center="EU-RO-1"), None)[1],
        {**local_runpod.environment, "RUNPOD_API_KEY": ""},
    )
    failed = stack.preview()

    assert failed.failed
    assert any("runpod-serverless:apiKey" in error for error in failed.errors), failed.errors
    assert "Traceback" not in failed.text


@pytest.mark.parametrize("adapter", ["dynamic", "native"], indirect=True)
def test_the_python_on_the_page_runs_on_both(adapter: str, deploy: Deploy) -> None:
    """As it is printed there."""
    page = (ROOT / "docs" / "native.md").read_text()
    text = page.split("```python\n", 1)[1].split("```", 1)[0]
    done = deploy(lambda: exec(text, {})).up()

    assert not done.failed, done.text
    assert done.outputs["url"].endswith("/runsync")
