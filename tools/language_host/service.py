"""The LanguageRuntime service: one method per call of the engine, each handing over to the module that knows.

What is not defined here (code generation, Pack, Link, Template) answers UNIMPLEMENTED, which the engine accepts.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2
from typing_extensions import override

from language_host import installing
from language_host.children import Children
from language_host.dependencies import inspect, required_plugin
from language_host.engine_log import EngineLog
from language_host.environments import PythonEnvironment, resolve
from language_host.errors import HostError
from language_host.options import read_options
from language_host.plugins import environment_of, run_plugin
from language_host.program import Programs
from language_host.uv_project import sync_uv_project

log = logging.getLogger(__name__)

Request = TypeVar("Request")
Response = TypeVar("Response")


def _answered(
    method: Callable[[LanguageRuntime, Request, grpc.ServicerContext], Response],
) -> Callable[[LanguageRuntime, Request, grpc.ServicerContext], Response]:
    """Turns HostError into a failed call whose text the engine shows."""

    @functools.wraps(method)
    def call(self: LanguageRuntime, request: Request, context: grpc.ServicerContext) -> Response:
        log.info("%s", method.__name__)
        try:
            return method(self, request, context)
        except HostError as error:
            log.warning("%s: %s", method.__name__, error)
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return call


def _streamed(
    method: Callable[[LanguageRuntime, Request, grpc.ServicerContext], Iterator[Response]],
) -> Callable[[LanguageRuntime, Request, grpc.ServicerContext], Iterator[Response]]:
    """The same for a call that answers with a stream."""

    @functools.wraps(method)
    def call(self: LanguageRuntime, request: Request, context: grpc.ServicerContext) -> Iterator[Response]:
        log.info("%s", method.__name__)
        try:
            yield from method(self, request, context)
        except HostError as error:
            log.warning("%s: %s", method.__name__, error)
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return call


class LanguageRuntime(language_pb2_grpc.LanguageRuntimeServicer):
    """Serves one engine; `engine` is its address, which a Handshake may set later."""

    def __init__(self, *, children: Children, programs: Programs, version: str, engine: str) -> None:
        self._children = children
        self._programs = programs
        self._version = version
        self._engine = engine

    @override
    @_answered
    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    @override
    @_answered
    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    @override
    @_answered
    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        seen = inspect(self._ready(request.info), self._children, packages=False)
        return language_pb2.AboutResponse(executable=seen.executable, version=seen.version)

    @override
    @_answered
    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        environment = resolve(read_options(request.info))
        if not environment.exists():
            with EngineLog(self._engine) as shown:
                for chunk in installing.ensure(environment, self._children):
                    shown.write(chunk)
        seen = inspect(self._ready(request.info), self._children)
        needed = (required_plugin(package) for package in seen.packages)
        return language_pb2.GetRequiredPackagesResponse(packages=[plugin for plugin in needed if plugin is not None])

    @override
    @_answered
    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        seen = inspect(self._ready(request.info), self._children)
        wanted = (one for one in seen.packages if request.transitiveDependencies or not one.required)
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=one.name, version=one.version) for one in wanted]
        )

    @override
    @_streamed
    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        steps = installing.install(
            environment_of(request), self._children, with_version_tools=request.use_language_version_tools
        )
        yield language_pb2.InstallDependenciesResponse(stdout=b"Installing dependencies...\n\n")
        for chunk in steps:
            if chunk.is_error:
                yield language_pb2.InstallDependenciesResponse(stderr=chunk.data)
            else:
                yield language_pb2.InstallDependenciesResponse(stdout=chunk.data)
        yield language_pb2.InstallDependenciesResponse(stdout=b"Finished installing dependencies\n\n")

    @override
    @_answered
    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        return self._programs.run(request, self._engine)

    @override
    @_streamed
    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        yield from run_plugin(request, context, self._children)

    @override
    @_answered
    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._programs.cancel()
        return empty_pb2.Empty()

    def _ready(self, info: language_pb2.ProgramInfo) -> PythonEnvironment:
        environment = resolve(read_options(info))
        sync_uv_project(environment, self._children)
        environment.validate()
        return environment
