"""Bodies in aws-chunked framing: unsigned with a trailing CRC32, as botocore sends over TLS, and signed by chunk."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import os
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.s3.body import Body
from pulumi_runpod.emulator.s3.error import S3Error
from pulumi_runpod.emulator.s3.signature import ChunkSigner, Signed
from tests.emulator.s3.conftest import DATA_CENTER

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "tls.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return file


@contextlib.contextmanager
def behind_tls(port: int, pem: Path) -> Iterator[tuple[int, bytearray]]:
    """TLS in front of a port, passing bytes on as they are: (its own port, everything that clients sent)."""
    seen = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, to_writer, seen), pump(to_reader, writer, None))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray | None) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while piece := await reader.read(1 << 16):
                if record is not None:
                    record += piece
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def run(context: ssl.SSLContext) -> None:
        nonlocal loop, stopped
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await stopped.wait()
        server.close()

    loop: asyncio.AbstractEventLoop
    stopped: asyncio.Event
    ports: list[int] = []
    ready = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    thread = threading.Thread(target=lambda: asyncio.run(run(context)))
    thread.start()
    assert ready.wait(10)
    try:
        yield ports[0], seen
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()


@pytest.fixture
def over_tls(runpod: LocalRunPod, tmp_path: Path) -> Iterator[tuple[S3Client, bytearray]]:
    pem = certificate(tmp_path)
    with behind_tls(int(runpod.api.rsplit(":", 1)[1]), pem) as (port, seen):
        client = boto3.client(
            "s3",
            endpoint_url=f"https://127.0.0.1:{port}/s3/{DATA_CENTER}",
            region_name=DATA_CENTER,
            aws_access_key_id=runpod.s3_key.access_key_id,
            aws_secret_access_key=runpod.s3_key.secret_access_key,
            verify=str(pem),
        )
        yield client, seen
        client.close()


def test_what_botocore_sends_over_tls_by_default_is_understood(
    over_tls: tuple[S3Client, bytearray], volume: str, folder: Path
) -> None:
    """A put is framed, unsigned, with its CRC32 behind it: the file holds the payload, and the sum comes back."""
    s3, seen = over_tls
    content = os.urandom(3_000_001)

    result = s3.put_object(Bucket=volume, Key="d/a", Body=content)

    assert b"STREAMING-UNSIGNED-PAYLOAD-TRAILER" in seen
    assert b"x-amz-checksum-crc32:" in seen
    assert (folder / "d/a").read_bytes() == content
    assert result["ChecksumCRC32"]


def test_parts_over_tls_are_understood(
    over_tls: tuple[S3Client, bytearray], volume: str, folder: Path, tmp_path: Path
) -> None:
    """boto3's transfer manager, which sends parts with trailers, gives the file whole."""
    s3, _ = over_tls
    content = os.urandom(17 << 20)
    (tmp_path / "up").write_bytes(content)

    s3.upload_file(str(tmp_path / "up"), volume, "d/a")

    assert (folder / "d/a").read_bytes() == content


# The example of Amazon's page "Signature Calculations for the Authorization Header: Transferring Payload in Multiple
# Chunks": 66,560 letters a, in chunks of 65,536, 1,024 and 0 bytes.
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # published with the example
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
SIGNATURES = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)


def framed(sizes: tuple[int, ...] = (65_536, 1_024, 0), letter: bytes = b"a") -> bytes:
    return b"".join(
        b"%x;chunk-signature=%s\r\n%s\r\n" % (size, signature.encode(), letter * size)
        for size, signature in zip(sizes, SIGNATURES, strict=True)
    )


def read(wire: bytes, how: str, *, length: int = 66_560, step: int = 1_000, trailer: str = "") -> tuple[bytes, Body]:
    """What `Body` makes of bytes that arrive in steps."""
    pieces = [wire[at : at + step] for at in range(0, len(wire), step)]

    async def receive() -> dict[str, object]:
        piece = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    headers = [(b"x-amz-decoded-content-length", str(length).encode()), (b"x-amz-trailer", trailer.encode())]
    request = Request({"type": "http", "method": "PUT", "path": "/", "headers": headers}, receive)  # type: ignore[arg-type]
    chunks = ChunkSigner(secret=SECRET, timestamp="20130524T000000Z", region="us-east-1", seed=SEED)
    body = Body(request, Signed("key", how, chunks))

    async def collect() -> bytes:
        return b"".join([piece async for piece in body.pieces()])

    return asyncio.run(collect()), body


@pytest.mark.parametrize("step", [1, 7, 1_000, 1_000_000])
def test_chunks_signed_as_published_are_taken(step: int) -> None:
    """Amazon's own example, however the bytes arrive."""
    payload, _ = read(framed(), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", step=step)

    assert payload == b"a" * 66_560


def test_a_changed_chunk_is_refused() -> None:
    """Each chunk's signature is checked."""
    with pytest.raises(S3Error, match="does not match"):
        read(framed(letter=b"b"), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (framed()[:-300], "IncompleteBody"),
        (b"zz\r\n", "IncompleteBody"),
        (b"3\r\nabcd\r\n0\r\n\r\n", "IncompleteBody"),
        (b"x" * 10_000, "IncompleteBody"),
        (b"3\r\nabc\r\n0\r\n\r\n", "IncompleteBody"),
        (b"", "IncompleteBody"),
    ],
    ids=["cut off", "no size", "longer than it says", "no line", "shorter than declared", "empty"],
)
def test_broken_framing_is_refused(wire: bytes, code: str) -> None:
    """A body that ends early, or is not framed, is IncompleteBody."""
    how = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" if b"chunk-signature" in wire else "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    with pytest.raises(S3Error) as caught:
        read(wire, how)
    assert caught.value.code == code


def test_trailers_are_reported_and_missing_ones_refused() -> None:
    """What was promised behind the body must come."""
    wire = b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n"

    payload, body = read(wire, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", length=3, trailer="x-amz-checksum-crc32")

    assert payload == b"abc"
    assert body.trailers == {"x-amz-checksum-crc32": "NSRBwg=="}
    with pytest.raises(S3Error, match="missing"):
        read(b"3\r\nabc\r\n0\r\n\r\n", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", length=3, trailer="x-amz-checksum-crc32")


def test_an_unknown_way_of_signing_a_body_is_not_implemented() -> None:
    """What is not understood is not taken."""
    with pytest.raises(S3Error, match="not supported"):
        read(b"", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")
