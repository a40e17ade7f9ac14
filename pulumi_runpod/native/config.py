"""The provider's configuration: keys, URLs and timeouts, checked before any resource is."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from pulumi_runpod.resources.schema_names import NATIVE_PACKAGE, camel
from pulumi_runpod.resources.values import Unknown, normal_object

if TYPE_CHECKING:
    from pulumi_runpod.settings import Settings
    from pulumi_runpod.wire.model import JsonObject

SECRET_KEYS = frozenset({"apiKey", "s3SecretAccessKey"})
KEYS = {
    camel(name): f"runpod:{camel(name)}"
    for name in (
        *("api_key", "api_base_url", "timeout", "accept_vanished", "allow_plain_http", "allow_namesakes"),
        *("s3_access_key_id", "s3_secret_access_key", "s3_endpoint_url", "s3_part_bytes"),
    )
}
"""Name in the schema -> config key of the dynamic provider, under which `Settings` looks. A copy, held by a test: the
settings bring pydantic along, which a plugin whose account comes from the environment does not need to start.
"""
_META = frozenset({"version", "pluginDownloadURL"})


def settings_of(config: JsonObject) -> Settings:
    """From the provider's inputs; the environment fills in what they leave out. Raises `SettingsError`."""
    from pulumi_runpod.settings import Settings

    return Settings.load({KEYS[name]: _text(value) for name, value in config.items() if name in KEYS})


def from_variables(variables: dict[str, str]) -> JsonObject:
    """Inputs from `Configure`'s variables, `runpod-serverless:config:apiKey`."""
    return {name.rsplit(":", 1)[-1]: value for name, value in variables.items()}


def mistakes(config: JsonObject) -> list[str]:
    """All that is wrong with a provider's inputs; what a preview cannot know yet is not judged."""
    config = normal_object(config)
    unknown = sorted(set(config) - set(KEYS) - _META)
    found = [f"{name}: this provider has no such setting; it has {', '.join(sorted(KEYS))}" for name in unknown]
    given = {KEYS[name]: _text(value) for name, value in config.items() if name in KEYS and _is_known(value)}
    if not given:
        return found
    from pulumi_runpod.errors import SettingsError
    from pulumi_runpod.settings import SOURCES, Settings

    # Of the environment, only what the inputs are judged by.
    judged_by = {name: value for name, value in os.environ.items() if name == SOURCES["allow_plain_http"][1]}
    try:
        Settings.load(given, judged_by)
    except SettingsError as error:
        found += [part.replace("runpod:", f"{NATIVE_PACKAGE}:", 1) for part in str(error).split("; ")]
    return found


def changed(olds: JsonObject, news: JsonObject) -> list[str]:
    """Names of settings that differ. None of them ever replaces the provider, so no resource is replaced either."""
    olds, news = normal_object(olds), normal_object(news)
    names = (set(olds) | set(news)) - _META
    return sorted(name for name in names if _text(olds.get(name)) != _text(news.get(name)))


def _is_known(value: object) -> bool:
    return not isinstance(value, Unknown)


def _text(value: object) -> str:
    """A setting as text; the engine hands a default provider's settings over as JSON where they are no text."""
    if isinstance(value, bool):
        return json.dumps(value)
    return "" if value is None else str(value)
