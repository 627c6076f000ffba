"""Discovery of patterns in simulator/patterns."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import patterns
from simulator.config import SimulatorConfig, SimulatorConfigError
from simulator.generate import simulate
from simulator.pattern_registry import PatternFileError, discover, select

TIP_JAR = '''
"""Every fraud is a tip of 7.77."""
from simulator.fraud_pattern import Episode, FraudPattern
from simulator.transactions import ECOMMERCE


class TipJar(FraudPattern):
    name = "tip_jar"

    def episode(self, scene):
        victim = scene.victim()
        frauds = scene.ordinary(victim, scene.times(scene.moment(victim, 0), 1, 0), ECOMMERCE)
        frauds.amount_minor[:] = 777
        return Episode(frauds=frauds)
'''


@pytest.fixture
def more_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(patterns, "__path__", [*patterns.__path__, str(tmp_path)])
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"{patterns.__name__}.{path.stem}", None)


def test_shipped_patterns_are_the_required_ones() -> None:
    assert list(discover()) == [
        "account_takeover", "burst", "bust_out", "card_testing", "credential_stuffing", "device_farm", "geographic_anomaly",
        "high_risk_merchant", "impossible_travel", "late_night", "merchant_compromise", "mule_chain", "new_account",
        "overdraft_attempts", "refund_abuse", "structuring", "unexpected_foreign",
    ]  # fmt: skip


def test_every_pattern_is_documented() -> None:
    for name, pattern in discover().items():
        assert pattern.__doc__, name
        assert pattern.weight > 0, name


def test_new_file_is_discovered_as_a_pattern(more_patterns: Path) -> None:
    (more_patterns / "tip_jar.py").write_text(TIP_JAR)
    assert "tip_jar" in discover()
    simulation = simulate(SimulatorConfig(users=50, days=10, fraud_share=0.02, patterns=("tip_jar",)))
    frauds = [record for record in simulation.truth if record.is_fraud]
    assert {(record.pattern, record.amount) for record in frauds} == {("tip_jar", 7.77)}
    assert simulation.manifest["patterns"] == {"tip_jar": 20}


@pytest.mark.parametrize("text", ["", TIP_JAR, TIP_JAR.replace("tip_jar", "tips") + "\nclass Second(TipJar): ...\n"])
def test_file_without_exactly_one_pattern_of_its_name_is_rejected(more_patterns: Path, text: str) -> None:
    (more_patterns / "tips.py").write_text(text)
    with pytest.raises(PatternFileError, match=r"tips\.py must define one FraudPattern with name = 'tips'"):
        discover()


def test_unknown_name_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(SimulatorConfigError, match=r"'teleport' is not one of account_takeover, burst"):
        select(("burst", "teleport"))


def test_pattern_without_victims_injects_no_fraud() -> None:
    """No account is new where all were opened years ago; the simulation still terminates."""
    simulation = simulate(SimulatorConfig(users=1, days=3, transactions=50, fraud_share=0.2, patterns=("new_account",)))
    assert len(simulation.truth) == 50
    assert not any(record.is_fraud for record in simulation.truth)
