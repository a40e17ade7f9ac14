"""The traps of the service that its control plane sets, so that a client tested against it meets them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod

QUEUE_DELAY = {"type": "QUEUE_DELAY", "queueDelay": 4}
REQUEST_COUNT = {"type": "REQUEST_COUNT", "requestCount": 2}


def test_control_plane_and_jobs_have_two_addresses(runpod: LocalRunPod, make: Any) -> None:
    """One base lacks /v2 and one has it; an endpoint's own URLs are absolute."""
    urls = make.endpoint()["requestUrls"]

    assert not runpod.api.endswith("/v2")
    assert runpod.jobs == f"{runpod.api}/v2"
    assert all(url.startswith(f"{runpod.jobs}/") for url in urls.values())


def test_template_id_is_never_returned(api: httpx.Client, make: Any) -> None:
    """What an endpoint was made from is not reported."""
    made = make.endpoint(templateId=make.template()["id"], image=None)

    assert "templateId" not in made
    assert "templateId" not in api.get(f"/v2/serverless/{made['id']}").json()


def test_template_edit_does_not_reach_endpoints(api: httpx.Client, make: Any) -> None:
    """An endpoint keeps the copy that it took at birth."""
    template = make.template(env={"A": "1"})
    made = make.endpoint(templateId=template["id"], image=None)
    api.patch(f"/v2/templates/{template['id']}", json={"env": {"A": "2"}})

    assert api.get(f"/v2/serverless/{made['id']}").json()["env"] == {"A": "1"}


def test_env_of_an_update_replaces_the_whole_map(api: httpx.Client, make: Any) -> None:
    """A partial map deletes the other variables."""
    made = make.endpoint(env={"A": "1", "B": "2"})

    assert api.patch(f"/v2/serverless/{made['id']}", json={"env": {"B": "3"}}).json()["env"] == {"B": "3"}


def test_pools_alone_wipe_the_exclusions(api: httpx.Client, make: Any) -> None:
    """Pools and exclusions are one selection: pools without exclusions clear them, a count leaves them."""
    made = make.endpoint(gpu={"pools": ["ADA_48_PRO"], "excludedTypes": ["NVIDIA L40"]})
    path = f"/v2/serverless/{made['id']}"

    assert api.patch(path, json={"gpu": {"count": 2}}).json()["gpu"]["excludedTypes"] == ["NVIDIA L40"]
    assert api.patch(path, json={"gpu": {"pools": ["ADA_48_PRO"]}}).json()["gpu"]["excludedTypes"] == []
    assert api.patch(path, json={"gpu": {"excludedTypes": ["NVIDIA L40"]}}).status_code == 422


def test_min_cuda_version_is_cleared_with_an_empty_text(api: httpx.Client, make: Any) -> None:
    """Empty clears on update, reads as null, and is refused on create."""
    made = make.endpoint(gpu={"pools": ["ADA_24"], "minCudaVersion": "12.4"})
    cleared = api.patch(f"/v2/serverless/{made['id']}", json={"gpu": {"minCudaVersion": ""}})
    refused = api.post("/v2/serverless", json=make.endpoint_body(gpu={"pools": ["ADA_24"], "minCudaVersion": ""}))

    assert made["gpu"]["minCudaVersion"] == "12.4"
    assert cleared.json()["gpu"]["minCudaVersion"] is None
    assert refused.status_code == 422


def test_units_differ_by_field(make: Any) -> None:
    """timeout is in milliseconds, idleTimeout in seconds, queueDelay in seconds and may be fractional."""
    made = make.endpoint(
        timeout=300_000,
        workers={"min": 0, "max": 1, "idleTimeout": 60},
        scaling={"type": "QUEUE_DELAY", "queueDelay": 0.5},
    )

    assert (made["timeout"], made["workers"]["idleTimeout"], made["scaling"]["queueDelay"]) == (300_000, 60, 0.5)


