"""What a program declares reaches the engine as meant: type tokens, names, template settings, attributes.

Pulumi's mocks stand in for the engine here, because only they show the inputs as the program sent them; the provider's
side runs on the real engine in tests/e2e.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from pulumi_runpod import (
    EcrDelegation,
    Endpoint,
    LocalDirectory,
    ModelWeights,
    NetworkVolume,
    RegistryCredential,
    Secret,
    Template,
)
from pulumi_runpod.resources.kinds import (
    ecr_delegation,
    endpoint,
    network_volume,
    registry_credential,
    secret,
    template,
)
from pulumi_runpod.resources.resource import RunPodResource

IMAGE = "registry.example.com/team/worker:1"
QUEUE: dict[str, Any] = {
    "type": "QUEUE",
    "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4},
    "gpu": {"pools": ["ADA_24"]},
}


class Recorder(pulumi.runtime.Mocks):
    """Remembers what was registered."""

    def __init__(self) -> None:
        self.seen: dict[str, pulumi.runtime.MockResourceArgs] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.seen[args.name] = args
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {}


@pytest.fixture
def registered() -> Recorder:
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="shop", stack="dev", preview=False)
    return recorder


def inputs_of(recorder: Recorder, resource: RunPodResource, name: str) -> dict[str, Any]:
    """Waits until the resource is registered."""

    @pulumi.runtime.test
    def registered() -> pulumi.Output[str]:
        return resource.id

    registered()
    return {key: value for key, value in recorder.seen[name].inputs.items() if key != "__provider"}


def test_types_have_a_token_that_a_subclass_keeps(registered: Recorder) -> None:
    """The SDK would give a subclass another one, and every stack that uses it a replacement."""

    class TeamVolume(NetworkVolume):
        pass

    volume = NetworkVolume("a", size=10, data_center="EU-RO-1")
    team = TeamVolume("b", size=10, data_center="EU-RO-1")
    inputs_of(registered, volume, "a")
    inputs_of(registered, team, "b")

    assert {args.typ for args in registered.seen.values()} == {"pulumi-python:dynamic/runpod:NetworkVolume"}


def test_a_name_is_automatic_only_where_none_is_given(registered: Recorder) -> None:
    """Its start comes from the resource's name and the project; `check` adds the rest."""
    automatic = inputs_of(registered, NetworkVolume("a", size=10, data_center="EU-RO-1"), "a")
    chosen = inputs_of(registered, NetworkVolume("b", size=10, data_center="EU-RO-1", name="mine"), "b")

    assert automatic["auto_name"].startswith("a-")
    assert "name" not in automatic
    assert (chosen["name"], "auto_name" in chosen) == ("mine", False)


def test_an_endpoint_takes_the_settings_of_its_template(registered: Recorder) -> None:
    """Its own win; the environment is merged key by key; no template id is sent."""
    worker = Template("worker", image=IMAGE, env={"A": "1", "B": "1"}, disk=20, allowed_cuda_versions=["12.8"])
    made = Endpoint("web", **QUEUE, template=worker, env={"B": "2"}, disk=30)
    inputs = inputs_of(registered, made, "web")

    assert inputs["image"] == IMAGE
    assert inputs["env"] == {"A": "1", "B": "2"}
    assert inputs["disk"] == 30
    assert inputs["gpu"] == {"pools": ["ADA_24"], "allowed_cuda_versions": ["12.8"]}
    assert "template_id" not in inputs


def test_a_command_of_the_endpoint_replaces_the_templates_command_in_whichever_form(registered: Recorder) -> None:
    """`args` of one and `cmd` of the other would contradict each other."""
    worker = Template("worker", image=IMAGE, args="python a.py")
    inputs = inputs_of(registered, Endpoint("web", **QUEUE, template=worker, cmd=["python", "b.py"]), "web")

    assert ("args" in inputs, inputs["cmd"]) == (False, ["python", "b.py"])


def test_settings_that_the_template_does_not_give_are_not_taken(registered: Recorder) -> None:
    """An unset disk is the service's choice on both sides, and unknown in a preview."""
    inputs = inputs_of(registered, Endpoint("web", **QUEUE, template=Template("worker", image=IMAGE)), "web")

    assert set(inputs) & {"disk", "env", "ports", "registry", "args"} == set()


def test_template_and_template_id_exclude_each_other(registered: Recorder) -> None:
    """Raised in the program, at the wrong line."""
    with pytest.raises(pulumi.RunError, match="exclude each other"):
        Endpoint("web", **QUEUE, template=Template("worker", image=IMAGE), template_id="tpl")


def test_a_template_id_alone_warns_that_edits_do_not_follow(
    registered: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is applied once: nothing else would tell the reader."""
    items: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: items.append(message))
    Endpoint("web", **QUEUE, template_id="tpl")

    assert len(items) == 1
    assert "applied once" in items[0]


@pytest.mark.parametrize(
    ("resource", "lifecycle"),
    [
        (NetworkVolume, network_volume.LIFECYCLE),
        (Template, template.LIFECYCLE),
        (Endpoint, endpoint.LIFECYCLE),
        (RegistryCredential, registry_credential.LIFECYCLE),
        (EcrDelegation, ecr_delegation.LIFECYCLE),
        (Secret, secret.LIFECYCLE),
    ],
)
def test_every_field_of_the_api_is_an_argument_or_an_output(resource: type[RunPodResource], lifecycle: Any) -> None:
    """And the other way round: no argument that the lifecycle does not know."""
    arguments = set(resource._input_names)
    collection = lifecycle.collection

    assert arguments == set(lifecycle.inputs.model_fields) - {"auto_name"}
    assert set(collection.read.model_fields) - {"id"} <= arguments | set(resource._output_names)
    assert set(resource._secret_names) == collection.secret_fields


@pytest.mark.parametrize(
    ("declare", "advice"),
    [
        (
            lambda opts: NetworkVolume("weights", size=10, data_center="EU-RO-1", opts=opts),
            (
                "NetworkVolume 'weights': dynamic resources cannot be imported, so that import_ has no effect here: "
                "leave it out and give adopt_id='abc'"
            ),
        ),
        (
            lambda opts: ModelWeights(
                "sdxl", volume_id="v", data_center="EU-RO-1", source=LocalDirectory("."), opts=opts
            ),
            "leave it out. The next `pulumi up` takes over what is there already",
        ),
    ],
)
def test_an_import_names_the_way_that_works(
    registered: Recorder, declare: Callable[[pulumi.ResourceOptions], object], advice: str
) -> None:
    """The engine's own answer is a KeyError: an imported object has no provider in the state yet."""
    with pytest.raises(pulumi.RunError) as refused:
        declare(pulumi.ResourceOptions(import_="abc"))

    assert advice in str(refused.value)
    assert registered.seen == {}


def test_a_key_that_is_no_text_is_one_line() -> None:
    """The SDK's own answer is a traceback from its serialization."""
    with pytest.raises(pulumi.RunError, match=r"Template 'worker': env: the key 1 must be text: write '1'"):
        Template("worker", image="registry.example.com/team/worker:1", env={1: "a"})  # type: ignore[dict-item]
