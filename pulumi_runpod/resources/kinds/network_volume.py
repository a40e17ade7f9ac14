"""Volumes hold data: one that would shrink, move or change its tier is refused, unless the program gives it up."""

from __future__ import annotations

from pulumi_runpod.errors import Failure, InvalidInput
from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.check import failures_of
from pulumi_runpod.resources.lifecycle import ChangeableInputs, Lifecycle
from pulumi_runpod.resources.outcome import Differences
from pulumi_runpod.resources.values import known
from pulumi_runpod.wire.model import JsonObject, Maybe
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES, CreateNetworkVolume

_WAY_OUT = "To keep the data, declare a second volume and copy it over; to give it up, set allow_data_loss=True"


class NetworkVolumeInputs(ChangeableInputs, CreateNetworkVolume):
    allow_data_loss: Maybe[bool] = None


class NetworkVolumeLifecycle(Lifecycle):
    collection = NETWORK_VOLUMES
    inputs = NetworkVolumeInputs
    units = {"size": "GB"}  # noqa: RUF012 - a ClassVar of the base

    def rules(self, olds: JsonObject, inputs: JsonObject) -> list[Failure]:
        return [] if inputs.get("allow_data_loss") is True else _losses(olds, inputs)

    def catalog_rules(self, olds: JsonObject, inputs: JsonObject) -> list[Failure]:
        center, tier = inputs.get("data_center"), inputs.get("type")
        if not isinstance(center, str) or not center or (center, tier) == (olds.get("data_center"), olds.get("type")):
            return []
        if "adopt_id" in inputs:
            return []  # the object says where it is
        # Neither a refresh nor an `up` without changes needs the catalog.
        from pulumi_runpod.wire.catalog import offline_catalog
        from pulumi_runpod.wire.catalog_rules import volume_violations

        return failures_of(volume_violations(offline_catalog(), center, tier if isinstance(tier, str) else None))

    def replacement(self, olds: JsonObject, news: JsonObject) -> Differences:
        losses = _losses(olds, news)
        if losses and news.get("allow_data_loss") is not True:
            raise InvalidInput(self.subject(olds), losses)
        return Differences(
            tuple(loss.path for loss in losses),
            tuple(
                f"{self.subject(olds)} is replaced by an empty one, as allow_data_loss permits: {loss}"
                for loss in losses
            ),
        )

    def users(self, api: Api, object_id: str) -> list[str]:
        from pulumi_runpod.wire.endpoint import ENDPOINTS, Endpoint

        return [
            f"endpoint {found.id} ({found.name})"
            for found in api.list(ENDPOINTS)
            if isinstance(found, Endpoint) and object_id in found.network_volumes
        ]


def _losses(olds: JsonObject, news: JsonObject) -> list[Failure]:
    """What could only be had with a new, empty volume."""
    found = []
    size, had = news.get("size"), olds.get("size")
    if isinstance(size, int) and isinstance(had, int) and size < had:
        found.append(
            Failure("size", f"is {size} GB, but the volume has {had} GB and a volume cannot shrink. {_WAY_OUT}")
        )
    for key, what in (("data_center", "move to another data center"), ("type", "change its type")):
        if key in news and key in olds and known(news[key]) and news[key] != olds[key]:
            found.append(
                Failure(
                    key,
                    f"is {news[key]}, but the volume is in {olds[key]} and cannot {what}. {_WAY_OUT}"
                    if key == "data_center"
                    else f"is {news[key]}, but the volume is {olds[key]} and cannot {what}. {_WAY_OUT}",
                )
            )
    return found


LIFECYCLE = NetworkVolumeLifecycle()
