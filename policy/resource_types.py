"""Type tokens of the resources that policies look at."""

from __future__ import annotations

ENDPOINT = "pulumi-python:dynamic/runpod:Endpoint"
NETWORK_VOLUME = "pulumi-python:dynamic/runpod:NetworkVolume"
TEMPLATE = "pulumi-python:dynamic/runpod:Template"
