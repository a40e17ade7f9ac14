"""Which GPU, at what cost, and what to think of before it runs: pure functions on typed inputs.

Nothing here reads a file, a clock or the network: prices and stock come in as the catalog lists them.
"""

from __future__ import annotations
