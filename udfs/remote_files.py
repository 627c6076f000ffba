"""Bundles, rule files and other files from s3://, downloaded once for each version of their content.

A copy's folder is named after what the bucket says of the content (keys and ETags), so that what is unchanged is not
downloaded again, and a copy is either whole or not there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from udfs.scorer_config import ScorerPaths

SCHEME = "s3://"
FOLDERS = ("bundle", "reference")
FILES = ("rules", "statistics", "histories", "fx_rates")
"""What of ScorerPaths may be remote."""


class S3Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How S3 is reached; credentials come from AWS's own chain."""

    endpoint: str | None = None
    region: str | None = None
    path_style: bool = False


class RemoteFileError(RuntimeError):
    """A remote file cannot be read; the message says which and why."""


def default_cache() -> Path:
    """This user's folder for copies."""
    return Path(tempfile.gettempdir(), f"fraud-downloads-{os.getuid()}")


def local_paths(paths: ScorerPaths, settings: S3Settings, cache: Path | None = None) -> ScorerPaths:
    """The same with each remote path replaced by that of a copy on this machine. Raises RemoteFileError."""
    remote = {name: value for name in (*FOLDERS, *FILES) if (value := getattr(paths, name) or "").startswith(SCHEME)}
    if not remote:
        return paths
    bucket = S3Reader(settings, cache or default_cache())
    return replace(
        paths,
        **{name: str(bucket.folder(url) if name in FOLDERS else bucket.file(url)) for name, url in remote.items()},
    )


class S3Reader:
    """Copies objects into a folder of this machine. Several processes may use the same one."""

    def __init__(self, settings: S3Settings, cache: Path) -> None:
        try:
            self._client = open_s3(settings)
        except ModuleNotFoundError as error:
            raise RemoteFileError(
                f"a path that begins with s3:// needs {error.name}: install the extra `aws`"
            ) from None
        self._cache = cache

    def file(self, url: str) -> Path:
        """A copy of one object. Raises RemoteFileError."""
        bucket, key = split_url(url)
        with _told(url):
            version = self._client.head_object(Bucket=bucket, Key=key)["ETag"]
            return self._copy(url, bucket, {key: version}, key.rpartition("/")[0]) / key.rpartition("/")[2]

    def folder(self, url: str) -> Path:
        """A copy of all objects below a prefix. Raises RemoteFileError, also where there are none."""
        bucket, key = split_url(url)
        prefix = key.rstrip("/")
        with _told(url):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
            found = {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", ())}
            objects = {name: version for name, version in found.items() if not name.endswith("/")}
            if not objects:
                raise RemoteFileError(f"{url}: the bucket holds nothing there; correct the path, or upload the folder")
            return self._copy(url, bucket, objects, prefix)

    def _copy(self, url: str, bucket: str, objects: dict[str, str], prefix: str) -> Path:
        version = hashlib.sha256(msgspec.json.encode([url, sorted(objects.items())])).hexdigest()[:32]
        folder = self._cache / version
        if folder.is_dir():
            return folder
        self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._cache.stat().st_uid != os.getuid():
            raise RemoteFileError(
                f"{self._cache} belongs to another user: remove it, or set TMPDIR to a folder of yours"
            )
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
                if not folder.is_dir():  # else another process was faster
                    raise
        finally:
            shutil.rmtree(incomplete, ignore_errors=True)
        return folder


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of s3://bucket/key."""
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    return bucket, key


def open_s3(settings: S3Settings, patience_s: float = 10) -> Any:
    """A client of S3."""
    import boto3
    from botocore.config import Config

    style: Any = {"addressing_style": "path" if settings.path_style else "auto"}
    config = Config(s3=style, connect_timeout=patience_s, read_timeout=patience_s, retries={"total_max_attempts": 3})
    return boto3.client("s3", region_name=settings.region, endpoint_url=settings.endpoint, config=config)


class _told:
    """Turns boto3's errors into ours."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, ClientError):
            raise RemoteFileError(f"{self._url}: {in_words(error)}") from None
        if isinstance(error, BotoCoreError | OSError):
            raise RemoteFileError(f"{self._url}: cannot be downloaded: {error}") from None


def in_words(error: Any) -> str:
    """What an answer of S3 means."""
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
