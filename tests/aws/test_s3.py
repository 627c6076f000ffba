"""Bundle, rules and reference from S3, savepoints and outputs to S3: only the paths change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from jobs.config.checkpoints import METADATA
from jobs.config.errors import ConfigError
from jobs.config.record_format import record_format
from jobs.score_transactions import run, start
from tests.aws.reference import write_reference
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.foreign_stream import converted_lines, foreign_lines, write_mapping
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import by_user, replayed
from tests.servers.moto_server import MotoServer
from udfs.process.remote_files import RemoteFileError, S3Settings, local_paths
from udfs.records.codec import decode_event
from udfs.scoring.settings import ScorerPaths

EVENTS = 12_000


def upload(moto: MotoServer, bucket: str, folder: Path, prefix: str) -> str:
    for path in folder.rglob("*"):
        if path.is_file():
            moto.client("s3").upload_file(str(path), bucket, f"{prefix}/{path.relative_to(folder)}")
    return f"s3://{bucket}/{prefix}"


def objects(moto: MotoServer, bucket: str, prefix: str) -> dict[str, bytes]:
    client = moto.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys if not key.endswith("/")}


@pytest.mark.long
def test_a_run_on_s3_with_a_savepoint_decides_like_a_local_one(
    configure: Configure, moto: MotoServer, bucket: str, bundle: Path, tmp_path: Path
) -> None:
    lines = event_lines(EVENTS, seed=6)
    source = write_events(tmp_path / "events.jsonl", lines)
    reference = write_reference(tmp_path / "reference")
    sections: dict[str, Any] = {
        "sinks": [{"kind": "files", "directory": f"s3://{bucket}/out"}],
        "scoring": {
            "bundle": upload(moto, bucket, bundle, "bundles/tiny"),
            "reference": upload(moto, bucket, reference, "reference"),
        },
        "s3": {"endpoint": moto.endpoint, "path_style": True},
        "flink": {"extra": PROMPT},
    }

    job = start(configure(source, **sections))
    wait_for_records(job, 1_000)
    savepoint = job.stop_with_savepoint(f"s3://{bucket}/savepoints")
    assert savepoint.startswith(f"s3://{bucket}/savepoints/")
    assert [key for key in objects(moto, bucket, "savepoints/") if key.endswith(METADATA)]
    before = b"".join(objects(moto, bucket, "out/decisions/").values()).splitlines()
    assert 0 < len(before) < EVENTS * 0.9
    run(configure(source, **sections, state={"restore_from": f"s3://{bucket}/savepoints"}))

    on_this_machine = configure(source, scoring={"reference": str(reference)}, sinks=[{"kind": "discard"}])
    expected = replayed(on_this_machine, lines)
    for topic in ("decisions", "alerts"):
        found = b"".join(objects(moto, bucket, f"out/{topic}/").values()).splitlines()
        assert by_user(found) == by_user(expected[topic])


def settings(moto: MotoServer) -> S3Settings:
    return S3Settings(endpoint=moto.endpoint, path_style=True)


def test_a_copy_is_made_once_for_each_version_of_the_content(moto: MotoServer, bucket: str, tmp_path: Path) -> None:
    client, cache = moto.client("s3"), tmp_path / "cache"
    client.put_object(Bucket=bucket, Key="rules/mine.yaml", Body=b"one")
    client.put_object(Bucket=bucket, Key="reference/users.jsonl", Body=b"{}")
    client.put_object(Bucket=bucket, Key="reference/deep/feeds.jsonl", Body=b"[]")
    paths = ScorerPaths(
        bundle="/here", rules=f"s3://{bucket}/rules/mine.yaml", reference=f"s3://{bucket}/reference/", fx_rates=None
    )

    first = local_paths(paths, settings(moto), cache)

    assert first.bundle == "/here"
    assert Path(first.rules).name == "mine.yaml"
    assert Path(first.rules).read_bytes() == b"one"
    assert first.reference is not None
    found = {str(path.relative_to(first.reference)) for path in Path(first.reference).rglob("*") if path.is_file()}
    assert found == {"users.jsonl", "deep/feeds.jsonl"}
    Path(first.rules).write_bytes(b"a copy is not made again")
    assert local_paths(paths, settings(moto), cache) == first
    assert Path(first.rules).read_bytes() == b"a copy is not made again"
    client.put_object(Bucket=bucket, Key="rules/mine.yaml", Body=b"two")
    second = local_paths(paths, settings(moto), cache)
    assert Path(second.rules).read_bytes() == b"two"
    assert second.reference == first.reference
    assert [path for path in cache.iterdir() if path.name.startswith("incomplete")] == []


def test_the_sources_mapping_may_be_on_s3(configure: Configure, moto: MotoServer, bucket: str, tmp_path: Path) -> None:
    source = {"kind": "file", "path": str(write_events(tmp_path / "foreign.jsonl", foreign_lines(10)))}
    section = {"endpoint": moto.endpoint, "path_style": True}
    moto.client("s3").upload_file(str(write_mapping(tmp_path)), bucket, "conf/mapping.yaml")
    moto.client("s3").put_object(Bucket=bucket, Key="conf/wrong.yaml", Body=b"kind: transaction")

    config = configure(tmp_path, source=source | {"mapping": f"s3://{bucket}/conf/mapping.yaml"}, s3=section)
    key_path, decode = record_format(config.source, config.s3)
    assert key_path == "$.card.owner"
    assert decode(foreign_lines(10)[0]) == decode_event(converted_lines(tmp_path, foreign_lines(10))[0])

    for name, told in (
        ("none", "is not there; correct the path, or upload it"),
        ("wrong", "fields: transaction requires amount, timestamp, transaction_id, user_id"),
    ):
        url = f"s3://{bucket}/conf/{name}.yaml"
        wrong = configure(tmp_path, source=source | {"mapping": url}, s3=section)
        with pytest.raises(ConfigError, match=f"^source.mapping: {url}: {told}$"):
            record_format(wrong.source, wrong.s3)


def test_failed_downloads_are_reported(moto: MotoServer, bucket: str, tmp_path: Path) -> None:
    def told(**paths: str) -> str:
        with pytest.raises(RemoteFileError) as raised:
            local_paths(replace(ScorerPaths(bundle="/here"), **paths), settings(moto), tmp_path / "cache")
        return str(raised.value)

    assert told(rules=f"s3://{bucket}/none.yaml") == (
        f"s3://{bucket}/none.yaml: is not there; correct the path, or upload it"
    )
    assert told(bundle=f"s3://{bucket}/none") == (
        f"s3://{bucket}/none: the bucket holds nothing there; correct the path, or upload the folder"
    )
    assert told(bundle="s3://no-such-bucket/x") == ("s3://no-such-bucket/x: there is no such bucket; correct the name")
    moto.client("s3").put_object(Bucket=bucket, Key="bad/../../../x", Body=json.dumps({}).encode())
    assert "no name for a file" in told(reference=f"s3://{bucket}/bad")
    assert list((tmp_path / "cache").glob("incomplete-*")) == []


@pytest.mark.parametrize("whose", ["cache", "copy"])
def test_a_copy_that_others_could_have_written_is_not_used(
    moto: MotoServer, bucket: str, tmp_path: Path, whose: str
) -> None:
    """Not even if it is complete: whoever may write to the temporary directory can lay a bundle there."""
    cache = tmp_path / "cache"
    moto.client("s3").put_object(Bucket=bucket, Key="statistics.json", Body=b"{}")
    paths = ScorerPaths(bundle="/here", statistics=f"s3://{bucket}/statistics.json")
    copy = Path(local_paths(paths, settings(moto), cache).statistics or "").parent
    assert local_paths(paths, settings(moto), cache).statistics == str(copy / "statistics.json")
    place = cache if whose == "cache" else copy
    place.chmod(0o777)
    with pytest.raises(RemoteFileError, match=f"{place} belongs to another user, or others may write to it: remove it"):
        local_paths(paths, settings(moto), cache)
