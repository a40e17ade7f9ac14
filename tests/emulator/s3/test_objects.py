"""Objects through boto3 as it comes, against files on the volume."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from pulumi_runpod.emulator.local import LocalRunPod
from tests.emulator.s3.conftest import ClientMaker, make_volume
from tests.emulator.s3.refusal import refusal

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


def test_a_put_lands_where_the_worker_reads_it(s3: S3Client, volume: str, folder: Path) -> None:
    """An object is a file of the same path and bytes, with its MD5 as ETag, and readable by any user."""
    content = os.urandom(3 << 20)

    answer = s3.put_object(Bucket=volume, Key="models/sdxl/unet.bin", Body=content)

    file = folder / "models/sdxl/unet.bin"
    assert content == file.read_bytes()
    assert hashlib.md5(content).hexdigest() == answer["ETag"].strip('"')
    assert file.stat().st_mode & 0o777 == 0o644
    assert "CRC32" in {name.removeprefix("Checksum") for name in answer}


def test_the_hidden_folder_is_gone_when_nothing_is_being_written(s3: S3Client, volume: str, folder: Path) -> None:
    """A put leaves the file and nothing else."""
    s3.put_object(Bucket=volume, Key="a", Body=b"1")

    assert [path.name for path in folder.iterdir()] == ["a"]


def test_get_returns_bytes_metadata_and_type(s3: S3Client, volume: str) -> None:
    """What was put is what comes back, with its metadata."""
    s3.put_object(Bucket=volume, Key="a b/ü#?%.txt", Body=b"words", ContentType="text/plain", Metadata={"source": "x"})

    got = s3.get_object(Bucket=volume, Key="a b/ü#?%.txt")

    assert got["Body"].read() == b"words"
    assert (got["ContentType"], got["Metadata"]) == ("text/plain", {"source": "x"})
    assert got["ETag"] == s3.head_object(Bucket=volume, Key="a b/ü#?%.txt")["ETag"]


@pytest.mark.parametrize(
    ("asked", "content", "text"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
    ],
)
def test_a_range_returns_that_part(s3: S3Client, volume: str, asked: str, content: bytes, text: str) -> None:
    """A range answers 206 with its bytes and where they lie."""
    s3.put_object(Bucket=volume, Key="digits", Body=b"0123456789")

    got = s3.get_object(Bucket=volume, Key="digits", Range=asked)

    assert (content, text, 206) == (
        got["Body"].read(),
        got["ContentRange"],
        got["ResponseMetadata"]["HTTPStatusCode"],
    )


def test_a_range_beyond_the_end_is_refused(s3: S3Client, volume: str) -> None:
    """A range of which nothing exists is 416."""
    s3.put_object(Bucket=volume, Key="digits", Body=b"0123456789")

    with refusal("InvalidRange", status=416):
        s3.get_object(Bucket=volume, Key="digits", Range="bytes=10-12")


def test_conditions_on_reads_hold(s3: S3Client, volume: str) -> None:
    """If-None-Match of the current ETag is 304, If-Match of another is 412."""
    etag = s3.put_object(Bucket=volume, Key="a", Body=b"1")["ETag"]

    with refusal("304", status=304):
        s3.get_object(Bucket=volume, Key="a", IfNoneMatch=etag)
    with refusal("PreconditionFailed", status=412):
        s3.get_object(Bucket=volume, Key="a", IfMatch='"other"')


def test_a_file_of_a_worker_has_its_md5_as_etag(s3: S3Client, volume: str, folder: Path) -> None:
    """What was not uploaded is hashed when asked for; what a worker changed is hashed again."""
    s3.put_object(Bucket=volume, Key="out.png", Body=b"old")
    (folder / "out.png").write_bytes(b"a worker's")

    assert hashlib.md5(b"a worker's").hexdigest() == s3.head_object(Bucket=volume, Key="out.png")["ETag"].strip('"')


def test_delete_removes_the_file_and_is_repeatable(s3: S3Client, volume: str, folder: Path) -> None:
    """A second delete succeeds as the first; the directory stays until its own key is deleted."""
    s3.put_object(Bucket=volume, Key="d/a", Body=b"1")

    s3.delete_object(Bucket=volume, Key="d/a")
    s3.delete_object(Bucket=volume, Key="d/a")
    assert (folder / "d").is_dir()
    s3.delete_object(Bucket=volume, Key="d/")

    assert list(folder.iterdir()) == []


def test_a_copy_keeps_content_and_etag(s3: S3Client, volume: str, folder: Path) -> None:
    """A copy is a second file with the first one's bytes, ETag and metadata."""
    etag = s3.put_object(Bucket=volume, Key="a", Body=b"1", Metadata={"k": "v"})["ETag"]

    copied = s3.copy_object(Bucket=volume, Key="d/b", CopySource={"Bucket": volume, "Key": "a"})

    assert (b"1", etag) == ((folder / "d/b").read_bytes(), copied["CopyObjectResult"]["ETag"])
    assert s3.head_object(Bucket=volume, Key="d/b")["Metadata"] == {"k": "v"}


