"""Uploads in parts: assembled in order, invisible until complete, resumable after a restart."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.s3 import multipart
from pulumi_runpod.emulator.s3.etags import Meta
from pulumi_runpod.emulator.s3.xml import completed_parts
from tests.emulator.s3.conftest import DATA_CENTER, make_volume
from tests.emulator.s3.refusal import refusal

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

KEY = "models/big.bin"


def begin(s3: S3Client, volume: str) -> str:
    return s3.create_multipart_upload(Bucket=volume, Key=KEY)["UploadId"]


def send(s3: S3Client, volume: str, upload: str, number: int, body: bytes) -> CompletedPartTypeDef:
    result = s3.upload_part(Bucket=volume, Key=KEY, UploadId=upload, PartNumber=number, Body=body)
    return {"PartNumber": number, "ETag": result["ETag"]}


def finish(s3: S3Client, volume: str, upload: str, parts: list[CompletedPartTypeDef]) -> str:
    result = s3.complete_multipart_upload(Bucket=volume, Key=KEY, UploadId=upload, MultipartUpload={"Parts": parts})
    return result["ETag"].strip('"')


def test_parts_make_one_file_in_order_of_their_numbers(s3: S3Client, volume: str, folder: Path) -> None:
    """Parts may come in any order, be sent again, and be smaller than 5 MB; the ETag is that of S3 for parts."""
    upload = begin(s3, volume)
    third = send(s3, volume, upload, 30, b"cc")
    send(s3, volume, upload, 1, b"wrong")
    first = send(s3, volume, upload, 1, b"aaa")
    second = send(s3, volume, upload, 7, b"b")
    assert not (folder / KEY).exists()

    etag = finish(s3, volume, upload, [first, second, third])

    sums = b"".join(hashlib.md5(part).digest() for part in (b"aaa", b"b", b"cc"))
    assert etag == f"{hashlib.md5(sums).hexdigest()}-3"
    assert (folder / KEY).read_bytes() == b"aaabcc"
    assert s3.list_objects_v2(Bucket=volume)["Contents"][0]["ETag"] == f'"{etag}"'
    assert [path.name for path in folder.iterdir()] == ["models"]


def test_parts_that_are_not_named_are_left_out(s3: S3Client, volume: str, folder: Path) -> None:
    """Only what Complete names is in the file."""
    upload = begin(s3, volume)
    first = send(s3, volume, upload, 1, b"a")
    send(s3, volume, upload, 2, b"b")

    finish(s3, volume, upload, [first])

    assert (folder / KEY).read_bytes() == b"a"


def test_wrong_lists_of_parts_are_refused(s3: S3Client, volume: str, folder: Path) -> None:
    """An unknown part, another ETag and a wrong order are refused; the upload goes on."""
    upload = begin(s3, volume)
    first, second = send(s3, volume, upload, 1, b"a"), send(s3, volume, upload, 2, b"b")

    with refusal("InvalidPart", status=400):
        finish(s3, volume, upload, [first, {"PartNumber": 3, "ETag": second["ETag"]}])
    with refusal("InvalidPart", status=400):
        finish(s3, volume, upload, [first, {"PartNumber": 2, "ETag": first["ETag"]}])
    with refusal("InvalidPartOrder", status=400):
        finish(s3, volume, upload, [second, first])
    with refusal("MalformedXML", status=400):
        finish(s3, volume, upload, [])

    assert not (folder / KEY).exists()
    finish(s3, volume, upload, [first, second])


def test_an_aborted_upload_leaves_nothing(s3: S3Client, volume: str, folder: Path) -> None:
    """Abort frees the parts, and the id is then unknown."""
    upload = begin(s3, volume)
    send(s3, volume, upload, 1, b"a")

    s3.abort_multipart_upload(Bucket=volume, Key=KEY, UploadId=upload)

    assert list(folder.iterdir()) == []
    with refusal("NoSuchUpload", status=404):
        send(s3, volume, upload, 2, b"b")


@pytest.mark.parametrize("upload_id", ["nope", "../../other", "0" * 32])
def test_an_unknown_upload_id_is_reported(s3: S3Client, volume: str, upload_id: str) -> None:
    """An id is no path."""
    with refusal("NoSuchUpload", status=404):
        send(s3, volume, upload_id, 1, b"a")


def test_part_numbers_have_bounds(s3: S3Client, volume: str) -> None:
    """1 to 10,000."""
    upload = begin(s3, volume)
    for number in (0, 10_001):
        with refusal("InvalidArgument", status=400):
            send(s3, volume, upload, number, b"a")


def test_uploads_and_parts_are_listed_page_by_page(s3: S3Client, volume: str) -> None:
    """A client finds its unfinished uploads by key, and the parts that have arrived."""
    upload = begin(s3, volume)
    other = s3.create_multipart_upload(Bucket=volume, Key="other/b")["UploadId"]
    parts = [send(s3, volume, upload, number, bytes(number)) for number in (1, 2, 5)]

    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=volume, PaginationConfig={"PageSize": 1})
    assert [u["UploadId"] for one in pages for u in one["Uploads"]] == [upload, other]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=volume, Prefix="other/")["Uploads"]] == ["other/b"]
    found = s3.get_paginator("list_parts").paginate(
        Bucket=volume, Key=KEY, UploadId=upload, PaginationConfig={"PageSize": 2}
    )
    listed = [(p["PartNumber"], p["Size"], p["ETag"]) for one in found for p in one["Parts"]]
    assert listed == [(p["PartNumber"], p["PartNumber"], p["ETag"]) for p in parts]


def test_copying_into_a_part_is_not_implemented(s3: S3Client, volume: str) -> None:
    """UploadPartCopy is not in the published list."""
    s3.put_object(Bucket=volume, Key="a", Body=b"1")
    upload = begin(s3, volume)

    with refusal("NotImplemented", status=501):
        s3.upload_part_copy(Bucket=volume, Key=KEY, UploadId=upload, PartNumber=1, CopySource=f"{volume}/a")


def test_a_part_that_does_not_fit_fails_and_frees_its_bytes(s3: S3Client, volume: str, folder: Path) -> None:
    """Space is not asked for beforehand; a part for which there is none fails, and completing needs no second space."""
    with (folder / "big").open("wb") as file:
        file.truncate(10_000_000_000 - 10)
    upload = begin(s3, volume)
    with refusal("InsufficientStorage", status=507):
        send(s3, volume, upload, 1, bytes(5000))

    (folder / "big").unlink()
    part = send(s3, volume, upload, 1, bytes(5000))
    finish(s3, volume, upload, [part])
    assert (folder / KEY).stat().st_size == 5000


def test_requests_at_the_same_time_do_not_disturb_each_other(s3: S3Client, volume: str, folder: Path) -> None:
    """Puts, parts and aborts share a hidden folder that comes and goes with them; each does its work all the same."""

    def put(number: int) -> None:
        s3.put_object(Bucket=volume, Key=f"plain/{number}", Body=bytes(number))

    def upload_and_abort(number: int) -> None:
        key = f"aborted/{number}"
        upload = s3.create_multipart_upload(Bucket=volume, Key=key)["UploadId"]
        s3.upload_part(Bucket=volume, Key=key, UploadId=upload, PartNumber=1, Body=bytes(number))
        s3.list_multipart_uploads(Bucket=volume)
        s3.abort_multipart_upload(Bucket=volume, Key=key, UploadId=upload)

    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(work, number) for number in range(60) for work in (put, upload_and_abort)]
    for one in done:
        one.result()

    assert {path.name: path.stat().st_size for path in (folder / "plain").iterdir()} == {str(n): n for n in range(60)}
    assert [path.name for path in folder.iterdir()] == ["plain"]


def test_an_upload_survives_a_restart(tmp_path: Path) -> None:
    """Parts sent before the server ended need not be sent again."""
    with LocalRunPod(state_dir=tmp_path) as runpod:
        volume = make_volume(runpod)
        s3 = client(runpod)
        upload = begin(s3, volume)
        first = send(s3, volume, upload, 1, b"aaa")
        s3.close()
    (tmp_path / "uploads" / volume / "draft-0").write_bytes(b"half a part")

    with LocalRunPod(state_dir=tmp_path) as runpod:
        s3 = client(runpod)
        second = send(s3, volume, upload, 2, b"bb")
        etag = finish(s3, volume, upload, [first, second])
        assert s3.head_object(Bucket=volume, Key=KEY)["ETag"] == f'"{etag}"'
        s3.close()
        assert runpod.platform.volume_dir(volume).joinpath(KEY).read_bytes() == b"aaabb"
        assert [p.name for p in runpod.platform.volume_dir(volume).iterdir()] == ["models"]


def test_a_completion_cut_off_by_a_kill_is_finished_by_the_next(tmp_path: Path) -> None:
    """Whatever was moved already is not needed again, and what was moved by half is moved anew."""
    upload = multipart.create(tmp_path, "big", Meta(), now_ns=0)
    asked = []
    for number, content in enumerate((b"aaa", b"bb", b"c"), start=1):
        etag = hashlib.md5(content).hexdigest()
        (upload.folder / f"{number:05d}-{etag}").write_bytes(content)
        asked.append((number, etag))
    plan = [[number, etag, size] for (number, etag), size in zip(asked, (3, 2, 1), strict=True)]
    multipart._write_whole(upload.folder / "complete.json", plan)
    (upload.folder / f"00001-{asked[0][1]}").unlink()  # moved ...
    (upload.folder / "whole").write_bytes(b"aaab")  # ... and the second was being moved

    whole = multipart._assemble(upload, asked)

    assert whole.read_bytes() == b"aaabbc"
    assert upload.parts() == []


def client(runpod: LocalRunPod) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=runpod.s3_endpoint_url(DATA_CENTER),
        region_name=DATA_CENTER,
        aws_access_key_id=runpod.s3_key.access_key_id,
        aws_secret_access_key=runpod.s3_key.secret_access_key,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_document_type_is_refused_in_every_encoding(encoding: str, declared: bool) -> None:
    """Entities make a small document large; no encoding hides them."""
    declaration = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>' if declared else ""
    bomb = f'{declaration}<!DOCTYPE x [<!ENTITY a "1">]><x><Part><PartNumber>&a;</PartNumber><ETag>e</ETag></Part></x>'
    with pytest.raises(ValueError, match=r"."):
        completed_parts(bomb.encode(encoding))


def test_a_list_of_parts_is_read_with_its_declaration_and_byte_order_mark() -> None:
    """As clients send it."""
    text = '<?xml version="1.0" encoding="UTF-8"?><x><Part><PartNumber>1</PartNumber><ETag>"e"</ETag></Part></x>'
    assert completed_parts(text.encode("utf-8-sig")) == completed_parts(text.encode()) == [(1, "e")]
