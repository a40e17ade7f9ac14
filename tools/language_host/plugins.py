"""Runs plugins written in Python for the engine: policy packs and component or resource providers from a directory."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import grpc
from pulumi.runtime.proto import language_pb2

from language_host.children import Children
from language_host.environments import PythonEnvironment, resolve
from language_host.errors import HostError
from language_host.options import RuntimeOptions, Toolchain, read_options
from language_host.output import Chunk, Output, stream
from language_host.policy_packs import PolicyPack
from language_host.pyproject import find_project
from language_host.uv_project import sync_uv_project


def run_plugin(
    request: language_pb2.RunPluginRequest, context: grpc.ServicerContext, children: Children
) -> Iterator[language_pb2.RunPluginResponse]:
    """Streams the plugin's output until it ends, then its exit code. The engine ends it by dropping the call.

    Raises HostError when the directory holds nothing that can be run, or its environment is missing.
    """
    options = plugin_options(read_options(request.info))
    environment = resolve(options)
    sync_uv_project(environment, children)
    environment.validate()
    command = [environment.python(), "-u", *plugin_arguments(request, options)]
    environ = environment.environ() | dict(entry.split("=", 1) for entry in request.env if "=" in entry)

    def launch(added: Mapping[str, str]) -> Output:
        output = stream(children, command, cwd=Path(request.pwd), environ={**environ, **added})
        if not context.add_callback(lambda: children.stop(output.child, signal.SIGINT)):
            children.stop(output.child, signal.SIGKILL)
        return output

    if request.kind == "analyzer":
        pack = PolicyPack(launch)
        context.add_callback(pack.end)
        yield from _shown(pack.run())
        yield language_pb2.RunPluginResponse(exitcode=pack.status)
    else:
        output = launch({})
        yield from _shown(output)
        yield language_pb2.RunPluginResponse(exitcode=output.status)


def _shown(chunks: Iterable[Chunk]) -> Iterator[language_pb2.RunPluginResponse]:
    for chunk in chunks:
        if chunk.is_error:
            yield language_pb2.RunPluginResponse(stderr=chunk.data)
        else:
            yield language_pb2.RunPluginResponse(stdout=chunk.data)


def plugin_options(options: RuntimeOptions) -> RuntimeOptions:
    """With `toolchain: pip`, a plugin's environment is `venv` unless it names one."""
    if options.toolchain is Toolchain.PIP and not options.virtualenv:
        return dataclasses.replace(options, virtualenv="venv")
    return options


def plugin_arguments(request: language_pb2.RunPluginRequest, options: RuntimeOptions) -> list[str]:
    """What follows `python -u`: the policy runner, the directory's `__main__.py`, or the package of its pyproject."""
    directory = str(options.program_directory)
    if request.kind == "analyzer":
        return ["-m", "pulumi.policy", *request.args, directory]
    if (options.program_directory / "__main__.py").exists():
        return [directory, *request.args]
    return ["-m", "pulumi.run.plugin", _package_name(options), *request.args]


def _package_name(options: RuntimeOptions) -> str:
    project = find_project(options.root)
    if project is None or project.directory != options.root:
        raise HostError(
            f"plugin in {options.root} is not runnable: it has neither a __main__.py nor a pyproject.toml to build"
        )
    return project.name


def environment_of(request: language_pb2.InstallDependenciesRequest) -> PythonEnvironment:
    """The environment that `pulumi install` is to make."""
    options = read_options(request.info)
    return resolve(plugin_options(options) if request.is_plugin else options)
