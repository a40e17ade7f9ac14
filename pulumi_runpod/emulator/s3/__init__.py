"""The S3 API of network volumes: documented operations only, below `/s3/<data center>`, path-style.

For boto3: `endpoint_url=f"{base}/s3/EU-RO-1"`, `region_name="EU-RO-1"`, bucket = volume id, key = path on the volume.
Keys are of their own kind (`/_emulator/s3-keys`); the key of the control plane opens nothing here.
"""

from __future__ import annotations

from pulumi_runpod.emulator.platform.s3_owner_key import S3Key, owner_key
from pulumi_runpod.emulator.s3.routes import routes

__all__ = ["S3Key", "owner_key", "routes"]
