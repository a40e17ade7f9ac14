"""The lifecycle of every kind against a real local RunPod, without an engine: derived rules hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.kinds import (
    ecr_delegation,
    endpoint,
    network_volume,
    registry_credential,
    secret,
    template,
)
from pulumi_runpod.resources.lifecycle import KEY_DIGEST, Lifecycle
from pulumi_runpod.resources.unchanged import replaces_nothing, unchanged_inputs
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject

IMAGE = "registry.example.com/team/worker:1"
KINDS: dict[str, tuple[Lifecycle, JsonObject]] = {
    "endpoint": (
        endpoint.LIFECYCLE,
        {
            "auto_name": "web-abcde",
            "type": "QUEUE",
            "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4.0},
            "gpu": {"pools": ["ADA_24"]},
            "image": IMAGE,
            "env": {"A": "1"},
        },
    ),
    "template": (template.LIFECYCLE, {"auto_name": "web-abcde", "image": IMAGE, "env": {"A": "1"}}),
    "network volume": (
        network_volume.LIFECYCLE,
        {"auto_name": "web-abcde", "size": 10.0, "data_center": "EU-RO-1"},
    ),
    "registry credential": (
        registry_credential.LIFECYCLE,
        {"auto_name": "web-abcde", "username": "robot", "password": "pa55word-1"},
    ),
    "ECR delegation": (
        ecr_delegation.LIFECYCLE,
        {"auto_name": "web-abcde", "resource": "arn:aws:ecr:eu-west-1:123456789012:repository/team/worker"},
    ),
    "secret": (secret.LIFECYCLE, {"auto_name": "web-abcde", "value": "s3cret-value"}),
}

OUTSIDE: list[tuple[str, JsonObject]] = [
    ("endpoint", {"workers": {"min": 0, "max": 0, "idleTimeout": 10}}),
    ("endpoint", {"workers": {"idleTimeout": 11}}),
    ("endpoint", {"flashboot": "FLASHBOOT"}),
    ("endpoint", {"gpu": {"pools": ["AMPERE_24"]}}),
    ("endpoint", {"gpu": {"pools": ["ADA_24", "AMPERE_24"], "excludedTypes": ["NVIDIA L4"]}}),
    ("endpoint", {"gpu": {"count": 2}}),
    ("endpoint", {"gpu": {"minCudaVersion": "12.8"}}),
    ("endpoint", {"gpu": {"allowedCudaVersions": ["12.8"]}}),
    ("endpoint", {"timeout": 60_000}),
    ("endpoint", {"env": {"A": "1", "DEBUG": "1"}}),
    ("endpoint", {"dataCenterIds": ["EU-RO-1"]}),
    ("endpoint", {"args": "python other.py"}),
    ("endpoint", {"cmd": ["python", "other.py"]}),
    ("endpoint", {"name": "renamed"}),
    ("endpoint", {"ports": ["8000/http"]}),
    ("endpoint", {"image": "registry.example.com/team/worker:2"}),
    ("endpoint", {"scaling": {"type": "QUEUE_DELAY", "queueDelay": 9}}),
    ("endpoint", {"scaling": {"type": "REQUEST_COUNT", "requestCount": 9}}),
    ("template", {"image": "registry.example.com/team/worker:2"}),
    ("template", {"env": {}}),
    ("template", {"args": "python other.py"}),
    ("template", {"ports": ["8000/http"]}),
    ("template", {"startSsh": False}),
    ("template", {"startJupyter": False}),
    ("template", {"category": "CPU"}),
    ("template", {"public": True}),
    ("template", {"serverless": False}),
    ("template", {"allowedCudaVersions": ["12.8"]}),
    ("template", {"name": "renamed"}),
    ("secret", {"description": "somebody was here"}),
    ("network volume", {"name": "renamed"}),
    ("network volume", {"size": 11}),
]


@pytest.fixture
def api(local_runpod: LocalRunPod) -> Iterator[RunPodClient]:
    with RunPodClient(Settings(api_key=SecretStr(local_runpod.api_key), api_base_url=local_runpod.api)) as client:
        yield client


def checked(lifecycle: Lifecycle, news: JsonObject, olds: JsonObject | None = None) -> JsonObject:
    found = lifecycle.check(olds or {}, news)
    assert found.failures == []
    return found.inputs


def module_of(lifecycle: Lifecycle) -> str:
    """The kind as provider classes name it."""
    return type(lifecycle).__module__.rpartition(".")[2]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_inputs_read_back_are_those_that_were_checked(api: RunPodClient, kind: str) -> None:
    """Otherwise every refresh would be a drift."""
    lifecycle, program = KINDS[kind]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    found = lifecycle.read(api, created.id, created.outs)

    assert found.inputs == inputs
    assert found.outs == created.outs


def test_a_second_check_changes_nothing(kind: str) -> None:
    """Defaults and the automatic name are made once: the engine compares inputs."""
    lifecycle, program = KINDS[kind]
    inputs = checked(lifecycle, program)

    assert checked(lifecycle, program, inputs) == inputs


def test_what_is_declared_again_is_recognised_without_models(api: RunPodClient, kind: str) -> None:
    """The provider process of an `up` without changes stops there: it must find what `check` and `diff` would."""
    lifecycle, program = KINDS[kind]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    found = lifecycle.read(api, created.id, created.outs)

    assert unchanged_inputs(module_of(lifecycle), inputs, program) == inputs
    assert replaces_nothing(created.id, created.outs, inputs)
    assert replaces_nothing(created.id, found.outs, found.inputs)


def test_a_replacement_gets_another_name(kind: str) -> None:
    """The second check of a replacement has no olds, and the new object must not be taken for the old one."""
    lifecycle, program = KINDS[kind]

    assert checked(lifecycle, program)["name"] != checked(lifecycle, program)["name"]


def test_an_update_without_differences_makes_no_call(api: RunPodClient, local_runpod: LocalRunPod, kind: str) -> None:
    """For example when only the stored provider class has changed."""
    lifecycle, program = KINDS[kind]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    local_runpod.forget_calls()

    assert lifecycle.update(api, created.id, created.outs, inputs).outs == created.outs
    assert local_runpod.calls() == []


def test_a_volume_that_is_attached_is_kept_and_its_endpoint_named(api: RunPodClient, local_runpod: LocalRunPod) -> None:
    """The service refuses; after waiting for users that may be on their way out, the message says who is left."""
    lifecycle = network_volume.NetworkVolumeLifecycle(sleep=lambda _: None)
    volume = lifecycle.create(api, checked(lifecycle, KINDS["network volume"][1]))
    user, program = KINDS["endpoint"]
    made = user.create(api, checked(user, {**program, "network_volumes": [volume.id]}))

    with pytest.raises(RunPodError, match=f"(?i)still used by endpoint {made.id}"):
        lifecycle.delete(api, volume.id, volume.outs)
    assert lifecycle.read(api, volume.id, volume.outs).id == volume.id


def test_only_an_answer_says_with_which_key_an_object_was_seen(api: RunPodClient, kind: str) -> None:
    """An update that sends nothing has not met the account; a refresh that finds the object has."""
    lifecycle, program = KINDS[kind]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    before = {**created.outs, KEY_DIGEST: "0000000000"}

    assert created.outs[KEY_DIGEST] == api.key_digest
    assert lifecycle.update(api, created.id, before, inputs).outs[KEY_DIGEST] == "0000000000"
    assert lifecycle.read(api, created.id, before).outs[KEY_DIGEST] == api.key_digest


@pytest.mark.parametrize(("kind", "change"), OUTSIDE, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_any_field_changed_outside_is_seen_and_taken_back(
    api: RunPodClient, local_runpod: LocalRunPod, kind: str, change: JsonObject
) -> None:
    """Fields that the program leaves out included: `check` has filled them in. One PATCH brings them back."""
    lifecycle, program = KINDS[kind]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    update = lifecycle.collection.update
    assert update is not None
    api.update(lifecycle.collection, created.id, update.model_validate(change))

    found = lifecycle.read(api, created.id, created.outs)
    assert found.inputs != inputs
    assert unchanged_inputs(module_of(lifecycle), found.inputs, program) is None

    if "size" in change:
        return  # a volume never shrinks: `check` refuses it
    local_runpod.forget_calls()
    updated = lifecycle.update(api, created.id, found.outs, inputs)
    assert [c.method for c in local_runpod.calls()] == ["PATCH"]
    assert lifecycle.read(api, created.id, updated.outs).inputs == inputs


def test_gone_is_reported_from_not_asked(api: RunPodClient, kind: str) -> None:
    """A 404 ends the object; deleting it once more is success."""
    lifecycle, program = KINDS[kind]
    created = lifecycle.create(api, checked(lifecycle, program))
    lifecycle.delete(api, created.id, created.outs)
    lifecycle.delete(api, created.id, created.outs)

    assert lifecycle.read(api, created.id, created.outs).id is None


def test_a_field_that_cannot_be_updated_replaces_only_where_the_program_sets_it(api: RunPodClient) -> None:
    """A volume's type that the service chose is in the outputs and is no reason for anything."""
    lifecycle, program = KINDS["network volume"]
    created = lifecycle.create(api, checked(lifecycle, program))

    assert "type" in created.outs
    assert lifecycle.diff(created.id, created.outs, checked(lifecycle, {**program, "size": 20.0})).replaces == ()


