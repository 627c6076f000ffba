"""The embedded scorer through the SDK: values equal to a replay of the same events, blocking and asynchronous."""

from __future__ import annotations

import asyncio
import json
import os
import time
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest

from client import (
    AsyncFraudDetector,
    CannotOpen,
    Closed,
    EmbeddedSettings,
    EventRefused,
    FraudDetector,
    OtherContent,
    Prediction,
)
from models.default_bundle import DEFAULT_BUNDLE
from models.replay import replay_outputs
from simulator.config import SimulatorConfig
from simulator.files import write
from simulator.generate import simulate
from tests.client.odd_server import OddServer, Reply
from udfs.records.outputs import ACTIONS
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

Event = dict[str, Any]
_prediction = msgspec.json.Decoder(Prediction).decode


def is_transaction(event: Event) -> bool:
    return event.get("type", "transaction") == "transaction"


class Bank:
    """Simulated events in order of arrival, and what a replay decides on each transaction."""

    def __init__(self, folder: Path) -> None:
        write(simulate(SimulatorConfig(users=25, days=8, seed=5, fraud_share=0.1)), folder, lambda *_: None)
        lines = (folder / "events.jsonl").read_bytes().splitlines()
        self.events: list[Event] = [json.loads(line) for line in lines]
        logs = MemoryUserLogs()
        scorer = open_scorer(ScorerConfig(log_features="none"), ScorerPaths(bundle=str(DEFAULT_BUNDLE)), logs)
        outputs = replay_outputs(folder / "events.jsonl", scorer, logs)
        self.decided = [_prediction(output.value) for output in outputs if output.destination == "decisions"]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return Bank(tmp_path_factory.mktemp("bank"))


def test_the_simulated_bank_has_what_the_comparison_needs(bank: Bank) -> None:
    assert len(bank.decided) == sum(map(is_transaction, bank.events)) > 300
    assert {event.get("type", "transaction") for event in bank.events} == {"transaction", "login", "label"}
    assert {prediction.action for prediction in bank.decided} == set(ACTIONS)
    assert sum(len(prediction.reasons) for prediction in bank.decided) > 20


def test_single_calls_decide_as_a_replay(bank: Bank, tmp_path: Path) -> None:
    decided: list[Prediction] = []
    with FraudDetector(embedded=tmp_path / "log.sqlite") as fraud:
        for event in bank.events:
            if is_transaction(event):
                decided.append(fraud.predict(event))
            else:
                assert fraud.send_event(event) == event["event_id"]
    assert decided == bank.decided


def test_many_at_once_and_asynchronously_decide_as_a_replay(bank: Bank, tmp_path: Path) -> None:
    async def decide() -> list[Any]:
        decided: list[Any] = []
        async with AsyncFraudDetector(embedded=tmp_path / "log.sqlite") as fraud:
            for are_transactions, events in groupby(bank.events, is_transaction):
                if are_transactions:
                    decided += [outcome async for outcome in fraud.predict_many(events, batch_size=7)]
                else:
                    for event in events:
                        await fraud.send_event(event)
        return decided

    assert asyncio.run(decide()) == bank.decided


def test_concurrent_calls_get_their_own_answers(bank: Bank, tmp_path: Path) -> None:
    """Of each user's first transaction, which depends on no other event of that user."""
    first = {event["user_id"]: event for event in reversed(bank.events) if is_transaction(event)}

    async def decide() -> list[Prediction]:
        async with AsyncFraudDetector(embedded=tmp_path / "log.sqlite") as fraud:
            return await asyncio.gather(*(fraud.predict(event) for event in first.values()))

    decided = asyncio.run(decide())
    assert [prediction.user_id for prediction in decided] == list(first)
    with FraudDetector(embedded=tmp_path / "blocking.sqlite") as fraud:
        assert list(fraud.predict_many(first.values())) == decided


def test_by_http_the_same_results(bank: Bank, tmp_path: Path) -> None:
    """The API's bodies are the decisions' JSON, with two fields more and a few less."""
    some = [(event, body) for event, body in zip(filter(is_transaction, bank.events), bank.decided, strict=True)][:100]
    script = [Reply(body=msgspec.json.encode(body)) for _, body in some]

    async def decide(address: str) -> list[Prediction]:
        async with AsyncFraudDetector(address) as fraud:
            return [await fraud.predict(event) for event, _ in some]

    with OddServer(*script) as server, FraudDetector(server.address) as fraud:
        blocking = [fraud.predict(event) for event, _ in some]
    with OddServer(*script) as server:
        assert asyncio.run(decide(server.address)) == blocking == [body for _, body in some]


PAYMENT: Event = {"transaction_id": "t1", "user_id": "u1", "timestamp": 1_767_225_600_000, "amount": 12.5}


