"""The plugin protocol's generated modules, without the rest of Pulumi's SDK.

`import pulumi` takes longer than all else that a plugin needs to start, and most plugin processes never use it: only
functions and components do. The generated modules lie inside the SDK's package, so they are loaded under bare parents,
which are taken away again; a later `import pulumi` runs as ever and finds them loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_PARENTS = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


def _load(*names: str) -> list[ModuleType]:
    loaded = _PARENTS[0] in sys.modules
    found = None if loaded else importlib.util.find_spec("pulumi")
    bare = []
    if found is not None and found.origin is not None:
        folder = Path(found.origin).parent
        for name in _PARENTS:
            parent = ModuleType(name)
            parent.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
            sys.modules[name] = parent
            bare.append(name)
    try:
        return [importlib.import_module(f"pulumi.runtime.proto.{name}") for name in names]
    finally:
        for name in bare:
            del sys.modules[name]


engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2 = _load(
    "engine_pb2", "engine_pb2_grpc", "plugin_pb2", "provider_pb2", "provider_pb2_grpc", "status_pb2"
)
