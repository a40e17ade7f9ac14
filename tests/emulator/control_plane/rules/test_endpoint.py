"""What an endpoint refuses, defaults and merges, beyond the traps."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod

REQUEST_COUNT = {"type": "REQUEST_COUNT", "requestCount": 2}
CPU = [{"id": "cpu5c", "vcpuCount": 4}]


def refusal(api: httpx.Client, body: dict[str, Any]) -> tuple[int, str]:
    answer = api.post("/v2/serverless", json=body)
    result = answer.json()
    return answer.status_code, " ".join([result["detail"], *result.get("errors", [])])


def test_defaults_of_a_small_endpoint(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """What is not said: workers 0 to 3, 10 s idle, FlashBoot off, anywhere, no volumes, no command, 20 GB of disk."""
    made = make.endpoint(workers=None)
    expected = {
        "workers": {"min": 0, "max": 3, "idleTimeout": 10},
        "flashboot": "OFF",
        "dataCenterIds": [],
        "networkVolumes": [],
        "args": "",
        "entrypoint": [],
        "cmd": [],
        "disk": 20,
        "env": {},
        "ports": [],
        "registry": None,
        "gpu": {
            "pools": ["ADA_24"],
            "excludedTypes": [],
            "count": 1,
            "allowedCudaVersions": [],
            "minCudaVersion": None,
        },
    }

    assert {name: made[name] for name in expected} == expected
    assert set(made) - set(expected) == {
        "id", "name", "type", "image", "scaling", "timeout", "createdAt", "requestUrls",
    }  # fmt: skip
    assert api.get(f"/v2/serverless/{made['id']}").json() == made


@pytest.mark.parametrize(
    ("changes", "status", "result"),
    [
        ({"gpu": None}, 400, "exactly one of gpu and cpu"),
        ({"cpu": CPU}, 400, "exactly one of gpu and cpu"),
        ({"gpu": {"pools": ["ADA_25"]}}, 400, "unknown GPU pool 'ADA_25'; pools are: AMPERE_16"),
        ({"gpu": {"pools": []}}, 422, "minItems: got 0, want 1"),
        ({"gpu": {"pools": ["ADA_24"], "excludedTypes": ["NVIDIA L40"]}}, 400, "'NVIDIA L40' is not a GPU type of"),
        ({"gpu": {"pools": ["ADA_24"], "excludedTypes": [" NVIDIA GeForce RTX 4090"]}}, 400, "leaves no GPU type"),
        ({"gpu": {"pools": ["ADA_24"], "excludedTypes": ["-x"]}}, 422, "does not match pattern"),
        ({"gpu": {"pools": ["ADA_24"], "count": 0}}, 422, "minimum: got 0, want 1"),
        ({"gpu": {"pools": ["ADA_24"], "allowedCudaVersions": ["12.8"], "minCudaVersion": "12.1"}}, 400, "Cuda"),
        ({"gpu": {"pools": ["ADA_24"], "allowedCudaVersions": ["12"]}}, 422, "does not match pattern"),
        ({"gpu": None, "cpu": [{"id": "cpu9", "vcpuCount": 4}]}, 400, "unknown flavor 'cpu9'"),
        ({"gpu": None, "cpu": [{"id": "cpu5c", "vcpuCount": 6}]}, 400, "power of two from 2 to 32"),
        ({"gpu": None, "cpu": [{"id": "cpu5c", "vcpuCount": 64}]}, 400, "power of two from 2 to 32"),
        ({"gpu": None, "cpu": CPU * 2}, 422, "items must be unique"),
        ({"image": None}, 422, "missing property 'image'"),
        ({"type": "LOAD_BALANCER"}, 422, "REQUEST_COUNT"),
        ({"type": "BATCH"}, 422, "value must be one of 'QUEUE', 'LOAD_BALANCER'"),
        ({"scaling": {"type": "QUEUE_DELAY", "queueDelay": 0.4}}, 422, "$.scaling.queueDelay: minimum"),
        ({"scaling": {"type": "QUEUE_DELAY"}}, 422, "$.scaling: missing property 'queueDelay'"),
        ({"scaling": {"type": "REQUEST_COUNT", "requestCount": 1.5}}, 422, "$.scaling.requestCount"),
        ({"scaling": {"type": "MAGIC"}}, 422, "$.scaling.type: value must be one of"),
        ({"scaling": {"queueDelay": 4}}, 422, "$.scaling: missing property 'type'"),
        ({"workers": {"min": 2, "max": 1}}, 400, "workers.min (2) is above workers.max (1)"),
        ({"workers": {"min": -1}}, 422, "$.workers.min: minimum: got -1, want 0"),
        ({"workers": {"idleTimeout": 3601}}, 422, "$.workers.idleTimeout: maximum: got 3601, want 3600"),
        ({"workers": {"max": 10**30}}, 422, "workers.max"),
        ({"timeout": -1}, 400, "timeout must be from 0"),
        ({"timeout": None, "env": {"A": 1}}, 422, "$.env.A: got integer, want string"),
        ({"dataCenterIds": ["MOON-1"]}, 400, "unknown data center 'MOON-1'"),
        ({"networkVolumes": ["nope"]}, 400, "network volume 'nope' not found"),
        ({"registry": "nope"}, 400, "registry credential 'nope' not found"),
        ({"templateId": "nope"}, 404, "template not found"),
        ({"name": ""}, 422, "$.name: minLength: got 0, want 1"),
        ({"args": "a b", "cmd": ["other"]}, 400, "describes another command"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused(
    api: httpx.Client, make: Any, changes: dict[str, Any], status: int, result: str
) -> None:
    """With the status that is documented or observed, and text that names the field; and nothing is created."""
    answered, text = refusal(api, make.endpoint_body(**changes))

    assert answered == status
    assert result in text
    assert api.get("/v2/serverless").json()["endpoints"] == []


def test_an_integer_may_come_as_a_float_and_not_as_text(api: httpx.Client, make: Any) -> None:
    """JSON Schema counts 2.0 as an integer; Pulumi's engine sends numbers so."""
    assert make.endpoint(workers={"max": 2.0})["workers"]["max"] == 2
    assert refusal(api, make.endpoint_body(workers={"max": "2"}))[1].endswith("got string, want integer")


