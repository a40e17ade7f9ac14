"""A table of mistakes that people make. Each message says where, what is wrong and what to do; none is a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from pulumi_runpod import Endpoint, LocalDirectory, ModelWeights, Template
from pulumi_runpod.components import (
    SdxlService,
    SdxlServiceArgs,
    ServerlessService,
    ServerlessServiceArgs,
    WorkerImage,
    WorkerImageArgs,
)
from pulumi_runpod.errors import SettingsError
from pulumi_runpod.resources.kinds import (
    ecr_delegation,
    endpoint,
    model_weights,
    network_volume,
    registry_credential,
    rollout,
    secret,
    template,
)
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject
from stacks.loading import SettingsError as StackSettingsError
from stacks.loading import load

IMAGE = "registry.example.com/team/worker:1"
ENDPOINT: JsonObject = {
    "name": "web",
    "type": "QUEUE",
    "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4.0},
    "gpu": {"pools": ["ADA_24"]},
    "image": IMAGE,
}
VOLUME: JsonObject = {"name": "weights", "size": 10.0, "data_center": "EU-RO-1"}
TEMPLATE: JsonObject = {"name": "worker", "image": IMAGE}
SECRET: JsonObject = {"name": "hf_token", "value": "hf_1234"}
CREDENTIAL: JsonObject = {"name": "registry", "username": "robot", "password": "pa55word"}
DELEGATION: JsonObject = {"name": "ecr", "resource": "arn:aws:ecr:eu-west-1:123456789012:repository/team"}
ROLLOUT: JsonObject = {"endpoint_id": "abc"}
WEIGHTS: JsonObject = {
    "volume_id": "v1",
    "data_center": "EU-RO-1",
    "path": "models/sdxl",
    "source": {"kind": "urls", "files": [{"url": "https://example.com/a", "sha256": "0" * 64}]},
}


def gpu(**changes: Any) -> JsonObject:
    return {"gpu": {"pools": ["ADA_24"], **changes}}


RESOURCES: list[tuple[Any, JsonObject, JsonObject, str]] = [
    # Ids of the catalog.
    (endpoint, ENDPOINT, gpu(pools=["ADA_23"]), "gpu.pools[0]: 'ADA_23' is no GPU pool of the catalog of "),
    (endpoint, ENDPOINT, gpu(pools=["ADA_23"]), "did you mean ADA_24? If RunPod has it by now, set RUNPOD_NEWER_"),
    (endpoint, ENDPOINT, gpu(pools=["ada_24"]), "did you mean ADA_24?"),
    (endpoint, ENDPOINT, gpu(pools=["ADA-24"]), "did you mean ADA_24?"),
    (endpoint, ENDPOINT, gpu(pools=["ADA_24", "H100"]), "gpu.pools[1]: 'H100' is no GPU pool"),
    (
        endpoint,
        ENDPOINT,
        gpu(pools=["NVIDIA GeForce RTX 4090"]),
        "gpu.pools[0]: 'NVIDIA GeForce RTX 4090' is a GPU type, not a pool: its pool is ADA_24",
    ),
    (endpoint, ENDPOINT, gpu(excluded_types=["NVIDIA H100"]), "gpu.excluded_types[0]: 'NVIDIA H100' is no GPU type of"),
    (endpoint, ENDPOINT, gpu(count=9.0), "gpu.count: must be at most 8 in these pools, got 9"),
    (endpoint, ENDPOINT, gpu(count=0.0), "gpu.count: must be at least 1, got 0"),
    (endpoint, ENDPOINT, gpu(count=1.5), "gpu.count: must be a whole number, got 1.5"),
    (endpoint, ENDPOINT, gpu(count="2"), "gpu.count: must be a whole number, got '2'"),
    (endpoint, ENDPOINT, {"data_center_ids": ["EU-RO1"]}, "data_center_ids[0]: 'EU-RO1' is no data center of the cat"),
    (endpoint, ENDPOINT, {"data_center_ids": ["eu-ro-1"]}, "did you mean EU-RO-1?"),
    (endpoint, ENDPOINT, {"data_center_ids": ["Mars"]}, "known are "),
    (network_volume, VOLUME, {"data_center": "EU-RO-9"}, "data_center: 'EU-RO-9' is no data center of the catalog"),
    (network_volume, VOLUME, {"data_center": "euro1"}, "did you mean EU-RO-1?"),
    (network_volume, VOLUME, {"data_center": ""}, "data_center: must not be empty"),
    (network_volume, VOLUME, {"data_center": ["EU-RO-1"]}, "data_center: must be a string, got ['EU-RO-1']"),
    (
        endpoint,
        ENDPOINT,
        {"gpu": None, "cpu": [{"id": "cpu9x", "vcpu_count": 2.0}]},
        "cpu[0].id: 'cpu9x' is no CPU flavor of the catalog of",
    ),
    (
        endpoint,
        ENDPOINT,
        {"gpu": None, "cpu": [{"id": "cpu3c", "vcpu_count": 256.0}]},
        "cpu[0].vcpu_count: 256 vCPUs of cpu3c: take a power of two from 2 to",
    ),
    (endpoint, ENDPOINT, {"gpu": None, "cpu": [{"id": "cpu3c", "vcpu_count": 3.0}]}, "cpu[0].vcpu_count: must be a po"),
    # Text where a list or an object is expected, and the like.
    (endpoint, ENDPOINT, {"data_center_ids": "EU-RO-1"}, "data_center_ids: must be a list, got 'EU-RO-1': write ['EU"),
    (endpoint, ENDPOINT, {"network_volumes": "v1"}, "network_volumes: must be a list, got 'v1': write ['v1']"),
    (endpoint, ENDPOINT, {"gpu": "ADA_24"}, "gpu: must be an object, got 'ADA_24'"),
    (endpoint, ENDPOINT, gpu(pools="ADA_24"), "gpu.pools: must be a list, got 'ADA_24': write ['ADA_24']"),
    (endpoint, ENDPOINT, {"gpu": {}}, "gpu.pools: is required"),
    (endpoint, ENDPOINT, gpu(pools=[]), "gpu.pools: must have at least one item"),
    (endpoint, ENDPOINT, {"scaling": "QUEUE_DELAY"}, "scaling: must be an object"),
    (endpoint, ENDPOINT, {"scaling": {"type": "DELAY"}}, "scaling.type: must be 'QUEUE_DELAY' or 'REQUEST_COUNT'"),
    (endpoint, ENDPOINT, {"scaling": {"queue_delay": 4.0}}, "scaling.type: is required"),
    (endpoint, ENDPOINT, {"scaling": {"type": "QUEUE_DELAY"}}, "scaling.queue_delay: is required"),
    (endpoint, ENDPOINT, {"workers": 3.0}, "workers: must be an object, got 3"),
    (endpoint, ENDPOINT, {"workers": {"max": "3"}}, "workers.max: must be a whole number, got '3'"),
    (endpoint, ENDPOINT, {"workers": {"min": 4.0, "max": 2.0}}, "workers.max: must be at least workers.min (4), got 2"),
    (endpoint, ENDPOINT, {"env": "A=1"}, "env: must be an object"),
    (endpoint, ENDPOINT, {"env": {"STEPS": 4.0}}, "env.STEPS: must be a string"),
    (endpoint, ENDPOINT, {"ports": "8000/http"}, "ports: must be a list, got '8000/http': write ['8000/http']"),
    (endpoint, ENDPOINT, {"ports": ["8000"]}, "ports[0]: '8000' is not a port: write NUMBER/http or NUMBER/tcp"),
    (endpoint, ENDPOINT, {"ports": ["99999/http"]}, "with a number from 1 to 65535"),
    (endpoint, ENDPOINT, {"cmd": "python main.py"}, "cmd: must be a list, got 'python main.py'"),
    (endpoint, ENDPOINT, {"timeout": 300.0}, "timeout: is in milliseconds: must be from 5000 to 604800000, got 300"),
    (endpoint, ENDPOINT, {"flashboot": True}, "flashboot: must be 'OFF', 'FLASHBOOT' or 'PRIORITY_FLASHBOOT'"),
    (endpoint, ENDPOINT, {"type": "queue"}, "type: must be 'QUEUE' or 'LOAD_BALANCER', got 'queue'"),
    (endpoint, ENDPOINT, {"type": None}, "type: is required"),
    (endpoint, ENDPOINT, {"disk": -1.0}, "disk: must be at least 1 GB, got -1"),
    (endpoint, ENDPOINT, {"platform_scale_down": "ignore"}, "platform_scale_down: must be 'heal' or 'accept'"),
    (endpoint, ENDPOINT, {"adopt": "overwrite"}, "adopt: confirms what adopt_id changes: give adopt_id as well"),
    (endpoint, ENDPOINT, {"adopt_id": "abc", "adopt": "yes"}, "adopt: must be 'overwrite', got 'yes'"),
    (endpoint, ENDPOINT, {"rollout": {"timeout": 5.0}}, "rollout.timeout: must be at least 10 s, got 5"),
    # Names of nested keys.
    (endpoint, ENDPOINT, {"workers": {"idle_timeout_seconds": 5.0}}, "did you mean idle_timeout (in s)?"),
    (
        endpoint,
        ENDPOINT,
        {"workers": {"idleTimeout": 5.0}},
        "workers.idleTimeout: is no such field: did you mean idle_",
    ),
    (endpoint, ENDPOINT, {"workers": {"maximum": 5.0}}, "workers.maximum: is no such field: did you mean max?"),
    (
        endpoint,
        ENDPOINT,
        {"workers": {"colour": 5.0}},
        "workers.colour: is no such field: known are idle_timeout, max,",
    ),
    (endpoint, ENDPOINT, gpu(pool="ADA_24"), "gpu.pool: is no such field: did you mean pools?"),
    (
        endpoint,
        ENDPOINT,
        gpu(cuda_version="12.8"),
        "gpu.cuda_version: is no such field: did you mean min_cuda_version?",
    ),
    (
        endpoint,
        ENDPOINT,
        {"scaling": {"type": "QUEUE_DELAY", "queue_delay": 4.0, "delay_seconds": 4.0}},
        "scaling.delay_seconds: is no such field: did you mean queue_delay (in s)?",
    ),
    (endpoint, ENDPOINT, {"rollout": {"smoke": {}}}, "rollout.smoke: is no such field: did you mean smoke_input?"),
    (endpoint, ENDPOINT, {"rollout": {"timeout_seconds": 5.0}}, "did you mean timeout (in s)?"),
    (endpoint, ENDPOINT, {"flash_boot": "OFF"}, "flash_boot: is no such field: did you mean flashboot?"),
    (endpoint, ENDPOINT, {"timeout_ms": 5000.0}, "timeout_ms: is no such field: did you mean timeout (in ms)?"),
    (
        template,
        TEMPLATE,
        {"mounts": {"persistant": {}}},
        "mounts.persistant: is no such field: did you mean persistent",
    ),
    # CUDA.
    (endpoint, ENDPOINT, gpu(min_cuda_version="twelve"), "gpu.min_cuda_version: does not match the pattern"),
    (endpoint, ENDPOINT, gpu(min_cuda_version=12.8), "gpu.min_cuda_version: must be a string, got 12.8"),
    (
        endpoint,
        ENDPOINT,
        gpu(min_cuda_version="12.4", allowed_cuda_versions=["12.8"]),
        "gpu.min_cuda_version: excludes gpu.allowed_cuda_versions: give one of them",
    ),
    # Images.
    (endpoint, ENDPOINT, {"image": ""}, "image: must not be empty"),
    (endpoint, ENDPOINT, {"image": None}, "image: is required (or template, or template_id)"),
    (
        endpoint,
        ENDPOINT,
        {"image": "https://registry.example.com/team/worker:1"},
        "is a URL: write it without https://",
    ),
    (endpoint, ENDPOINT, {"image": "registry.example.com/Team/worker:1"}, "must be in lower case, and 'Team' is not"),
    (endpoint, ENDPOINT, {"image": "registry.example.com/team/worker:"}, "has a malformed tag ''"),
    (endpoint, ENDPOINT, {"image": "registry.example.com/team/worker:a b"}, "holds blanks: write it as registry"),
    (endpoint, ENDPOINT, {"image": " registry.example.com/team/worker:1"}, "holds blanks"),
    (
        endpoint,
        ENDPOINT,
        {"image": "registry.example.com/team/worker@sha256:12ab"},
        "has a malformed digest: it is sha",
    ),
    (endpoint, ENDPOINT, {"image": "registry.example.com/team/worker@latest"}, "has a malformed digest"),
    (endpoint, ENDPOINT, {"image": "registry.example.com//worker:1"}, "has a malformed part ''"),
    (template, TEMPLATE, {"image": "registry.example.com:port/team/worker"}, "names no registry by 'registry.example"),
    (template, TEMPLATE, {"image": None}, "image: is required"),
    # The other kinds.
    (network_volume, VOLUME, {"size": 5.0}, "size: must be at least 10 GB, got 5"),
    (network_volume, VOLUME, {"size": "10"}, "size: must be a whole number, got '10'"),
    (network_volume, VOLUME, {"type": "FAST"}, "type: must be 'STANDARD' or 'HIGH_PERFORMANCE', got 'FAST'"),
    (network_volume, VOLUME, {"size_gb": 10.0}, "size_gb: is no such field: did you mean size (in GB)?"),
    (template, TEMPLATE, {"public": "yes"}, "public: must be true or false, got 'yes'"),
    (template, TEMPLATE, {"category": "GPU"}, "category: must be 'CPU', 'NVIDIA' or 'AMD', got 'GPU'"),
    (secret, SECRET, {"name": "RUNPOD_TOKEN"}, "name: must not start with RUNPOD"),
    (secret, SECRET, {"name": "1st"}, "name: does not match the pattern"),
    (secret, SECRET, {"value": None}, "value: is required"),
    (registry_credential, CREDENTIAL, {"password": ""}, "password: must not be empty"),
    (registry_credential, CREDENTIAL, {"user": "robot"}, "user: is no such field: did you mean username?"),
    (ecr_delegation, DELEGATION, {"resource": "arn:aws:s3:::bucket"}, "resource: is not the ARN of an ECR repository"),
    (rollout, ROLLOUT, {"endpoint_id": None}, "endpoint_id: is required"),
    (rollout, ROLLOUT, {"timeout": 9000.0}, "timeout: must be at most 7200 s, got 9000"),
    (model_weights, WEIGHTS, {"data_center": "EU-SE-1"}, "data_center: 'EU-SE-1' has no S3 API; these have: "),
    (model_weights, WEIGHTS, {"path": "../etc"}, "path: '../etc' is no path below the volume's root"),
    (model_weights, WEIGHTS, {"source": "sdxl"}, "source: must be LocalDirectory(...), HuggingFaceSnapshot(...) or"),
    (model_weights, WEIGHTS, {"volume_id": None}, "volume_id: is required"),
    (
        model_weights,
        WEIGHTS,
        {"source": {"kind": "urls", "files": [{"url": "ftp://x", "sha256": "0" * 64}]}},
        "source.files[0].url: must be an http or https URL",
    ),
    (
        model_weights,
        WEIGHTS,
        {"source": {"kind": "directory", "path": "/nothing/there"}},
        "source.path: /nothing/there is no directory on this machine",
    ),
]


@pytest.mark.parametrize(("kind", "program", "change", "message"), RESOURCES)
def test_a_wrong_property_is_refused_in_the_preview(
    kind: Any, program: JsonObject, change: JsonObject, message: str
) -> None:
    """`check` runs in every preview and makes no call. One mistake is one message."""
    [failure] = kind.LIFECYCLE.check({}, {**program, **change}).failures

    assert message in str(failure)
    assert "hf_1234" not in str(failure)
    assert "pa55word" not in str(failure)


def test_ids_newer_than_the_catalog_are_notices_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """RunPod adds pools and data centers between releases of this package."""
    monkeypatch.setenv("RUNPOD_NEWER_CATALOG", "1")
    checked = endpoint.LIFECYCLE.check({}, {**ENDPOINT, **gpu(pools=["RUBIN_288"]), "data_center_ids": ["EU-RO-2"]})

    assert checked.failures == []
    assert [notice.split(" of the catalog")[0] for notice in checked.notices] == [
        "endpoint 'web': gpu.pools[0]: 'RUBIN_288' is no GPU pool",
        "endpoint 'web': data_center_ids[0]: 'EU-RO-2' is no data center",
    ]


def test_what_is_deployed_already_is_not_judged_by_the_catalog_again() -> None:
    """A pool that the next release's catalog has lost must not stop another change of its endpoint."""
    olds = {**ENDPOINT, "gpu": {"pools": ["GONE_24"], "excluded_types": [], "count": 1, "allowed_cuda_versions": []}}

    assert endpoint.LIFECYCLE.check(olds, {**ENDPOINT, **gpu(pools=["GONE_24"]), "timeout": 60_000.0}).failures == []


