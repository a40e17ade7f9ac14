"""`make up` and `make down`: the local RunPod around `pulumi up` and `pulumi destroy` of one stack.

A stack whose `runpod:apiBaseUrl` names this machine gets the local RunPod started, the services that build images where
it says `image: build`, and the tiny model made that it may name in `weightsFrom`; nothing there costs money, so nothing
is asked. For every other stack this is recover and `pulumi up`, which shows its preview and asks, with a passphrase
that the person must have chosen.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import yaml  # type: ignore[import-untyped] # comes with pulumi; its stubs would be a pin more for one line
from local_images import LocalImages

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".local" / "runpod"
TINY_MODEL = ROOT / ".local" / "models" / "sdxl-tiny"
PROJECT = "runpod-sdxl"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# What runs for an image of this name on the local RunPod: the worker's own code, on this machine's CPU.
WORKER_IMAGES = "*/sdxl-worker*"


def try_run(*command: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE if quiet else None)


def run(*command: str, quiet: bool = False) -> str:
    """Run a tool of the virtual environment in the project; on failure, its own words are the message."""
    done = try_run(*command, quiet=quiet)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout or ""


def pulumi(*arguments: str, stack: str, quiet: bool = False) -> str:
    return run("pulumi", *arguments, "--stack", stack, "--non-interactive", quiet=quiet)


def change(action: str, stack: str, *, asks: bool) -> None:
    """`pulumi up` or `pulumi destroy`. Where it asks and there is nobody to answer, the engine refuses."""
    run("pulumi", action, "--stack", stack, *(() if asks else ("--yes", "--skip-preview", "--non-interactive")))


def settings(stack: str) -> dict[str, object]:
    """As its file has them, without the project's prefix."""
    file = ROOT / "stacks" / f"Pulumi.{stack}.yaml"
    config = (yaml.safe_load(file.read_text()) or {}).get("config") or {} if file.exists() else {}
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}


def local_port(stack: str) -> int | None:
    """Port of the local RunPod that the stack's settings point at; None for a stack that lives elsewhere."""
    url = urlsplit(str(settings(stack).get("runpod:apiBaseUrl") or os.environ.get("RUNPOD_API_BASE_URL", "")))
    return url.port if url.hostname in LOOPBACK else None


def builder(stack: str) -> LocalImages | None:
    """Of a stack that builds into the registry of this machine. For one that builds for another, set-up has all."""
    result = settings(stack)
    if result.get("image") != "build":
        return None
    if "imageRepository" not in result:
        return LocalImages(ROOT)
    run(sys.executable, "tools/setup.py", "--only", "images")
    return None


def start_local(port: int, stack: str = "STACK") -> None:
    """Exits where it does not start, with the way to another port."""
    worker = shlex.join(
        [
            "env",
            f"PYTHONPATH={ROOT / 'worker'}",
            str(ROOT / ".venv-worker/bin/python"),
            "-m",
            "sdxl_worker",
        ]
    )
    started = try_run(
        *("pulumi-runpod", "emulator", "start", "--port", str(port), "--state", str(STATE)),
        *("--worker", f"{WORKER_IMAGES}={worker}"),
        # It takes a GPU where this machine has one.
        *("--worker-env", "ALLOW_CPU=1"),
    )
    if started.returncode:
        moved = f"pulumi config set runpod:apiBaseUrl http://127.0.0.1:{port + 1} --stack {stack}"
        print(f"To have it on another port: .venv/bin/{moved}", file=sys.stderr)
        sys.exit(started.returncode)


def make_tiny_model() -> None:
    """A random SDXL of a few megabytes: real code runs on it, and its images are noise."""
    subprocess.run(
        [ROOT / ".venv-worker/bin/python", "-m", "sdxl_worker.tiny_weights", TINY_MODEL],
        cwd=ROOT,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "worker"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
    )


def up(stack: str, port: int | None) -> None:
    run("pulumi", "stack", "select", "--create", stack, "--non-interactive")
    images = builder(stack)
    containers = images is not None and images.start()
    if port is not None:
        start_local(port, stack)
        make_tiny_model()
    run("pulumi-runpod", "recover", "--stack", stack)
    change("up", stack, asks=port is None)
    outputs = json.loads(pulumi("stack", "output", "--json", stack=stack, quiet=True))
    if images is not None and containers:
        images.prune(outputs["image"])
    if port is not None:
        print(f"\nLocal RunPod: http://127.0.0.1:{port} (state in {STATE.relative_to(ROOT)}).")
        print("Its page asks for the key that `.venv/bin/pulumi-runpod emulator key` prints.")
    if "endpoint_id" not in outputs:
        print(f"Stack {stack} is deployed.")
        return
    if containers:
        print(f"Its workers are containers of {outputs['image']}.")
    print(f"Endpoint {outputs['endpoint_id']} is declared on stack {stack}. Send it a job:\n")
    request = json.dumps({"prompt": "a red fox in the snow"})
    print(f"  .venv/bin/pulumi-runpod job run --stack {stack} --input '{request}' --save out/")


def down(stack: str, port: int | None) -> None:
    known = json.loads(run("pulumi", "stack", "ls", "--json", "--non-interactive", quiet=True))
    if stack not in {entry["name"] for entry in known}:
        print(f"Stack {stack} does not exist: nothing to destroy.")
    else:
        if port is not None:
            start_local(port, stack)  # destroying needs the service up, and it may have been stopped since
        change("destroy", stack, asks=port is None)
    run("pulumi-runpod", "emulator", "stop", "--state", str(STATE))
    LocalImages(ROOT).stop()


def mend_backend() -> None:
    """An interrupted `pulumi` can leave an empty file of attributes, with which no state is read: it holds nothing.

    Backends of older releases have such files; today's are kept without them.
    """
    for attributes in (ROOT / ".local" / "pulumi").rglob("*.attrs"):
        if attributes.stat().st_size == 0:
            attributes.unlink()


def main() -> None:
    action, stack = sys.argv[1:3]
    (ROOT / ".local" / "pulumi").mkdir(parents=True, exist_ok=True)
    mend_backend()
    port = local_port(stack)
    if port is not None and "PULUMI_CONFIG_PASSPHRASE_FILE" not in os.environ:
        # Such a stack holds nothing secret. With an account, an empty passphrase would lay the key open in its file.
        os.environ.setdefault("PULUMI_CONFIG_PASSPHRASE", "")
    os.environ.setdefault("PULUMI_SKIP_UPDATE_CHECK", "true")
    {"up": up, "down": down}[action](stack, port)


if __name__ == "__main__":
    main()
