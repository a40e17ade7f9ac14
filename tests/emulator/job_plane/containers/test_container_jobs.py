"""A job in a container: what the worker sees, and what is seen of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from container_account import ContainerAccount, Json
from image_registry import ImageRegistry

from pulumi_runpod.emulator.local import LocalRunPod


def test_a_job_is_done_in_a_container_of_the_endpoints_image(
    account: ContainerAccount, registry: ImageRegistry, program: bytes, inspect: Callable[[Json], Json]
) -> None:
    """A job sent to an endpoint is taken, and done, inside a running container that was made from its image."""
    image = registry.push(program)
    endpoint = account.endpoint(image)
    assert account.run(endpoint)["args"] == ["/worker"]
    container = inspect(account.worker(endpoint, "IDLE"))
    assert (container["Config"]["Image"], container["State"]["Running"]) == (image, True)


def test_what_a_container_prints_is_in_the_workers_log(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """A line that the program prints comes over the log stream of the API, as one of the container's."""
    endpoint = account.endpoint(registry.push(program))
    account.run(endpoint, say="nothing is lost")
    worker = account.worker(endpoint, "IDLE")
    line = account.log_line(endpoint, worker, lambda line: line["line"] == "nothing is lost")
    assert line["source"] == "container"


def test_a_container_has_its_endpoints_environment_and_none_of_ours(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """Variables arrive as declared, several lines and odd signs included; the image's own stay, ours do not."""
    env = {"PLAIN": "a b", "LINES": "one\ntwo", "SIGNS": "#'\"$HOME\\", "EMPTY": ""}
    endpoint = account.endpoint(registry.push(program, Env=["FROM_IMAGE=yes"]), env=env)
    seen = account.run(endpoint, env=[*env, "FROM_IMAGE", "HOME", "VIRTUAL_ENV", "RUNPOD_ENDPOINT_ID"])["env"]
    assert {name: seen[name] for name in env} == env
    assert (seen["FROM_IMAGE"], seen["VIRTUAL_ENV"], seen["RUNPOD_ENDPOINT_ID"]) == ("yes", "", endpoint["id"])


def test_entrypoint_and_cmd_of_an_endpoint_replace_those_of_the_image(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """`cmd` takes the place of the image's CMD, and `entrypoint` that of its ENTRYPOINT and CMD."""
    image = registry.push(program, Entrypoint=["/worker", "fixed"], Cmd=["from-image"])
    plain, commanded = account.endpoint(image), account.endpoint(image, cmd=["--steps", "2 or 3"])
    entered = account.endpoint(image, entrypoint=["/worker", "own"], cmd=["last"])
    assert account.run(plain)["args"] == ["/worker", "fixed", "from-image"]
    assert account.run(commanded)["args"] == ["/worker", "fixed", "--steps", "2 or 3"]
    assert account.run(entered)["args"] == ["/worker", "own", "last"]


def test_a_template_says_how_the_container_runs(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """An endpoint made from a template runs the template's image, command and variables."""
    template = account.made(
        "templates",
        {"name": "t", "image": registry.push(program), "serverless": True, "cmd": ["x"], "env": {"A": "b"}},
    )
    endpoint = account.endpoint(None, templateId=template["id"])
    output = account.run(endpoint, env=["A"])
    assert (output["args"], output["env"]) == (["/worker", "x"], {"A": "b"})


def test_a_user_that_is_not_root_reads_and_writes_the_volume(
    account: ContainerAccount, registry: ImageRegistry, program: bytes, runpod: LocalRunPod
) -> None:
    """What was uploaded with a strict mask can be read at `/runpod-volume` by any user, who may add to it there."""
    volume = account.volume()
    here = runpod.call(lambda platform: platform.volume_dir(volume["id"]))
    (here / "models").mkdir(mode=0o700)
    (here / "models" / "weights").write_text("heavy")
    (here / "models" / "weights").chmod(0o600)
    endpoint = account.endpoint(registry.push(program, User="10001:10001"), networkVolumes=[volume["id"]])
    output = account.run(
        endpoint, read="/runpod-volume/models/weights", write="/runpod-volume/models/cache", env=["RUNPOD_VOLUME_PATH"]
    )
    assert (output["uid"], output["read"], output["readError"], output["writeError"]) == (10001, "heavy", "", "")
    assert Path(here / "models" / "cache").read_text() == "from the container"


def test_a_container_on_a_cpu_has_the_memory_and_the_cpus_of_its_flavor(
    account: ContainerAccount, registry: ImageRegistry, program: bytes, inspect: Callable[[Json], Json]
) -> None:
    """The engine holds a worker of a CPU endpoint to its vCPUs and memory, and lets it swap none of that."""
    cpu = {"id": "cpu3g", "vcpuCount": 2}
    endpoint = account.endpoint(registry.push(program), gpu=None, cpu=[cpu])
    memory = next(result["memory"] for result in endpoint["cpu"])
    limits = inspect(account.worker(endpoint, "IDLE"))["HostConfig"]
    assert limits["Memory"] == limits["MemorySwap"] == memory * 10**9
    assert limits["NanoCpus"] == 2 * 10**9


def test_a_container_gains_no_rights_and_is_bounded(
    account: ContainerAccount, registry: ImageRegistry, program: bytes, inspect: Callable[[Json], Json]
) -> None:
    """A worker can neither take the machine's last memory, nor its processes, nor rights that it was not given."""
    limits = inspect(account.worker(account.endpoint(registry.push(program)), "IDLE"))["HostConfig"]
    assert 0 < limits["Memory"] == limits["MemorySwap"]
    assert limits["PidsLimit"] > 0
    assert (limits["Privileged"], limits["SecurityOpt"]) == (False, ["no-new-privileges"])