def test_memory_of_a_cpu_worker_is_derived(api: httpx.Client, make: Any) -> None:
    """GB = vCPUs times the flavor's GB per vCPU; there is no gpu member; a change replaces the whole list."""
    made = make.endpoint(gpu=None, cpu=[*CPU, {"id": "cpu5g", "vcpuCount": 2}])
    path = f"/v2/serverless/{made['id']}"

    assert made["cpu"] == [
        {"id": "cpu5c", "vcpuCount": 4, "memory": 8},
        {"id": "cpu5g", "vcpuCount": 2, "memory": 8},
    ]
    assert "gpu" not in made
    assert api.patch(path, json={"cpu": CPU}).json()["cpu"] == [{"id": "cpu5c", "vcpuCount": 4, "memory": 8}]
    assert api.patch(path, json={"gpu": {"count": 2}}).status_code == 400


def test_a_load_balancer_has_two_urls_and_keeps_its_idle_timeout(
    runpod: LocalRunPod, api: httpx.Client, make: Any
) -> None:
    """`base` and `health`; its scaler can be no other than REQUEST_COUNT."""
    made = make.endpoint(type="LOAD_BALANCER", scaling=REQUEST_COUNT, workers={"max": 1, "idleTimeout": 30})
    path = f"/v2/serverless/{made['id']}"
    other = api.patch(path, json={"scaling": {"type": "QUEUE_DELAY", "queueDelay": 4}})

    base = f"{runpod.api}/lb/{made['id']}"
    assert made["requestUrls"] == {"base": base, "health": f"{base}/ping"}
    assert made["workers"]["idleTimeout"] == 30
    assert other.status_code == 422


def test_queue_urls_hold_a_literal_placeholder(make: Any) -> None:
    """Four of the eight name a job."""
    urls = make.endpoint()["requestUrls"]

    assert len(urls) == 8
    assert {n for n, u in urls.items() if u.endswith("/{job_id}")} == {"status", "stream", "cancel", "retry"}


def test_an_update_changes_what_it_names(api: httpx.Client, make: Any) -> None:
    """Members of workers and gpu are merged; an empty update changes nothing; empty lists clear."""
    volume = make.volume()
    made = make.endpoint(
        workers={"min": 0, "max": 2, "idleTimeout": 60}, networkVolumes=[volume["id"]], dataCenterIds=["EU-RO-1"]
    )
    path = f"/v2/serverless/{made['id']}"

    assert api.patch(path, json={}).json() == made
    assert api.patch(path, json={"workers": {"max": 3}}).json()["workers"] == {"min": 0, "max": 3, "idleTimeout": 60}
    assert api.patch(path, json={"gpu": {"count": 2}}).json()["gpu"] == {**made["gpu"], "count": 2}
    cleared = api.patch(path, json={"networkVolumes": [], "dataCenterIds": [], "ports": []}).json()
    assert (cleared["networkVolumes"], cleared["dataCenterIds"]) == ([], [])


def test_a_refused_update_changes_nothing(api: httpx.Client, make: Any) -> None:
    """One broken rule, and no field is taken."""
    made = make.endpoint()
    path = f"/v2/serverless/{made['id']}"
    answer = api.patch(path, json={"name": "other", "gpu": {"pools": ["NOPE"]}})

    assert answer.status_code == 400
    assert api.get(path).json() == made


def test_cuda_constraints_exclude_each_other_across_updates(api: httpx.Client, make: Any) -> None:
    """Setting one does not clear the other: it has to be cleared in the same body."""
    made = make.endpoint(gpu={"pools": ["ADA_24"], "minCudaVersion": "12.1"})
    path = f"/v2/serverless/{made['id']}"
    both = {"gpu": {"allowedCudaVersions": ["12.8"], "minCudaVersion": ""}}

    assert api.patch(path, json={"gpu": {"allowedCudaVersions": ["12.8"]}}).status_code == 400
    assert api.patch(path, json=both).json()["gpu"]["allowedCudaVersions"] == ["12.8"]


