"""The environment of a worker: the endpoint's own variables, and the ones by which the SDK finds its platform.

Nothing of this process's environment gets in, save what a program of this machine cannot run without.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote_plus

PING_INTERVAL_MS = 10_000
"""The SDK divides by 1000 and drops the rest: below 1000 its ping loop would spin."""
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
_SECRET = re.compile(r"\{\{\s*RUNPOD_SECRET_([^{}\s]+)\s*\}\}")


def fill_secrets(env: Mapping[str, str], secret: Callable[[str], str | None]) -> dict[str, str]:
    """`{{ RUNPOD_SECRET_name }}` becomes the secret's value; one that does not exist stays as it is written."""

    def value_of(match: re.Match[str]) -> str:
        value = secret(match[1])
        return match[0] if value is None else value

    return {name: _SECRET.sub(value_of, text) for name, text in env.items()}


def machine_environment(home: Path, volume: Path | None) -> dict[str, str]:
    """What a process needs besides, and a container has from its image.

    A container has its volume at `/runpod-volume`; a process gets its path.
    """
    env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    env |= {"HOME": str(home), "TMPDIR": str(home / "tmp")}
    if volume is not None:
        env["RUNPOD_VOLUME_PATH"] = str(volume)
    return env


def worker_environment(
    *,
    base_url: str,
    endpoint_id: str,
    worker_id: str,
    worker_key: str,
    endpoint_env: Mapping[str, str],
    gpu_type_id: str | None,
    gpu_count: int,
    data_center_id: str | None,
    volume_id: str | None,
) -> dict[str, str]:
    """`endpoint_env` with secrets filled in. `$ID` and `$RUNPOD_POD_ID` are for the SDK to replace, not for us."""
    url, query = f"{base_url}/v2/{endpoint_id}", f"?gpu={quote_plus(gpu_type_id or 'none')}"
    # A pipe would make Python keep the last lines of a worker that dies.
    env = {"PYTHONUNBUFFERED": "1", **endpoint_env}
    env |= {
        "RUNPOD_WEBHOOK_GET_JOB": f"{url}/job-take/$ID{query}",
        "RUNPOD_WEBHOOK_POST_OUTPUT": f"{url}/job-done/$RUNPOD_POD_ID/$ID{query}",
        "RUNPOD_WEBHOOK_POST_STREAM": f"{url}/job-stream/$RUNPOD_POD_ID/$ID{query}",
        "RUNPOD_WEBHOOK_PING": f"{url}/ping/$RUNPOD_POD_ID{query}",
        "RUNPOD_PING_INTERVAL": str(PING_INTERVAL_MS),
        "RUNPOD_POD_ID": worker_id,
        "RUNPOD_POD_HOSTNAME": f"{worker_id}-local",
        "RUNPOD_ENDPOINT_ID": endpoint_id,
        "RUNPOD_AI_API_KEY": worker_key,
        "RUNPOD_GPU_COUNT": str(gpu_count),
        # The SDK's own checks dial a public address and want a GPU.
        "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
        "RUNPOD_SKIP_GPU_CHECK": "true",
    }
    if data_center_id is not None:
        env["RUNPOD_DC_ID"] = data_center_id
    if volume_id is not None:
        env["RUNPOD_VOLUME_ID"] = volume_id
    return env
