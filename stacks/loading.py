"""Settings out of a stack's configuration. Every mistake is told at once, by its key, with the command that mends it.

`Pulumi.yaml` declares no types on purpose: the CLI stops at the first key that it does not like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from stacks.settings import PlatformSettings, ServiceSettings, StackSettings

# A service that never answers quickly must not cost anything while nobody looks; one that people wait for must be warm.
DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "platform": {},
    "dev": {"workersMin": 0, "workersMax": 2},
    "staging": {"workersMin": 0, "workersMax": 3},
    "prod": {"workersMin": 1, "workersMax": 5, "protectVolume": True, "promoteFrom": "staging"},
}


class SettingsError(ValueError):
    """One line per mistake, each with its key, the value, what is allowed and the command that mends it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load(config: Mapping[str, str], *, project: str, stack: str) -> StackSettings:
    """Settings of `stack` out of its whole configuration (namespaced keys, values as Pulumi stores them: text).

    Raises SettingsError with every mistake at once.
    """
    prefix = f"{project}:"
    given: dict[str, Any] = {key[len(prefix) :]: value for key, value in config.items() if key.startswith(prefix)}
    environment = given.setdefault("environment", "dev" if re.fullmatch(r"pr-\d+", stack) else stack)
    model = PlatformSettings if environment == "platform" else ServiceSettings
    teller = _Teller(model, given, stack)
    try:
        settings = model.model_validate({**DEFAULTS.get(environment, DEFAULTS["dev"]), **given})
    except ValidationError as error:
        # A list is judged item by item: one line for its key is enough.
        raise SettingsError(list(dict.fromkeys(map(teller.mistake, error.errors(include_url=False))))) from None
    if isinstance(settings, ServiceSettings) and (mistakes := _contradictions(settings, stack)):
        raise SettingsError(mistakes)
    return settings


def _contradictions(settings: ServiceSettings, stack: str) -> list[str]:
    found = []
    if settings.image is None and settings.promote_from is None:
        found.append(
            "image is not set: name the worker's image, by digest where it is to stay the same. "
            f"{_command('image', 'registry.example.com/team/sdxl-worker@sha256:...', stack)}"
        )
    if settings.workers_min > settings.workers_max:
        found.append(
            f"workersMin is {settings.workers_min}, above workersMax, {settings.workers_max}. "
            f"{_command('workersMax', settings.workers_min, stack)}"
        )
    if settings.execution_timeout_seconds >= settings.endpoint_timeout_seconds:
        found.append(
            f"executionTimeoutSeconds is {settings.execution_timeout_seconds}, not below endpointTimeoutSeconds, "
            f"{settings.endpoint_timeout_seconds}: callers would give up before a stuck job fails. "
            f"{_command('endpointTimeoutSeconds', settings.execution_timeout_seconds + 60, stack)}"
        )
    if (settings.requests_per_day is None) != (settings.seconds_each is None):
        missing, example = ("secondsEach", 4) if settings.seconds_each is None else ("requestsPerDay", 500)
        found.append(
            f"{missing} is not set: requestsPerDay and secondsEach describe the traffic together. "
            f"{_command(missing, example, stack)}"
        )
    if (
        settings.worst_case_seconds is not None
        and settings.seconds_each is not None
        and settings.worst_case_seconds < settings.seconds_each
    ):
        found.append(
            f"worstCaseSeconds is {settings.worst_case_seconds:g}, below the average, secondsEach, "
            f"{settings.seconds_each:g}. {_command('worstCaseSeconds', f'{2 * settings.seconds_each:g}', stack)}"
        )
    return found


class _Teller:
    """Puts pydantic's findings in words a person can act on."""

    def __init__(self, model: type[PlatformSettings | ServiceSettings], given: Mapping[str, Any], stack: str) -> None:
        self.model, self.given, self.stack = model, given, stack

    def mistake(self, error: ErrorDetails) -> str:
        key = str(error["loc"][0])
        if error["type"] == "extra_forbidden":
            known = ", ".join(sorted(to_camel(name) for name in self.model.model_fields))
            return f"{key} is not a setting. Known: {known}. To remove it: pulumi config rm {key} --stack {self.stack}"
        if key == "environment" and error["input"] == self.stack:
            return (
                f"environment is not set, and the stack's name, {self.stack}, is none of {', '.join(DEFAULTS)}. "
                f"{_command('environment', 'dev', self.stack)}"
            )
        name = next(n for n in self.model.model_fields if to_camel(n) == key)
        example = DEFAULTS["dev"].get(key, self.model.model_fields[name].get_default())
        mend = (
            _command(key, example, self.stack)
            if example is not None
            else f"To remove it: pulumi config rm {key} --stack {self.stack}"
        )
        return f"{key} is {self.given[key]!r}: {self._allowed(name, error)}. {mend}"

    def _allowed(self, name: str, error: ErrorDetails) -> str:
        field = self.model.model_fields[name]
        if isinstance(field.default, tuple):
            return "must be a list of names, written A,B"
        if field.default_factory is dict:
            return "must be a map, written A=why; B=why"
        bounds = {type(m).__name__: m for m in field.metadata}
        if "Ge" in bounds and "Le" in bounds:
            whole = "a whole number" if field.annotation is int else "a number"
            return f"must be {whole} from {bounds['Ge'].ge} to {bounds['Le'].le}"
        return re.sub(r"^(Input|String) should", "must", error["msg"])


def _command(key: str, value: object, stack: str) -> str:
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"To mend it: pulumi config set {key} {value} --stack {stack}"