def test_a_repeat_gets_the_first_decision_also_after_a_restart(tmp_path: Path) -> None:
    with FraudDetector(embedded=tmp_path / "log.sqlite") as fraud:
        first = fraud.predict(PAYMENT)
        assert (first.transaction_id, first.user_id, first.repeated, first.degraded) == ("t1", "u1", False, None)
    with FraudDetector(embedded=tmp_path / "log.sqlite") as fraud:
        assert fraud.predict(PAYMENT) == msgspec.structs.replace(first, repeated=True)
        with pytest.raises(OtherContent, match="'t1' of user 'u1' was decided with other content"):
            fraud.predict(PAYMENT | {"amount": 13})


def test_a_missing_id_and_time_are_made(tmp_path: Path) -> None:
    with FraudDetector(embedded=tmp_path / "log.sqlite") as fraud:
        one, other = (fraud.predict({"user_id": "u1", "amount": 5}) for _ in range(2))
    assert len({one.transaction_id, other.transaction_id}) == 2
    assert not one.repeated
    assert not other.repeated


@pytest.mark.parametrize(
    ("payment", "words"),
    [
        ({"user_id": "u1"}, "amount"),
        ({"amount": 5}, "user_id"),
        (PAYMENT | {"amount": -1}, "amount"),
        (PAYMENT | {"transaction_id": "a b"}, "transaction_id: 'a b' is not an id"),
        (PAYMENT | {"timestamp": 1_767_225_600}, "timestamp: 1767225600 ms is before 1973-03-03; it looks like epoch"),
        (PAYMENT | {"timestamp": time.time_ns() // 1_000_000 + 3_600_000}, "timestamp"),
        ({"type": "login", "user_id": "u1", "event_id": "e1"}, "type: login is not a transaction; send it by send_event"),
    ],
)  # fmt: skip
def test_refused_events_name_the_field(payment: Event, words: str, shared: FraudDetector) -> None:
    with pytest.raises(EventRefused) as caught:
        shared.predict(payment)
    assert words in str(caught.value)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with FraudDetector(embedded=tmp_path_factory.mktemp("shared") / "log.sqlite") as fraud:
        yield fraud


def test_the_outcomes_of_many_are_in_their_places(shared: FraudDetector) -> None:
    many = [
        PAYMENT, PAYMENT | {"amount": -1}, PAYMENT | {"transaction_id": "t2"}, PAYMENT | {"city": object()}, PAYMENT,
        PAYMENT | {"amount": 99},
    ]  # fmt: skip
    outcomes = list(shared.predict_many(iter(many), batch_size=4))
    kinds = [Prediction, EventRefused, Prediction, EventRefused, Prediction, OtherContent]
    assert [type(outcome) for outcome in outcomes] == kinds
    first, _, second, _, repeat, _ = outcomes
    assert isinstance(first, Prediction)
    assert isinstance(second, Prediction)
    assert (first.transaction_id, second.transaction_id) == ("t1", "t2")
    assert repeat == msgspec.structs.replace(first, repeated=True)
    assert list(shared.predict_many([])) == []
    assert [type(outcome) for outcome in shared.predict_many([{"user_id": object()}])] == [EventRefused]


def test_what_cannot_be_opened_says_why(tmp_path: Path, shared: FraudDetector) -> None:
    log = tmp_path / "log.sqlite"
    with FraudDetector(embedded=log) as fraud:
        with pytest.raises(CannotOpen, match=f"in use by process {os.getpid()}"):
            FraudDetector(embedded=log)
        assert fraud.predict(PAYMENT).transaction_id == "t1"
    with pytest.raises(CannotOpen, match="no-bundle"):
        FraudDetector(embedded=EmbeddedSettings(tmp_path / "other.sqlite", bundle=tmp_path / "no-bundle"))
    log.write_bytes(b"not a database" * 100)
    with pytest.raises(CannotOpen, match="not a database"):
        FraudDetector(embedded=log)


def test_settings_of_the_scorer_take_effect(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    reference.mkdir()
    blocked = {"type": "user", "value": "u1", "reason_code": "stolen"}
    (reference / "block_list.jsonl").write_text(json.dumps(blocked) + "\n")
    with FraudDetector(embedded=EmbeddedSettings(tmp_path / "log.sqlite", reference=reference)) as fraud:
        assert fraud.predict(PAYMENT).action == "hard_block"
        assert fraud.predict(PAYMENT | {"user_id": "u2"}).action != "hard_block"


def test_a_fork_is_told_to_make_its_own(shared: FraudDetector) -> None:
    child = os.fork()
    if child == 0:
        try:
            shared.predict(PAYMENT)
        except Closed:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
