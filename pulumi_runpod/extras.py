"""Packages that only a part of the users needs: extras of the distribution, imported where they are first used."""

from __future__ import annotations

from importlib.util import find_spec

from pulumi_runpod.errors import MissingExtra

EXTRAS = {
    "image": ("pulumi_docker_build",),
    "weights": ("boto3",),
    "local": ("starlette", "uvicorn", "httptools", "boto3"),
    "plot": ("matplotlib",),
    "gitops": ("github",),
}
"""Extra -> the modules that it brings."""


def require(extra: str, purpose: str) -> None:
    """Raises MissingExtra, with the command that installs it, where a module of that extra is not installed."""
    missing = [module for module in EXTRAS[extra] if find_spec(module) is None]
    if missing:
        raise MissingExtra(purpose, missing[0], extra)