@pytest.mark.parametrize(
    ("kind", "change", "replaces"),
    [
        ("registry credential", {"password": "another"}, ("password",)),
        ("registry credential", {"name": "mine"}, ("name",)),
        ("ECR delegation", {"resource": "arn:aws:ecr:eu-west-1:123456789012:repository/other"}, ("resource",)),
        ("secret", {"name": "mine"}, ("name",)),
        ("secret", {"value": "another"}, ()),
        ("secret", {"description": "why"}, ()),
    ],
)
def test_what_the_service_cannot_change_is_replaced(
    api: RunPodClient, kind: str, change: JsonObject, replaces: tuple[str, ...]
) -> None:
    """Derived from the models; values that never come back are compared with the last ones given."""
    lifecycle, program = KINDS[kind]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    changed = checked(lifecycle, {**program, **change}, inputs)

    assert lifecycle.diff(created.id, created.outs, changed).replaces == replaces
    if not replaces:
        assert (
            lifecycle.read(api, created.id, lifecycle.update(api, created.id, created.outs, changed).outs).inputs
            == changed
        )


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"type": "LOAD_BALANCER", "scaling": {"type": "REQUEST_COUNT", "request_count": 1}}, ("type",)),
        ({"gpu": None, "cpu": [{"id": "cpu3c", "vcpu_count": 2}]}, ("cpu", "gpu")),
        ({"gpu": {"pools": ["AMPERE_24"]}}, ()),
        ({"image": "registry.example.com/team/other:1"}, ()),
        ({"scaling": {"type": "REQUEST_COUNT", "request_count": 1}}, ()),
    ],
)
def test_only_queue_or_balancer_and_gpu_or_cpu_replace_an_endpoint(
    api: RunPodClient, change: JsonObject, replaces: tuple[str, ...]
) -> None:
    """And then the message names what is lost: the URL."""
    lifecycle, program = KINDS["endpoint"]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    found = lifecycle.diff(created.id, created.outs, checked(lifecycle, {**program, **change}, inputs))

    assert found.replaces == replaces
    assert any("request URLs" in notice for notice in found.notices) == bool(replaces)


