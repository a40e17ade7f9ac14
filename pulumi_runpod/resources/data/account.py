"""Whom a data source asks: the stack's own account, or another one that is named in the call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import cast

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from pulumi_runpod.errors import SettingsError
from pulumi_runpod.settings import Settings

OFFLINE_KEY, OFFLINE_VARIABLE = "runpod:offlineCatalog", "RUNPOD_OFFLINE_CATALOG"
_YES = frozenset({"1", "true", "yes"})


@dataclass(frozen=True, kw_only=True)
class Account:
    """Another account or another RunPod, as `Provider` is for resources: it takes nothing from the stack's config, and
    the environment variables fill in what is not given here. Outputs are for the `get_x_output` functions alone.
    """

    api_key: pulumi.Input[str] | None = field(default=None, repr=False)
    """Default: RUNPOD_API_KEY."""
    api_base_url: pulumi.Input[str] | None = None
    """Control plane without `/v2`. Default: RUNPOD_API_BASE_URL, or RunPod itself."""
    timeout: pulumi.Input[float] | None = None
    """Seconds to wait for an answer. Default 30."""

    def given(self) -> dict[str, object]:
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


def program_config() -> dict[str, str]:
    """The stack's config as the running program has it, secrets in clear."""
    return {**get_config_env(), **CONFIG.get()}


def offline_wanted(config: Mapping[str, str]) -> bool:
    """Whether the dated copy of the catalog is to be used, without a call."""
    result = config.get(OFFLINE_KEY) or os.environ.get(OFFLINE_VARIABLE, "")
    return result.strip().lower() in _YES


def settings_of(account: Account | None) -> Settings:
    """Raises `SettingsError`, which shows no value."""
    if account is None:
        return Settings.load(program_config())
    result = account.given()
    config = {
        key: str(result[name])
        for name, key in (
            ("api_key", "runpod:apiKey"),
            ("api_base_url", "runpod:apiBaseUrl"),
            ("timeout", "runpod:timeout"),
        )
        if name in result
    }
    try:
        return Settings.load(config)
    except SettingsError as error:
        raise SettingsError(f"account: {error}") from None


def resolved(account: Account) -> pulumi.Output[Account]:
    """The account with plain values. Not secret as a whole: what is read with a key does not hold it."""
    values = cast("pulumi.Output[dict[str, object]]", pulumi.Output.all(**account.given()))
    return pulumi.Output.unsecret(values).apply(lambda result: Account(**result))  # type: ignore[arg-type]  # its own fields
