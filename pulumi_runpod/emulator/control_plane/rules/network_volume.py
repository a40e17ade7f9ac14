"""Network volumes: they grow, never shrink, and stay while an endpoint names them."""

from __future__ import annotations

from pulumi_runpod.emulator.control_plane.rules.rule import Rules
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.emulator.platform.store import Row
from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES, CreateNetworkVolume, UpdateNetworkVolume

PAST_VOLUME = "past network volume"
"""Kind under which deleted volumes stay, for billing alone. Private: `sizes` as `[since, GB]`, and `deletedAt`."""


class NetworkVolumeRules(Rules[CreateNetworkVolume, UpdateNetworkVolume]):
    collection = NETWORK_VOLUMES

    def create(self, wanted: CreateNetworkVolume) -> tuple[JsonObject, JsonObject]:
        catalog = self.platform.catalog
        center = catalog.data_centers.get(wanted.data_center)
        if center is None or not center.network_volume_types:
            raise ProblemError(
                400,
                f"data center {wanted.data_center!r} does not support network volumes; "
                f"supported: {', '.join(catalog.volume_data_centers)}",
            )
        tier = wanted.type or center.network_volume_types[0]
        if tier not in center.network_volume_types:
            raise ProblemError(
                400,
                f"data center {center.id!r} does not support {tier} network volumes; "
                f"it has: {', '.join(center.network_volume_types)}",
            )
        body = {"name": wanted.name, "size": wanted.size, "dataCenter": center.id, "type": tier}
        return body, {"sizes": [[self.platform.clock.now(), wanted.size]]}

    def update(self, row: Row, wanted: UpdateNetworkVolume) -> tuple[JsonObject, JsonObject | None]:
        if wanted.size is not None and wanted.size < row.body["size"]:
            raise ProblemError(
                400, f"network volume size cannot be reduced: it is {row.body['size']} GB, got {wanted.size}"
            )
        changed = {"name": wanted.name, "size": wanted.size}
        body = {**row.body, **{k: v for k, v in changed.items() if v is not None}}
        if body["size"] == row.body["size"]:
            return body, None
        return body, {"sizes": [*row.private["sizes"], [self.platform.clock.now(), body["size"]]]}

    def refuse_delete(self, row: Row) -> None:
        if self.platform.switches.volume_delete == "allow":
            return
        if users := self.store.referring(ENDPOINTS.kind, "networkVolumes", row.id):
            raise ProblemError(400, f"network volume is in use by endpoint {', '.join(u.id for u in users)}")

    def deleted(self, row: Row) -> None:
        self.platform.remove_volume(row.id)
        # What it cost stays on the bill.
        private = {**row.private, "deletedAt": self.platform.clock.now()}
        self.store.insert(PAST_VOLUME, row.id, row.body, private)
