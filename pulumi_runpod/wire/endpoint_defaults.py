"""What the API documents that an endpoint gets where nothing is said. No models: who fills these in loads none."""

from __future__ import annotations

DEFAULT_MIN_WORKERS, DEFAULT_MAX_WORKERS, DEFAULT_IDLE_TIMEOUT_S = 0, 3, 10
DOCUMENTED_TIMEOUT_MS = 300_000


def has_idle_timeout(endpoint_type: str, scaling_type: str) -> bool:
    """Whether such an endpoint has an idle timeout. Where it has none, one that is sent is refused."""
    return not (endpoint_type == "QUEUE" and scaling_type == "REQUEST_COUNT")