@pytest.mark.parametrize(
    "steps",
    [
        [{"min_cuda_version": "12.4"}, {}, {"allowed_cuda_versions": ["12.8"]}, {"min_cuda_version": "12.8"}, {}],
        [{"excluded_types": ["NVIDIA L4"], "pools": ["ADA_24", "AMPERE_24"]}, {"count": 2}, {}],
    ],
)
def test_gpu_constraints_come_and_go(api: RunPodClient, steps: list[JsonObject]) -> None:
    """Each of these needs another one cleared in the same call."""
    lifecycle, program = KINDS["endpoint"]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    outs = created.outs
    for step in steps:
        inputs = checked(lifecycle, {**program, "gpu": {"pools": ["ADA_24"], **step}}, inputs)
        outs = lifecycle.update(api, created.id, outs, inputs).outs
        assert lifecycle.read(api, created.id, outs).inputs == inputs


def test_a_scaler_without_idle_timeout_drops_it(api: RunPodClient) -> None:
    """QUEUE with REQUEST_COUNT refuses one; switching to and fro works."""
    lifecycle, program = KINDS["endpoint"]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    counted = checked(lifecycle, {**program, "scaling": {"type": "REQUEST_COUNT", "request_count": 2}}, inputs)
    outs = lifecycle.update(api, created.id, created.outs, counted).outs

    assert "idle_timeout" not in outs["workers"]
    back = lifecycle.update(api, created.id, outs, inputs).outs
    assert back["workers"]["idle_timeout"] == 10


