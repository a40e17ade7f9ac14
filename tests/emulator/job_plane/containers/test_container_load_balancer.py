"""Load balancers whose workers are containers: two of one image on one machine, each on its own port."""

from __future__ import annotations

from container_account import ContainerAccount, Json
from image_registry import ImageRegistry

from tests.waiting import eventually


def test_requests_go_to_the_containers_of_an_endpoint(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """Each answers under its own id, on the port that it got in PORT, whatever the image says of it."""
    endpoint = account.endpoint(
        registry.push(program, Env=["PORT=80"]),
        type="LOAD_BALANCER",
        scaling={"type": "REQUEST_COUNT", "requestCount": 1},
        workers={"min": 2, "max": 2, "idleTimeout": 60},
    )
    ids = eventually(lambda: idle if len(idle := _idle(account, endpoint)) == 2 else None)
    for worker_id in ids:
        answer = account.http.post(
            f"{endpoint['requestUrls']['base']}/a/page", headers={"X-Runpod-Worker-Id": f"strict {worker_id}"}
        )
        assert (answer.status_code, answer.text) == (200, f"POST /a/page by {worker_id}")


def _idle(account: ContainerAccount, endpoint: Json) -> list[str]:
    return [worker["id"] for worker in account.workers(endpoint) if worker["status"] == "IDLE"]
