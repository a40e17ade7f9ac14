"""Settings from a stack's configuration. All mistakes are reported at once, by key, with the command that fixes each.

`Pulumi.yaml` declares no types on purpose: the CLI stops at the first key that it does not like.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from stacks.contradictions import Contradiction, contradictions
from stacks.mistakes import Teller, command
from stacks.settings import BUILD, PlatformSettings, ServiceSettings, StackSettings

# A service that never answers quickly must not cost anything while nobody looks; one that people wait for must be warm.
# A release that does not serve must not stay in prod, and not leave staging for it.
DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "platform": {},
    "dev": {"workersMin": 0, "workersMax": 2},
    "staging": {"workersMin": 0, "workersMax": 3, "healthGate": "smoke"},
    "prod": {
        "workersMin": 1,
        "workersMax": 5,
        "protectVolume": True,
        "promoteFrom": "staging",
        "healthGate": "smoke",
    },
}

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class SettingsError(ValueError):
    """One line per mistake, each with its key, the value, what is allowed and the command that mends it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load(config: Mapping[str, str], *, project: str, stack: str, secret_keys: Collection[str] = ()) -> StackSettings:
    """Settings of `stack` out of its whole configuration (namespaced keys, values as Pulumi stores them: text).

    Values of `secret_keys` (namespaced) are repeated nowhere. Raises SettingsError with every mistake at once, those
    between settings included.
    """
    prefix = f"{project}:"
    given: dict[str, Any] = {key[len(prefix) :]: value for key, value in config.items() if key.startswith(prefix)}
    environment = given.setdefault("environment", "dev" if re.fullmatch(r"pr-\d+", stack) else stack)
    model = PlatformSettings if environment == "platform" else ServiceSettings
    defaults = DEFAULTS.get(environment, DEFAULTS["dev"])
    lines, wrong = [], set[str]()
    try:
        settings = model.model_validate({**defaults, **given})
    except ValidationError as error:
        hidden = {key.removeprefix(prefix) for key in secret_keys}
        teller = Teller(model, given, stack=stack, defaults=defaults, hidden=hidden, environments=tuple(DEFAULTS))
        fields = {str(found["loc"][0]): found for found in reversed(error.errors(include_url=False))}
        # A list is judged item by item: one line for its key is enough.
        lines, wrong = [teller.mistake(fields[key]) for key in reversed(fields)], set(fields)
        right = {key: value for key, value in given.items() if key not in wrong}
        settings = model.model_validate({"environment": "dev", **defaults, **right})
    if isinstance(settings, ServiceSettings):
        nowhere = () if "imageRepository" in wrong else _nowhere_to_push(settings, config)
        for found in (*contradictions(settings, wrong=wrong), *nowhere):
            lines.append(f"{found.text}. To mend it: {command(found.key, found.value, stack=stack)}")
    if lines:
        raise SettingsError(lines)
    return settings


def _nowhere_to_push(settings: ServiceSettings, config: Mapping[str, str]) -> Iterator[Contradiction]:
    """Only the local RunPod pulls from this machine's registry, or runs the worker as a process."""
    address = config.get("runpod:apiBaseUrl") or os.environ.get("RUNPOD_API_BASE_URL", "")
    if settings.image == BUILD and settings.image_repository is None and urlsplit(address).hostname not in LOOPBACK:
        yield Contradiction(
            "image is build, but imageRepository is not set: name the repository that RunPod pulls from",
            "imageRepository",
            "registry.example.com/team/sdxl-worker",
        )
