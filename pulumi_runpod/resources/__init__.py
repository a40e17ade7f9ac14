"""RunPod's objects as Pulumi resources: an engine-neutral lifecycle, a thin Pulumi adapter, one file per resource."""

from __future__ import annotations
