"""Images that a job brings along: what is opened, what is refused, and where the worker must not go for them."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from sdxl_worker.failure import Code, JobError
from sdxl_worker.image_input import decode, fetch, fitted, target_size
from sdxl_worker.settings import read_settings

SETTINGS = read_settings({})


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> str:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return base64.b64encode(stream.getvalue()).decode()


RED = Image.new("RGB", (640, 320), (255, 0, 0))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_three_formats_are_opened(kind: str, head: str) -> None:
    """With or without the head of a data URI."""
    image = decode(head + encoded(RED, kind), SETTINGS)

    assert (image.mode, image.size) == ("RGB", (640, 320))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    """The pipeline takes nothing else."""
    image = RED.convert(mode) if mode != "I;16" else Image.new("I;16", (8, 8))

    assert decode(encoded(image), SETTINGS).mode == "RGB"


def test_a_photo_is_turned_as_its_camera_says() -> None:
    """EXIF orientation 6 is a quarter turn."""
    exif = Image.Exif()
    exif[0x0112] = 6

    assert decode(encoded(RED, "JPEG", exif=exif), SETTINGS).size == (320, 640)


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        base64.b64encode(b"no image").decode(),
        encoded(RED)[:200],
        encoded(RED, "GIF"),
        encoded(RED, "BMP"),
        "",
        "data:image/png;base64,",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """One code, no traceback; formats with a history of trouble are never opened."""
    with pytest.raises(JobError) as caught:
        decode(text, SETTINGS)

    assert caught.value.code == Code.IMAGE_INVALID


def test_a_bomb_is_refused_by_its_header() -> None:
    """The pixels of a small file that claims many are never decoded."""
    with pytest.raises(JobError, match="640 x 320 pixels are more than"):
        decode(encoded(RED), read_settings({"MAX_INPUT_PIXELS": "1000"}))


@pytest.mark.parametrize(
    ("size", "asked", "result"),
    [
        ((640, 320), (None, None), (640, 320)),
        ((645, 327), (None, None), (640, 320)),
        ((3000, 1500), (None, None), (1536, 768)),
        ((640, 320), (512, 512), (512, 512)),
        ((640, 320), (512, None), (512, 256)),
        ((640, 320), (None, 512), (1024, 512)),
    ],
)
def test_the_result_has_the_size_asked_for_or_the_images_own(
    size: tuple[int, int], asked: tuple[int | None, int | None], result: tuple[int, int]
) -> None:
    """Its own shape is brought within the limits and to multiples of 8."""
    image = Image.new("RGB", size)

    assert target_size(image, width=asked[0], height=asked[1], settings=SETTINGS) == result
    assert fitted(image, result).size == result


@pytest.mark.parametrize("size", [(100, 100), (4000, 300)])
def test_a_shape_that_can_not_fit_is_refused(size: tuple[int, int]) -> None:
    """The caller is told to give a size."""
    with pytest.raises(JobError, match="give width and height"):
        target_size(Image.new("RGB", size), width=None, height=None, settings=SETTINGS)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/a.png",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.8/a.png",
        "https://[::1]/a.png",
        "https://localhost/a.png",
    ],
)
def test_the_worker_never_goes_to_a_private_address(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job can't read the host's metadata or its neighbours; the refusal shows no address."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(JobError) as caught:
        fetch(url, SETTINGS)

    assert caught.value.code == Code.IMAGE_FETCH_BLOCKED
    assert "127." not in caught.value.message + "".join(map(str, caught.value.details))


def test_an_unknown_host_is_a_failure_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that nobody has end in a code of their own."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(JobError) as caught:
        fetch("https://no-such-host.invalid/a.png", SETTINGS)

    assert caught.value.code in (Code.IMAGE_FETCH_FAILED, Code.IMAGE_FETCH_BLOCKED)
