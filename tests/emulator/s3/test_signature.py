"""Who may call: S3 keys alone, signed for this data center, now."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from botocore.auth import SIGV4_TIMESTAMP, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.s3 import S3Key
from tests.emulator.s3.conftest import DATA_CENTER, ClientMaker
from tests.emulator.s3.refusal import refusal

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


def test_the_control_planes_key_opens_nothing(runpod: LocalRunPod, client_for: ClientMaker, volume: str) -> None:
    """S3 keys are of their own kind: an API key is neither access key nor bearer token here."""
    for key in (S3Key(runpod.api_key, runpod.api_key), S3Key(runpod.s3_key.access_key_id, runpod.api_key)):
        with pytest.raises(ClientError, match=r"InvalidAccessKeyId|SignatureDoesNotMatch"):
            client_for(key=key).list_objects_v2(Bucket=volume)
    bare = httpx.get(
        f"{runpod.s3_endpoint_url(DATA_CENTER)}/{volume}", headers={"Authorization": f"Bearer {runpod.api_key}"}
    )
    assert (bare.status_code, "AccessDenied" in bare.text) == (403, True)


def test_an_unsigned_request_is_refused(runpod: LocalRunPod, volume: str) -> None:
    """Nothing is public."""
    answer = httpx.get(f"{runpod.s3_endpoint_url(DATA_CENTER)}/{volume}")

    assert answer.status_code == 403
    assert "<Code>AccessDenied</Code>" in answer.text
    assert answer.headers["content-type"] == "application/xml"


def test_a_request_for_another_region_is_refused(client_for: ClientMaker, volume: str) -> None:
    """The region is the data center's id; which one is expected is reported."""
    with refusal("AuthorizationHeaderMalformed", status=400):
        client_for(region="us-east-1").list_objects_v2(Bucket=volume)


@pytest.mark.parametrize(("shift", "passes"), [(-55, True), (55, True), (-65, False), (65, False)])
def test_clocks_may_differ_by_an_hour(runpod: LocalRunPod, volume: str, shift: int, passes: bool) -> None:
    """As published: one hour of skew is taken, more is not."""
    request = signed(runpod, "GET", f"/{volume}?list-type=2", at=datetime.now(UTC) + timedelta(minutes=shift))

    answer = httpx.get(request.url, headers=dict(request.headers))

    assert (answer.status_code == 200) is passes
    assert ("RequestTimeTooSkewed" in answer.text) is not passes


def test_a_driven_clock_does_not_lock_clients_out(runpod: LocalRunPod, s3: S3Client, volume: str) -> None:
    """Clients sign with real time, so the platform's own time does not matter."""
    runpod.advance(7 * 24 * 3600)

    assert s3.list_objects_v2(Bucket=volume)["KeyCount"] == 0


@pytest.mark.parametrize("part", ["method", "path", "query", "header", "body"])
def test_a_changed_request_is_refused(runpod: LocalRunPod, volume: str, part: str) -> None:
    """Whatever of a signed request is changed on the way, it is refused."""
    request = signed(runpod, "PUT", f"/{volume}/a?x-id=PutObject", body=b"words", headers={"x-amz-meta-k": "v"})
    method, url, headers, body = request.method, request.url, dict(request.headers), b"words"
    if part == "method":
        method = "DELETE"
    elif part == "path":
        url = url.replace("/a?", "/b?")
    elif part == "query":
        url = url.replace("PutObject", "Other")
    elif part == "header":
        headers["x-amz-meta-k"] = "w"
    else:
        body = b"other"

    answer = httpx.request(method, url, headers=headers, content=body)

    expected = "XAmzContentSHA256Mismatch" if part == "body" else "SignatureDoesNotMatch"
    assert f"<Code>{expected}</Code>" in answer.text
    assert list(runpod.platform.volume_dir(volume).iterdir()) == []


def test_an_unsigned_amz_header_is_refused(runpod: LocalRunPod, volume: str) -> None:
    """A header that means something must be part of what was signed."""
    request = signed(runpod, "PUT", f"/{volume}/a", body=b"1")

    answer = httpx.put(request.url, headers={**dict(request.headers), "x-amz-meta-k": "v"}, content=b"1")

    assert (answer.status_code, "x-amz-meta-k" in answer.text) == (403, True)


def test_a_presigned_url_is_not_implemented(s3: S3Client, volume: str) -> None:
    """The service has none, so this has none."""
    s3.put_object(Bucket=volume, Key="a", Body=b"1")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": volume, "Key": "a"})

    answer = httpx.get(url)

    assert (answer.status_code, "NotImplemented" in answer.text) == (501, True)


def test_a_data_center_without_s3_is_reported(runpod: LocalRunPod, client_for: ClientMaker) -> None:
    """Only fifteen data centers have the API."""
    with refusal("NoSuchDataCenter", status=404):
        client_for(data_center="US-TX-3").list_buckets()


def test_a_made_key_works_until_it_is_removed(runpod: LocalRunPod, client_for: ClientMaker, volume: str) -> None:
    """Keys are made and removed through the control route; the secret is shown once."""
    control, headers = f"{runpod.api}/_emulator/s3-keys", {"Authorization": f"Bearer {runpod.api_key}"}
    made = httpx.post(control, headers=headers).json()
    key = S3Key(made["accessKeyId"], made["secretAccessKey"])
    assert (key.access_key_id[:5], key.secret_access_key[:4]) == ("user_", "rps_")

    client_for(key=key).list_objects_v2(Bucket=volume)
    listed = httpx.get(control, headers=headers)
    assert [k["accessKeyId"] for k in listed.json()["s3Keys"]] == [runpod.s3_key.access_key_id, key.access_key_id]
    assert key.secret_access_key not in listed.text

    assert httpx.delete(f"{control}/{key.access_key_id}", headers=headers).status_code == 204
    with refusal("InvalidAccessKeyId", status=403):
        client_for(key=key).list_objects_v2(Bucket=volume)


def test_no_secret_reaches_the_request_log(runpod: LocalRunPod, s3: S3Client, volume: str) -> None:
    """Calls are logged by method, path and status."""
    s3.put_object(Bucket=volume, Key="a", Body=b"1")

    assert [(c.method, c.path, c.status) for c in runpod.calls()] == [("PUT", f"/s3/{DATA_CENTER}/{volume}/a", 200)]
    assert runpod.s3_key.secret_access_key not in repr(runpod.calls()) + repr(runpod.s3_key)


def test_header_signatures_of_unsigned_payloads_are_taken(client_for: ClientMaker, volume: str) -> None:
    """A client that does not hash its payload says that, and is believed."""
    s3 = client_for(s3={"payload_signing_enabled": False})

    s3.put_object(Bucket=volume, Key="a", Body=b"1")

    assert s3.get_object(Bucket=volume, Key="a")["Body"].read() == b"1"


def signed(
    runpod: LocalRunPod,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    at: datetime | None = None,
) -> AWSRequest:
    """A request signed by botocore's own signer, as it would sign at another time."""
    request = AWSRequest(method, runpod.s3_endpoint_url(DATA_CENTER) + path, headers=headers or {}, data=body)
    moment = at or datetime.now(UTC)
    request.context["timestamp"] = moment.strftime(SIGV4_TIMESTAMP)
    request.context["client_config"] = Config()
    key = runpod.s3_key
    signer = S3SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "s3", DATA_CENTER)
    request.headers["Host"] = request.url.split("/")[2]
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return request