SETTINGS: list[tuple[dict[str, str], dict[str, str], str]] = [
    ({}, {}, "no RunPod API key: run `pulumi config set --secret runpod:apiKey`"),
    ({"runpod:apiKey": "a b"}, {}, "runpod:apiKey: is not an API key: it holds blanks"),
    ({}, {"RUNPOD_API_KEY": "schlüssel"}, "RUNPOD_API_KEY: is not an API key"),
    ({"runpod:apiBaseUrl": "api.runpod.io"}, {}, "runpod:apiBaseUrl: must be a URL such as https://api.runpod.io"),
    ({"runpod:apiBaseUrl": "https://api.runpod.io/v2"}, {}, "must be given without /v2"),
    ({}, {"RUNPOD_API_BASE_URL": "http://10.0.0.5"}, "RUNPOD_API_BASE_URL: http would show the key to everyone"),
    ({"runpod:timeout": "soon"}, {}, "runpod:timeout: "),
    ({"runpod:timeout": "0"}, {}, "runpod:timeout: input should be greater than 0"),
    ({"runpod:acceptVanished": "perhaps"}, {}, "runpod:acceptVanished: "),
    ({"runpod:apikey": "rpa_1234"}, {}, "runpod:apikey: is no setting: did you mean runpod:apiKey?"),
    ({"runpod:apiBaseURL": "https://x"}, {}, "runpod:apiBaseURL: is no setting: did you mean runpod:apiBaseUrl?"),
    ({"runpod:s3AccessKey": "user_1"}, {}, "did you mean runpod:s3AccessKeyId?"),
    ({"runpod:s3AccessKeyId": "rpa_1234"}, {}, "is an API key; an S3 API key is `user_...`"),
    ({"runpod:s3PartBytes": "0"}, {}, "runpod:s3PartBytes: "),
]


