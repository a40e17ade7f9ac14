"""Pulumi's messages, without the SDK around them: `import pulumi` takes longer than an engine takes to ask for them.

For a process that needs nothing else of it: the packages above the messages are there without having been run.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def _without_running(*packages: str) -> None:
    path = None
    for name in packages:
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            raise ModuleNotFoundError(name)
        sys.modules[name] = module = module_from_spec(spec)
        path = module.__path__


_without_running("pulumi", "pulumi.runtime")

from pulumi.runtime.proto import (  # noqa: E402 - found by the above
    engine_pb2,
    engine_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)

__all__ = ["engine_pb2", "engine_pb2_grpc", "language_pb2", "language_pb2_grpc", "plugin_pb2"]
