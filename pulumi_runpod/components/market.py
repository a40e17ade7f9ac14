"""Prices and stock for a program: one call of the catalog in a run, the dated copy where that fails or is not wanted.

A failing catalog is said, and never stops anything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from pulumi_runpod.components.engine_run import once_per_run
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.planning.advice import Market
from pulumi_runpod.planning.pools import pools_of

OFFLINE_KEY, OFFLINE_VARIABLE = "runpod:offlineCatalog", "RUNPOD_OFFLINE_CATALOG"
_YES = frozenset({"1", "true", "yes"})
_PATIENCE_SECONDS = 10.0


def market() -> Market:
    """What the catalog says now. Asked once in a run, whether it answers or not."""
    return once_per_run("market", _ask)


def _ask() -> Market:
    config: dict[str, str] = {**get_config_env(), **CONFIG.get()}
    if _offline(config):
        return _dated()
    try:
        return _live(config)
    except RunPodError as error:
        dated = _dated()
        pulumi.log.warn(
            f"the RunPod catalog could not be read: {error}. Prices and advice come from the {dated.source}"
        )
        return dated


def _offline(config: Mapping[str, str]) -> bool:
    told = config.get(OFFLINE_KEY) or os.environ.get(OFFLINE_VARIABLE, "")
    return told.strip().lower() in _YES


def _live(config: Mapping[str, str]) -> Market:
    from pulumi_runpod.client import RetryPolicy, RunPodClient
    from pulumi_runpod.client.catalog import gpu_types
    from pulumi_runpod.settings import Settings

    settings = Settings.load(config)
    hasty = settings.model_copy(update={"timeout": min(settings.timeout, _PATIENCE_SECONDS)})
    # Nobody waits long for advice: a client of its own, which does not try again.
    with RunPodClient(hasty, policy=RetryPolicy(attempts=1, connect_attempts=1, longest_wait=0.0)) as client:
        gpus = gpu_types(client)
    return Market(pools_of(gpus), source="catalog of RunPod", live=True)


def _dated() -> Market:
    from pulumi_runpod.client.catalog import catalog_or_offline

    catalog, _ = catalog_or_offline(None)
    return Market(pools_of(catalog.gpus.values()), source=f"copy of the catalog of {catalog.as_of}", live=False)