@pytest.mark.parametrize("kind", ["endpoint", "template"])
def test_a_command_in_either_form_reads_back(api: RunPodClient, kind: str) -> None:
    """`args`, or `entrypoint` and `cmd`, and none: whichever the program uses."""
    lifecycle, program = KINDS[kind]
    inputs = checked(lifecycle, program)
    created = lifecycle.create(api, inputs)
    outs = created.outs
    commands: list[JsonObject] = [
        {"cmd": ["a", "b c"]},
        {"args": "a b"},
        {"entrypoint": ["sh"], "cmd": ["-c", "x"]},
        {},
    ]
    for command in commands:
        inputs = checked(lifecycle, {**program, **command}, inputs)
        outs = lifecycle.update(api, created.id, outs, inputs).outs
        assert lifecycle.read(api, created.id, outs).inputs == inputs


def test_a_name_that_is_taken_is_reported_with_the_id_to_take(api: RunPodClient) -> None:
    """Names of secrets are unique: what an interrupted create has made blocks the next one."""
    program: JsonObject = {"name": "hf_token", "value": "s3cret-value"}
    first = secret.LIFECYCLE.create(api, program)
    with pytest.raises(RunPodError) as refused:
        secret.LIFECYCLE.create(api, program)

    assert "409" in str(refused.value)
    assert f"there is now: {first.id}" in str(refused.value)
    assert f"recover --stack STACK --take RESOURCE={first.id}`" in str(refused.value)
    assert "s3cret-value" not in str(refused.value)


def test_timeout_is_always_sent(api: RunPodClient) -> None:
    """An endpoint created without one has been seen with 0."""
    lifecycle, program = KINDS["endpoint"]

    assert lifecycle.create(api, checked(lifecycle, program)).outs["timeout"] == 300_000


def test_the_name_of_a_flashboot_endpoint_may_grow_a_suffix(api: RunPodClient, local_runpod: LocalRunPod) -> None:
    """The backend once added ` -fb`: that is not a drift, and no reason to rename for ever."""
    local_runpod.turn(flashboot_name_suffix=True)
    lifecycle, program = KINDS["endpoint"]
    inputs = checked(lifecycle, {**program, "flashboot": "FLASHBOOT"})
    created = lifecycle.create(api, inputs)

    assert lifecycle.read(api, created.id, created.outs).inputs == inputs


@pytest.mark.parametrize("document", ["2026-08", "2026-09"])
@pytest.mark.parametrize("command", [{"cmd": ["a"]}, {"args": "a b"}, {}], ids=["cmd", "args", "none"])
def test_older_and_newer_servers_are_the_same_to_a_program(
    api: RunPodClient, local_runpod: LocalRunPod, document: str, command: JsonObject
) -> None:
    """An older one knows neither pagination nor `entrypoint` and `cmd`."""
    local_runpod.turn(document=document)
    lifecycle, program = KINDS["endpoint"]
    inputs = checked(lifecycle, {**program, **command})
    created = lifecycle.create(api, inputs)

    assert lifecycle.read(api, created.id, created.outs).inputs == inputs


def test_a_template_id_alone_leaves_the_container_to_the_template(api: RunPodClient) -> None:
    """Nothing of it is declared, so nothing of it is drift; but the program's own settings win."""
    made = template.LIFECYCLE.create(api, checked(*KINDS["template"]))
    lifecycle, program = KINDS["endpoint"]
    bare = {key: value for key, value in program.items() if key not in ("image", "env")}
    inputs = checked(lifecycle, {**bare, "template_id": made.id, "disk": 30.0})
    created = lifecycle.create(api, inputs)

    assert (created.outs["image"], created.outs["env"], created.outs["disk"]) == (IMAGE, {"A": "1"}, 30)
    assert lifecycle.read(api, created.id, created.outs).inputs == inputs


def test_lists_in_another_order_are_the_same(api: RunPodClient) -> None:
    """Ids of volumes and data centers are sets to the service."""
    lifecycle, program = KINDS["endpoint"]
    inputs = checked(lifecycle, {**program, "data_center_ids": ["EU-RO-1", "EU-CZ-1"]})
    created = lifecycle.create(api, inputs)
    turned: Any = {"dataCenterIds": ["EU-CZ-1", "EU-RO-1"]}
    assert lifecycle.collection.update is not None
    api.update(lifecycle.collection, created.id, lifecycle.collection.update.model_validate(turned))

    assert lifecycle.read(api, created.id, created.outs).inputs == inputs
