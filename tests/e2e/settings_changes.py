"""For every setting of a stack: another value, and all that the update for it does to RunPod, or that it does nothing.

A PATCH names the fields that change and no others; `workers`, `gpu` and `scaling` are sent whole, as they are replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from pulumi_runpod.components.worker_source import cuda_floor
from pulumi_runpod.wire.model import JsonObject

OLD, NEW = (f"registry.example.com/team/sdxl-worker@sha256:{digit * 64}" for digit in "ab")
WEIGHTS = "FOLDER"
"""In place of a folder that a test makes."""
SERVICE = {"image": OLD, "workersMin": "0", "workersMax": "1", "requestsPerDay": "50", "secondsEach": "4"}


@dataclass(frozen=True)
class Change:
    """A setting's new value, what is set besides, before and after, and all that the update does."""

    value: str
    sends: Mapping[str, JsonObject] = field(default_factory=dict)
    """`METHOD KIND` -> body, of all calls that change something. Names that are made are left out; a volume's data
    center takes the place of its id, and a credential's name for the credential's.
    """
    also: frozenset[str] = frozenset()
    """What else reaches RunPod: `smoke job`, `upload`."""
    steps: frozenset[str] = frozenset()
    """Steps of the engine, `OPERATION KIND`, beside those that send."""
    beside: Mapping[str, str] = field(default_factory=dict)


def endpoint(**body: JsonValue) -> dict[str, JsonObject]:
    return {"PATCH serverless": body}


def release(**body: JsonValue) -> dict[str, JsonObject]:
    """What concerns the container: the template's, and so that it reaches the endpoint, the endpoint's."""
    return {"PATCH templates": body, "PATCH serverless": body}


def gpu(pool: str) -> JsonObject:
    return {"pools": [pool], "excludedTypes": [], "count": 1, "allowedCudaVersions": [], "minCudaVersion": cuda_floor()}


def volume(data_center: str) -> dict[str, JsonObject]:
    return {"POST network-volumes": {"size": 20, "dataCenter": data_center}}


def other_login(name: str, username: str, password: str) -> dict[str, JsonObject]:
    """A new credential, those who use it, and the old one last."""
    return {
        "POST registries": {"username": username, "password": password},
        **release(registry=name),
        "DELETE registries": {},
    }


LOGIN = {"registryUsername": "robot", "registryPassword": "secret"}
UPLOAD = frozenset({"upload"})
FIRST_WEIGHTS = frozenset({"create ModelWeights"})
OTHER_WEIGHTS = frozenset({"replace ModelWeights"})
SMOKE_JOB = frozenset({"smoke job"})
GATE = frozenset({"update Endpoint", "create Rollout"})
"""The endpoint notes how its next releases are judged; the gate judges this one."""
NEXT_GATE = frozenset({"update Endpoint", "update Rollout"})

SERVICE_CHANGES = {
    "workersMin": Change("1", endpoint(workers={"min": 1, "max": 1, "idleTimeout": 60})),
    "workersMax": Change("2", endpoint(workers={"min": 0, "max": 2, "idleTimeout": 60})),
    "idleTimeoutSeconds": Change("90", endpoint(workers={"min": 0, "max": 1, "idleTimeout": 90})),
    "scaler": Change(
        "REQUEST_COUNT",
        # Scaled so, a queue has no idle timeout.
        endpoint(scaling={"type": "REQUEST_COUNT", "requestCount": 4}, workers={"min": 0, "max": 1}),
    ),
    "queueDelaySeconds": Change("8", endpoint(scaling={"type": "QUEUE_DELAY", "queueDelay": 8})),
    "requestCount": Change(
        "2", endpoint(scaling={"type": "REQUEST_COUNT", "requestCount": 2}), beside={"scaler": "REQUEST_COUNT"}
    ),
    "executionTimeoutSeconds": Change("120", endpoint(timeout=120_000)),
    "endpointTimeoutSeconds": Change("600"),
    "flashboot": Change("OFF", endpoint(flashboot="OFF")),
    "gpuPools": Change("AMPERE_24", endpoint(gpu=gpu("AMPERE_24"))),
    "gpuVramGb": Change("40", endpoint(gpu=gpu("AMPERE_48"))),
    "dataCenters": Change(
        "EU-RO-1,US-KS-2",
        {
            **volume("US-KS-2"),
            **endpoint(dataCenterIds=["EU-RO-1", "US-KS-2"], networkVolumes=["EU-RO-1", "US-KS-2"]),
        },
    ),
    "volumeSizeGb": Change("30", {"PATCH network-volumes": {"size": 30}}),
    "protectVolume": Change("true"),
    "weightsFrom": Change(WEIGHTS, also=UPLOAD, steps=FIRST_WEIGHTS),
    "model": Change(
        "other", release(env={"MODEL_NAME": "other"}), UPLOAD, OTHER_WEIGHTS, beside={"weightsFrom": WEIGHTS}
    ),
    # Its own volume goes, with what lies on it: the plan shows that, and a protected one stays.
    "platformStack": Change("one", {**endpoint(networkVolumes=["EU-RO-1"]), "DELETE network-volumes": {}}),
    "image": Change(NEW, release(image=NEW)),
    # For an image that is built here; one that is named is as it is.
    "imageRepository": Change("registry.example.com/team/other"),
    "registryUsername": Change("robot-2", other_login("registryUsername", "robot-2", "secret"), beside=LOGIN),
    "registryPassword": Change("another", other_login("registryPassword", "robot", "another"), beside=LOGIN),
    "promoteFrom": Change("two", release(image=NEW), beside={"promoteFrom": "one", "image": ""}),
    "allowUnpromotedImage": Change("true", beside={"promoteFrom": "two", "image": NEW}),
    "containerDiskGb": Change("30", release(disk=30)),
    "environment": Change("staging", also=SMOKE_JOB, steps=GATE, beside={"environment": "dev"}),
    "healthGate": Change("smoke", also=SMOKE_JOB, steps=GATE),
    "healthGateTimeoutSeconds": Change("700", steps=NEXT_GATE, beside={"healthGate": "smoke"}),
    "smokeInput": Change('{"prompt": "a hare"}', steps=NEXT_GATE, beside={"healthGate": "smoke"}),
    "requestsPerDay": Change("100"),
    "secondsEach": Change("5"),
    "bursty": Change("false"),
    "activeHoursPerDay": Change("8"),
    "latencyTargetSeconds": Change("300"),
    "worstCaseSeconds": Change("60"),
    "modelLoadSeconds": Change("20"),
    "guard": Change("off"),
    "silencedAdvice": Change("RP004=one user"),
}
"""Stacks `one` and `two` run the images OLD and NEW; `one` owns a volume in EU-RO-1."""

PLATFORM_CHANGES = {
    "dataCenters": Change("EU-CZ-1,US-CA-2", volume("US-CA-2"), beside={"dataCenters": "EU-CZ-1"}),
    "volumeSizeGb": Change("30", {"PATCH network-volumes": {"size": 30}}, beside={"dataCenters": "EUR-IS-1"}),
    "protectVolume": Change("false", beside={"dataCenters": "EUR-NO-1"}),
    "weightsFrom": Change(WEIGHTS, also=UPLOAD, steps=FIRST_WEIGHTS, beside={"dataCenters": "US-GA-2"}),
    "model": Change(
        "other",
        also=UPLOAD,
        # Named after the model. What lies on the volume stays there.
        steps=frozenset({"create ModelWeights", "delete ModelWeights"}),
        beside={"dataCenters": "US-IL-1", "weightsFrom": WEIGHTS},
    ),
}
"""Each in other data centers."""
