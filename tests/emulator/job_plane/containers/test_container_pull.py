"""How an image gets onto this machine, and what is said of one that does not."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from container_account import ContainerAccount, Json
from image_registry import ImageRegistry

from tests.registry_server import LOGIN


def failed_pull(account: ContainerAccount, endpoint: Json) -> str:
    """Why the pull of a worker failed, as its log has it; the worker is UNHEALTHY then."""
    worker = account.worker(endpoint, "UNHEALTHY")
    line = account.log_line(endpoint, worker, lambda line: line["source"] == "system" and ": failed: " in line["line"])
    assert line["line"].startswith(f"image pull: {endpoint['image']}: failed: ")
    return str(line["line"].partition(": failed: ")[2])


def credential(account: ContainerAccount, password: str) -> str:
    result = account.made("registries", {"name": "private", "username": LOGIN.username, "password": password})
    return str(result["id"])


def test_a_private_image_is_pulled_with_the_endpoints_credential(
    account: ContainerAccount, private_registry: ImageRegistry, program: bytes
) -> None:
    """A registry that gives nothing away without a password gives its image to an endpoint that names a credential."""
    endpoint = account.endpoint(private_registry.push(program), registry=credential(account, LOGIN.password))
    assert account.run(endpoint)["args"] == ["/worker"]


def test_a_wrong_credential_makes_the_worker_unhealthy_and_is_said(
    account: ContainerAccount, private_registry: ImageRegistry, program: bytes
) -> None:
    """The reason names what was refused, and not the password."""
    image = private_registry.push(program)
    endpoint = account.endpoint(image, registry=credential(account, "wrong-password"))
    reason = failed_pull(account, endpoint)
    assert "unauthorized" in reason or "no basic auth credentials" in reason
    assert "wrong-password" not in reason


def test_a_private_image_without_a_credential_is_refused(
    account: ContainerAccount, private_registry: ImageRegistry, program: bytes
) -> None:
    """What the registry says to a pull without a password is the reason."""
    assert "no basic auth credentials" in failed_pull(account, account.endpoint(private_registry.push(program)))


def test_an_image_that_is_in_no_registry_is_said_to_be_missing(
    account: ContainerAccount, registry: ImageRegistry
) -> None:
    """As is one whose registry does not answer, in the engine's own words."""
    assert "not found" in failed_pull(account, account.endpoint(f"{registry.address}/nobody/made:this"))
    assert "connection refused" in failed_pull(account, account.endpoint("127.0.0.1:1/nobody/listens:here"))


def test_a_name_that_looks_like_an_option_is_no_option(account: ContainerAccount) -> None:
    """An image is a name for the engine, whatever it begins with."""
    assert "invalid reference format" in failed_pull(account, account.endpoint("--all-tags"))


def test_a_worker_comes_up_once_its_image_is_pushed(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """A pull that failed is tried again, without anybody doing anything to the endpoint."""
    endpoint = account.endpoint(f"{registry.address}/late:1")
    failed_pull(account, endpoint)
    registry.push(program, name="late")
    assert account.run(endpoint)["args"] == ["/worker"]


def test_the_pull_is_the_first_phase_of_the_cold_start_and_is_spared_later(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """The first worker's start counts the time of its pull; the second finds the image here, and counts none."""
    endpoint = account.endpoint(registry.push(program))
    first = account.worker(endpoint, "IDLE")
    account.http.patch(f"/v2/serverless/{endpoint['id']}", json={"env": {"NEW": "release"}}).raise_for_status()
    second = account.other_worker(endpoint, first)
    line = account.log_line(endpoint, second, lambda line: line["line"].endswith(": already on this machine"))
    assert line["source"] == "system"
    later, former = account.cold_starts(endpoint)
    assert former["phasesMs"]["imagePull"] > 0
    assert former["phasesMs"]["containerStart"] > 0
    assert later["phasesMs"]["imagePull"] == 0
    assert [start["workerId"] for start in (later, former)] == [second["id"], first["id"]]


def test_a_tag_that_was_pushed_anew_is_pulled_anew(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """A worker that starts after a push under the same tag runs what was pushed."""
    image = f"{registry.address}/moving:latest"
    registry.push(program, name="moving", tag="latest", Cmd=["old"])
    assert account.run(account.endpoint(image))["args"] == ["/worker", "old"]
    registry.push(program, name="moving", tag="latest", Cmd=["new"])
    assert account.run(account.endpoint(image))["args"] == ["/worker", "new"]


def test_a_tag_that_its_registry_lost_runs_from_this_machines_copy_and_says_so(
    account: ContainerAccount, docker: Callable[..., str], registry: ImageRegistry, program: bytes
) -> None:
    """An image that was built here and pushed nowhere can be run here, and the log says that no registry has it."""
    image = f"{registry.address}/only/here:1"
    pulled = registry.push(program)
    docker("pull", pulled)
    docker("tag", pulled, image)
    endpoint = account.endpoint(image)
    account.run(endpoint)
    line = account.log_line(
        endpoint, account.worker(endpoint, "IDLE"), lambda line: line["line"].endswith("copy on this machine is used")
    )
    assert "not found" in line["line"]


def test_workers_that_start_together_share_one_pull(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """Three workers of one image ask the registry for its manifest once."""
    image = registry.push(program, name="shared")
    endpoint = account.endpoint(image, workers={"min": 3, "max": 3, "idleTimeout": 60})
    account.all_idle(endpoint, 3)
    assert registry.manifests_read("shared") == 1


def test_no_credential_stays_behind(
    account: ContainerAccount,
    private_registry: ImageRegistry,
    program: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Once the worker is up, no file that was made for it is left, and no line of its log has the password."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    endpoint = account.endpoint(private_registry.push(program), registry=credential(account, LOGIN.password))
    worker = account.worker(endpoint, "IDLE")
    assert [path.name for path in Path(tmp_path).rglob("*") if path.is_file()] == []
    assert LOGIN.password not in json.dumps(account.log(endpoint, worker))