@pytest.mark.parametrize(("config", "environ", "message"), SETTINGS)
def test_a_wrong_setting_of_the_account_is_named(config: dict[str, str], environ: dict[str, str], message: str) -> None:
    """By its key or its variable, without its value where that is secret."""
    with pytest.raises(SettingsError) as refused:
        _ = Settings.load(config, environ).key

    assert message in str(refused.value)
    assert "rpa_1234" not in str(refused.value)


def test_a_missing_s3_key_is_named() -> None:
    """Both halves, with the page of the console that makes one."""
    with pytest.raises(SettingsError, match=r"no S3 API key.*runpod:s3AccessKeyId.*RUNPOD_S3_SECRET_ACCESS_KEY"):
        _ = Settings.load({"runpod:apiKey": "k"}, {}).s3_key


STACK: list[tuple[dict[str, str], str]] = [
    ({"gpuPool": "ADA_24"}, "gpuPool is 'ADA_24', but not a setting"),
    ({"gpuPool": "ADA_24"}, "To mend it: pulumi config set gpuPools ADA_24 --stack dev"),
    ({"workersMin": "-1"}, "workersMin is '-1': must be a whole number from 0 to 1000"),
    ({"workersMin": "three"}, "workersMin is 'three': must be a whole number"),
    ({"workersMin": "5", "workersMax": "2"}, "workersMin is 5, above workersMax, 2"),
    ({"volumeSizeGb": "5"}, "volumeSizeGb is '5': must be a whole number from 10 to 4096"),
    ({"protectVolume": "maybe"}, "protectVolume is 'maybe': must be true or false"),
    ({"dataCenters": "[oops"}, "dataCenters is '[oops': must be a list of names, written A,B"),
    ({"scaler": "CPU"}, "scaler is 'CPU': must be 'QUEUE_DELAY' or 'REQUEST_COUNT'"),
    ({"guard": "strict"}, "guard is 'strict': must be 'off', 'warn' or 'error'"),
    ({"executionTimeoutSeconds": "600"}, "executionTimeoutSeconds is 600, not below endpointTimeoutSeconds"),
    ({"registryUsername": "robot"}, "registryPassword is not set"),
    ({"smokeInput": "a fox"}, "smokeInput is 'a fox': must be the input of a job, a JSON object"),
    ({"requestsPerDay": "50"}, "secondsEach is not set"),
    ({"environment": "live"}, "environment is 'live': must be one of"),
]


