"""Downloads bundles, rule files and other files from s3://, once for each version of their content.

A copy's folder is named by a hash of keys and ETags: unchanged content is not downloaded again. Copies are created
atomically.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from udfs.scoring.settings import ScorerPaths

SCHEME = "s3://"
FOLDERS = ("bundle", "lists", "reference")
FILES = ("rules", "statistics", "histories", "fx_rates")
"""Fields of ScorerPaths that may be remote."""


class S3Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Connection to S3; credentials come from AWS's default provider chain."""

    endpoint: str | None = None
    region: str | None = None
    path_style: bool = False


class RemoteFileError(RuntimeError):
    """A remote file cannot be read; the message has its URL and the cause."""


def default_cache() -> Path:
    """The default folder for copies, one for each user of the system."""
    return Path(tempfile.gettempdir(), f"fraud-downloads-{os.getuid()}")


def local_paths(paths: ScorerPaths, settings: S3Settings, cache: Path | None = None) -> ScorerPaths:
    """The paths with each remote one replaced by that of a local copy. Blocks while downloading. Raises RemoteFileError."""
    remote = {name: value for name in (*FOLDERS, *FILES) if (value := getattr(paths, name) or "").startswith(SCHEME)}
    if not remote:
        return paths
    bucket = S3Reader(settings, cache or default_cache())
    return replace(
        paths,
        **{name: str(bucket.folder(url) if name in FOLDERS else bucket.file(url)) for name, url in remote.items()},
    )


class S3Reader:
    """Copies S3 objects into a local folder, which several processes may share.

    Raises RemoteFileError when boto3 is not installed.
    """

    def __init__(self, settings: S3Settings, cache: Path) -> None:
        try:
            self._client = open_s3(settings)
        except ModuleNotFoundError as error:
            raise RemoteFileError(
                f"a path that begins with s3:// needs {error.name}: install the extra `aws`"
            ) from None
        self._cache = cache

    def file(self, url: str) -> Path:
        """The path of a local copy of one object. Raises RemoteFileError."""
        bucket, key = split_url(url)
        with _translated_errors(url):
            version = self._client.head_object(Bucket=bucket, Key=key)["ETag"]
            return self._copy(url, bucket, {key: version}, key.rpartition("/")[0]) / key.rpartition("/")[2]

    def folder(self, url: str) -> Path:
        """The path of a local copy of all objects below a prefix. Raises RemoteFileError, also if there are none."""
        bucket, key = split_url(url)
        prefix = key.rstrip("/")
        with _translated_errors(url):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
            found = {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", ())}
            objects = {name: version for name, version in found.items() if not name.endswith("/")}
            if not objects:
                raise RemoteFileError(f"{url}: the bucket holds nothing there; correct the path, or upload the folder")
            return self._copy(url, bucket, objects, prefix)

    def _copy(self, url: str, bucket: str, objects: dict[str, str], prefix: str) -> Path:
        version = hashlib.sha256(msgspec.json.encode([url, sorted(objects.items())])).hexdigest()[:32]
        folder = self._cache / version
        self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in (self._cache, folder):
            _require_own(place)
        if folder.is_dir():
            return folder
        incomplete = Path(tempfile.mkdtemp(prefix="incomplete-", dir=self._cache))
        try:
            for key, etag in objects.items():
                target = incomplete / key.removeprefix(prefix).lstrip("/")
                if not target.resolve().is_relative_to(incomplete.resolve()):
                    raise RemoteFileError(f"{url}: an object is called {key}, which is no name for a file")
                target.parent.mkdir(parents=True, exist_ok=True)
                body = self._client.get_object(Bucket=bucket, Key=key, IfMatch=etag)["Body"]
                with target.open("wb") as file:
                    shutil.copyfileobj(body, file)
            try:
                incomplete.rename(folder)
            except OSError:
                if not folder.is_dir():  # otherwise another process has downloaded it meanwhile
                    raise
        finally:
            shutil.rmtree(incomplete, ignore_errors=True)
        return folder


def _require_own(place: Path) -> None:
    """Refuse a folder that somebody else could have filled. Raises RemoteFileError."""
    try:
        status = place.lstat()
    except FileNotFoundError:
        return
    if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o022:
        raise RemoteFileError(
            f"{place} belongs to another user, or others may write to it: remove it, or set TMPDIR to a folder of yours"
        )


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of s3://bucket/key."""
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    return bucket, key


def open_s3(settings: S3Settings, timeout_s: float = 10) -> Any:
    """An S3 client with 3 attempts, and `timeout_s` for connecting and for each read. Raises ModuleNotFoundError."""
    import boto3
    from botocore.config import Config

    style: Any = {"addressing_style": "path" if settings.path_style else "auto"}
    config = Config(s3=style, connect_timeout=timeout_s, read_timeout=timeout_s, retries={"total_max_attempts": 3})
    return boto3.client("s3", region_name=settings.region, endpoint_url=settings.endpoint, config=config)


class _translated_errors:
    """Translates boto3's errors to RemoteFileError."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, ClientError):
            raise RemoteFileError(f"{self._url}: {describe_s3_error(error)}") from None
        if isinstance(error, BotoCoreError | OSError):
            raise RemoteFileError(f"{self._url}: cannot be downloaded: {error}") from None


def describe_s3_error(error: Any) -> str:
    """The cause of a ClientError of S3, with the remedy."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code == "NoSuchBucket":
        return "there is no such bucket; correct the name"
    if status == 404:
        return "is not there; correct the path, or upload it"
    if status == 403:
        return f"access is denied ({code}): give these credentials the right to read it"
    if status == 301 or code in ("PermanentRedirect", "AuthorizationHeaderMalformed"):
        return "the bucket is in another region: set s3.region to it"
    if status == 412:
        return "changed while it was downloaded; start again"
    return f"{code}: {error.response.get('Error', {}).get('Message', '')}"
