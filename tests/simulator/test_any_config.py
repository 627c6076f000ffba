"""Properties that hold for every configuration."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.config import MAX_START_MS, MIN_START_MS, SimulatorConfig
from simulator.generate import simulate
from simulator.pattern_registry import discover
from udfs.records.codec import decode_event
from udfs.records.events import Label, Transaction

CONFIGS = st.builds(
    SimulatorConfig,
    users=st.integers(1, 30),
    days=st.integers(1, 100),
    seed=st.integers(0, 2**63 - 1),
    start_ms=st.integers(MIN_START_MS, MAX_START_MS),
    transactions=st.integers(1, 300),
    fraud_share=st.sampled_from([0.0, 0.01, 0.2, 0.5]),
    patterns=st.one_of(st.none(), st.lists(st.sampled_from(list(discover())), min_size=1, max_size=3).map(tuple)),
    multi_currency=st.booleans(),
    merchants=st.integers(180, 400),
    late_share=st.sampled_from([0.0, 0.01, 0.5]),
    duplicate_share=st.sampled_from([0.0, 0.5]),
    refund_share=st.sampled_from([0.0, 0.3]),
    cleared_label_share=st.sampled_from([0.0, 0.5]),
    wrong_label_share=st.sampled_from([0.0, 0.5]),
)


@settings(deadline=None, max_examples=60)
@given(CONFIGS)
def test_any_configuration_gives_valid_events_and_a_matching_truth(
    config: SimulatorConfig,
) -> None:
    simulation = simulate(config)
    events = [decode_event(line) for line in simulation.events]
    transactions = {event.transaction_id: event for event in events if isinstance(event, Transaction)}
    truth = {record.transaction_id: record for record in simulation.truth}
    assert transactions.keys() == truth.keys()
    assert len(truth) >= config.transaction_count
    assert config.fraud_share > 0 or len(truth) == config.transaction_count
    assert all(config.start_ms <= event.timestamp < config.end_ms for event in events)
    assert all(event.user_id == truth[event.transaction_id].user_id for event in events if isinstance(event, Label))
    assert sum(record.is_fraud for record in truth.values()) == simulation.manifest["counts"]["frauds"]
    assert len(simulation.reference.users) == config.users
    assert len(simulation.reference.merchants) == config.merchants
