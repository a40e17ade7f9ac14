"""The program of every stack: settings in; the platform, or one service, out."""

from __future__ import annotations

import sys

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, get_config_secret_keys_env, is_config_secret

from stacks import platform, service
from stacks.loading import SettingsError, load
from stacks.settings import PlatformSettings

# What a program exits with when it has printed every reason: Pulumi's language host then adds nothing.
_TOLD = 32


def program() -> None:
    config = {**get_config_env(), **CONFIG.get()}
    secret_keys = {*get_config_secret_keys_env(), *filter(is_config_secret, config)}
    try:
        settings = load(config, project=pulumi.get_project(), stack=pulumi.get_stack(), secret_keys=secret_keys)
    except SettingsError as mistakes:
        for line in mistakes.lines:
            pulumi.log.error(line)
        sys.exit(_TOLD)
    if isinstance(settings, PlatformSettings):
        platform.declare(settings)
    else:
        service.declare(settings)
