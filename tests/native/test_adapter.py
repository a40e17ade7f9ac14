"""The native adapter on its own: names, automatic names, unknown values, secrets, errors. No engine, no gRPC."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import InvalidInput, RunPodError
from pulumi_runpod.native.adapter import Adapter, Urn
from pulumi_runpod.native.cancellation import Cancellation, Cancelled
from pulumi_runpod.native.kinds import Lifecycles
from pulumi_runpod.native.structs import Secret, plain, struct_of
from pulumi_runpod.resources.naming import mark_of
from pulumi_runpod.resources.values import UNKNOWN
from pulumi_runpod.settings import Settings

URN = "urn:pulumi:dev::shop::my:app:Service$runpod-serverless:index:{}::web::1"
VOLUME, ENDPOINT = URN.format("NetworkVolume"), URN.format("Endpoint")
SERVICE: dict[str, Any] = {
    "type": "QUEUE",
    "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4.0},
    "gpu": {"pools": ["ADA_24"], "minCudaVersion": "12.8"},
    "image": "registry.example.com/team/worker:1",
    "env": {"MODEL_NAME": "sdxl"},
}


@pytest.fixture(scope="module")
def client() -> Iterator[RunPodClient]:
    with (
        LocalRunPod() as local,
        RunPodClient(Settings(api_key=SecretStr(local.api_key), api_base_url=local.api)) as client,
    ):
        yield client


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def adapter(client: RunPodClient, warnings: list[str]) -> Adapter:
    return Adapter(
        Lifecycles(Cancellation()), lambda: client, lambda _, line: warnings.append(line), require_key=lambda _: None
    )


def test_a_urn_tells_stack_project_type_and_a_name_with_colons() -> None:
    """The type is the last of the chain of parents."""
    assert Urn.parse(VOLUME) == Urn("dev", "shop", "runpod-serverless:index:NetworkVolume", "web::1")


def test_an_object_lives_under_the_names_of_the_schema(adapter: Adapter) -> None:
    """Check, create, read, update and delete, as the engine calls them."""
    inputs = adapter.check(ENDPOINT, {}, SERVICE).inputs
    object_id, outs = adapter.create(ENDPOINT, inputs, preview=False)
    found = adapter.read(ENDPOINT, object_id, _clear(outs))
    grown = {**inputs, "workers": {"max": 5}}
    updated = adapter.update(ENDPOINT, object_id, _clear(outs), grown, preview=False)
    adapter.delete(ENDPOINT, object_id, _clear(updated))

    assert inputs["gpu"]["minCudaVersion"] == "12.8"
    assert inputs["env"] == {"MODEL_NAME": "sdxl"}
    assert outs["requestUrls"]["runSync"].endswith("/runsync")
    assert found.id == object_id
    assert _clear(found.inputs) == {key: _clear({key: value})[key] for key, value in inputs.items()}
    assert updated["workers"]["max"] == 5
    assert adapter.read(ENDPOINT, object_id, _clear(outs)).id == ""


def test_an_object_without_a_name_gets_one_that_marks_project_and_stack(adapter: Adapter) -> None:
    """As in Python, so that recovery and orphans know it; it stays what it is from then on."""
    inputs = adapter.check(VOLUME, {}, {"size": 10, "dataCenter": "EU-RO-1"}).inputs
    again = adapter.check(VOLUME, inputs, {"size": 20, "dataCenter": "EU-RO-1"}).inputs
    mark = mark_of(inputs["name"])

    assert mark is not None
    assert mark.of_stack("shop", "dev")
    assert again["name"] == inputs["name"]


def test_mistakes_are_reported_in_the_words_of_the_schema(adapter: Adapter) -> None:
    """All at once, and without a value."""
    wrong = {**SERVICE, "workers": {"min": 2, "max": 1, "idleTimeout": 0}, "dataCenterIDs": []}
    reasons = adapter.check(ENDPOINT, {}, wrong).reasons

    assert sorted(reason.split(":")[0] for reason in reasons) == ["dataCenterIDs", "workers.idleTimeout", "workers.max"]


def test_what_a_preview_cannot_know_stays_unknown(adapter: Adapter) -> None:
    """On the way in, and for what the service decides."""
    declared = {**SERVICE, "networkVolumes": [UNKNOWN]}
    inputs = adapter.check(ENDPOINT, {}, declared).inputs
    object_id, outs = adapter.create(ENDPOINT, inputs, preview=True)

    assert object_id == ""
    assert inputs["networkVolumes"] == [UNKNOWN]
    assert outs["requestUrls"] is UNKNOWN
    assert outs["type"] == "QUEUE"
    assert isinstance(outs["env"], Secret)


def test_an_update_leaves_in_a_preview_what_it_does_not_change(adapter: Adapter) -> None:
    """URLs are known before and after, so what uses them is not in doubt."""
    olds = {**adapter.check(ENDPOINT, {}, SERVICE).inputs, "requestUrls": {"run": "u"}, "entrypoint": [], "args": ""}
    planned = adapter.update(ENDPOINT, "id", olds, {**olds, "args": "python x.py", "entrypoint": None}, preview=True)

    assert planned["requestUrls"] == {"run": "u"}
    assert planned["entrypoint"] is UNKNOWN


def test_a_replacement_names_properties_of_the_schema(adapter: Adapter, warnings: list[str]) -> None:
    """And warns that clients must learn new URLs."""
    olds = adapter.check(ENDPOINT, {}, SERVICE).inputs
    news = {**olds, "type": "LOAD_BALANCER", "scaling": {"type": "REQUEST_COUNT", "requestCount": 1}}

    assert adapter.diff(ENDPOINT, "id", olds, news, olds) == ["type"]
    assert "another id" in warnings[0]
    assert adapter.diff(ENDPOINT, "id", olds, olds, olds) is None


def test_losing_data_is_refused_in_the_words_of_the_schema(adapter: Adapter) -> None:
    """`allow_data_loss` is `allowDataLoss` here; the message is made so on its way out."""
    olds = {"size": 20, "dataCenter": "EU-RO-1", "name": "a"}
    [reason] = adapter.check(VOLUME, olds, {**olds, "size": 10}).reasons

    assert "allowDataLoss=True" in reason
    with pytest.raises(InvalidInput):
        adapter.diff(VOLUME, "id", olds, {**olds, "size": 10}, olds)


def test_secrets_are_marked_for_the_engine(adapter: Adapter) -> None:
    """A password always; an environment as a whole in outputs only, so that previews show its plain entries."""
    credential = adapter.check(URN.format("RegistryCredential"), {}, {"username": "u", "password": "p"}).inputs

    assert isinstance(credential["password"], Secret)
    assert adapter.check(ENDPOINT, {}, SERVICE).inputs["env"] == {"MODEL_NAME": "sdxl"}


def test_an_environment_that_is_imported_is_secret_entry_by_entry(adapter: Adapter) -> None:
    """Nobody has said that the state may show it."""
    object_id, _ = adapter.create(ENDPOINT, adapter.check(ENDPOINT, {}, SERVICE).inputs, preview=False)
    found = adapter.read(ENDPOINT, object_id, {})

    assert isinstance(found.inputs["env"]["MODEL_NAME"], Secret)
    assert set(found.inputs) == {"type", "scaling", "gpu", "image", "env", "name", "disk"}


def test_weights_have_a_folder_by_default(adapter: Adapter) -> None:
    """As the Python class has it."""
    declared = {"volumeId": "v", "dataCenter": "EU-RO-1", "source": {"kind": "directory", "path": "/nowhere"}}

    assert adapter.check(URN.format("ModelWeights"), {}, declared).inputs["path"] == "models/web::1"


def test_a_type_of_another_provider_is_refused(adapter: Adapter) -> None:
    """One line."""
    with pytest.raises(RunPodError, match="index:Pod is not a type of this provider"):
        adapter.check(URN.format("Pod"), {}, {})


def test_values_survive_the_protocol() -> None:
    """Numbers, nesting, nothing, unknown; a secret arrives in clear."""
    props = {"a": 1.5, "b": [True, None, "x"], "c": {"d": UNKNOWN}, "e": Secret({"f": "g"})}

    assert plain(struct_of(props)) == {"a": 1.5, "b": [True, None, "x"], "c": {"d": UNKNOWN}, "e": {"f": "g"}}


def test_cancel_ends_a_pause(adapter: Adapter) -> None:
    """However long it was to be."""
    cancellation, ended = Cancellation(), []

    def pause() -> None:
        try:
            cancellation.sleep(3600)
        except Cancelled as error:
            ended.append(str(error))

    thread = threading.Thread(target=pause, daemon=True)
    thread.start()
    cancellation.cancel()
    thread.join(10)

    assert len(ended) == 1
    assert "run `pulumi up` again" in ended[0]


def _clear(props: Any) -> Any:
    """As the engine hands outputs over: secrets in clear."""
    match props:
        case Secret():
            return _clear(props.value)
        case dict():
            return {key: _clear(value) for key, value in props.items()}
        case list():
            return [_clear(value) for value in props]
    return props


def test_cancel_ends_a_gate_that_waits(client: RunPodClient) -> None:
    """A smoke job that no worker takes would be waited for until the timeout."""
    cancellation, ended = Cancellation(), []
    adapter = Adapter(Lifecycles(cancellation), lambda: client, lambda *_: None, require_key=lambda _: None)
    inputs = adapter.check(ENDPOINT, {}, {**SERVICE, "workers": {"max": 0}}).inputs
    endpoint_id, _ = adapter.create(ENDPOINT, inputs, preview=False)
    gate = URN.format("Rollout")
    declared = adapter.check(gate, {}, {"endpointId": endpoint_id, "timeout": 7200, "smokeInput": {"a": 1}}).inputs

    def wait() -> None:
        try:
            adapter.create(gate, declared, preview=False)
        except RunPodError as error:
            ended.append(error)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    cancellation.cancel()
    thread.join(30)

    assert [type(error) for error in ended] == [Cancelled]
