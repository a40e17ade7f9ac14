"""What a worker runs with: image, environment, volume, login and size, from the endpoint's body and its placement.

Reads the account (volumes, registry logins, secrets); decides nothing and starts nothing.
"""

from __future__ import annotations

from pathlib import Path

from pulumi_runpod.emulator.job_plane.load_balancer.address import pick_address, with_address
from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.emulator.job_plane.workers.environment import fill_secrets, worker_environment
from pulumi_runpod.emulator.job_plane.workers.runtime import RegistryLogin, WorkerSpec
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.wire.container import decode_args
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES
from pulumi_runpod.wire.registry import REGISTRIES
from pulumi_runpod.wire.secret import SECRETS


class WorkerSpecs:
    """Made anew at each start of a worker, so that it sees the account as it is then."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.homes = platform.state_dir / "workers"

    def home(self, worker: Worker) -> Path:
        """The worker's own directory, gone with it."""
        return self.homes / worker.id

    def of(self, worker: Worker, body: JsonObject) -> WorkerSpec:
        placement = worker.placement
        volume_id = placement.volume_id if placement is not None else None
        volume = self._platform.volume_dir(volume_id).resolve() if volume_id is not None else None
        env = worker_environment(
            base_url=self._platform.base_url,
            endpoint_id=worker.endpoint_id,
            worker_id=worker.id,
            worker_key=worker.key,
            endpoint_env={**self._platform.worker_env, **fill_secrets(body.get("env") or {}, self._secret)},
            gpu_type_id=placement.gpu_type_id if placement is not None else None,
            gpu_count=placement.gpu_count if placement is not None else 0,
            data_center_id=placement.data_center_id if placement is not None else None,
            volume_id=volume_id,
        )
        if body["type"] == "LOAD_BALANCER":
            worker.address = pick_address(body.get("env") or {})
            env = with_address(env, worker.address)
        entrypoint, cmd = decode_args(body.get("args") or "")
        on_cpu = placement is not None and placement.gpu_type_id is None
        return WorkerSpec(
            worker.id,
            worker.image,
            env,
            volume,
            home=self.home(worker).resolve(),
            entrypoint=tuple(entrypoint),
            cmd=tuple(cmd),
            login=self._login(body.get("registry")),
            gpu_count=placement.gpu_count if placement is not None else 0,
            vcpu_count=placement.vcpu_count if placement is not None and on_cpu else None,
            memory_gb=(
                self._platform.catalog.memory_gb(placement.pool, placement.vcpu_count)
                if placement is not None and on_cpu
                else None
            ),
        )

    def volume_centers(self, body: JsonObject) -> dict[str, str]:
        found: dict[str, str] = {}
        for volume_id in body.get("networkVolumes") or ():
            volume = self._platform.store.get(NETWORK_VOLUMES.kind, volume_id)
            if volume is not None:
                found[volume_id] = volume.body["dataCenter"]
        return found

    def _login(self, registry_id: str | None) -> RegistryLogin | None:
        row = self._platform.store.get(REGISTRIES.kind, registry_id) if registry_id is not None else None
        return RegistryLogin(row.private["username"], row.private["password"]) if row is not None else None

    def _secret(self, name: str) -> str | None:
        for row in self._platform.store.list(SECRETS.kind):
            if row.body["name"] == name:
                return str(row.private["value"])
        return None
