"""An endpoint at work: its active workers, and its releases with how far the newest has come."""

from __future__ import annotations

import pulumi
from pydantic import TypeAdapter

from pulumi_runpod.resources.data.account import Account
from pulumi_runpod.resources.data.query import checked, later
from pulumi_runpod.resources.data.question import Question, answered
from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.model import Request, Text
from pulumi_runpod.wire.release import Releases, Workers


class EndpointQuery(Request):
    endpoint_id: Text


def get_endpoint_workers(endpoint_id: str, *, account: Account | None = None) -> Workers:
    """The active workers of any endpoint that the key may see. Raises `pulumi.RunError`."""
    query = checked("get_endpoint_workers", EndpointQuery, {"endpoint_id": endpoint_id}, account)
    question = Question(
        tok="runpod:index:getEndpointWorkers",
        route=f"GET {ENDPOINTS.path}/ID/workers",
        ask=lambda client: client.workers(query.endpoint_id),
        shape=TypeAdapter(Workers),
        args={"endpointId": query.endpoint_id},
    )
    return answered("get_endpoint_workers", question, account)


def get_endpoint_workers_output(
    endpoint_id: pulumi.Input[str], *, account: Account | None = None
) -> pulumi.Output[Workers]:
    """`get_endpoint_workers`, once the id is known."""
    return later(get_endpoint_workers, account, {"endpoint_id": endpoint_id})


def get_endpoint_releases(endpoint_id: str, *, account: Account | None = None) -> Releases:
    """The newest releases (one page of the service) of any endpoint that the key may see. Raises `pulumi.RunError`."""
    query = checked("get_endpoint_releases", EndpointQuery, {"endpoint_id": endpoint_id}, account)
    question = Question(
        tok="runpod:index:getEndpointReleases",
        route=f"GET {ENDPOINTS.path}/ID/releases",
        ask=lambda client: client.releases(query.endpoint_id),
        shape=TypeAdapter(Releases),
        args={"endpointId": query.endpoint_id},
    )
    return answered("get_endpoint_releases", question, account)


def get_endpoint_releases_output(
    endpoint_id: pulumi.Input[str], *, account: Account | None = None
) -> pulumi.Output[Releases]:
    """`get_endpoint_releases`, once the id is known."""
    return later(get_endpoint_releases, account, {"endpoint_id": endpoint_id})
