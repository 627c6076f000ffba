"""Hits and points of all rules for 100,000 random transactions, scorer compared with the pandas oracle."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.default_bundle import DEFAULT_BUNDLE
from models.replay import replay_outputs
from models.statistics import collect_statistics
from tests.oracle.bank_pack import POINTS, BankPackOracle
from tests.udfs.rules.random_bank import DAY, RATES, START, RandomBank
from udfs.entities.buckets import BucketSettings
from udfs.records.outputs import Decision, Duplicate
from udfs.records.profiles import UserProfile
from udfs.rules.population import FORMAT_1, Figures
from udfs.scoring.decision_settings import DecisionSettings
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs
from udfs.stores.memory import load_reference
from udfs.values.fx_rates import load_fx_rates
from udfs.values.money import Money

TRANSACTIONS = 100_000
KNOWN_UNTIL = START + 20 * DAY


class Files:
    """The random bank as the files that a scorer is opened with."""

    def __init__(self, bank: RandomBank, folder: Path) -> None:
        self.events = folder / "events.jsonl"
        self.reference = folder / "reference"
        self.statistics = folder / "statistics.json"
        self.fx_rates = folder / "fx.csv"
        self.reference.mkdir()
        _write_lines(self.events, bank.events)
        _write_lines(self.reference / "users.jsonl", list(bank.users.values()))
        _write_lines(self.reference / "devices.jsonl", list(bank.devices.values()))
        _write_lines(self.reference / "block_list.jsonl", bank.block_list)
        rows = [f"{currency},2020-01-01,{rate}\n" for currency, rate in RATES.items()]
        self.fx_rates.write_text("currency,valid_from,rate\n" + "".join(rows))
        _write_timeless(self.collect(), self.statistics)

    def collect(self) -> Figures:
        """The figures as of the end."""
        records = load_reference(self.reference, BucketSettings()).store.records.values()
        users = {record.user_id: record for record in records if isinstance(record, UserProfile)}
        money = Money("USD", load_fx_rates(self.fx_rates))
        return collect_statistics(self.events, users, money, KNOWN_UNTIL).statistics.snapshots[-1]

    def decisions(self) -> list[Decision | Duplicate]:
        paths = ScorerPaths(
            bundle=str(DEFAULT_BUNDLE),
            statistics=str(self.statistics),
            reference=str(self.reference),
            fx_rates=str(self.fx_rates),
        )
        logs = MemoryUserLogs()
        no_alerts = DecisionSettings(refer_above=1000, soft_challenge_above=1000, hard_block_above=1000)
        scorer = open_scorer(ScorerConfig(log_features="none", decision=no_alerts), paths, logs)
        decode = msgspec.json.Decoder(Decision | Duplicate).decode
        outputs = replay_outputs(self.events, scorer, logs)
        return [decode(output.value) for output in outputs if output.destination == "decisions"]


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _write_timeless(figures: Figures, path: Path) -> None:
    """Write a file of format 1, whose figures are used at any time, as in the oracle."""
    whole = {"format": FORMAT_1, "until_ms": KNOWN_UNTIL, "base_currency": "USD"}
    path.write_bytes(msgspec.json.encode(msgspec.structs.asdict(figures) | whole))


@pytest.fixture(scope="module")
def bank() -> RandomBank:
    return RandomBank(seed=7, users=TRANSACTIONS // 33, transactions=TRANSACTIONS)


@pytest.fixture(scope="module")
def oracle(bank: RandomBank) -> BankPackOracle:
    return BankPackOracle(bank.users, bank.devices, bank.block_list, RATES)


@pytest.fixture(scope="module")
def population(bank: RandomBank, oracle: BankPackOracle) -> dict[str, Any]:
    return oracle.population(bank.events, KNOWN_UNTIL)


@pytest.fixture(scope="module")
def files(bank: RandomBank, tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(bank, tmp_path_factory.mktemp("bank"))


def test_statistics_agree_with_the_pandas_oracle(files, population):
    statistics = files.collect()
    assert statistics.transactions == population["transactions"]
    assert statistics.amount_p95 == pytest.approx(population["amount_p95"], rel=1e-12)
    assert statistics.km_from_home_p90 == pytest.approx(population["km_p90"], rel=1e-9)
    assert statistics.fraud_rate == pytest.approx(population["fraud_rate"], rel=1e-12)
    rates = {city: figures.rate for city, figures in statistics.cities.items()}
    assert rates == pytest.approx(population["cities"], rel=1e-12)


def test_hits_and_points_of_decisions_agree_with_the_oracle(bank, oracle, population, files):
    expected = oracle.hits(bank.events, population)
    decided = [decision for decision in files.decisions() if isinstance(decision, Decision)]
    assert [(d.user_id, d.transaction_id) for d in decided] == list(
        zip(expected["user_id"], expected["transaction_id"], strict=True)
    )
    assert len(decided) > 0.95 * TRANSACTIONS
    disagreements: Counter[str] = Counter()
    examples = {}
    for row, decision in zip(expected.to_dict("records"), decided, strict=True):
        hits = {rule for rule in POINTS if row[rule]}
        for rule in hits ^ set(decision.rules.hits):
            disagreements[rule] += 1
            examples[rule] = (decision.transaction_id, "oracle hits" if rule in hits else "scorer hits")
        if hits == set(decision.rules.hits):
            assert decision.rules.points == row["points"]
            assert decision.rules.score == oracle.score(row["points"])
    assert not disagreements, f"{disagreements}, e.g. {examples}"
    assert expected[list(POINTS)].any().all(), "every rule hits somewhere"
