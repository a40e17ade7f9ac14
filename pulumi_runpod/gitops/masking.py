"""Takes secrets out of what is published: those of this process's environment, and whatever looks like a known key.

The engine masks its own secrets already. This is for what a program, a provider or an error text says besides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pydantic import JsonValue

    from pulumi_runpod.gitops.preview import Masked

T = TypeVar("T", bound="Masked")

HIDDEN = "[secret]"
"""How a secret is shown; the engine's own word."""
_SECRET_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIAL", re.IGNORECASE)
_KEYS = re.compile(
    r"\b(?:rpa_|rps_|hf_|gh[pousr]_|github_pat_|pul-|glpat-|sk-|xox[abp]-)[A-Za-z0-9_-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_SHORTEST = 8
"""A shorter value would be found in ordinary words."""


class Masker:
    def __init__(self, environment: Mapping[str, str]) -> None:
        found = {
            value
            for name, value in environment.items()
            if _SECRET_NAMES.search(name) and not name.endswith("_FILE") and _is_secret(value)
        }
        self._values = sorted(found, key=len, reverse=True)

    def text(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return _KEYS.sub(HIDDEN, text)

    def masked(self, result: T) -> T:
        """The same, without secrets in any text."""
        return type(result).model_validate(in_every_text(result.model_dump(mode="json"), self.text))


def in_every_text(value: JsonValue, mask: Callable[[str], str]) -> JsonValue:
    """The same, `mask` applied to every text in it; keys are left as they are."""
    match value:
        case str():
            return mask(value)
        case list():
            return [in_every_text(item, mask) for item in value]
        case dict():
            return {key: in_every_text(item, mask) for key, item in value.items()}
    return value


def _is_secret(value: str) -> bool:
    if len(value) < _SHORTEST:
        return False
    return not (value.startswith("/") and Path(value).exists())
