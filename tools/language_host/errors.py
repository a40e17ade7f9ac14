"""The one error that reaches the engine as text: what was wrong, where, and what to do."""

from __future__ import annotations


class HostError(Exception):
    """A request that cannot be served; its text is shown to the person who runs Pulumi."""
