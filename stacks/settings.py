"""What a stack may set, with ranges and a default per environment. Every mistake is reported at once, by its key.

`Pulumi.yaml` declares no types on purpose: the CLI stops at the first key that it does not like.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

Environment = Literal["dev", "staging", "prod"]

# A service that never answers quickly must not cost anything while nobody looks; one that people wait for must be warm.
DEFAULTS: Mapping[Environment, Mapping[str, object]] = {
    "dev": {"workersMin": 0, "workersMax": 2, "protectVolume": False},
    "staging": {"workersMin": 0, "workersMax": 3, "protectVolume": False},
    "prod": {"workersMin": 1, "workersMax": 5, "protectVolume": True},
}


def _split(value: object) -> object:
    """A list may be written as YAML, as JSON text (how Pulumi hands YAML over) or as `A,B`."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _reasons(value: object) -> object:
    """A map may be written as YAML, as JSON text or as `A=why; B=why`."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    pairs = [part.partition("=") for part in value.split(";") if part.strip()]
    return {name.strip(): why.strip() for name, _, why in pairs}


Reasons = Annotated[Mapping[str, str], BeforeValidator(_reasons)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]


class StackSettings(BaseModel):
    """Settings of one stack, `pulumi config set KEY VALUE`; a list is written `A,B`."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    environment: Environment
    """Which defaults hold. The stack's own name when that is dev, staging or prod."""
    image: str = Field(default="registry.example.com/team/sdxl-worker:dev", min_length=1)
    """The worker's image."""
    model: str = Field(default="sdxl-base", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Folder under `models/` on the volume that holds the weights."""

    gpu_pools: Names = Field(default=("ADA_24",), min_length=1)
    """Ids of serverless GPU pools, best first."""
    data_centers: Names = Field(default=("EU-RO-1",), min_length=1)
    """Where workers may run; the volume lies in the first."""
    volume_size_gb: int = Field(default=20, ge=10, le=4096)
    """Grows, never shrinks."""
    protect_volume: bool = False
    """Refuse to delete the volume."""
    container_disk_gb: int = Field(default=20, ge=1, le=4096)

    workers_min: int = Field(ge=0, le=1000)
    """Always warm, always billed."""
    workers_max: int = Field(ge=0, le=1000)
    idle_timeout_seconds: int = Field(default=60, ge=1, le=3600)
    """How long a worker waits after its last job."""
    scaler: Literal["QUEUE_DELAY", "REQUEST_COUNT"] = "QUEUE_DELAY"
    queue_delay_seconds: float = Field(default=4, ge=0.5, le=3600)
    """QUEUE_DELAY: add a worker when a request has waited this long."""
    request_count: int = Field(default=4, ge=1, le=10_000)
    """REQUEST_COUNT: waiting and running requests per worker."""
    flashboot: Literal["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"] = "FLASHBOOT"

    execution_timeout_seconds: int = Field(default=240, ge=5, le=7 * 24 * 3600)
    """RunPod ends a job that has worked this long."""
    endpoint_timeout_seconds: int = Field(default=300, ge=6, le=7 * 24 * 3600)
    """How long a caller waits for an answer; above the execution timeout, so that a stuck job fails cleanly."""

    gpu_vram_gb: float | None = Field(default=None, ge=0.1, le=10_000)
    """GPU memory that the model needs. Where gpuPools is not set, the cheapest pool with 20 % more is taken."""
    requests_per_day: float | None = Field(default=None, ge=0.001, le=1_000_000_000)
    """Expected traffic, for cost and advice; goes with secondsEach."""
    seconds_each: float | None = Field(default=None, ge=0.001, le=7 * 24 * 3600)
    """Average time at work of a request."""
    bursty: bool = True
    """Whether requests come in waves with pauses between."""
    active_hours_per_day: float = Field(default=24, ge=0.1, le=24)
    """Hours that the requests of a day spread over."""
    latency_target_seconds: float | None = Field(default=None, ge=0.001, le=7 * 24 * 3600)
    """How soon a caller needs the answer, queue and cold start included."""
    worst_case_seconds: float | None = Field(default=None, ge=0.001, le=7 * 24 * 3600)
    """The longest that a healthy request may take."""
    model_load_seconds: float | None = Field(default=None, ge=0.001, le=7 * 24 * 3600)
    """Measured load of the model at a cold start; without it, a forecast."""
    guard: Literal["off", "warn", "error"] = "warn"
    """Advice: none; said, and errors stop; or warnings stop as well."""
    silenced_advice: Reasons = Field(default_factory=dict)
    """Rule -> why it does not hold here, `RP004=one user, who waits; RP008=...`."""


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
    given.setdefault("environment", stack)
    defaults = DEFAULTS.get(given["environment"], DEFAULTS["dev"])
    try:
        settings = StackSettings.model_validate({**defaults, **given})
    except ValidationError as error:
        # A list is judged item by item: one line for its key is enough.
        lines = dict.fromkeys(_mistake(e, given, stack) for e in error.errors(include_url=False))
        raise SettingsError(list(lines)) from None
    if mistakes := _contradictions(settings, stack):
        raise SettingsError(mistakes)
    return settings


def _contradictions(settings: StackSettings, stack: str) -> list[str]:
    found = []
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


def _mistake(error: ErrorDetails, given: Mapping[str, Any], stack: str) -> str:
    key = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        known = ", ".join(sorted(to_camel(name) for name in StackSettings.model_fields))
        return f"{key} is not a setting. Known: {known}. To remove it: pulumi config rm {key} --stack {stack}"
    if key == "environment" and error["input"] == stack:
        return (
            f"environment is not set, and the stack's name, {stack}, is none of dev, staging, prod. "
            f"{_command('environment', 'dev', stack)}"
        )
    name = next(n for n in StackSettings.model_fields if to_camel(n) == key)
    default = StackSettings.model_fields[name].get_default()
    example = DEFAULTS["dev"].get(key, default)
    mend = (
        _command(key, example, stack)
        if example is not None
        else f"To remove it: pulumi config rm {key} --stack {stack}"
    )
    return f"{key} is {given[key]!r}: {_allowed(name, error)}. {mend}"


def _allowed(name: str, error: ErrorDetails) -> str:
    field = StackSettings.model_fields[name]
    if isinstance(field.default, tuple):
        return "must be a list of names, written A,B"
    if field.default_factory is dict:
        return "must be a map, written A=why; B=why"
    bounds = {type(m).__name__: m for m in field.metadata}
    if "Ge" in bounds and "Le" in bounds:
        whole = "a whole number" if field.annotation is int else "a number"
        return f"must be {whole} from {bounds['Ge'].ge} to {bounds['Le'].le}"
    return re.sub(r"^Input should be", "must be", error["msg"])


def _command(key: str, value: object, stack: str) -> str:
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"To mend it: pulumi config set {key} {value} --stack {stack}"
