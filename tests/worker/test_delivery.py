"""Images on their way to the caller: as base64 within the budget, else through a bucket (moto's S3 on loopback)."""

from __future__ import annotations

import base64
import io
import urllib.request
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

from sdxl_worker.answer import ImageAnswer
from sdxl_worker.delivery import Delivery, encode
from sdxl_worker.failure import Code, JobError
from sdxl_worker.request import Output
from sdxl_worker.settings import read_settings

NOISE = Image.effect_noise((128, 128), 90).convert("RGB")


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """Settings of a bucket that is there."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    ).create_bucket(Bucket="images")
    yield {
        "BUCKET_ENDPOINT_URL": url,
        "BUCKET_NAME": "images",
        "BUCKET_ACCESS_KEY_ID": "a",
        "BUCKET_SECRET_ACCESS_KEY": "b",
    }
    server.stop()


def deliver(environ: dict[str, str], output: Output, count: int = 2) -> list[ImageAnswer]:
    return Delivery(read_settings(environ)).deliver(
        [NOISE] * count, seeds=list(range(count)), output=output, job_id="job-1"
    )


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_images_come_as_base64_in_the_format_asked_for(kind: str) -> None:
    """Each image carries its format, size, seed and bytes."""
    answers = deliver({}, Output.model_validate({"format": kind}))

    for seed, answer in enumerate(answers):
        content = base64.b64decode(answer.image)
        opened = Image.open(io.BytesIO(content))
        assert opened.format == kind.upper()
        assert (answer.delivery, answer.seed, answer.file_bytes) == ("base64", seed, len(content))
        assert opened.size == (answer.width, answer.height)


def test_png_loses_nothing() -> None:
    """The pixels are the pipeline's."""
    assert Image.open(io.BytesIO(encode(NOISE, Output()))).tobytes() == NOISE.tobytes()


def test_quality_is_heard() -> None:
    """Less quality, fewer bytes."""
    assert len(encode(NOISE, Output(format="webp", quality=20))) < len(encode(NOISE, Output(format="webp", quality=90)))


@pytest.mark.parametrize("delivery", ["auto", "base64"])
def test_too_many_bytes_without_a_bucket_say_what_to_do(delivery: str) -> None:
    """The platform would drop the answer without a word."""
    with pytest.raises(JobError, match="webp or jpeg") as caught:
        deliver({"MAX_ANSWER_BYTES": "1000"}, Output.model_validate({"delivery": delivery}))

    assert caught.value.code == Code.OUTPUT_TOO_LARGE


def test_too_many_bytes_go_through_the_bucket(bucket: dict[str, str]) -> None:
    """The answer holds URLs that give the very images, without credentials."""
    answers = deliver({**bucket, "MAX_ANSWER_BYTES": "1000"}, Output())

    assert [answer.delivery for answer in answers] == ["url", "url"]
    assert len({answer.image for answer in answers}) == 2
    for answer in answers:
        with urllib.request.urlopen(answer.image, timeout=10) as response:
            content = response.read()
            assert response.headers["Content-Type"] == "image/png"
        assert Image.open(io.BytesIO(content)).tobytes() == NOISE.tobytes()
        assert len(content) == answer.file_bytes


def test_a_url_can_be_asked_for_and_base64_insisted_on(bucket: dict[str, str]) -> None:
    """delivery wins over the budget in both directions."""
    assert deliver(bucket, Output(delivery="url"), 1)[0].delivery == "url"
    assert deliver(bucket, Output(delivery="auto"), 1)[0].delivery == "base64"
    with pytest.raises(JobError) as caught:
        deliver({**bucket, "MAX_ANSWER_BYTES": "1000"}, Output(delivery="base64"))
    assert caught.value.code == Code.OUTPUT_TOO_LARGE


@pytest.mark.parametrize("change", [{"BUCKET_NAME": "absent"}, {"BUCKET_ENDPOINT_URL": "http://127.0.0.1:9"}])
def test_a_bucket_that_refuses_is_a_failure_to_retry(bucket: dict[str, str], change: dict[str, str]) -> None:
    """The code names the reason; no key is shown."""
    with pytest.raises(JobError) as caught:
        deliver({**bucket, **change}, Output(delivery="url"), 1)

    assert caught.value.code == Code.UPLOAD_FAILED