def test_a_missing_key_is_reported_as_such(s3: S3Client, volume: str, folder: Path) -> None:
    """No file, and a directory asked for as a file, are NoSuchKey."""
    (folder / "d").mkdir()
    for key in ("missing", "d", "d/missing"):
        with refusal("NoSuchKey", status=404):
            s3.get_object(Bucket=volume, Key=key)
    with refusal("404", status=404):
        s3.head_object(Bucket=volume, Key="missing")


def test_a_key_below_a_file_is_refused(s3: S3Client, volume: str) -> None:
    """A file is no directory, and a directory no file."""
    s3.put_object(Bucket=volume, Key="d/a", Body=b"1")

    with refusal("InvalidRequest", status=400):
        s3.put_object(Bucket=volume, Key="d/a/b", Body=b"1")
    with refusal("InvalidRequest", status=400):
        s3.put_object(Bucket=volume, Key="d", Body=b"1")


def test_a_folder_key_makes_an_empty_directory(s3: S3Client, volume: str, folder: Path) -> None:
    """A key that ends in a slash is a directory; it takes no bytes."""
    s3.put_object(Bucket=volume, Key="d/e/")

    assert (folder / "d/e").is_dir()
    with refusal("InvalidRequest", status=400):
        s3.put_object(Bucket=volume, Key="d/f/", Body=b"1")


def test_a_volume_of_another_data_center_is_no_bucket_here(runpod: LocalRunPod, s3: S3Client, volume: str) -> None:
    """Each data center knows its own volumes."""
    elsewhere = make_volume(runpod, data_center="US-KS-2")

    assert [volume] == [b["Name"] for b in s3.list_buckets()["Buckets"]]
    with refusal("NoSuchBucket", status=404):
        s3.put_object(Bucket=elsewhere, Key="a", Body=b"1")
    with refusal("404", status=404):
        s3.head_bucket(Bucket=elsewhere)
    s3.head_bucket(Bucket=volume)


def test_what_does_not_fit_is_refused_before_it_is_sent(
    runpod: LocalRunPod, s3: S3Client, volume: str, folder: Path
) -> None:
    """A volume is as large as it says: an object that does not fit is refused, and nothing of it stays."""
    with (folder / "big").open("wb") as file:
        file.truncate(10_000_000_000 - 10)  # sparse: it takes no disk here

    s3.put_object(Bucket=volume, Key="small", Body=b"0123456789")
    with refusal("InsufficientStorage", status=507):
        s3.put_object(Bucket=volume, Key="more", Body=b"1")

    assert {"big", "small"} == {path.name for path in folder.iterdir()}
    s3.delete_object(Bucket=volume, Key="big")
    s3.put_object(Bucket=volume, Key="more", Body=b"1")


def test_a_copy_that_does_not_fit_leaves_nothing(s3: S3Client, volume: str, folder: Path) -> None:
    """A copy is tried without asking for space, and fails without a trace when there is none."""
    with (folder / "big").open("wb") as file:
        file.truncate(10_000_000_000 - 10)
    (folder / "small").write_bytes(b"0123456789")

    with refusal("InsufficientStorage", status=507):
        s3.copy_object(Bucket=volume, Key="more", CopySource=f"{volume}/small")

    assert {"big", "small"} == {path.name for path in folder.iterdir()}


