"""`source.mapping`: foreign JSON is scored like the converted file; unmappable objects become dead letters."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cli.main import main
from jobs.config.entity_job import EntityJobConfig
from jobs.config.record_format import record_format
from jobs.entity_aggregates import start as start_entities
from jobs.score_transactions import run
from tests.conftest import Configure
from tests.jobs.event_stream import write_events
from tests.jobs.foreign_stream import BROKEN, MAPPING, converted_lines, foreign_lines, write_mapping
from tests.jobs.outcomes import by_user, replayed, written_lines
from tests.jobs.test_entity_aggregates import written
from udfs.records.codec import BadRecord

EVENTS = 2_000


def without_origin(lines: Iterable[bytes]) -> list[bytes]:
    return [json.dumps({**json.loads(line), "origin": None}).encode() for line in lines]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_foreign_json_is_scored_like_the_converted_file(configure: Configure, tmp_path: Path, parallelism: int) -> None:
    foreign = foreign_lines(EVENTS)
    broken = list(BROKEN)
    mixed = list(foreign)
    for number, raw in enumerate(broken):
        mixed.insert(100 * (number + 1), raw)
    source = {
        "kind": "file",
        "path": str(write_events(tmp_path / "foreign.jsonl", mixed)),
        "mapping": str(write_mapping(tmp_path)),
    }
    config = configure(tmp_path, source=source, flink={"parallelism": parallelism}, scoring={"log_features": True})

    counts = run(config).counts

    events = converted_lines(tmp_path, foreign)
    plain = configure(
        write_events(tmp_path / "events.jsonl", events),
        sinks=[{"kind": "files", "directory": str(tmp_path / "of-events")}],
        scoring={"log_features": True},
    )
    expected = replayed(plain, events)
    for topic in ("decisions", "alerts", "flags"):
        found = without_origin(written_lines(tmp_path / "out", topic))
        assert by_user(found) == by_user(without_origin(expected[topic]))
    assert len(expected["decisions"]) > 1_500
    assert len(expected["alerts"]) > 10
    letters = {
        base64.b64decode(letter["payload_base64"]): letter["reason"]
        for letter in map(json.loads, written_lines(tmp_path / "out", "dead-letters"))
    }
    assert set(letters) == set(broken)
    for raw, reason in BROKEN.items():
        assert letters[raw].startswith(reason)
    assert (counts.records, counts.dead_letters) == (len(mixed), len(broken))


def test_parity_and_coverage_read_the_log_by_the_mapping(configure: Configure, tmp_path: Path) -> None:
    foreign = foreign_lines(600)
    path = write_events(tmp_path / "foreign.jsonl", [*foreign[:50], *BROKEN, *foreign[50:]])
    source = {"kind": "file", "path": str(path), "mapping": str(write_mapping(tmp_path))}
    config = configure(tmp_path, source=source, scoring={"log_features": True})
    run(config)
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))

    out = str(tmp_path / "parity.json")
    result = CliRunner().invoke(
        main, ["parity", "--config", str(file), "--decisions", str(tmp_path / "out"), "--out", out]
    )

    assert result.exit_code == 0, result.output
    report = json.loads(Path(out).read_bytes())
    decided = sum(json.loads(line)["type"] == "decision" for line in written_lines(tmp_path / "out", "decisions"))
    assert report["transactions"] == report["compared"] == decided > 500

    checked = configure(tmp_path, source=source, sinks=[{"kind": "files", "directory": str(tmp_path / "new")}])
    file.write_text(yaml.safe_dump(checked.model_dump(mode="json")))
    told = CliRunner().invoke(main, ["config", "check", str(file)])
    assert told.exit_code == 0, told.output
    assert f"source.mapping: {tmp_path}/mapping.yaml" in told.output
    assert f"{len(foreign):,} transactions sampled" in told.output


def test_entities_of_foreign_json_get_the_histories_of_the_converted_file(tmp_path: Path, log_directory: Path) -> None:
    foreign = foreign_lines(400)
    events = write_events(tmp_path / "events.jsonl", converted_lines(tmp_path, foreign))
    path = write_events(tmp_path / "foreign.jsonl", [*foreign, *BROKEN])

    def counted(name: str, source: dict[str, Any]) -> tuple[dict[str, int], dict[str, Any]]:
        target = tmp_path / name
        config = EntityJobConfig.model_validate(
            {
                "source": {"kind": "file", **source},
                "store": {"kind": "sqlite", "path": str(target)},
                "aggregates": {"flush_interval_ms": 50, "attributes": [{"name": "card_type"}]},
                "flink": {"log_directory": str(log_directory)},
            }
        )
        job = start_entities(config)
        job.wait()
        return job.accumulators, written(target)[0]

    told, by_mapping = counted("foreign.sqlite", {"path": str(path), "mapping": str(write_mapping(tmp_path))})
    _, by_events = counted("events.sqlite", {"path": str(events)})
    assert by_mapping == by_events
    assert {"history:merchant:M001", "history:attribute:card_type=gold"} <= set(by_mapping)
    assert (told["entity-events"], told["entity-bad-records"]) == (len(foreign), len(BROKEN))


def test_the_job_needs_the_mapping_file_only_while_it_is_built(configure: Configure, tmp_path: Path) -> None:
    mapping = write_mapping(tmp_path)
    lines = write_events(tmp_path / "foreign.jsonl", foreign_lines(10))
    config = configure(tmp_path, source={"kind": "file", "path": str(lines), "mapping": str(mapping)})
    key_path, decode = record_format(config.source, config.s3)
    mapping.unlink()
    assert key_path == "$.card.owner"
    assert decode(foreign_lines(10)[0]).user_id in json.loads(foreign_lines(10)[0])["card"]["owner"]
    with pytest.raises(BadRecord, match=r"^expected a JSON object$"):
        decode(b"[]")


WRONG: list[tuple[str | None, dict[str, str], str]] = [
    (None, {}, "source.mapping: file {file} does not exist"),
    ("kind: payment", {}, "source.mapping: {file}: kind: "),
    (MAPPING.replace("amount:", "amuont:"), {},
     "source.mapping: {file}: fields: unknown field 'amuont' of transaction (did you mean 'amount'?); allowed: "),
    (MAPPING.replace("$.card.owner\nf", "$.owner\nf"), {},
     "source.mapping: {file}: key_path: '$.owner' is not the path of the column mapped to user_id; set key_path: $.card"),
    (MAPPING.replace("transaction_id: ref", "transaction_id: {row_number: true}"), {},
     "source.mapping: {file}: fields.transaction_id.row_number: is for files"),
    ("kind: merchant\nfields: {merchant_id: m}", {}, "source.mapping: {file}: key_path: rows of kind merchant"),
    ("fields: [", {}, "source.mapping: {file}: line 1: invalid YAML"),
    (MAPPING, {"key_path": "$.user"}, "source: key_path is set in the mapping file: remove it here"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "more", "told"), WRONG)
def test_config_check_reports_an_invalid_mapping_in_one_line(
    tmp_path: Path, text: str | None, more: dict[str, str], told: str
) -> None:
    if text is not None:
        (tmp_path / "mapping.yaml").write_text(text)
    source: dict[str, Any] = {"kind": "kafka", "connection": {"bootstrap_servers": "localhost:9092"}}
    for name, rest in (
        ("scoring", {"sinks": [{"kind": "print"}]}),
        ("entities", {"store": {"kind": "sqlite", "path": "x"}}),
    ):
        file = tmp_path / f"{name}.yaml"
        tree = {"source": source | {"mapping": str(tmp_path / "mapping.yaml")} | more, **rest}
        file.write_text(yaml.safe_dump(tree))
        result = CliRunner().invoke(main, ["config", "check", str(file)])
        assert result.exit_code == 2
        message = result.output.removeprefix("Error: ").strip()
        assert message.startswith(f"{file}: {told.format(file=tmp_path / 'mapping.yaml')}")
        assert "\n" not in message


def test_simulated_events_are_not_sent_into_a_stream_of_foreign_json(tmp_path: Path) -> None:
    source = {
        "kind": "kafka",
        "connection": {"bootstrap_servers": "localhost:1"},
        "mapping": str(write_mapping(tmp_path)),
    }
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump({"source": source, "sinks": [{"kind": "print"}]}))
    result = CliRunner().invoke(main, ["produce", "--config", str(file), "--users", "20"])
    assert result.exit_code == 2
    assert "source.mapping: the source has foreign JSON" in result.output
