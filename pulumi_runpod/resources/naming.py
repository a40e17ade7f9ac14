"""Automatic names: `NAME-MARKER-NONCE`. The marker says which project made the object, the nonce which declaration.

The nonce is made in `check`, so the engine stores it with the operation before anything is sent: whatever happens to
the create, the object can be found again. Nothing with a name that a person chose is ever recognised by its name.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import b32encode

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_MARKER_LENGTH, _NONCE_LENGTH = 5, 8
_AUTOMATIC = re.compile(
    rf"^(?P<name>.*)-(?P<marker>[a-z2-7]{{{_MARKER_LENGTH}}})-(?P<nonce>[a-z2-7]{{{_NONCE_LENGTH}}})$"
)


def project_marker(project: str) -> str:
    """Five characters that stand for a Pulumi project in the names of its objects, whatever the stack."""
    digest = hashlib.sha256(project.encode()).digest()
    return b32encode(digest).decode().lower()[:_MARKER_LENGTH]


def prefix(resource_name: str, marker: str) -> str:
    """What an automatic name starts with; `automatic_name` adds the nonce."""
    return f"{resource_name}-{marker}"


def automatic_name(name_prefix: str) -> str:
    return f"{name_prefix}-{''.join(secrets.choice(_ALPHABET) for _ in range(_NONCE_LENGTH))}"


def marker_of(name: str) -> str | None:
    """The marker in an automatic name; None for a name that was chosen."""
    match = _AUTOMATIC.match(name)
    return match["marker"] if match else None
