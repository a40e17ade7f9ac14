"""A change of one setting touches only what it must: exactly these requests with exactly these bodies, or none.

One program on the real engine declares a service for each setting; its second update has that setting changed in each.
So two updates judge all of them: a request tells by its object whose it is. Settings that are to touch nothing share a
service, on which they all change at once.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
import pytest
from pulumi import automation

from pulumi_runpod import NetworkVolume
from pulumi_runpod.components import SdxlService
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.request_log import Call
from pulumi_runpod.wire.model import JsonObject
from stacks import platform
from stacks.loading import load
from stacks.service import service_args
from stacks.settings import PlatformSettings, ServiceSettings
from tests.e2e.conftest import Engine, Outcome, RealStack
from tests.e2e.recorder import Write, recording
from tests.e2e.settings_changes import NEW, OLD, PLATFORM_CHANGES, SERVICE, SERVICE_CHANGES, WEIGHTS

pytestmark = pytest.mark.engine
WORKER = Path(__file__).with_name("gate_worker.py")
OPERATIONS = {"POST": "create", "PATCH": "update", "DELETE": "delete"}
KINDS = {
    "serverless": "Endpoint",
    "templates": "Template",
    "network-volumes": "NetworkVolume",
    "registries": "RegistryCredential",
}
REPLACING = {"create-replacement", "delete-replaced"}
"""The two halves of a `replace`."""
CHANGES = {
    **{f"service {key}": change for key, change in SERVICE_CHANGES.items()},
    **{f"platform {key}": change for key, change in PLATFORM_CHANGES.items()},
}


@dataclass
class Seen:
    """What an update did for one setting."""

    sends: dict[str, JsonObject] = field(default_factory=dict)
    also: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)


def owner(name: str) -> str:
    """Whose resource this is: a service's are named after its setting, the platform's after their data centers."""
    for key, change in PLATFORM_CHANGES.items():
        if name.endswith(tuple(f"-{at}" for at in {**change.beside, key: change.value}["dataCenters"].split(","))):
            return f"platform {key}"
    return f"service {name.partition('-')[0]}"


def service_of(key: str) -> str:
    """Name of the service on which a setting is changed."""
    change = SERVICE_CHANGES[key]
    return key if change.sends or change.also or change.steps else "nothing"


def declared(changed: bool, folder: Path) -> None:
    """The services, and a separate platform for each set of settings."""
    services: dict[str, dict[str, str]] = {}
    for key, change in SERVICE_CHANGES.items():
        services.setdefault(service_of(key), dict(SERVICE)).update(change.beside)
    for key, change in SERVICE_CHANGES.items():
        services[service_of(key)].update({key: change.value} if changed else {})
    for name, given in services.items():
        settings = loaded("dev", given, folder)
        assert isinstance(settings, ServiceSettings)
        SdxlService(name, service_args(settings, name=name))
    for key, change in PLATFORM_CHANGES.items():
        settings = loaded("platform", {**change.beside, **({key: change.value} if changed else {})}, folder)
        assert isinstance(settings, PlatformSettings)
        platform.declare(settings)


def loaded(stack: str, given: Mapping[str, str], folder: Path) -> ServiceSettings | PlatformSettings:
    config = {f"e2e:{key}": str(folder) if value == WEIGHTS else value for key, value in given.items() if value}
    return load(config, project="e2e", stack=stack)


def first_other() -> None:
    pulumi.export("image", OLD)
    pulumi.export("volumes", {"EU-RO-1": NetworkVolume("shared-EU-RO-1", size=10, data_center="EU-RO-1").id})


def second_other() -> None:
    pulumi.export("image", NEW)


def succeeded(outcome: Outcome) -> Outcome:
    assert not outcome.failed, outcome.text
    return outcome


def ids(stack: RealStack) -> dict[str, str]:
    """Name of each object in the state, by id."""
    return {r["id"]: r["urn"].rpartition("::")[2] for r in stack.state()["resources"] if "dynamic/runpod:" in r["type"]}


def noted(names: Mapping[str, str], done: Outcome, writes: Iterable[Write], calls: Iterable[Call]) -> dict[str, Seen]:
    """Each request, upload, job and step to its setting."""
    seen = defaultdict[str, Seen](Seen)
    for write in writes:
        body = {key: value for key, value in write.body.items() if key != "name"}
        if "networkVolumes" in body:
            body["networkVolumes"] = [names[volume].partition("-")[2] for volume in body["networkVolumes"]]
        if "registry" in body:
            body["registry"] = names[body["registry"]]
        of, what = seen[owner(names[write.object_id])], f"{write.method} {write.kind}"
        assert what not in of.sends, write
        of.sends[what] = body
    for call in calls:
        if upload := re.fullmatch(r"/s3/[^/]+/([^/]+)/.+", call.path):
            seen[owner(names[upload[1]])].also.add("upload" if call.method == "PUT" else f"{call.method} of a file")
        if job := re.fullmatch(r"/v2/([^/]+)/run", call.path):
            seen[owner(names[job[1]])].also.add("smoke job")
    for operation, kind, name in done.kinds:
        if operation not in REPLACING:
            seen[owner(name)].steps.add(f"{operation} {kind}")
    return seen


@pytest.fixture(scope="module")
def seen(
    pulumi_command: automation.PulumiCommand, pulumi_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Seen]:
    """What the second update did, by setting."""
    base, folder = tmp_path_factory.mktemp("settings"), tmp_path_factory.mktemp("weights")
    (folder / "unet.safetensors").write_bytes(b"weights")
    engine = Engine(pulumi_command, pulumi_home, base)
    workers = {OLD: shlex.join([sys.executable, str(WORKER)])}
    with LocalRunPod(workers=workers) as runpod, recording(runpod.api) as recorder:
        runpod.turn(worker_quota=None)
        environment = {
            **runpod.environment,
            "RUNPOD_API_BASE_URL": recorder.url,
            # What is uploaded needs no recorder.
            "RUNPOD_S3_ENDPOINT_URL": f"{runpod.api}/s3/{{data_center}}",
        }

        def stack(program: Callable[[], None], name: str) -> RealStack:
            return engine.stack(program, environment, name=name)

        one, two, dev = stack(first_other, "one"), stack(second_other, "two"), stack(lambda: None, "dev")
        succeeded(one.up())
        succeeded(two.up())
        succeeded(dev.up(lambda: declared(False, folder)))
        names = ids(one) | ids(dev)
        recorder.taken()
        runpod.forget_calls()
        done = succeeded(dev.up(lambda: declared(True, folder)))
        changing = [call for call in runpod.calls() if call.method not in {"GET", "HEAD"}]
        return noted(names | ids(dev), done, recorder.taken(), changing)


def test_there_is_a_change_for_every_setting() -> None:
    """A setting that is added is tried here, too."""
    assert set(SERVICE_CHANGES) == {field.alias for field in ServiceSettings.model_fields.values()}
    # A platform is in the one environment that there is for platforms.
    assert {*PLATFORM_CHANGES, "environment"} == {field.alias for field in PlatformSettings.model_fields.values()}


@pytest.mark.parametrize("label", CHANGES)
def test_a_setting_touches_only_what_it_must(label: str, seen: Mapping[str, Seen]) -> None:
    """Of what the update sends, uploads, runs and steps through, this setting has exactly its own."""
    change, (stack, key) = CHANGES[label], label.split()
    of = label if stack == "platform" else f"service {service_of(key)}"
    sending = {f"{OPERATIONS[method]} {KINDS[kind]}" for method, kind in map(str.split, change.sends)}
    if sending >= {"create RegistryCredential", "delete RegistryCredential"}:
        sending ^= {"create RegistryCredential", "delete RegistryCredential", "replace RegistryCredential"}

    assert seen[of] == Seen(dict(change.sends), set(change.also), sending | change.steps)
