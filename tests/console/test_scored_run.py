"""The rule set and the bundle of a scored run, for its pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from console.decides_with import NOT_KNOWN
from console.scored_run import what_decided
from jobs.config.value_types import shipped_bundle
from udfs.rules.pack_files import shipped_pack


@pytest.fixture
def run(tmp_path: Path) -> Path:
    configuration = {
        "source": {"kind": "file", "path": str(tmp_path / "events.jsonl")},
        "sinks": [{"kind": "files", "directory": str(tmp_path / "flink")}],
        "scoring": {"rules": "bank,compliance", "bundle": shipped_bundle()},
    }
    (tmp_path / "events.jsonl").write_text("")
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(configuration))
    tell(tmp_path, f"bank+compliance {shipped_pack('bank').version + shipped_pack('compliance').version}")
    return tmp_path


def tell(run: Path, rules: str) -> None:
    (run / "run.json").write_text(json.dumps({"rules": rules, "records": 1}))


def test_the_rules_and_the_bundle_of_a_run_are_known(run: Path) -> None:
    decided = what_decided(run)
    rules = decided.rules
    assert rules is not None
    assert [rule.id for rule in rules.rules] == [
        rule.id for pack in ("bank", "compliance") for rule in shipped_pack(pack).rules
    ]
    assert decided.bundle_path == Path(shipped_bundle())


def test_rules_of_another_version_are_not_those_of_the_run(run: Path) -> None:
    tell(run, "bank+compliance 999")
    decided = what_decided(run)
    assert (decided.rules, decided.bundle_path) == (None, Path(shipped_bundle()))


@pytest.mark.parametrize("missing", ["job.yaml", "run.json"])
def test_a_folder_that_lacks_a_file_tells_nothing(run: Path, missing: str) -> None:
    (run / missing).unlink()
    assert what_decided(run) == NOT_KNOWN
