"""How this package names itself to the service."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "pulumi-runpod-serverless"


def _version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        # Run from a checkout that was not installed.
        return "0"


USER_AGENT = f"{DISTRIBUTION}/{_version()}"