@pytest.mark.parametrize(("change", "message"), STACK)
def test_a_wrong_setting_of_the_stack_is_named(change: dict[str, str], message: str) -> None:
    """With the command that mends it."""
    config = {f"shop:{key}": value for key, value in {"image": IMAGE, **change}.items()}
    with pytest.raises(StackSettingsError) as refused:
        load(config, project="shop", stack="dev")

    assert message in str(refused.value)
    assert "pulumi config set " in str(refused.value)


def service(**changes: Any) -> Callable[[], object]:
    return lambda: ServerlessService(
        "web", ServerlessServiceArgs(**{"image": IMAGE, "gpu_pools": ["ADA_24"], **changes})
    )


def sdxl(**changes: Any) -> Callable[[], object]:
    given = {"image": IMAGE, "gpu_pools": ["ADA_24"], "data_centers": ["EU-RO-1"], **changes}
    return lambda: SdxlService("sdxl", SdxlServiceArgs(**given))


def queue(**changes: Any) -> Callable[[], object]:
    given: dict[str, Any] = {
        "type": "QUEUE",
        "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4},
        "gpu": {"pools": ["ADA_24"]},
        **changes,
    }
    return lambda: Endpoint("web", **given)


def weights(source: Any) -> Callable[[], object]:
    return lambda: ModelWeights("sdxl", volume_id="v", data_center="EU-RO-1", source=source)


