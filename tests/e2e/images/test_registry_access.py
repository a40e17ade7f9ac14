"""Registries that want a login, refuse one, or are not there."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pulumi
import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.wire.endpoint import ENDPOINTS
from tests.e2e.conftest import Engine, Outcome
from tests.e2e.images.conftest import REPOSITORY, Source, program
from tests.e2e.images.registry import Registry
from tests.registry_server import LOGIN

pytestmark = pytest.mark.engine


def login_from_config(source: Source, address: str) -> Callable[[], None]:
    """The program that a team would write: one login, given once, out of the stack's secrets."""

    def declare() -> None:
        config = pulumi.Config()
        login = {"username": config.require("registryUser"), "password": config.require_secret("registryPassword")}
        program(source, address, **login)()

    return declare


def only_error(failed: Outcome) -> str:
    """What this package says about it, in one line, beside the plugin's own."""
    [said] = [e for e in failed.errors if not e.startswith(("failed to solve", "update failed"))]
    assert "Traceback" not in failed.text
    return said


def test_one_login_serves_the_push_and_runpod(
    engine: Engine,
    environment: dict[str, str],
    registries: Callable[..., Registry],
    source: Source,
    local_runpod: LocalRunPod,
    outsider: RunPodClient,
) -> None:
    """The image is pushed with it, RunPod holds it for the endpoint's pulls, and the state has it encrypted alone."""
    registry = registries(private=True)
    stack = engine.stack(login_from_config(source, registry.address), environment)
    stack.config("registryUser", LOGIN.username)
    stack.config("registryPassword", LOGIN.password, secret=True)
    done = stack.up()
    again = stack.up(expect_no_changes=True)
    endpoint = outsider.get(ENDPOINTS, done.outputs["endpoint_id"])
    [held] = local_runpod.call(lambda platform: platform.store.list("registry credential"))

    assert (done.errors, again.errors) == ([], [])
    assert registry.manifest(REPOSITORY, done.outputs["ref"].partition("@")[2]) is not None
    assert endpoint.registry == held.id
    assert (held.private["username"], held.private["password"]) == (LOGIN.username, LOGIN.password)
    assert LOGIN.password not in stack.state_text() + done.text + again.text


@pytest.mark.parametrize("given", [{"username": LOGIN.username, "password": "wrong-4712"}, {}], ids=["wrong", "none"])
def test_a_refused_login_is_reported_with_what_to_check(
    engine: Engine,
    environment: dict[str, str],
    registries: Callable[..., Registry],
    source: Source,
    local_runpod: LocalRunPod,
    given: dict[str, str],
) -> None:
    """Nothing is pushed, nothing is deployed, and the password is in no line."""
    registry = registries(private=True)
    stack = engine.stack(program(source, registry.address, **given), environment)
    failed = stack.up()

    assert f"the registry {registry.address} does not let this user push" in only_error(failed)
    assert "check username and password" in only_error(failed)
    assert registry.uploads() == []
    assert local_runpod.calls(method="POST", path="/v2/templates*") == []
    assert "wrong-4712" not in failed.text + stack.state_text()


def test_a_registry_that_is_not_there_is_reported(
    engine: Engine, environment: dict[str, str], source: Source, local_runpod: LocalRunPod
) -> None:
    """By its address; nothing is deployed."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        failed = engine.stack(program(source, address), environment).up()

    assert f"the registry {address} cannot be reached" in only_error(failed)
    assert local_runpod.calls(method="POST", path="/v2/templates*") == []


def test_mistakes_of_a_program_are_reported_at_once(
    engine: Engine, environment: dict[str, str], source: Source
) -> None:
    """All of them, one line each, before anything is asked of anybody."""
    wrong = {
        "repository": "Team/worker:1",
        "extra_ca": "/nowhere.pem",
        "username": "pusher",
        "dockerfile": "Dokerfile",
        "build_contexts": {"weights": "/nowhere"},
    }
    failed = engine.stack(program(source, "", **wrong), environment).preview()
    said = "\n".join(failed.errors)

    assert failed.failed
    assert "write HOST/PATH in lower case" in said
    assert "/nowhere.pem, which is no file" in said
    assert "username and password go together" in said
    assert "Dokerfile does not exist" in said
    assert "build_contexts has 'weights': /nowhere, which is no folder" in said
    assert "Traceback" not in failed.text
