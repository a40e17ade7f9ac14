"""Where a load balancer's worker listens: ports of this machine, given to its program as `PORT` and `PORT_HEALTH`.

On the service each worker has its own network, and all may use the same port. Here they share one, so that the
local RunPod picks the ports: a program that ignores `PORT` is never found.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_PORT = "80"
DEFAULT_HEALTH_PATH = "/ping"
_JOB_VARIABLES = ("RUNPOD_WEBHOOK_GET_JOB", "RUNPOD_WEBHOOK_POST_OUTPUT", "RUNPOD_WEBHOOK_POST_STREAM")
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    port: int
    health_port: int
    health_path: str


def pick_address(endpoint_env: Mapping[str, str]) -> Address:
    """Free ports of loopback: one, or two where the endpoint's own `PORT_HEALTH` differs from its `PORT`."""
    result = endpoint_env.get("PORT") or DEFAULT_PORT
    apart = (endpoint_env.get("PORT_HEALTH") or result) != result
    path = endpoint_env.get("HEALTH_CHECK_PATH") or DEFAULT_HEALTH_PATH
    ports = _free_ports(2 if apart else 1)
    return Address(ports[0], ports[-1], path if path.startswith("/") else f"/{path}")


def with_address(env: Mapping[str, str], address: Address) -> dict[str, str]:
    """A worker's environment with its ports, and without the job URLs, which nobody serves for it."""
    kept = {name: value for name, value in env.items() if name not in _JOB_VARIABLES}
    return kept | {"PORT": str(address.port), "PORT_HEALTH": str(address.health_port)}


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different: they are held until all are known."""
    held = [socket.create_server((_HOST, 0)) for _ in range(count)]
    try:
        return [bound.getsockname()[1] for bound in held]
    finally:
        for bound in held:
            bound.close()
