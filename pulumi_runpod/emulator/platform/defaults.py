"""What the local RunPod uses where nothing else is said, for commands that load nothing else of it."""

from __future__ import annotations

DEFAULT_KEY = "local"
"""The owner's API key of `LocalRunPod()` in tests, and of state that an older release made. For loopback alone."""