def test_omitted_timeout_comes_back_as_zero(runpod: LocalRunPod, make: Any) -> None:
    """Observed, against the document: a switch has the documented value."""
    assert make.endpoint()["timeout"] == 0

    runpod.turn(omitted_timeout_ms=300_000)

    assert make.endpoint()["timeout"] == 300_000


def test_idle_timeout_is_illegal_on_a_queue_that_scales_by_requests(api: httpx.Client, make: Any) -> None:
    """It is refused there, missing from the answer, and dropped when the scaler is switched."""
    both = make.endpoint_body(scaling=REQUEST_COUNT, workers={"max": 1, "idleTimeout": 5})
    made = make.endpoint(workers={"max": 1, "idleTimeout": 5})
    path = f"/v2/serverless/{made['id']}"

    assert api.post("/v2/serverless", json=both).status_code == 422
    assert api.patch(path, json={"scaling": REQUEST_COUNT, "workers": {"idleTimeout": 9}}).status_code == 422
    assert api.patch(path, json={"scaling": REQUEST_COUNT}).json()["workers"] == {"min": 0, "max": 1}
    assert api.patch(path, json={"scaling": QUEUE_DELAY}).json()["workers"]["idleTimeout"] == 10


def test_flashboot_defaults_to_off_and_is_no_boolean(api: httpx.Client, make: Any) -> None:
    """The API's default is not the console's."""
    assert make.endpoint()["flashboot"] == "OFF"
    assert api.post("/v2/serverless", json=make.endpoint_body(flashboot=True)).status_code == 422


def test_type_and_compute_family_cannot_be_changed(api: httpx.Client, make: Any) -> None:
    """`type` is unknown to an update; the other family is refused."""
    path = f"/v2/serverless/{make.endpoint()['id']}"

    assert api.patch(path, json={"type": "LOAD_BALANCER"}).status_code == 422
    assert api.patch(path, json={"cpu": [{"id": "cpu5c", "vcpuCount": 4}]}).status_code == 400


