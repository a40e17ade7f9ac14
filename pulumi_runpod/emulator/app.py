"""The application: every room's routes behind one gate."""

from __future__ import annotations

import sqlite3

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from pulumi_runpod.emulator import s3
from pulumi_runpod.emulator.console.routes import with_console
from pulumi_runpod.emulator.control_plane import billing, catalog
from pulumi_runpod.emulator.control_plane.collection import AnyRules, CollectionRoutes
from pulumi_runpod.emulator.control_plane.rules.delegation import DelegationRules
from pulumi_runpod.emulator.control_plane.rules.endpoint import EndpointRules
from pulumi_runpod.emulator.control_plane.rules.network_volume import NetworkVolumeRules
from pulumi_runpod.emulator.control_plane.rules.registry import RegistryRules
from pulumi_runpod.emulator.control_plane.rules.secret import SecretRules
from pulumi_runpod.emulator.control_plane.rules.template import TemplateRules
from pulumi_runpod.emulator.gateway.gate import Gate
from pulumi_runpod.emulator.job_plane import plane
from pulumi_runpod.emulator.job_plane.load_balancer.routes import ByHost
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.emulator.platform.problem import ProblemError, answer_problem, problem_response
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.store import why_not_written
from pulumi_runpod.emulator.process import control

# Delegations lie below registries' path, so they are matched first.
_RULES: tuple[type[AnyRules], ...] = (
    EndpointRules,
    TemplateRules,
    NetworkVolumeRules,
    DelegationRules,
    RegistryRules,
    SecretRules,
)


def build_app(platform: Platform) -> ASGIApp:
    """An ASGI application that serves `platform`. Its runner starts and stops the scheduler."""
    routes: list[BaseRoute] = []
    for rules in _RULES:
        routes += CollectionRoutes(platform, rules(platform)).routes()
    routes += catalog.routes(platform)
    routes += billing.routes(platform)
    routes += control.routes(platform)
    routes += plane.routes(platform)
    routes += s3.routes(platform)

    app = Starlette(
        routes=routes,
        exception_handlers={
            ProblemError: answer_problem,
            sqlite3.DatabaseError: _answer_not_stored,
            HTTPException: _answer_http,
            ClientDisconnect: _answer_nobody,
            500: _answer_failure,
        },
    )
    app.router.redirect_slashes = False
    whole = with_console(Gate(app, platform), platform)
    return ByHost(whole, platform.scheduler) if isinstance(platform.scheduler, Scheduler) else whole


async def _answer_http(_: Request, error: Exception) -> Response:
    """What Starlette itself refuses: unknown paths, and bodies cut short."""
    if not isinstance(error, HTTPException):
        raise error
    detail = "resource not found" if error.status_code == 404 else error.detail
    return problem_response(error.status_code, detail, headers=error.headers)


async def _answer_nobody(_: Request, __: Exception) -> Response:
    """The caller hung up before its body was whole: nothing was done, and nobody reads this."""
    return problem_response(400, "the request ended before its body did")


async def _answer_not_stored(_: Request, error: Exception) -> Response:
    """The disk is full, or the database damaged: nothing has changed, in memory or on disk."""
    if not isinstance(error, sqlite3.DatabaseError):
        raise error
    return problem_response(507, why_not_written(error))


async def _answer_failure(_: Request, __: Exception) -> Response:
    """A mistake of ours: answered as a problem, while the traceback goes to the server's log."""
    return problem_response(500, "the local RunPod failed: see its log")
