"""Runs and the scorer's log: everything comes in once, whatever is killed; real decisions come back as they were."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from console.answers.embedded import EmbeddedAnswers
from console.store import intake_run
from console.store.errors import SourceChanged
from console.store.intake import BatchMaker, Place
from console.store.intake_log import LogIntake
from console.store.intake_run import RunError, read_run
from console.store.rebuild import rebuild
from console.store.rows import DecisionFilters, DecisionRow
from console.store.store import DecisionStore
from models.default_bundle import DEFAULT_BUNDLE
from tests.console.store.conftest import MakeUrl
from tests.console.store.killing import run_with_kills
from tests.console.store.real_run import BAD_LINES, write_real_run
from tests.console.store.tallies import tally
from udfs.features.feature_set import feature_set_of
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.logged_features import features_of
from udfs.scoring.settings import ScorerConfig, ScorerPaths


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("run")
    counts = write_real_run(directory)
    assert counts["decisions"] > 800
    assert counts["alerts"] > 20
    assert counts["dead-letters"] == 3
    return directory


@pytest.fixture(scope="module")
def named_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("named")
    write_real_run(directory, users=20, days=3, features="names")
    return directory


def decisions_of(run: Path) -> list[dict[str, object]]:
    lines = (run / "decisions.jsonl").read_bytes().splitlines()
    return [one for line in lines if (one := json.loads(line))["type"] == "decision"]


def counts_of(run: Path) -> dict[str, int]:
    events = [
        json.loads(line)
        for line in (run / "simulated" / "events.jsonl").read_bytes().splitlines()[: -len(BAD_LINES) - 1]
    ]
    distinct = {
        (
            one["user_id"],
            one["type"],
            one.get("known_at", one["timestamp"]),
            one.get("event_id", one.get("transaction_id")),
        )
        for one in events
    }
    lines = {name: len((run / name).read_bytes().splitlines()) for name in ("alerts.jsonl", "flags.jsonl")}
    return {
        "decisions": len(decisions_of(run)), "alerts": sum(lines.values()), "dead_letters": 3, "events": len(distinct),
    }  # fmt: skip


@pytest.mark.parametrize("form", ["packed", "names"])
def test_real_decisions_come_back_as_they_were_written(
    store: DecisionStore, run: Path, named_run: Path, form: str
) -> None:
    directory = run if form == "packed" else named_run
    read_run(store, directory)
    counts = tally(store)
    for name, expected in counts_of(directory).items():
        assert counts[name] == expected, name
    written = decisions_of(directory)
    own = feature_set_of()
    for line in written[:: max(len(written) // 60, 1)]:
        row = store.decision(str(line["decision_id"]))
        assert row is not None
        expected_features = features_of(line, {own.version: own.names})
        assert row.features is not None
        assert {name: math.nan if value is None else value for name, value in row.features.items()} == pytest.approx(
            expected_features, abs=0, rel=0, nan_ok=True
        )
        as_written = {name: value for name, value in line.items() if name not in ("features", "features_packed")}
        as_written.setdefault("shadow", [])
        as_read = msgspec.to_builtins(msgspec.structs.replace(row, features=None))
        assert {name: value for name, value in as_read.items() if name != "features"} == as_written
    alerted = [line for line in written if line["action"] != "allow"]
    for line in alerted[:30]:
        text = line["reasons"][0]["text"]  # type: ignore[index]
        found = store.decisions(DecisionFilters(text=text, user_id=str(line["user_id"])), limit=100).items
        assert line["decision_id"] in [row.decision_id for row in found]


def test_a_run_is_read_once_and_says_when_it_was_scored_again(store: DecisionStore, tmp_path: Path) -> None:
    write_real_run(tmp_path, users=10, days=2)
    first = read_run(store, tmp_path)
    before = tally(store)
    assert first > 40
    assert read_run(store, tmp_path) == 0
    key = store.add_key("kept", "viewer", 1)
    (tmp_path / "decisions.jsonl").write_bytes((tmp_path / "decisions.jsonl").read_bytes() + b"\n")
    with pytest.raises(SourceChanged, match="rebuild"):
        read_run(store, tmp_path)
    assert tally(store)["decisions"] == before["decisions"]
    assert rebuild(store, lambda emptied: read_run(emptied, tmp_path)) == first + 1
    after = tally(store)
    for name in ("decisions", "marks", "reason_texts", "alerts", "events", "dead_letters"):
        assert after[name] == before[name], name
    assert store.key(key) is not None


def test_a_folder_without_decisions_is_no_run(store: DecisionStore, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="fraud demo"):
        read_run(store, tmp_path)


def test_progress_of_a_run_ends_at_all_bytes(
    store: DecisionStore, named_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_run, "LINES_A_BATCH", 20)
    seen: list[tuple[int, int]] = []
    read_run(store, named_run, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert len(seen) > 5
    assert seen[-1][0] == seen[-1][1]


def test_a_killed_intake_of_a_run_loses_and_doubles_nothing(url: str, run: Path) -> None:
    killed = run_with_kills(["run", url, str(run)], kills=8, longest_seconds=0.25)
    assert killed >= 5
    store = DecisionStore.open(url)
    counts = tally(store)
    for name, expected in counts_of(run).items():
        assert counts[name] == expected, name
    pages = [row.decision_id for row in all_decisions(store)]
    assert sorted(pages) == sorted(str(one["decision_id"]) for one in decisions_of(run))
    store.close()


def test_a_log_is_followed_and_a_kill_loses_and_doubles_nothing(
    new_url: MakeUrl, tmp_path: Path, open_store: Callable[[str], DecisionStore]
) -> None:
    path = tmp_path / "log.sqlite"
    payloads = [
        json.dumps({"transaction_id": f"T{n}", "user_id": f"U{n % 30}", "timestamp": 1_767_225_600_000 + n * 1_000,
                    "amount": 10 + n, "country": "DE"}).encode() for n in range(900)
    ]  # fmt: skip
    decide_all(path, payloads[:600])
    url = new_url("sqlite")
    assert run_with_kills(["log", url, str(path)], kills=6, longest_seconds=0.12) >= 3
    store = DecisionStore.open(url)
    assert tally(store)["decisions"] == 600
    decide_all(path, payloads[600:])
    assert LogIntake(store, path).run_to_end() >= 600
    counts = tally(store)
    assert (counts["decisions"], counts["events"]) == (900, 900)
    assert {row.transaction_id for row in all_decisions(store)} == {f"T{n}" for n in range(900)}
    other = tmp_path / "other.sqlite"
    decide_all(other, payloads[:3])
    assert LogIntake(store, other).run_to_end() >= 6
    other.replace(path)
    with pytest.raises(SourceChanged, match="rebuild"):
        LogIntake(store, path).run_to_end()
    store.close()


def decide_all(path: Path, payloads: list[bytes]) -> None:
    async def decide() -> None:
        config, paths = ScorerConfig(log_features="packed"), ScorerPaths(bundle=str(DEFAULT_BUNDLE))
        answers = EmbeddedAnswers(config, paths, path, SYSTEM_CLOCKS, lambda: time.time_ns() // 1_000_000)
        await asyncio.gather(*map(answers.decide, payloads))
        await answers.close()

    asyncio.run(decide())


@pytest.mark.parametrize(
    "value",
    [
        b"", b"{}", b"[" * 100_000, b'{"type":"decision"}', b"\xff\xfe", b'{"type":"nonsense"}',
        b'{"type":"alert","alert_id":"A","user_id":"U","event_time_ms":-5,"action":"allow","risk_score":1,"flags":[],"reasons":[]}',
    ],
)  # fmt: skip
def test_records_that_cannot_be_read_are_kept_as_dead_letters(store: DecisionStore, value: bytes) -> None:
    maker = BatchMaker()
    for kind in ("decisions", "alerts", "dead-letters"):
        maker.add(kind, value, Place("kafka:x", 1, 7, 99))  # type: ignore[arg-type]
    maker.add("events", value, Place("kafka:x", 1, 8, 99))
    store.write(maker.take())
    letters = store.dead_letters().items
    assert len(letters) == 3
    for letter in letters:
        assert letter.payload == value
        assert letter.recorded_ms == 99
        assert "not readable by the store" in letter.reason
        assert (letter.origin.source, letter.origin.partition, letter.origin.offset) == ("kafka:x", "1", 7)


def test_decisions_with_what_a_database_cannot_order_are_dead_letters(store: DecisionStore, named_run: Path) -> None:
    good = decisions_of(named_run)[0]
    broken = [
        {"risk_score": 40_000}, {"event_time_ms": -1}, {"event_time_ms": 10**17}, {"user_id": "U\u0000"}, {"user_id": ""},
        {"decision_id": "ü"}, {"features": None, "features_packed": "AAAA"}, {"summary": "a\u0000b"},
    ]  # fmt: skip
    maker = BatchMaker()
    for number, change in enumerate(broken):
        maker.add("decisions", json.dumps(good | change).encode(), Place("run:x", 0, number, 5))
    store.write(maker.take())
    counts = tally(store)
    assert (counts["decisions"], counts["dead_letters"]) == (0, len(broken))


def test_dead_letters_are_paged_newest_first(store: DecisionStore) -> None:
    maker = BatchMaker()
    for number in range(25):
        maker.add("decisions", b"%d" % number, Place("run:x", 0, number, 1_000 + number // 2))
    batch = maker.take()
    store.write(batch)
    store.write(batch)
    found: list[tuple[int, str]] = []
    cursor = None
    while True:
        page = store.dead_letters(cursor, 4)
        found += [(one.recorded_ms, one.letter_id) for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(found) == 25
    assert found == sorted(found, reverse=True)


def all_decisions(store: DecisionStore) -> list[DecisionRow]:
    rows: list[DecisionRow] = []
    cursor = None
    while True:
        page = store.decisions(cursor=cursor, limit=500)
        rows += page.items
        cursor = page.next_cursor
        if cursor is None:
            return rows
