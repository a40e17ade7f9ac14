"""Nothing leaves the volume: not by the key, not by a link."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from tests.emulator.s3.refusal import refusal
from tests.emulator.s3.test_signature import signed

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

OUTSIDE = ["../escaped", "a/../../escaped", "a/..", "./a", "/etc/passwd", "a//b", "a/./b", "a%00b", "..%2Fescaped", "."]


@pytest.mark.parametrize("key", OUTSIDE)
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_a_key_that_is_no_path_is_refused(runpod: LocalRunPod, volume: str, method: str, key: str) -> None:
    """`..`, absolute keys, empty names and NUL are InvalidArgument, sent as they stand: no client tidied them."""
    request = signed(runpod, method, f"/{volume}/{key}", body=b"1" if method == "PUT" else b"")
    before = snapshot(runpod.platform.state_dir)

    connection = http.client.HTTPConnection(runpod.api.removeprefix("http://"))
    path = request.url.removeprefix(runpod.api)
    connection.request(method, path, body=b"1" if method == "PUT" else None, headers=dict(request.headers))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()

    assert (answer.status, "InvalidArgument" in text) == (400, True), text
    assert snapshot(runpod.platform.state_dir) == before


@pytest.mark.parametrize("key", ["x" * 256, "a/" * 600 + "b"])
def test_a_key_longer_than_a_path_may_be_is_refused(s3: S3Client, volume: str, key: str) -> None:
    """Names have 255 bytes at most, keys 1024."""
    with refusal("KeyTooLongError", status=400):
        s3.put_object(Bucket=volume, Key=key, Body=b"1")


def test_the_folder_of_unfinished_uploads_cannot_be_touched(s3: S3Client, volume: str) -> None:
    """It belongs to the service."""
    with refusal("AccessDenied", status=403):
        s3.put_object(Bucket=volume, Key=".s3compat_uploads/a", Body=b"1")


def test_a_link_that_leads_out_does_not_exist(s3: S3Client, volume: str, folder: Path, tmp_path: Path) -> None:
    """A worker's link to a file or directory outside can neither be read, listed, copied, nor written through."""
    (tmp_path / "secret").write_text("outside")
    (folder / "file").symlink_to(tmp_path / "secret")
    (folder / "dir").symlink_to(tmp_path)
    (folder / "loop").symlink_to("loop")

    for key in ("file", "dir/secret", "loop"):
        with refusal("NoSuchKey", status=404):
            s3.get_object(Bucket=volume, Key=key)
        with refusal("NoSuchKey", status=404):
            s3.copy_object(Bucket=volume, Key="copied", CopySource=f"{volume}/{key}")
    with refusal("AccessDenied", status=403):
        s3.put_object(Bucket=volume, Key="dir/new", Body=b"1")
    s3.delete_object(Bucket=volume, Key="dir/secret")

    assert s3.list_objects_v2(Bucket=volume)["KeyCount"] == 0
    assert snapshot(tmp_path) == {"secret": b"outside"}


def test_a_put_over_a_link_replaces_the_link(s3: S3Client, volume: str, folder: Path, tmp_path: Path) -> None:
    """What the link led to is never written."""
    (tmp_path / "secret").write_text("outside")
    (folder / "file").symlink_to(tmp_path / "secret")

    s3.put_object(Bucket=volume, Key="file", Body=b"inside")

    assert (folder / "file").read_bytes() == b"inside"
    assert not (folder / "file").is_symlink()
    assert (tmp_path / "secret").read_text() == "outside"


def test_a_link_within_the_volume_is_followed(s3: S3Client, volume: str, folder: Path) -> None:
    """The cache of Hugging Face consists of such links."""
    (folder / "blobs").mkdir()
    (folder / "blobs/abc").write_bytes(b"weights")
    (folder / "snapshot").mkdir()
    (folder / "snapshot/model").symlink_to("../blobs/abc")

    assert s3.get_object(Bucket=volume, Key="snapshot/model")["Body"].read() == b"weights"
    listed = s3.list_objects_v2(Bucket=volume)["Contents"]
    assert [(o["Key"], o["Size"]) for o in listed] == [("blobs/abc", 7), ("snapshot/model", 7)]


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, the database of the server aside."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("runpod.sqlite")
    }


def test_parts_of_uploads_never_lie_on_the_volume(
    s3: S3Client, volume: str, folder: Path, runpod: LocalRunPod, tmp_path: Path
) -> None:
    """A worker plants links where the service keeps parts: nothing is read or written through them."""
    (tmp_path / "secret").write_text("outside")
    upload = s3.create_multipart_upload(Bucket=volume, Key="model")["UploadId"]
    planted = folder / ".s3compat_uploads"
    assert not planted.exists()
    planted.symlink_to(tmp_path)
    part = s3.upload_part(Bucket=volume, Key="model", UploadId=upload, PartNumber=1, Body=b"bytes")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=volume, Key="model", UploadId=upload, MultipartUpload=parts)  # type: ignore[arg-type]

    assert (folder / "model").read_bytes() == b"bytes"
    assert snapshot(tmp_path) == {"secret": b"outside"}
    assert not list((runpod.platform.state_dir / "uploads").rglob("*"))
