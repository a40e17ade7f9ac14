"""Credentials and accounts: replaced in an order that leaves nobody without, encrypted, and never mixed up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from pulumi_runpod import Endpoint, NetworkVolume, Provider, RegistryCredential, Secret, Template
from pulumi_runpod.emulator.local import LocalRunPod

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
Calls = Callable[[], list[str]]
IMAGE = "registry.example.com/team/worker:1"


def private_image(password: str, value: str = "hf_first-value") -> Callable[[], None]:
    def declare() -> None:
        registry = RegistryCredential("registry", username="robot-user", password=password)
        token = Secret("hf", value=value)
        worker = Template("worker", image=IMAGE, registry=registry.id, env={"HF_TOKEN": token.placeholder})
        made = Endpoint(
            "web",
            type="QUEUE",
            scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
            gpu={"pools": ["ADA_24"]},
            template=worker,
        )
        pulumi.export("registry", registry.id)
        pulumi.export("endpoint", made.id)

    return declare


def test_a_new_password_is_created_first_pointed_at_and_only_then_the_old_one_goes(
    deploy: Deploy, local_runpod: LocalRunPod, resource_calls: Calls
) -> None:
    """The service takes no change of a credential, and deleting one that is in use would leave templates without."""
    stack = deploy(private_image("pa55word-one"))
    first = stack.up()
    assert not first.failed, first.text
    local_runpod.forget_calls()
    second = stack.up(private_image("pa55word-two"))
    calls = [call.split("/")[0] + call.split("/")[2] for call in resource_calls()]
    by_time = sorted(local_runpod.calls(), key=lambda call: call.at)

    assert not second.failed, second.text
    assert sorted(calls) == ["DELETE registries", "PATCH serverless", "PATCH templates", "POST registries"]
    assert (by_time[0].method, by_time[-1].method) == ("POST", "DELETE")
    assert second.outputs["endpoint"] == first.outputs["endpoint"]
    assert second.outputs["registry"] != first.outputs["registry"]


def test_credentials_are_encrypted_and_never_shown(deploy: Deploy) -> None:
    """User, password and value, though the program wrote them as plain strings; a new value is an update in place."""
    stack = deploy(private_image("pa55word-one"))
    outcomes = [
        stack.up(),
        stack.preview(private_image("pa55word-two", "hf_second-value"), diff=True),
        stack.up(private_image("pa55word-one", "hf_second-value")),
        stack.refresh(),
        stack.preview(expect_no_changes=True),
    ]
    state = stack.state_text()

    assert outcomes[2].steps == [("update", "hf")]
    assert not outcomes[4].failed, outcomes[4].text
    for result in ("pa55word-one", "pa55word-two", "hf_first-value", "hf_second-value", "robot-user"):
        assert result not in state
        assert not any(result in outcome.text for outcome in outcomes)


def test_each_account_has_its_own_key_and_url(deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """An explicit provider's settings replace the stack's; its key is encrypted in the state."""
    with LocalRunPod(api_key="key-of-the-second-account") as second:

        def declare() -> None:
            other = Provider("second", api_key=second.api_key, api_base_url=second.api)
            NetworkVolume("here", size=10, data_center="EU-RO-1")
            NetworkVolume("there", size=20, data_center="EU-RO-1", opts=pulumi.ResourceOptions(provider=other))

        stack = deploy(declare)
        done = stack.up()
        sizes = [
            [row.body["size"] for row in place.call(lambda p: p.store.list("network volume"))]
            for place in (local_runpod, second)
        ]
        state = stack.state_text()
        destroyed = stack.destroy()

        assert not done.failed, done.text
        assert sizes == [[10], [20]]
        assert second.api_key not in state
        assert not destroyed.failed, destroyed.text
        assert second.call(lambda p: p.store.list("network volume")) == []


def test_stack_config_wins_over_the_environment(deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """`runpod:apiKey` of the stack; and what is wrong with it is reported without showing it."""
    stack = deploy(lambda: (NetworkVolume("weights", size=10, data_center="EU-RO-1"), None)[1])
    stack.config("runpod:apiKey", "key-of-somebody-else", secret=True)
    failed = stack.up()

    assert failed.failed
    assert "401" in failed.text
    assert "key-of-somebody-else" not in failed.text
    stack.config("runpod:apiKey", local_runpod.api_key, secret=True)
    assert not stack.up().failed


def test_a_refresh_takes_the_key_of_the_last_up_unless_the_program_is_run(deploy: Deploy) -> None:
    """The engine keeps the stack's config in the state: so a message about a wrong key names `--run-program`."""
    stack = deploy(lambda: (NetworkVolume("weights", size=10, data_center="EU-RO-1"), None)[1])
    assert not stack.up().failed
    stack.config("runpod:apiKey", "key-of-somebody-else", secret=True)
    kept = stack.refresh()
    taken = stack.refresh(run_program=True)

    assert not kept.failed, kept.text
    assert taken.failed
    assert "401" in taken.text
    assert "--run-program" in taken.text
