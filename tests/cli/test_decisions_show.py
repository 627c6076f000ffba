"""`fraud decisions show`: named and packed features, plain and gzip, files, folders and standard input."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from cli.main import main
from models.default_bundle import DEFAULT_BUNDLE
from tests.jobs.event_stream import event_lines
from udfs.records.outputs import FeatureForm, Origin
from udfs.scoring.bundle import content_version, encode_manifest, read_manifest
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs


def show(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["decisions", "show", *map(str, arguments)], input=stdin)


def error_line(result: Result) -> str:
    """The error message, which must be one line."""
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    return line


def scored(form: FeatureForm) -> list[bytes]:
    """The decisions and duplicates of 300 events."""
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(log_features=form), ScorerPaths(bundle=str(DEFAULT_BUNDLE)), logs)
    lines = []
    for event in event_lines(300, seed=2, users=10):
        logs.set_current_key(json.loads(event)["user_id"])
        outputs = scorer.process(event, logs.key, None, Origin("events.jsonl"))
        lines += [output.value for output in outputs if output.destination == "decisions"]
    return lines


@pytest.fixture(scope="module")
def by_name() -> list[bytes]:
    return scored("names")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("packed") / "decisions.jsonl"
    file.write_bytes(b"\n".join(scored("packed")) + b"\n")
    return file


def only_decisions(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if line.startswith(b'{"type":"decision"')]


def test_packed_decisions_become_the_bytes_of_named_ones(packed: Path, by_name: list[bytes]) -> None:
    result = show(packed, "--json")
    assert result.exit_code == 0, result.output
    decisions = only_decisions(by_name)
    assert result.stdout.encode() == b"\n".join(decisions) + b"\n"
    assert (
        result.stderr
        == f"{len(decisions)} of {len(decisions)} decisions, {len(by_name) - len(decisions)} duplicates skipped\n"
    )


def test_named_decisions_are_unchanged(tmp_path: Path, by_name: list[bytes]) -> None:
    file = tmp_path / "decisions.jsonl"
    file.write_bytes(b"\n".join(by_name))
    assert show(file, "--json").stdout.encode() == b"\n".join(only_decisions(by_name)) + b"\n"


def test_gzip_folders_and_standard_input_give_the_same_output(packed: Path, tmp_path: Path) -> None:
    plain = show(packed, "--json").stdout
    lines = packed.read_bytes().splitlines(keepends=True)
    sink = tmp_path / "sink" / "decisions"
    sink.mkdir(parents=True)
    (sink / "part-1").write_bytes(gzip.compress(b"".join(lines[:100])))  # detected by content, not by name
    (sink / "part-2").write_bytes(b"".join(lines[100:]))
    (sink / ".part-3.inprogress").write_bytes(b"{")
    assert show(tmp_path / "sink", "--json").stdout == plain
    assert show(packed.parent, "--json").stdout == plain
    assert show("-", "--json", stdin=packed.read_bytes()).stdout == plain
    assert show("-", "--json", stdin=gzip.compress(packed.read_bytes())).stdout == plain


def test_a_decision_must_match_one_value_of_each_filter(packed: Path, by_name: list[bytes]) -> None:
    decisions: list[dict[str, Any]] = [json.loads(line) for line in only_decisions(by_name)]
    first, second = decisions[0], decisions[7]

    def shown(*arguments: object) -> list[str]:
        lines = show(packed, "--json", *arguments).stdout.splitlines()
        return [json.loads(line)["transaction_id"] for line in lines]

    def expected(**chosen: set[str]) -> list[str]:
        fit = [one for one in decisions if all(one[field] in values for field, values in chosen.items())]
        return [one["transaction_id"] for one in fit]

    assert shown("--transaction", first["transaction_id"], "--transaction", second["transaction_id"]) == expected(
        transaction_id={first["transaction_id"], second["transaction_id"]}
    )
    of_user = expected(user_id={first["user_id"]})
    assert shown("--user", first["user_id"]) == of_user
    assert shown("--user", first["user_id"], "--limit", 2) == of_user[:2]
    actions = {one["action"] for one in decisions}
    assert len(actions) > 1
    for action in actions:
        assert shown("--action", action, "--user", first["user_id"]) == expected(
            action={action}, user_id={first["user_id"]}
        )
    assert shown("--transaction", "never-sent") == []


def test_the_text_has_payment_reasons_and_known_features(packed: Path, by_name: list[bytes]) -> None:
    decision = next(one for one in map(json.loads, only_decisions(by_name)) if one["reasons"])
    arguments = (packed, "--transaction", decision["transaction_id"])
    text = show(*arguments).stdout
    known = {name: value for name, value in decision["features"].items() if value is not None}
    assert text.startswith("2026-01-01 ")
    assert f"transaction  {decision['transaction_id']}, decision {decision['decision_id']}" in text
    assert f"{len(known)} of {len(decision['features'])} known of feature set {decision['feature_set']}" in text
    assert decision["reasons"][0]["text"] in text
    listed = [line.split() for line in text.partition("known of feature set")[2].splitlines()[1:] if line]
    assert {name: float(value) for name, value, *_ in listed} == known
    assert "not known" not in text
    assert "  not known" in show(*arguments, "--features", "all").stdout
    assert "features" not in show(*arguments, "--features", "none").stdout


def test_an_unknown_feature_set_is_an_error_unless_a_bundle_names_it(
    by_name: list[bytes], packed: Path, tmp_path: Path
) -> None:
    """Feature set f00d has other names for the same values; a bundle by --bundle or in job.yaml gives them."""
    file = tmp_path / "run" / "decisions.jsonl"
    file.parent.mkdir()
    decisions = [
        json.loads(line) | {"feature_set": "f00d"} for line in only_decisions(packed.read_bytes().splitlines())
    ]
    file.write_text("".join(json.dumps(decision) + "\n" for decision in decisions))
    line = error_line(show(file))
    assert line.startswith(
        f"Error: {file}, line 1: the features are packed under feature set f00d, whose names are not known"
    )
    assert show(file, "--features", "none").exit_code == 0

    manifest = read_manifest(DEFAULT_BUNDLE)
    names = tuple(f"{name}_of_before" for name in manifest.feature_names)
    manifest = msgspec.structs.replace(manifest, feature_set_version="f00d", feature_names=names)
    manifest = msgspec.structs.replace(manifest, version=content_version(manifest))
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_bytes(encode_manifest(manifest))
    expected = {f"{name}_of_before": value for name, value in json.loads(by_name[0])["features"].items()}
    by_option = show(file, "--json", "--limit", 1, "--bundle", bundle)
    assert json.loads(by_option.stdout)["features"] == expected
    (file.parent / "job.yaml").write_text(json.dumps({"scoring": {"bundle": str(bundle)}}))
    assert show(file, "--json", "--limit", 1).stdout == by_option.stdout


def test_decisions_without_features_and_of_earlier_versions_are_shown(tmp_path: Path, by_name: list[bytes]) -> None:
    decision = json.loads(by_name[0]) | {"features": None}
    for field in ("probability", "coverage", "tags", "summary", "feature_set", "control_versions"):
        del decision[field]
    del decision["rules"]["points"], decision["rules"]["map"]
    file = tmp_path / "decisions.jsonl"
    file.write_text(json.dumps(decision))
    result = show(file)
    assert result.exit_code == 0, result.output
    assert "features     not in the decision" in result.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"type":"decision"}\n', "line 1: not a decision: Object missing required field"),
        (b'\n{"type":"dead_letter"}\n', "line 2: not a decision: Invalid value 'dead_letter'"),
        (b"\x1f\x8b\x09not deflated", "cannot be read: Unknown compression method"),
        (gzip.compress(b"", mtime=0)[:10] + b"\xff" * 20, "cannot be read: Error -3 while decompressing"),
        (gzip.compress(b"{}\n" * 1_000, mtime=0)[:20], "truncated gzip data in line"),
    ],
)
def test_errors_of_invalid_files_are_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "decisions.jsonl"
    file.write_bytes(content)
    assert words in error_line(show(file))


def test_exactly_one_input_must_be_given(packed: Path, tmp_path: Path) -> None:
    assert "give FILE, - for the standard input, --config, or --topic with --servers" in error_line(show())
    assert "give FILE" in error_line(show("--topic", "decisions"))
    assert "give either FILE or a topic" in error_line(show(packed, "--topic", "decisions"))
    assert "cannot be read: No such file" in error_line(show(tmp_path / "absent.jsonl"))
    assert "--servers: " in error_line(show("--topic", "decisions", "--servers", "nowhere"))
    job = tmp_path / "job.yaml"
    (tmp_path / "events.jsonl").touch()
    job.write_text(
        json.dumps({"source": {"kind": "file", "path": str(tmp_path / "events.jsonl")}, "sinks": [{"kind": "print"}]})
    )
    assert "has no sink of kind kafka: give the files of its decisions" in error_line(show("--config", job))
