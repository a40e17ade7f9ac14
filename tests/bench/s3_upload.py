"""Uploads to a volume of the local RunPod against a plain copy of the same bytes, interleaved; peak memory, CPU time.

Run with `python tests/bench/s3_upload.py [MEGABYTES]`. Reports and asserts nothing. Wanted: memory that does not grow
with the file. The copy is `shutil.copyfile` followed by the hashes that an upload cannot do without (SHA-256, MD5).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import httpx
import psutil

from pulumi_runpod.client.file_set import WantedFile, synchronise
from pulumi_runpod.client.volume_files import VolumeFiles
from pulumi_runpod.emulator.s3 import owner_key
from pulumi_runpod.settings import Settings

ROUNDS = 3
DATA_CENTER = "EU-RO-1"


class Peak:
    """The largest resident size of processes while a block runs, sampled."""

    def __init__(self, **pids: int) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self.most = dict.fromkeys(pids, 0)
        self._over = threading.Event()

    def __enter__(self) -> Peak:
        self._cpu = {name: _cpu(process) for name, process in self._processes.items()}
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.cpu = {name: _cpu(process) - self._cpu[name] for name, process in self._processes.items()}
        """Seconds."""

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for name, process in self._processes.items():
                self.most[name] = max(self.most[name], process.memory_info().rss)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def hash_of(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest()


def copy_and_hash(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    hash_of(source, "sha256")
    hash_of(source, "md5")


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        command = [
            sys.executable,
            "-m",
            "pulumi_runpod.cli",
            "emulator",
            "serve",
            "--port",
            "0",
            "--state",
            f"{base}/s",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                measure(base, json.loads(server.stdout.readline())["api"], server.pid, megabytes)
            finally:
                server.terminate()


def measure(base: Path, api: str, pid: int, megabytes: int) -> None:
    source = base / "weights.bin"
    with source.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
    made = httpx.post(
        f"{api}/v2/network-volumes",
        json={"name": "w", "size": 100, "dataCenter": DATA_CENTER},
        headers={"Authorization": "Bearer local"},
    ).json()
    key = owner_key("local")
    settings = Settings.load(
        {"runpod:apiBaseUrl": api},
        {"RUNPOD_S3_ACCESS_KEY_ID": key.access_key_id, "RUNPOD_S3_SECRET_ACCESS_KEY": key.secret_access_key},
    )
    wanted = WantedFile("weights.bin", hash_of(source, "sha256"), lambda: nullcontext(source), source.stat().st_size)
    took: dict[str, list[float]] = {"copy": [], "copy and hashes": [], "upload": [], "nothing to do": []}
    with (
        VolumeFiles(settings, data_center=DATA_CENTER, volume_id=made["id"]) as volume,
        Peak(server=pid, client=os.getpid()) as peak,
    ):
        before = {name: psutil.Process(p).memory_info().rss for name, p in (("server", pid), ("client", os.getpid()))}
        for round_ in range(ROUNDS):
            target = base / "copy.bin"
            took["copy"].append(timed(lambda: shutil.copyfile(source, target)))  # noqa: B023 - called at once
            target.unlink()
            took["copy and hashes"].append(timed(lambda: copy_and_hash(source, target)))  # noqa: B023 - as above
            target.unlink()
            there = f"models/{round_}"
            took["upload"].append(timed(lambda: synchronise(volume, there, [wanted])))  # noqa: B023 - as above
            took["nothing to do"].append(timed(lambda: synchronise(volume, there, [wanted])))  # noqa: B023 - as above
    for name, seconds in took.items():
        median = statistics.median(seconds)
        print(f"{name:16} {median:7.2f} s {megabytes / median:9.0f} MB/s   ({', '.join(f'{s:.2f}' for s in seconds)})")
    for name, seconds in peak.cpu.items():
        print(f"{name}: {seconds / (ROUNDS * megabytes) * 1000:.2f} s of CPU per GB (the client's with the copies)")
    ratio = statistics.median(took["copy"]) / statistics.median(took["upload"])
    print(f"upload reaches {ratio:.2f} of the speed of a plain copy")
    for name, most in peak.most.items():
        print(f"{name}: {before[name] >> 20} MB before, {most >> 20} MB at most")


if __name__ == "__main__":
    main()
