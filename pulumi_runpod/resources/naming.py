"""Automatic names: `NAME-MARKER-NONCE`. The marker says which project and stack made the object, the nonce when, and
which declaration.

The nonce is made in `check`, so the engine stores it with the operation before anything is sent: whatever happens to
the create, the object can be found again. Nothing with a name that a person chose is ever recognised by its name.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from base64 import b32encode
from dataclasses import dataclass

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PROJECT, _STACK, _SECOND, _RANDOM = 5, 3, 7, 5
"""Lengths of the parts."""
_AUTOMATIC = re.compile(
    rf"(?P<name>.*)-(?P<project>[a-z2-7]{{{_PROJECT}}})(?P<stack>[a-z2-7]{{{_STACK}}})?"
    # Objects of older releases tell neither stack nor second.
    rf"-(?:[a-z2-7]{{8}}|(?P<second>[a-z2-7]{{{_SECOND}}})[a-z2-7]{{{_RANDOM}}})",
    re.DOTALL,
)


@dataclass(frozen=True)
class Mark:
    """What an automatic name says."""

    resource_name: str
    project: str
    stack: str | None
    made_at: int | None
    """Second since 1970 in which the name was made: a moment before the object."""

    def of_stack(self, project: str, stack: str) -> bool:
        return f"{self.project}{self.stack}" == stack_marker(project, stack)


def project_marker(project: str) -> str:
    """Five characters that stand for a Pulumi project in the names of its objects, whatever the stack."""
    return _digest(project, _PROJECT)


def stack_marker(project: str, stack: str) -> str:
    """The project's marker, and three characters for the stack."""
    return project_marker(project) + _digest(stack, _STACK)


def prefix(resource_name: str, marker: str) -> str:
    """What an automatic name starts with; `automatic_name` adds the nonce."""
    return f"{resource_name}-{marker}"


def automatic_name(name_prefix: str) -> str:
    made_at, digits = int(time.time()), ""
    for _ in range(_SECOND):
        made_at, digit = divmod(made_at, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return f"{name_prefix}-{digits}{''.join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))}"


def mark_of(name: str) -> Mark | None:
    """None for a name that was chosen."""
    match = _AUTOMATIC.fullmatch(name)
    if match is None:
        return None
    made_at = None
    if match["second"] is not None:
        made_at = 0
        for digit in match["second"]:
            made_at = made_at * len(_ALPHABET) + _ALPHABET.index(digit)
    return Mark(match["name"], match["project"], match["stack"], made_at)


def _digest(text: str, length: int) -> str:
    return b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:length]
