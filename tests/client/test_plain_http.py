"""The key goes over TLS, or to this machine; whatever names a URL, and wherever an answer points to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from raw_server import RawServer, http, saying, served

from pulumi_runpod.client import AsyncJobClient, JobClient, RetryPolicy, RunPodClient
from pulumi_runpod.errors import ApiError, ConnectionFailed, SettingsError
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import NETWORK_VOLUMES
from pulumi_runpod.wire.endpoint import RequestUrls

KEY = "rpa_0123456789abcdef"
AWAY = "http://10.1.2.3:8001"


@pytest.mark.parametrize("url", [AWAY, "http://runpod.example.com", "HTTP://runpod.example.com", "http://[fd00::1]"])
def test_a_control_plane_without_tls_on_another_machine_is_refused(url: str) -> None:
    """The message names the source, the host, and the two ways out."""
    with pytest.raises(SettingsError) as refused:
        Settings.load({}, {"RUNPOD_API_BASE_URL": url, "RUNPOD_API_KEY": KEY})

    assert str(refused.value).startswith("RUNPOD_API_BASE_URL: http would show the key to everyone on the way to ")
    assert "use https, or allow it with `pulumi config set runpod:allowPlainHttp true`" in str(refused.value)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.1.2.3:1", "http://localhost:1", "http://[::1]:1"])
def test_this_machine_is_reached_over_http(url: str) -> None:
    """The local RunPod has no certificate."""
    assert Settings.load({"runpod:apiBaseUrl": url}, {}).api_base_url == url


def test_plain_http_is_allowed_by_a_setting_and_never_for_runpod_itself() -> None:
    """`runpod:allowPlainHttp`, for a network that is trusted."""
    allowed = {"runpod:allowPlainHttp": "true"}

    assert Settings.load({**allowed, "runpod:apiBaseUrl": AWAY}, {}).api_base_url == AWAY
    with pytest.raises(SettingsError, match="must be https for RunPod itself"):
        Settings.load({**allowed, "runpod:apiBaseUrl": "http://api.runpod.io"}, {})


def urls_at(run: str, status: str) -> RequestUrls:
    return RequestUrls.model_validate({"run": f"{run}/v2/ep/run", "status": f"{status}/v2/ep/status/{{job_id}}"})


def test_a_job_url_without_tls_on_another_machine_gets_no_key(hasty: RetryPolicy) -> None:
    """The service names these URLs, one by one: the first being right says nothing of the next."""
    settings = Settings.load({"runpod:apiKey": KEY}, {})
    urls = urls_at("https://api.runpod.ai", AWAY)

    with (
        JobClient(urls, settings, policy=hasty) as jobs,
        pytest.raises(SettingsError, match="GET /v2/ep/status/j1 -> not sent, by the endpoint's requestUrls: http"),
    ):
        jobs.status("j1")

    async def asked() -> None:
        async with AsyncJobClient(urls, settings, policy=hasty) as jobs:
            await jobs.status("j1")

    with pytest.raises(SettingsError, match="not sent"):
        asyncio.run(asked())


def test_a_redirect_is_an_error_and_no_request(hasty: RetryPolicy) -> None:
    """A server that answers for the service could otherwise send the key anywhere."""
    with served(http("200 OK", "{}")) as elsewhere:
        moved = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with served(saying(moved)) as server:
            settings = Settings.load({"runpod:apiKey": KEY, "runpod:apiBaseUrl": server.url}, {})
            with RunPodClient(settings, policy=hasty) as client, pytest.raises(ApiError, match="307"):
                client.list(NETWORK_VOLUMES)
            with JobClient(urls_at(server.url, server.url), settings, policy=hasty) as jobs, pytest.raises(ApiError):
                jobs.status("j1")
        assert elsewhere.connections == 0


@contextmanager
def with_a_certificate_of_nobody(folder: Path) -> Iterator[str]:
    """URL of a TLS server on this machine whose certificate no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = RawServer([http("200 OK", '{"id": "j1", "status": "COMPLETED"}')])
    server.use_tls(context)
    try:
        yield server.url.replace("http://127.0.0.1", "https://localhost")
    finally:
        server.close()


def test_certificates_are_checked_whatever_the_first_url_was(tmp_path: Path, hasty: RetryPolicy) -> None:
    """A job is submitted over http to this machine, and its status is behind https."""
    with with_a_certificate_of_nobody(tmp_path) as url:
        settings = Settings.load({"runpod:apiKey": KEY}, {})
        urls = urls_at("http://127.0.0.1:9", url)
        with (
            JobClient(urls, settings, policy=hasty, sleep=lambda _: None) as jobs,
            pytest.raises(ConnectionFailed, match=r"(?i)certificate"),
        ):
            jobs.status("j1")
