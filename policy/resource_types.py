"""Type tokens of the resources that policies look at, of either provider. The properties they read have one name."""

from __future__ import annotations

ENDPOINTS = frozenset({"pulumi-python:dynamic/runpod:Endpoint", "runpod-serverless:index:Endpoint"})
NETWORK_VOLUMES = frozenset({"pulumi-python:dynamic/runpod:NetworkVolume", "runpod-serverless:index:NetworkVolume"})
TEMPLATES = frozenset({"pulumi-python:dynamic/runpod:Template", "runpod-serverless:index:Template"})
