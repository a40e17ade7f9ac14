"""Lists in the order S3 promises, page by page."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_runpod.emulator.s3.listing import Query, page

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

KEYS = ["a", "a-b/c", "a.b", "a/b", "a/b-c", "a/c/d", "a/c/e", "b/x/y/z", "ä/ö", "z z/#"]


def put_all(s3: S3Client, volume: str, keys: list[str]) -> None:
    for key in keys:
        s3.put_object(Bucket=volume, Key=key, Body=key.encode())


@pytest.mark.parametrize("method", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_every_key_is_listed_once_in_order_of_bytes(s3: S3Client, volume: str, method: str, size: int) -> None:
    """Whatever the page size, the pages together are the sorted keys."""
    keys = [k for k in KEYS if k != "a"]
    put_all(s3, volume, random.Random(1).sample(keys, len(keys)))

    pages = s3.get_paginator(method).paginate(Bucket=volume, PaginationConfig={"PageSize": size})  # type: ignore[call-overload]
    listed = [o["Key"] for one in pages for o in one.get("Contents", [])]

    assert listed == sorted(keys, key=str.encode)


def test_a_delimiter_folds_directories(s3: S3Client, volume: str) -> None:
    """Prefix and delimiter give one level, as `aws s3 ls` shows it."""
    put_all(s3, volume, ["a/b", "a/c/d", "a/c/e", "a/d/f/g", "b", "a-b"])

    listed = s3.list_objects_v2(Bucket=volume, Prefix="a/", Delimiter="/")
    assert [o["Key"] for o in listed["Contents"]] == ["a/b"]
    assert [p["Prefix"] for p in listed["CommonPrefixes"]] == ["a/c/", "a/d/"]
    assert listed["KeyCount"] == 3
    top = s3.list_objects_v2(Bucket=volume, Prefix="a", Delimiter="/")
    assert [o["Key"] for o in top["Contents"]] == ["a-b"]
    assert [p["Prefix"] for p in top["CommonPrefixes"]] == ["a/"]


def test_an_empty_directory_is_listed(s3: S3Client, volume: str, folder: Path) -> None:
    """As published, and unlike S3 itself."""
    (folder / "d/empty").mkdir(parents=True)

    listed = s3.list_objects_v2(Bucket=volume)["Contents"]

    assert [(o["Key"], o["Size"]) for o in listed] == [("d/empty/", 0)]


def test_unfinished_uploads_are_not_listed(s3: S3Client, volume: str, folder: Path) -> None:
    """They lie elsewhere; what is in the folder that the service uses for them is hidden."""
    (folder / ".s3compat_uploads").mkdir()
    (folder / ".s3compat_uploads/left-over").touch()
    upload = s3.create_multipart_upload(Bucket=volume, Key="big")["UploadId"]
    s3.upload_part(Bucket=volume, Key="big", UploadId=upload, PartNumber=1, Body=b"1")

    assert s3.list_objects_v2(Bucket=volume)["KeyCount"] == 0


def test_a_listing_tells_the_etag_of_the_upload(s3: S3Client, volume: str) -> None:
    """Sizes and ETags of a list are those of HEAD."""
    etag = s3.put_object(Bucket=volume, Key="a", Body=b"words")["ETag"]

    [listed] = s3.list_objects_v2(Bucket=volume)["Contents"]

    assert (listed["ETag"], listed["Size"]) == (etag, 5)


names = st.text(alphabet="ab-./ö", min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    keys=st.sets(names, max_size=8),
    prefix=st.text(alphabet="ab-/", max_size=3),
    delimiter=st.sampled_from(["", "/", "-"]),
    size=st.integers(1, 4),
)
def test_pages_agree_with_the_definition(
    tmp_path_factory: pytest.TempPathFactory, keys: set[str], prefix: str, delimiter: str, size: int
) -> None:
    """For any tree, prefix, delimiter and page size, pages are what the definition of S3 says of the set of keys."""
    volume = tmp_path_factory.mktemp("volume")
    there: set[str] = set()
    for key in sorted(keys):
        parts = key.split("/")
        above = {"/".join(parts[:i]) for i in range(1, len(parts))}
        if any(p in ("", ".", "..") for p in parts) or above & there or any(k.startswith(f"{key}/") for k in there):
            continue
        path = volume / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        there.add(key)

    listed, after = [], ""
    for _ in range(20):
        found = page(volume, Query(prefix=prefix, delimiter=delimiter, after=after, limit=size))
        listed += sorted([key for key, _ in found.files] + found.prefixes, key=str.encode)
        after = found.last
        if not found.truncated:
            break

    def folded(key: str) -> str:
        end = key.find(delimiter, len(prefix)) if delimiter else -1
        return key if end < 0 else key[: end + len(delimiter)]

    assert listed == sorted({folded(k) for k in there if k.startswith(prefix)}, key=str.encode)
