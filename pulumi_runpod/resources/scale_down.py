"""RunPod itself lowers `workers.max`: to 2 after 3 days without requests, to 0 after 7, and when workers keep
crashing. A refresh that finds it lowered asks here whose doing it was.
"""

from __future__ import annotations

from pulumi_runpod.errors import NotFound
from pulumi_runpod.resources.api import ScaleDownApi
from pulumi_runpod.resources.diagnosis import diagnose
from pulumi_runpod.wire.release import Releases, Worker

_IDLE_DAYS = {2: 3, 0: 7}
_FIELD = "workers.max"


def cause_of_scale_down(api: ScaleDownApi, endpoint_id: str, lowered_to: int) -> str | None:
    """Why the platform has lowered `workers.max`, as the end of a sentence; None when somebody else seems to have.

    At most three calls, and none where nothing was lowered.
    """
    if _by_a_person(api.releases(endpoint_id), lowered_to):
        return None
    unhealthy = [worker for worker in api.workers(endpoint_id).workers if worker.status == "UNHEALTHY"]
    if unhealthy:
        return f"because its workers do not come up: {_trouble(api, endpoint_id, unhealthy[0])}"
    days = _IDLE_DAYS.get(lowered_to)
    return f"as after {days} days without requests" if days else None


def _by_a_person(result: Releases, lowered_to: int) -> bool:
    """Whether the newest release that mentions it was made by a user."""
    for release in result.releases:
        if any(change.field == _FIELD and change.new == lowered_to for change in release.diff):
            return release.created_by_user_id is not None
    return False


def _trouble(api: ScaleDownApi, endpoint_id: str, worker: Worker) -> str:
    try:
        return str(diagnose(api.worker_logs(endpoint_id, worker.id, tail=40)))
    except NotFound:
        return "its worker is UNHEALTHY"