def test_a_template_fills_in_and_the_body_wins(api: httpx.Client, make: Any) -> None:
    """Settings are copied, env is merged by key, the CUDA set is taken by GPU endpoints that say nothing of CUDA."""
    template = make.template(disk=50, env={"A": "1", "B": "1"}, allowedCudaVersions=["12.8"], ports=["80/http"])
    from_template = {"templateId": template["id"], "image": None}
    made = make.endpoint(**from_template, env={"B": "2"}, disk=30)
    floor = make.endpoint(**from_template, gpu={"pools": ["ADA_24"], "minCudaVersion": "12.1"})
    on_cpu = make.endpoint(**from_template, gpu=None, cpu=CPU)

    assert (made["image"], made["disk"], made["ports"]) == (template["image"], 30, ["80/http"])
    assert made["env"] == {"A": "1", "B": "2"}
    assert made["gpu"]["allowedCudaVersions"] == ["12.8"]
    assert floor["gpu"]["allowedCudaVersions"] == []
    assert "gpu" not in on_cpu


def test_a_template_is_applied_once_by_an_update(api: httpx.Client, make: Any) -> None:
    """As if its settings stood in the body: its env replaces, merged with the body's."""
    made = make.endpoint(env={"OLD": "1"}, disk=30)
    template = make.template(image="registry.example.com/team/worker:2", env={"A": "1"})
    path = f"/v2/serverless/{made['id']}"
    changed = api.patch(path, json={"templateId": template["id"], "env": {"B": "2"}}).json()
    alone = api.patch(path, json={"templateId": template["id"]}).json()

    assert (changed["image"], changed["disk"]) == ("registry.example.com/team/worker:2", 20)
    assert changed["env"] == {"A": "1", "B": "2"}
    assert alone["env"] == {"A": "1"}


def test_a_public_template_serves_as_well_as_an_own_one(api: httpx.Client, make: Any) -> None:
    """A serverless one is copied; one for pods is 422."""
    public = api.get("/v2/catalog/templates").json()["templates"]
    serverless = next(t for t in public if t["serverless"])
    pods = next(t for t in public if not t["serverless"])

    assert make.endpoint(templateId=serverless["id"], image=None)["image"] == serverless["image"]
    assert refusal(api, make.endpoint_body(templateId=pods["id"]))[0] == 422


def test_one_volume_per_data_center(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """A rule of the console, here 400; a switch takes it away."""
    ids = [make.volume()["id"], make.volume()["id"]]
    apart = make.volume(dataCenter="US-KS-2")["id"]

    assert refusal(api, make.endpoint_body(networkVolumes=ids))[0] == 400
    assert make.endpoint(networkVolumes=[ids[0], apart])["networkVolumes"] == [ids[0], apart]
    runpod.turn(volumes_per_data_center="any")
    assert make.endpoint(networkVolumes=ids)["networkVolumes"] == ids


def test_switches_of_endpoints(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """What is uncertain has two answers: unknown ids, volumes elsewhere, missing images, quota, and deletion."""
    home = make.volume()["id"]
    elsewhere = make.endpoint_body(networkVolumes=[home], dataCenterIds=["US-KS-2"])
    made = make.endpoint(workers={"min": 0, "max": 1})

    runpod.turn(unknown_reference_status=404, volume_outside_data_centers="refuse", missing_images=("*/gone:*",))
    assert refusal(api, make.endpoint_body(networkVolumes=["nope"]))[0] == 404
    assert refusal(api, elsewhere)[0] == 400
    assert refusal(api, make.endpoint_body(image="registry.example.com/team/gone:1"))[0] == 422

    runpod.turn(worker_quota=1, worker_quota_breach="accept", delete_needs_zero_workers=True)
    make.endpoint()
    path = f"/v2/serverless/{made['id']}"
    assert api.delete(path).status_code == 400
    api.patch(path, json={"workers": {"max": 0}})
    assert api.delete(path).status_code == 204


def test_a_quota_looks_at_growth_alone(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """An account above a lowered quota can still be shrunk, and its other fields changed."""
    made = make.endpoint(workers={"max": 5})
    path = f"/v2/serverless/{made['id']}"
    runpod.turn(worker_quota=3)

    assert api.patch(path, json={"name": "other"}).status_code == 200
    assert api.patch(path, json={"workers": {"max": 4}}).status_code == 200
    assert api.patch(path, json={"workers": {"max": 5}}).status_code == 400


def test_ids_do_not_repeat_when_the_process_seeds_random(make: Any) -> None:
    """A test that seeds Python's generator must not make two objects of one id."""
    import random

    ids = set()
    for _ in range(3):
        random.seed(1)
        ids.add(make.endpoint()["id"])

    assert len(ids) == 3