def test_an_object_of_500_mb_must_come_in_parts(s3: S3Client, volume: str, folder: Path) -> None:
    """PutObject takes less than 500 MB. The refusal comes before the bytes."""

    class Endless:
        """500 MB that are never really read."""

        def __init__(self) -> None:
            self.read_bytes = 0

        def __len__(self) -> int:
            return 500_000_000

        def read(self, size: int = -1) -> bytes:
            size = min(size if size >= 0 else 1 << 16, 500_000_000 - self.read_bytes)
            self.read_bytes += size
            return bytes(size)

        def seek(self, at: int, whence: int = 0) -> int:
            self.read_bytes = 500_000_000 + at if whence == 2 else at
            return self.read_bytes

        def tell(self) -> int:
            return self.read_bytes

    with refusal("EntityTooLarge", status=400):
        s3.put_object(Bucket=volume, Key="big", Body=Endless())  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"ContentMD5": base64.b64encode(hashlib.md5(b"other").digest()).decode()},
        {"ChecksumCRC32": "AAAAAA=="},
        {"ChecksumSHA256": base64.b64encode(hashlib.sha256(b"other").digest()).decode()},
        {"ChecksumSHA1": base64.b64encode(hashlib.sha1(b"other").digest()).decode()},
    ],
    ids=lambda result: next(iter(result)),
)
def test_a_wrong_checksum_is_refused(s3: S3Client, volume: str, folder: Path, fields: dict[str, str]) -> None:
    """Bytes that are not those the sum was made of never appear on the volume."""
    with refusal("BadDigest", status=400):
        s3.put_object(Bucket=volume, Key="a", Body=b"1", **fields)  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda s3, v: s3.delete_objects(Bucket=v, Delete={"Objects": [{"Key": "a"}]}),
        lambda s3, v: s3.create_bucket(Bucket="new-bucket"),
        lambda s3, v: s3.delete_bucket(Bucket=v),
        lambda s3, v: s3.get_bucket_location(Bucket=v),
        lambda s3, v: s3.get_bucket_versioning(Bucket=v),
        lambda s3, v: s3.list_object_versions(Bucket=v),
        lambda s3, v: s3.get_bucket_acl(Bucket=v),
        lambda s3, v: s3.get_object_acl(Bucket=v, Key="a"),
        lambda s3, v: s3.get_object_tagging(Bucket=v, Key="a"),
        lambda s3, v: s3.get_bucket_encryption(Bucket=v),
        lambda s3, v: s3.get_object_attributes(Bucket=v, Key="a", ObjectAttributes=["ETag"]),
        lambda s3, v: s3.restore_object(Bucket=v, Key="a", RestoreRequest={}),
        lambda s3, v: s3.put_object(Bucket=v, Key="a", Body=b"1", ACL="public-read"),
        lambda s3, v: s3.put_object(Bucket=v, Key="a", Body=b"1", ServerSideEncryption="AES256"),
        lambda s3, v: s3.put_object(Bucket=v, Key="a", Body=b"1", IfNoneMatch="*"),
        lambda s3, v: s3.put_object(Bucket=v, Key="a", Body=b"1", Tagging="a=b"),
    ],
)  # fmt: skip
def test_what_the_service_does_not_document_is_not_implemented(s3: S3Client, volume: str, call) -> None:  # type: ignore[no-untyped-def]
    """Operations and options outside the published list answer NotImplemented, instead of something made up."""
    s3.put_object(Bucket=volume, Key="a", Body=b"1")

    with refusal("NotImplemented", status=501):
        call(s3, volume)


def test_a_download_through_the_transfer_manager_is_whole(s3: S3Client, volume: str, tmp_path: Path) -> None:
    """boto3's own upload and download of a file of 20 MB, in parts both ways, give the same bytes."""
    content = os.urandom(20 << 20)
    (tmp_path / "up").write_bytes(content)

    s3.upload_file(str(tmp_path / "up"), volume, "d/file")
    s3.download_file(volume, "d/file", str(tmp_path / "down"))

    assert content == (tmp_path / "down").read_bytes()
    assert s3.head_object(Bucket=volume, Key="d/file")["ETag"].endswith('-3"')


def test_an_answer_before_the_body_does_not_spoil_the_connection(
    runpod: LocalRunPod, client_for: ClientMaker, volume: str
) -> None:
    """A refusal or a fault may answer a put whose bytes were never sent; the next call is understood all the same."""
    s3 = client_for(max_pool_connections=1)
    for number in range(10):
        with refusal("NoSuchUpload", status=404):
            s3.upload_part(Bucket=volume, Key="a", UploadId="unknown", PartNumber=1, Body=bytes(100))
        runpod.fault("http.status", method="PUT", status=503)
        with refusal("503", status=503):
            s3.put_object(Bucket=volume, Key="a", Body=bytes(100))
        s3.put_object(Bucket=volume, Key="a", Body=bytes(number))
        assert s3.head_object(Bucket=volume, Key="a")["ContentLength"] == number


def test_a_deleted_volume_is_no_bucket(runpod: LocalRunPod, s3: S3Client, volume: str) -> None:
    """With the volume goes its bucket."""
    runpod.call(lambda p: p.store.delete("network volume", volume))

    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.put_object(Bucket=volume, Key="a", Body=b"1")
