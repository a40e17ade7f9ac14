"""Prices and stock for a program: one call of the catalog in a run, the dated copy where that fails or is not wanted.

A failing catalog is said, and never stops anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import pulumi

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.planning.advice import Market
from pulumi_runpod.planning.pools import pools_of
from pulumi_runpod.resources.data.account import offline_wanted, program_config
from pulumi_runpod.resources.engine_run import once_per_run

if TYPE_CHECKING:
    from pulumi_runpod.resources.data.question import Question
    from pulumi_runpod.settings import Settings

T = TypeVar("T")
_PATIENCE_SECONDS = 10.0


def market() -> Market:
    """What the catalog says now. Asked once in a run, whether it answers or not."""
    return once_per_run("market", _ask)


def _ask() -> Market:
    config = program_config()
    if offline_wanted(config):
        return _dated()
    try:
        return _live(config)
    except RunPodError as error:
        dated = _dated()
        pulumi.log.warn(
            f"the RunPod catalog could not be read: {error}. Prices and advice come from the {dated.source}"
        )
        return dated


def _live(config: Mapping[str, str]) -> Market:
    from pulumi_runpod.client import client_for
    from pulumi_runpod.resources.data.gpus import GPU_TYPES
    from pulumi_runpod.settings import Settings

    settings = Settings.load(config)
    # Shared with the program's own questions to the catalog.
    gpus = once_per_run(GPU_TYPES.key(client_for(settings)), partial(_hastily, GPU_TYPES, settings))
    return Market(pools_of(gpus), source="catalog of RunPod", live=True)


def _hastily(question: Question[T], settings: Settings) -> T:
    """Nobody waits long for advice: a separate client, which does not retry."""
    from pulumi_runpod.client import RetryPolicy, RunPodClient

    hasty = settings.model_copy(update={"timeout": min(settings.timeout, _PATIENCE_SECONDS)})
    with RunPodClient(hasty, policy=RetryPolicy(attempts=1, connect_attempts=1, longest_wait=0.0)) as client:
        return question.ask(client)


def _dated() -> Market:
    from pulumi_runpod.client.catalog import catalog_or_offline

    catalog, _ = catalog_or_offline(None)
    return Market(pools_of(catalog.gpus.values()), source=f"copy of the catalog of {catalog.as_of}", live=False)
