"""The SDXL worker: takes jobs from RunPod's queue and answers with images.

Runs as ``python -m sdxl_worker``. Imports nothing outside its own requirements, and nothing heavy at import time.
"""

from __future__ import annotations

__version__ = "0.1.0"
