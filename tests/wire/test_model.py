"""What all models share: JSON's own numbers, no null for "absent", closed requests, open answers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pulumi_runpod.wire import COLLECTIONS, DELEGATIONS, ENDPOINTS, NETWORK_VOLUMES, REGISTRIES, SECRETS, TEMPLATES
from pulumi_runpod.wire.endpoint import CreateEndpoint, Endpoint, UpdateEndpoint
from pulumi_runpod.wire.job import Job
from pulumi_runpod.wire.model import Collection, JsonObject
from pulumi_runpod.wire.network_volume import CreateNetworkVolume, UpdateNetworkVolume
from pulumi_runpod.wire.template import CreateTemplate, Template, UpdateTemplate

VOLUME: JsonObject = {"name": "v", "size": 10, "dataCenter": "EU-RO-1"}


@pytest.mark.parametrize("size", [10, 10.0, 4096.0])
def test_a_whole_number_is_an_integer_however_it_is_written(size: float) -> None:
    """Pulumi hands every number over as a float, and JSON knows no difference."""
    sent = CreateNetworkVolume.model_validate({**VOLUME, "size": size}).model_dump_json(by_alias=True)

    assert f'"size":{int(size)},' in sent


@pytest.mark.parametrize("size", [10.5, "10", True, None, 9, 4097, float("nan"), float("inf")])
def test_what_is_no_integer_in_range_is_refused(size: object) -> None:
    """Neither texts nor booleans are numbers, and bounds hold."""
    with pytest.raises(ValidationError) as raised:
        CreateNetworkVolume.model_validate({**VOLUME, "size": size})
    assert [e["loc"] for e in raised.value.errors()] == [("size",)]


def test_absent_and_null_are_two_things() -> None:
    """A field that may be left out may not be null, unless the service says that null clears it."""
    with pytest.raises(ValidationError, match="must not be null; leave it out instead"):
        UpdateTemplate.model_validate({"env": None})

    assert UpdateTemplate.model_validate({"registry": None}).model_dump(exclude_unset=True) == {"registry": None}
    assert UpdateTemplate.model_validate({}).model_dump(exclude_unset=True) == {}


@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda c: c.kind)
def test_requests_are_closed(collection: Collection) -> None:
    """An unknown field is an error in every request, at any depth."""
    for model in filter(None, (collection.create, collection.update)):
        with pytest.raises(ValidationError) as raised:
            model.model_validate({"bogusField": 1})
        assert ("bogusField",) in [e["loc"] for e in raised.value.errors() if e["type"] == "extra_forbidden"]


def test_nested_objects_are_closed_too() -> None:
    """A typo in `workers` is found."""
    with pytest.raises(ValidationError) as raised:
        UpdateEndpoint.model_validate({"workers": {"maximum": 3}})
    assert raised.value.errors()[0]["loc"] == ("workers", "maximum")


def test_answers_are_open() -> None:
    """A newer service says more, and knows more states: both are read."""
    template = Template.model_validate(
        {
            **dict.fromkeys(("serverless", "public", "startSsh", "startJupyter"), False),
            "id": "t",
            "name": "t",
            "image": "i",
            "mounts": {},
            "category": "TPU",
            "allowedCudaVersions": [],
            "somethingNew": {"deep": 1},
        }
    )

    assert template.category == "TPU"
    assert not hasattr(template, "somethingNew")


def test_names_are_snake_case_here_and_camel_case_on_the_wire() -> None:
    """By alias, in both directions."""
    volume = CreateNetworkVolume.model_validate(VOLUME)

    assert volume.data_center == "EU-RO-1"
    assert volume.model_dump(by_alias=True, exclude_unset=True) == VOLUME


@pytest.mark.parametrize(
    ("collection", "replace", "input_only", "output"),
    [
        (NETWORK_VOLUMES, {"data_center", "type"}, set(), {"id"}),
        (TEMPLATES, set(), set(), {"id"}),
        (ENDPOINTS, {"type"}, {"template_id"}, {"id", "created_at", "request_urls"}),
        (REGISTRIES, {"name", "username", "password"}, {"username", "password"}, {"id"}),
        (SECRETS, {"name"}, {"value"}, {"id", "created_at", "value_last_updated_at"}),
        (
            DELEGATIONS,
            {"name", "resource"},
            {"resource"},
            {
                "id",
                "delegator_user_id",
                "aws_user",
                "repository",
                "tag",
                "aws_region",
                "docker_registry_uri",
                "created_at",
            },
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Collection) else "",
)
def test_what_replaces_and_what_never_comes_back_is_derived(
    collection: Collection, replace: set[str], input_only: set[str], output: set[str]
) -> None:
    """From the models: created but not updated replaces; created but not read is kept from the inputs."""
    assert collection.replace_fields == replace
    assert collection.input_only_fields == input_only
    assert collection.output_fields == output


@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda c: c.kind)
def test_secret_fields_are_fields(collection: Collection) -> None:
    """A misspelt name would hide nothing."""
    assert collection.secret_fields <= collection.create_fields


def test_an_update_of_a_volume_says_something() -> None:
    """`{}` is refused, as the service does."""
    with pytest.raises(ValidationError, match="minProperties"):
        UpdateNetworkVolume.model_validate({})


def test_no_answer_model_asks_for_more_than_is_published() -> None:
    """The fields that the document does not require may be absent: an endpoint without any of them is read."""
    endpoint = Endpoint.model_validate(
        {
            "id": "e",
            "name": "e",
            "workers": {"min": 0, "max": 3},
            "scaling": {"type": "REQUEST_COUNT", "requestCount": 1},
            "dataCenterIds": [],
            "networkVolumes": [],
            "timeout": 0,
            "flashboot": "OFF",
            "createdAt": "2026-06-01T00:00:00Z",
        }
    )

    assert endpoint.gpu is None
    assert endpoint.workers.idle_timeout is None


GPU: JsonObject = {
    "name": "e",
    "type": "QUEUE",
    "image": "i",
    "gpu": {"pools": ["ADA_24"]},
    "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
}


@pytest.mark.parametrize(
    ("change", "path", "status"),
    [
        ({"gpu": None}, ("gpu",), 400),
        ({"cpu": [{"id": "cpu3c", "vcpuCount": 2}]}, ("gpu",), 400),
        (
            {"gpu": {"pools": ["ADA_24"], "allowedCudaVersions": ["12.8"], "minCudaVersion": "12.4"}},
            ("gpu", "minCudaVersion"),
            400,
        ),
        (
            {"scaling": {"type": "REQUEST_COUNT", "requestCount": 1}, "workers": {"idleTimeout": 5}},
            ("workers", "idleTimeout"),
            422,
        ),
        ({"args": "python a.py", "cmd": ["python", "b.py"]}, ("args",), 400),
    ],
)
def test_rules_across_fields_are_found_with_their_place(change: JsonObject, path: tuple[str, ...], status: int) -> None:
    """What no schema says and the service refuses: where, and with which status."""
    body = {key: value for key, value in {**GPU, **change}.items() if value is not None}

    assert [(v.path, v.status) for v in CreateEndpoint.model_validate(body).violations()] == [(path, status)]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"scaling": {"type": "REQUEST_COUNT", "requestCount": 1}},
        {
            "type": "LOAD_BALANCER",
            "scaling": {"type": "REQUEST_COUNT", "requestCount": 1},
            "workers": {"idleTimeout": 5},
        },
        {"args": '{"entrypoint": [], "cmd": ["python", "b.py"]}', "cmd": ["python", "b.py"]},
        {"gpu": {"pools": ["ADA_24"], "allowedCudaVersions": [], "minCudaVersion": "12.4"}},
    ],
)
def test_what_the_service_takes_breaks_no_rule(change: JsonObject) -> None:
    """The rules refuse nothing else."""
    assert CreateEndpoint.model_validate({**GPU, **change}).violations() == []


def test_a_job_in_a_state_that_is_not_known_is_not_final() -> None:
    """Documentation also names RUNNING."""
    assert not Job.model_validate({"id": "j", "status": "RUNNING"}).is_final
    assert Job.model_validate({"id": "j", "status": "TIMED_OUT"}).is_final


def test_a_template_may_clear_what_it_has() -> None:
    """Empty values are values."""
    body = UpdateTemplate.model_validate({"args": "", "ports": [], "env": {}, "allowedCudaVersions": [], "mounts": {}})

    assert body.model_dump(exclude_unset=True, by_alias=True).keys() == {
        "args",
        "ports",
        "env",
        "allowedCudaVersions",
        "mounts",
    }
    assert CreateTemplate.model_fields["name"].is_required()
