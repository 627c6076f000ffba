"""What a console knows of the rules and the bundle of a job beside it, from files and control stream."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from console.api.services import Versions
from console.job_in_force import JobInForce
from jobs.config.job import JobConfig
from jobs.config.value_types import shipped_bundle
from jobs.control.file_channel import FileChannel
from jobs.control.publishing import proposal_of, publication_of
from tests.conftest import Configure
from tests.console.api.serving import wait_for
from tests.jobs.event_stream import event_lines, write_events
from udfs.control.elements import (
    BundleControl,
    CandidateControl,
    GuardrailControl,
    ListControl,
    RulesControl,
    ThresholdsControl,
    encode_control,
)
from udfs.rules.named_lists import ListEntry
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rule_set import Guardrails, RuleSet
from udfs.scoring.bundle import read_manifest
from udfs.values.time_units import HOUR_MS

NOW = time.time_ns() // 1_000_000 + 24 * HOUR_MS
"""Later than the files of a control stream, whose times tell when bare elements were published."""
START = shipped_pack("bank")
NEWER = msgspec.structs.replace(START, version=START.version + 1, rules=START.rules[:3])


class Clock:
    now_ms = NOW


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "control").mkdir()
    return tmp_path / "control"


@pytest.fixture
def job(configure: Configure, tmp_path: Path, folder: Path) -> JobConfig:
    return configure(
        write_events(tmp_path / "events.jsonl", event_lines(5)),
        scoring={"rules": "bank", "bundle": shipped_bundle()},
        control={"kind": "file", "path": str(folder), "approvals": "required", "approvals_except": ["bundle"]},
    )


@pytest.fixture
def known(job: JobConfig) -> Iterator[JobInForce]:
    with_job = JobInForce(job, Versions(program="test"), lambda: Clock.now_ms)
    with_job.start()
    yield with_job
    with_job.stop()
    Clock.now_ms = NOW


def publish(folder: Path, rules: RuleSet, emergency: bool = True) -> None:
    payload = encode_control(RulesControl(rules))
    FileChannel(folder).append(publication_of(proposal_of(payload, "alice", NOW, emergency=emergency), NOW))


def rules_of(known: JobInForce) -> tuple[int, list[str]]:
    rules = known.now().rules
    assert rules is not None
    return rules.version, [rule.standing for rule in rules.rules]


def test_without_publications_the_files_of_the_job_are_in_force(known: JobInForce) -> None:
    manifest = read_manifest(shipped_bundle())
    assert known.now().rules == START
    assert known.now().bundle_path == Path(shipped_bundle())
    assert known.now().trouble is None
    told = known.versions()
    assert (told.bundle, told.bundle_name, told.feature_set) == (
        manifest.version, manifest.name, manifest.feature_set_version,
    )  # fmt: skip


def test_published_rules_replace_them_until_their_emergency_ends(known: JobInForce, folder: Path) -> None:
    publish(folder, NEWER)
    wait_for(lambda: rules_of(known)[0] == NEWER.version)
    assert known.now().rules == NEWER
    assert (known.versions().rules, known.versions().rules_version) == (NEWER.name, NEWER.version)
    assert known.now().rule_set_of(START.version) == START  # what earlier decisions were made by
    assert known.now().rule_set_of(NEWER.version) == NEWER
    assert known.now().rule_set_of(999) == NEWER
    Clock.now_ms = NOW + 25 * HOUR_MS
    wait_for(lambda: rules_of(known)[0] == START.version)
    assert known.now().rule_set_of(NEWER.version) == NEWER


def test_rules_that_the_job_refuses_are_not_in_force(known: JobInForce, folder: Path) -> None:
    publish(folder, NEWER, emergency=False)  # without the approval that the job demands
    newest = msgspec.structs.replace(NEWER, version=NEWER.version + 1)
    publish(folder, newest)
    wait_for(lambda: rules_of(known)[0] == newest.version)
    assert rules_of(known)[0] != NEWER.version


def test_a_guardrail_puts_its_rule_back_to_shadow(known: JobInForce, folder: Path) -> None:
    guarded = msgspec.structs.replace(NEWER.rules[0], guardrails=Guardrails(100, hit_rate_max=0.1))
    publish(folder, msgspec.structs.replace(NEWER, rules=(guarded, *NEWER.rules[1:])))
    wait_for(lambda: rules_of(known) == (NEWER.version, ["live", "live", "live"]))
    FileChannel(folder).publish(
        GuardrailControl(
            version=NEWER.version, rule=guarded.id, measure="hit_rate", limit=0.1, count=11, payments=100,
            over_payments=100,
        )
    )  # fmt: skip
    wait_for(lambda: rules_of(known) == (NEWER.version, ["shadow", "live", "live"]))
    assert known.now().tripped == {guarded.id: "hit_rate of 11 in 100 payments, at most 0.1 of 100 are accepted"}


def test_lists_thresholds_candidates_and_the_next_version_are_known(known: JobInForce, folder: Path) -> None:
    before = known.now()
    assert (before.lists, before.candidates, before.next_version) == ({}, {}, START.version + 1)
    assert before.settings.hard_block_above is None or before.settings.hard_block_above > 3
    mules = ListControl(version=1, name="mules", type="user", entries=(ListEntry("U1"),))
    for element in (
        mules, ThresholdsControl(version=2, refer_to_analyst=1, soft_challenge=2, hard_block=3),
        CandidateControl(version=1, set="stricter", rule_set=NEWER), CandidateControl(version=1, set="gone", rule_set=NEWER),
        CandidateControl(version=2, set="gone"),
    ):  # fmt: skip
        payload = encode_control(element)
        FileChannel(folder).append(publication_of(proposal_of(payload, "alice", NOW, emergency=True), NOW))
    refused = msgspec.structs.replace(NEWER, version=NEWER.version + 7)
    publish(folder, refused, emergency=False)
    known.look()
    now = known.now()
    assert {name: one.named_list for name, one in now.lists.items()} == {"mules": mules.named_list}
    settings = now.settings
    assert (settings.refer_above, settings.soft_challenge_above, settings.hard_block_above) == (1, 2, 3)
    assert now.candidates == {"stricter": NEWER}
    assert now.rules == START
    assert now.next_version == START.version + 1  # what is refused does not take a version
    assert refused.version not in now.by_version
    publish(folder, msgspec.structs.replace(NEWER, version=refused.version + 1))
    known.look()
    assert known.now().rule_set_before(refused.version + 1) == START
    assert known.now().rule_set_before(START.version) is None
    FileChannel(folder).append(
        publication_of(
            proposal_of(encode_control(ListControl(version=2, name="mules", type="user", deleted=True)), "alice", NOW,
                        emergency=True), NOW,
        )
    )  # fmt: skip
    known.look()
    assert known.now().lists == {}


def test_a_published_bundle_is_known_if_its_folder_is_here(known: JobInForce, folder: Path, tmp_path: Path) -> None:
    version = read_manifest(shipped_bundle()).version
    copy = tmp_path / "copy"
    shutil.copytree(shipped_bundle(), copy)
    FileChannel(folder).publish(BundleControl(version=1, path=str(copy), bundle=version))
    wait_for(lambda: known.now().bundle_path == copy)
    assert known.versions().bundle == version
    FileChannel(folder).publish(BundleControl(version=2, path="/models/of/the/cluster", bundle="0" * 16))
    wait_for(lambda: known.now().bundle_path is None)
    assert (known.versions().bundle, known.versions().bundle_name) == ("0" * 16, None)


def test_a_stream_that_cannot_be_read_is_told_and_awaited(job: JobConfig, folder: Path) -> None:
    folder.rmdir()
    known = JobInForce(job, Versions(program="test"), lambda: NOW)
    known.start()
    try:
        assert known.now().rules is None
        assert "cannot be read" in str(known.now().trouble)
        assert known.versions() == Versions(program="test")
        folder.mkdir()
        wait_for(lambda: known.now().trouble is None)
        assert known.now().rules == START
        publish(folder, NEWER)
        wait_for(lambda: rules_of(known)[0] == NEWER.version)
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        wait_for(lambda: known.now().trouble is not None)
        assert known.now().rules == NEWER  # what was known last
    finally:
        known.stop()
