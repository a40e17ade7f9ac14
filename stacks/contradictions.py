"""What settings of a service say against each other, each with a change that mends it.

Every rule names the settings that it looks at, so that it can be judged while others are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from pydantic.alias_generators import to_camel

from stacks.settings import WEEK_SECONDS, ServiceSettings


@dataclass(frozen=True)
class Contradiction:
    """What is wrong and allowed, and a setting that mends it."""

    text: str
    key: str
    value: object


@dataclass(frozen=True)
class _Rule:
    looks_at: frozenset[str]
    """Names of fields."""
    finds: Callable[[ServiceSettings], Contradiction | None]


def contradictions(settings: ServiceSettings, *, wrong: Collection[str] = ()) -> Iterator[Contradiction]:
    """Those between settings that are right in themselves; `wrong` has the keys of those that are not."""
    for rule in _RULES:
        if not {to_camel(name) for name in rule.looks_at} & set(wrong) and (found := rule.finds(settings)) is not None:
            yield found


def _image(settings: ServiceSettings) -> Contradiction | None:
    if settings.image is not None or settings.promote_from is not None:
        return None
    return Contradiction(
        "image is not set: name the worker's image, by digest where it is to stay the same",
        "image",
        "registry.example.com/team/sdxl-worker@sha256:...",
    )


def _login(settings: ServiceSettings) -> Contradiction | None:
    name, password = settings.registry_username, settings.registry_password
    if (name is None) == (password is None):
        return None
    missing, example = ("registryPassword", "PASSWORD") if password is None else ("registryUsername", "robot")
    return Contradiction(f"{missing} is not set: registryUsername and registryPassword are one login", missing, example)


def _workers(settings: ServiceSettings) -> Contradiction | None:
    least, most = settings.workers_min, settings.workers_max
    if least <= most:
        return None
    return Contradiction(
        f"workersMin is {least}, above workersMax, {most}: must be from 0 to workersMax", "workersMax", least
    )


def _timeouts(settings: ServiceSettings) -> Contradiction | None:
    execution, endpoint = settings.execution_timeout_seconds, settings.endpoint_timeout_seconds
    if execution < endpoint:
        return None
    text = (
        f"executionTimeoutSeconds is {execution}, not below endpointTimeoutSeconds, {endpoint}: callers would give up "
        "before a stuck job fails"
    )
    if execution + 60 <= WEEK_SECONDS:
        return Contradiction(text, "endpointTimeoutSeconds", execution + 60)
    return Contradiction(text, "executionTimeoutSeconds", max(5, endpoint - 60))


def _traffic(settings: ServiceSettings) -> Contradiction | None:
    if (settings.requests_per_day is None) == (settings.seconds_each is None):
        return None
    missing, example = ("secondsEach", 4) if settings.seconds_each is None else ("requestsPerDay", 500)
    return Contradiction(
        f"{missing} is not set: requestsPerDay and secondsEach describe the traffic together", missing, example
    )


def _worst_case(settings: ServiceSettings) -> Contradiction | None:
    worst, average = settings.worst_case_seconds, settings.seconds_each
    if worst is None or average is None or worst >= average:
        return None
    return Contradiction(
        f"worstCaseSeconds is {worst:g}, below the average, secondsEach, {average:g}",
        "worstCaseSeconds",
        f"{min(2 * average, WEEK_SECONDS):g}",
    )


def _gate_without_workers(settings: ServiceSettings) -> Contradiction | None:
    if settings.health_gate == "off" or settings.workers_max > 0:
        return None
    return Contradiction(
        f"healthGate is {settings.health_gate}, but workersMax is 0, so that no worker may start: must be off then",
        "healthGate",
        "off",
    )


def _gate_without_evidence(settings: ServiceSettings) -> Contradiction | None:
    if settings.health_gate != "worker" or settings.workers_min > 0 or settings.workers_max == 0:
        return None
    return Contradiction(
        "healthGate is worker, but workersMin is 0, so that none starts without a job: must be off or smoke then",
        "healthGate",
        "smoke",
    )


_RULES = (
    _Rule(frozenset({"environment", "image", "promote_from"}), _image),
    _Rule(frozenset({"registry_username", "registry_password"}), _login),
    _Rule(frozenset({"workers_min", "workers_max"}), _workers),
    _Rule(frozenset({"execution_timeout_seconds", "endpoint_timeout_seconds"}), _timeouts),
    _Rule(frozenset({"requests_per_day", "seconds_each"}), _traffic),
    _Rule(frozenset({"worst_case_seconds", "seconds_each"}), _worst_case),
    _Rule(frozenset({"health_gate", "workers_max"}), _gate_without_workers),
    _Rule(frozenset({"health_gate", "workers_min", "workers_max"}), _gate_without_evidence),
)
