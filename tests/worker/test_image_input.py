"""Images that a job brings along: what is opened, what is refused, and where the worker must not go for them."""

from __future__ import annotations

import base64
import contextlib
import io
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import certificates
import pytest
from PIL import Image

from sdxl_worker.failure import Code, JobError
from sdxl_worker.image_input import decode, fetch, fitted, target_size
from sdxl_worker.settings import read_settings

SETTINGS = read_settings({})
# The SDK's guard refuses to go through a proxy, since it could not pin the address then.
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


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
    """The caller is asked for a size."""
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
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(JobError) as caught:
        fetch(url, SETTINGS)

    assert caught.value.code == Code.IMAGE_FETCH_BLOCKED
    assert "127." not in caught.value.message + "".join(map(str, caught.value.details))


@pytest.fixture(scope="module")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a certificate, on loopback, which the SDK's guard is set to allow."""
    folder = tmp_path_factory.mktemp("https")
    certificate = certificates.write(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/to-http":
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/image")
                self.end_headers()
                return
            content = {"/image": base64.b64decode(encoded(RED)), "/text": b"hello"}.get(self.path)
            if self.path in ("/large", "/large-unsaid"):
                content = bytes(200_000)
            self.send_response(200 if content is not None else 404)
            if self.path != "/large-unsaid":
                self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client hangs up on what is too large
                self.wfile.write(content or b"")

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]  # refused handshakes
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNPOD_ALLOW_PRIVATE_DOWNLOAD_URLS", "true")
        patch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        for name in PROXIES:
            patch.delenv(name, raising=False)
        yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


SMALL = read_settings({"MAX_INPUT_BYTES": "100000"})


def test_an_image_is_read_from_its_url(https: str) -> None:
    """And looked at between the parts, so that a stopped job stops."""
    looks: list[None] = []
    image = fetch(f"{https}/image", SMALL, give_up=lambda: looks.append(None))

    assert image.size == (640, 320)
    assert looks


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/absent", Code.IMAGE_FETCH_FAILED),
        ("/text", Code.IMAGE_INVALID),
        ("/large", Code.IMAGE_INVALID),
        ("/large-unsaid", Code.IMAGE_INVALID),
        ("/to-http", Code.IMAGE_FETCH_FAILED),
    ],
)
def test_what_a_url_gives_is_refused_by_code(https: str, path: str, code: Code) -> None:
    """Missing, no image, too large (said or not), and a way out of https."""
    with pytest.raises(JobError) as caught:
        fetch(f"{https}{path}", SMALL)

    assert caught.value.code == code


def test_an_unknown_host_is_a_failure_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that nobody has end in a code of their own."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(JobError) as caught:
        fetch("https://no-such-host.invalid/a.png", SETTINGS)

    assert caught.value.code in (Code.IMAGE_FETCH_FAILED, Code.IMAGE_FETCH_BLOCKED)
