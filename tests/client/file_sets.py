"""A set of files as tests send it to a volume of the local RunPod, and how a worker reads it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import ModuleType

from pulumi_runpod.client.file_set import WantedFile
from pulumi_runpod.client.volume_files import VolumeFiles
from pulumi_runpod.emulator.local import LocalRunPod

DATA_CENTER = "EU-RO-1"
FOLDER = "models/sdxl"
PART = 1000
Opener = Callable[..., VolumeFiles]


def files_in(folder: Path, contents: dict[str, bytes]) -> list[WantedFile]:
    """Files on this machine, as wanted."""
    found = []
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        found.append(WantedFile(name, hashlib.sha256(content).hexdigest(), partial(nullcontext, path), len(content)))
    return found


CONTENTS = {
    "model_index.json": b"{}",
    "unet/big.bin": os.urandom(4 * PART + 1),
    "unet/config.json": b"{ }",
    "vae/small.bin": b"v" * PART,
}


def writes(runpod: LocalRunPod) -> list[str]:
    """What was written since the last look, relative to the folder: `PUT unet/big.bin`."""
    found = [
        f"{c.method} {c.path.partition(f'{FOLDER}/')[2]}"
        for c in runpod.calls(path="/s3/*")
        if c.method in ("PUT", "POST", "DELETE")
    ]
    runpod.forget_calls()
    return found


def worker_weights() -> ModuleType:
    """The worker's own reading of a set; it imports nothing heavy."""
    root = str(Path(__file__).parents[2] / "worker")
    sys.path.insert(0, root)
    try:
        from sdxl_worker import weights
    finally:
        sys.path.remove(root)
    return weights


def diffusers_set(fill: bytes) -> dict[str, bytes]:
    """A set as diffusers saves it, of the same sizes whatever its bytes are: only the manifest could tell two apart."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [4000], "data_offsets": [0, 4000]}}).encode()
    weights = len(header).to_bytes(8, "little") + header + fill * 4000
    components = ("text_encoder", "unet", "vae")
    index = {"_class_name": "X", **{name: ["diffusers", "Model"] for name in components}}
    return {
        "model_index.json": json.dumps(index).encode(),
        **{f"{name}/config.json": b"{}" for name in components},
        **{f"{name}/model.safetensors": weights for name in components},
    }