def test_a_replacement_counts_twice_against_the_worker_quota(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """Creating the new endpoint before deleting the old one may not fit the quota."""
    runpod.turn(worker_quota=5)
    old = make.endpoint(workers={"max": 3})
    new = make.endpoint_body(workers={"max": 3})

    assert api.post("/v2/serverless", json=new).status_code == 400
    assert api.delete(f"/v2/serverless/{old['id']}").status_code == 204
    assert api.post("/v2/serverless", json=new).status_code == 201


def test_unknown_fields_are_refused_and_unknown_parameters_ignored(api: httpx.Client, make: Any) -> None:
    """Bodies are closed at every depth, queries are open."""
    assert api.post("/v2/serverless", json=make.endpoint_body(bogus=1)).json()["errors"] == [
        "$: additional properties 'bogus' not allowed"
    ]
    nested = make.endpoint_body(gpu={"pools": ["ADA_24"], "bogus": 1})
    assert api.post("/v2/serverless", json=nested).json()["errors"] == [
        "$.gpu: additional properties 'bogus' not allowed"
    ]
    assert api.get("/v2/serverless?bogus=1").status_code == 200


def test_one_missing_field_brings_a_wall_of_false_reports(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Every valid field of an endpoint is reported as additional; a volume tells the truth."""
    body = {"type": "QUEUE", "image": "registry.example.com/team/worker:1", "scaling": QUEUE_DELAY}
    missing = "$: missing property 'name'"
    wall = [f"$: additional properties '{name}' not allowed" for name in body]

    assert sorted(api.post("/v2/serverless", json=body).json()["errors"]) == sorted([*wall, missing])
    assert api.post("/v2/network-volumes", json={"name": "v", "size": 10}).json()["errors"] == [
        "$: missing property 'dataCenter'"
    ]
    runpod.turn(missing_field_wall=False)
    assert api.post("/v2/serverless", json=body).json()["errors"] == [missing]


def test_delete_has_no_body_and_the_second_is_404(api: httpx.Client, make: Any) -> None:
    """204 without content, then a problem."""
    path = f"/v2/network-volumes/{make.volume()['id']}"
    first, second = api.delete(path), api.delete(path)

    assert (first.status_code, first.content) == (204, b"")
    assert (second.status_code, second.headers["content-type"]) == (404, "application/problem+json")


def test_a_repeated_post_makes_a_second_object(api: httpx.Client, make: Any) -> None:
    """Names are not unique, and no header makes a POST idempotent."""
    bodies = {
        "serverless": make.endpoint_body(),
        "templates": {"name": "t", "image": "registry.example.com/team/worker:1"},
        "network-volumes": {"name": "v", "size": 10, "dataCenter": "EU-RO-1"},
        "registries": {"name": "r", "username": "u", "password": "p"},
    }
    for collection, body in bodies.items():
        made = [api.post(f"/v2/{collection}", json=body, headers={"Idempotency-Key": "1"}) for _ in range(2)]

        assert [m.status_code for m in made] == [201, 201]
        assert made[0].json()["id"] != made[1].json()["id"]


def test_a_volume_only_grows_and_its_place_is_final(api: httpx.Client, make: Any) -> None:
    """Shrinking is 400; data center and type are unknown to an update; the type is chosen when none is given."""
    made = make.volume(size=20)
    path = f"/v2/network-volumes/{made['id']}"

    assert made["type"] == "STANDARD"
    assert api.patch(path, json={"size": 19}).status_code == 400
    assert api.patch(path, json={"size": 30}).json()["size"] == 30
    assert api.patch(path, json={"dataCenter": "US-KS-2"}).status_code == 422
    assert api.patch(path, json={"type": "STANDARD"}).status_code == 422


def test_a_registry_cannot_be_changed_and_keeps_its_secrets(api: httpx.Client, make: Any) -> None:
    """No PATCH, no username, no password; templates lose a deleted one silently."""
    made = make.registry()
    template = make.template(registry=made["id"])
    path = f"/v2/registries/{made['id']}"

    assert set(made) == {"id", "name"}
    assert api.get(path).json() == made
    assert api.patch(path, json={"name": "other"}).status_code == 405
    assert api.delete(path).status_code == 204
    assert api.get(f"/v2/templates/{template['id']}").json()["registry"] is None


def test_a_delegation_is_found_in_the_list_alone(api: httpx.Client, make: Any) -> None:
    """There is no GET by id, and the ARN does not come back."""
    arn = "arn:aws:ecr:us-east-2:123456789012:repository/team/worker"
    made = make.made("registries/delegations", {"resource": arn})

    assert api.get(f"/v2/registries/delegations/{made['id']}").status_code == 405
    assert api.get("/v2/registries/delegations").json() == {"delegations": [made]}
    assert (made["awsRegion"], made["awsUser"], made["repository"]) == ("us-east-2", "123456789012", "team/worker")
    assert arn not in made.values()


def test_a_public_template_can_be_read_and_not_written(api: httpx.Client) -> None:
    """GET answers, PATCH and DELETE say that there is none."""
    public = api.get("/v2/catalog/templates").json()["templates"][0]
    path = f"/v2/templates/{public['id']}"

    assert api.get(path).json() == public
    assert api.patch(path, json={"name": "mine"}).status_code == 404
    assert api.delete(path).status_code == 404
    assert public["id"] not in [t["id"] for t in api.get("/v2/templates").json()["templates"]]


def test_billing_of_endpoints_is_not_serverless_billing(api: httpx.Client) -> None:
    """`/v2/billing/endpoints` is about public endpoints, and has other amounts."""
    public = api.get("/v2/billing/endpoints").json()["metadata"]["totals"]
    ours = api.get("/v2/billing/serverless").json()["metadata"]["totals"]

    assert set(public) == {"totalAmount"}
    assert "gpuAmount" in ours


@pytest.mark.parametrize("query", ["include=AVAILABILITY", "product=SERVERLESS", "count=2"])
def test_availability_and_product_go_together(api: httpx.Client, query: str) -> None:
    """One without the other is 400, and so is a filter without either."""
    assert api.get(f"/v2/catalog/gpus?{query}").status_code == 400


def test_lists_have_pagination_or_not(runpod: LocalRunPod, api: httpx.Client) -> None:
    """A newer service pages endpoints and templates, an older one nothing; volumes are never paged."""
    assert "pagination" in api.get("/v2/serverless").json()
    assert "pagination" not in api.get("/v2/network-volumes").json()

    runpod.turn(document="2026-08")

    assert "pagination" not in api.get("/v2/serverless").json()


def test_the_rate_limit_is_shared_by_all_calls_of_a_minute(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Beyond the quota: 429 with Retry-After, and headers that say which window is used up."""
    runpod.limit("q=3;w=60")
    answers = [api.get("/v2/catalog/gpus") for _ in range(4)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"minute";q=3;w=60'
    assert answers[3].headers["RateLimit"].startswith('"minute";r=0;t=')
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert answers[3].json()["detail"] == "rate limit exceeded for the minute window"


def test_templates_default_to_ssh_jupyter_and_pods(api: httpx.Client, make: Any) -> None:
    """Ports and mounts have no defaults; the two starts are on; `serverless` is off, which no endpoint takes."""
    made = api.post("/v2/templates", json={"name": "t", "image": "registry.example.com/team/worker:1"}).json()

    assert (made["ports"], made["mounts"], made["serverless"]) == ([], {}, False)
    assert made["startSsh"]
    assert made["startJupyter"]
    body = make.endpoint_body(templateId=made["id"])
    assert api.post("/v2/serverless", json=body).status_code == 422


def test_created_means_configured_and_not_healthy(api: httpx.Client, make: Any) -> None:
    """An image that nobody can run is taken with 201."""
    made = make.endpoint(image="registry.example.com/no/such:image")

    assert api.get(f"/v2/serverless/{made['id']}").status_code == 200


def test_without_workers_a_release_is_out_at_once(api: httpx.Client, make: Any) -> None:
    """With nothing running, the roll-out is over the moment it begins, and proves nothing."""
    path = f"/v2/serverless/{make.endpoint()['id']}"
    api.patch(path, json={"image": "registry.example.com/team/worker:2"})
    body = api.get(f"{path}/releases").json()

    assert body["rollout"] == {"inProgress": False, "workersOnLatest": 0, "workersTotal": 0, "percentOnLatest": 0}
    assert body["endpointVersion"] == 2


def test_args_are_one_text_and_the_exec_form_keeps_its_words(api: httpx.Client, make: Any) -> None:
    """Words with blanks survive in cmd alone; args shows them encoded; an older service knows no cmd."""
    made = make.endpoint(cmd=["python", "-c", "print('a b')"])

    assert made["cmd"] == ["python", "-c", "print('a b')"]
    assert made["args"] == '{"entrypoint":[],"cmd":["python","-c","print(\'a b\')"]}'
    assert make.endpoint(args="python -u main.py")["cmd"] == ["python", "-u", "main.py"]


def test_an_older_service_refuses_the_exec_form(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """Neither sent nor returned."""
    runpod.turn(document="2026-08")
    refused = api.post("/v2/serverless", json=make.endpoint_body(cmd=["python"]))

    assert refused.json()["errors"] == ["$: additional properties 'cmd' not allowed"]
    assert not {"cmd", "entrypoint"} & set(make.endpoint())


def test_secret_placeholders_come_back_as_placeholders(make: Any) -> None:
    """What a worker sees is filled in when it boots."""
    env = {"HF_TOKEN": "{{ RUNPOD_SECRET_hf_token }}"}

    assert make.endpoint(env=env)["env"] == env


def test_flashboot_may_add_to_the_name(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """Off by default; when on, a name comes back with the suffix and never with two."""
    assert make.endpoint(flashboot="FLASHBOOT")["name"] == "sdxl"

    runpod.turn(flashboot_name_suffix=True)
    made = make.endpoint(flashboot="FLASHBOOT")

    assert made["name"] == "sdxl -fb"
    assert api.patch(f"/v2/serverless/{made['id']}", json={"name": "sdxl -fb"}).json()["name"] == "sdxl -fb"
