"""The command `pulumi-runpod`: each group parses, calls one function of the package, and prints."""

from __future__ import annotations
