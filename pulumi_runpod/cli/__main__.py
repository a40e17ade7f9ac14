"""`python -m pulumi_runpod.cli`: the command, where its script is not on PATH."""

from __future__ import annotations

from pulumi_runpod.cli.main import main

main()
