"""The program of every stack: settings in; the platform, or one service, out."""

from __future__ import annotations

import sys

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from stacks import platform, service
from stacks.loading import SettingsError, load
from stacks.settings import PlatformSettings

# What a program exits with when it has told the person everything: Pulumi's language host then adds nothing.
_TOLD = 32


def program() -> None:
    try:
        settings = load({**get_config_env(), **CONFIG.get()}, project=pulumi.get_project(), stack=pulumi.get_stack())
    except SettingsError as mistakes:
        for line in mistakes.lines:
            pulumi.log.error(line)
        sys.exit(_TOLD)
    if isinstance(settings, PlatformSettings):
        platform.declare(settings)
    else:
        service.declare(settings)