PROGRAMS: list[tuple[Callable[[], object], str]] = [
    (service(gpu_pools=None), "web: say which GPUs: gpu_pools=['ADA_24'], or gpu=GpuNeed(vram_gb=12)"),
    (service(gpu_pools="ADA_24"), "ServerlessService 'web': gpu_pools: must be a list, got the text 'ADA_24': write"),
    (service(data_centers="EU-RO-1"), "data_centers: must be a list, got the text 'EU-RO-1': write ['EU-RO-1']"),
    (service(volumes="v1"), "volumes: must be a list, got the text 'v1': write ['v1']"),
    (service(gpu_pools=[24]), "gpu_pools: must be a list of texts, and 24 is none"),
    (service(gpu_count=0), "gpu_count: must be at least 1 GPUs, got 0"),
    (service(workers_min=3, workers_max=1), "workers_max: must be at least workers_min (3), got 1"),
    (service(workers_max="3"), "workers_max: must be a whole number of workers, got '3'"),
    (service(execution_timeout_seconds=1), "execution_timeout_seconds: must be from 5 to 604800 seconds, got 1"),
    (service(execution_timeout_seconds=240_000_000), "execution_timeout_seconds: must be from 5 to 604800 seconds"),
    (service(idle_timeout_seconds=4000), "idle_timeout_seconds: must be from 1 to 3600 seconds, got 4000"),
    (service(container_disk_gb=0), "container_disk_gb: must be at least 1 GB, got 0"),
    (service(scaling="QUEUE_DELAY"), "scaling: must be {'type': 'QUEUE_DELAY', 'queue_delay': 4} or"),
    (service(scaling={"queue_delay": 4}), "scaling: must be {'type': 'QUEUE_DELAY', 'queue_delay': 4} or"),
    (service(flashboot="ON"), "flashboot: must be 'OFF' or 'FLASHBOOT' or 'PRIORITY_FLASHBOOT', got 'ON'"),
    (service(guard="strict"), "guard: must be 'off' or 'warn' or 'error', got 'strict'"),
    (service(env=["A=1"]), "env: must be a dictionary, got ['A=1']"),
    (service(rollout=600), "rollout: must be a dictionary, got 600: write {'timeout': 600"),
    (service(image="Registry/Worker"), "image: 'Registry/Worker' must be in lower case"),
    (service(image=None), "image: is required: an image reference or WorkerImageArgs(repository=...)"),
    (lambda: ServerlessService("web", {"image": IMAGE}), "takes ServerlessServiceArgs(...), got dict"),  # type: ignore[arg-type]  # the mistake
    (
        lambda: SdxlService("sdxl", ServerlessServiceArgs(image=IMAGE)),
        "SdxlService 'sdxl': takes SdxlServiceArgs(...), got ServerlessServiceArgs",
    ),
    (sdxl(data_centers=()), "a new volume needs a data center. Give data_centers=['EU-RO-1'], or volumes"),
    (sdxl(data_centers="EU-RO-1"), "SdxlService 'sdxl': data_centers: must be a list, got the text 'EU-RO-1'"),
    (sdxl(volume_size_gb=5), "volume_size_gb: must be from 10 to 4096 GB, got 5"),
    (sdxl(weights="models/sdxl"), "weights: must be LocalDirectory('models/sdxl'), HuggingFaceSnapshot("),
    (
        queue(template="abc"),
        "endpoint 'web': template must be a Template, got 'abc': for an id write template_id='abc'",
    ),
    (queue(image=IMAGE, rollout=600), "endpoint 'web': rollout must be a dictionary, got 600"),
    (
        lambda: Endpoint(
            "web",
            type="QUEUE",
            scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
            template=Template("worker", image=IMAGE),
            template_id="abc",
        ),
        "template and template_id exclude each other; give one",
    ),
    (weights("models/sdxl"), "ModelWeights 'sdxl': source: must be LocalDirectory('models/sdxl'), HuggingFaceSnapshot"),
    (weights(None), "source: must be LocalDirectory("),
    (
        lambda: Template("worker", image=IMAGE, opts=pulumi.ResourceOptions(import_="abc")),
        "leave it out and give adopt_id='abc'",
    ),
    (
        lambda: WorkerImage("sdxl", WorkerImageArgs(repository="team/worker")),
        "repository is 'team/worker': write HOST/PATH in lower case, without a tag",
    ),
    (
        lambda: WorkerImage("sdxl", WorkerImageArgs(repository="registry.example.com/team/worker:1")),
        "write HOST/PATH in lower case, without a tag",
    ),
    (
        lambda: WorkerImage("sdxl", WorkerImageArgs(repository="registry.example.com/w", source="/nothing/there")),
        "/nothing/there/Dockerfile does not exist: source is the folder with the Dockerfile",
    ),
    (
        lambda: WorkerImage("sdxl", WorkerImageArgs(repository="registry.example.com/w", username="robot")),
        "username and password go together: give both, or none",
    ),
]


class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(("declare", "message"), PROGRAMS)
def test_a_wrong_argument_ends_the_program_in_one_line(
    monkeypatch: pytest.MonkeyPatch, declare: Callable[[], object], message: str
) -> None:
    """A `RunError`, which Pulumi shows without a traceback."""
    monkeypatch.setenv("RUNPOD_OFFLINE_CATALOG", "1")
    pulumi.runtime.set_mocks(Mocks(), project="shop", stack="dev", preview=True)
    with pytest.raises(pulumi.RunError) as refused:
        declare()

    assert message in str(refused.value)


def test_a_right_program_has_no_mistake() -> None:
    """Of each kind: the table would prove nothing otherwise."""
    kinds = {
        endpoint: ENDPOINT,
        network_volume: VOLUME,
        template: TEMPLATE,
        secret: SECRET,
        registry_credential: CREDENTIAL,
        ecr_delegation: DELEGATION,
        rollout: ROLLOUT,
        model_weights: WEIGHTS,
    }

    assert [failure for kind, program in kinds.items() for failure in kind.LIFECYCLE.check({}, program).failures] == []
    assert len(RESOURCES) + len(SETTINGS) + len(STACK) + len(PROGRAMS) >= 110
    assert LocalDirectory(".").props()["path"] == "."
