"""The plugin's version: that of the distribution that carries it."""

from __future__ import annotations

from importlib.metadata import version

VERSION = version("pulumi-runpod-serverless")
