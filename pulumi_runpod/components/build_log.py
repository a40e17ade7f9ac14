"""What a failing step of a build said last. The plugin that builds tells only that a step failed, and loses the lines
that come just before: they are asked of the builder, which keeps them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pulumi

_SECONDS = 20
_LINES = 30


_STEP = re.compile(r"^#(\d+) (?:\d+\.\d+ )?(.*)")
_NO_OUTPUT = ("ERROR", "CACHED", "DONE", "...")
_REFUSED = re.compile(r"\b40[13] |denied|insufficient_scope|authorization failed|no basic auth")
_UNREACHABLE = re.compile(r"dial tcp|no such host|connection refused|i/o timeout|TLS handshake|tls: |EOF")


def failing_step_hook(name: str, builder: str | None, repository: str) -> pulumi.ErrorHook:
    """For images: when one cannot be built, the last lines of the step are an error of the program; when it cannot be
    pushed, what to do is.
    """

    def on_error(args: pulumi.ErrorHookArgs) -> bool:
        error = args.errors[0] if args.errors else ""
        if advice := push_advice(error, repository):
            pulumi.log.error(f"{args.name}: {advice}")
        elif lines := failing_step(builder, error):
            pulumi.log.error(f"{args.name}: the step that failed said last:\n" + "\n".join(lines))
        return False  # not again

    return pulumi.ErrorHook(f"runpod-build-log-{name}", on_error)


def push_advice(error: str, repository: str) -> str:
    """Why a push failed and what to do, in one line; empty when it is no push that failed, or nobody knows why."""
    host = repository.partition("/")[0]
    if "failed to push" not in error:
        return ""
    if _REFUSED.search(error):
        return (
            f"the registry {host} does not let this user push to {repository}: check username and password of "
            f"WorkerImage, or `docker login {host}` where they are not given"
        )
    if _UNREACHABLE.search(error):
        return f"the registry {host} cannot be reached from the builder: check its name, and that it runs"
    return ""


def failing_step(builder: str | None, error: str) -> list[str]:
    """At most 30 lines, the step itself first; none when the builder does not say, or the step said nothing."""
    return last_words(_log_of_buildkit(builder, error) if _socket(builder) else _log_of_docker(builder))


def last_words(log: str) -> list[str]:
    """Of the step that failed, in a whole plain log. The end of the log repeats some of them, but not always the last,
    since standard output and error arrive apart.
    """
    steps: dict[str, list[str]] = {}
    failed = ""
    for line in log.splitlines():
        if match := _STEP.match(line):
            number, text = match.groups()
            steps.setdefault(number, []).append(text)
            failed = number if text.startswith("ERROR") else failed
    if not failed:
        return []
    title, *rest = steps[failed]
    said = [text for text in rest if text != title and not text.startswith(_NO_OUTPUT)]
    return [f" > {title}", *said[1 - _LINES :]] if said else []


def _log_of_buildkit(builder: str | None, error: str) -> str:
    buildctl = shutil.which("buildctl", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if buildctl is None:
        return ""
    ask = [buildctl, "--addr", _socket(builder), "debug"]
    records = [json.loads(line)["record"] for line in _output([*ask, "histories", "--format", "{{json .}}"])]
    failed = [record for record in records if (record.get("error") or {}).get("message", "\n") in error]
    if not failed:
        return ""
    last = max(failed, key=lambda record: int(record["CreatedAt"]["seconds"]))
    return "\n".join(_output([*ask, "logs", "--progress", "plain", last["Ref"]]))


def _log_of_docker(builder: str | None) -> str:
    """Of its latest build. Empty where Docker has no buildx that keeps them."""
    chosen = ["--builder", builder] if builder else []
    return "\n".join(_output(["docker", "buildx", *chosen, "history", "logs", "--progress", "plain"]))


def _socket(builder: str | None) -> str:
    """Address of a builder that is a BuildKit outside Docker; empty for one that Docker runs."""
    if builder is None:
        return ""
    docker = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    instances = Path(os.environ.get("BUILDX_CONFIG") or docker / "buildx") / "instances"
    try:
        document = json.loads((instances / builder).read_text())
        return str(document["Nodes"][0]["Endpoint"]) if document["Driver"] == "remote" else ""
    except (OSError, ValueError, LookupError):
        return ""


def _output(command: list[str]) -> list[str]:
    """Lines of both streams; none when the program is missing, fails or takes too long."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []
