"""The local RunPod: REST v2 control plane, job queue and workers on this machine. Imports `wire` alone."""

from __future__ import annotations
