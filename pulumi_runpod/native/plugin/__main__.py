"""`python -u plugin ENGINE_ADDRESS`, as the language host runs a plugin that is a folder."""

from __future__ import annotations

from pulumi_runpod.native.server import main

if __name__ == "__main__":
    main()
