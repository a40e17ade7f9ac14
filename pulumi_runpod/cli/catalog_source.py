"""Where a command's prices and stock come from: the live catalog, or the dated copy, and then it says why."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from pulumi_runpod.cli.stack import settings_of
from pulumi_runpod.client import client_for
from pulumi_runpod.errors import RunPodError, SettingsError
from pulumi_runpod.planning.advice import Market
from pulumi_runpod.planning.pools import pools_of
from pulumi_runpod.wire.catalog import Catalog, DataCenter


@dataclass(frozen=True)
class Read:
    """The catalog as planning takes it, and the data centers with their volume tiers."""

    market: Market
    data_centers: tuple[DataCenter, ...]


def read_catalog(*, stack: str | None, offline: bool) -> Read:
    """Never fails because of the catalog: why the live one is not used goes to stderr."""
    catalog, why = _catalog(stack, offline=offline)
    live = catalog.as_of is None
    source = "catalog of RunPod" if live else f"copy of the catalog of {catalog.as_of}"
    if why is not None:
        typer.echo(f"note: {why}. Prices and stock come from the {source}", err=True)
    market = Market(pools_of(catalog.gpus.values()), source=source, live=live)
    return Read(market, tuple(catalog.data_centers.values()))


def _catalog(stack: str | None, *, offline: bool) -> tuple[Catalog, RunPodError | None]:
    from pulumi_runpod.client.catalog import catalog_or_offline  # brings httpx, which `--help` can do without

    if offline:
        return catalog_or_offline(None)
    try:
        client = client_for(settings_of(stack))
    except SettingsError as error:
        return catalog_or_offline(None)[0], error
    return catalog_or_offline(client)
