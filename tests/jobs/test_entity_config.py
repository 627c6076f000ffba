"""Currency and attribute settings of the entity aggregates job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.config.entity_job import EntityJobConfig, routing_settings
from jobs.config.errors import ConfigError
from jobs.config.loading import load_config_of
from udfs.records.attributes import Attribute
from udfs.records.record_reader import KafkaRecordReader
from udfs.stores.opening_writer import SqliteSettings
from udfs.values.fx_rates import FxRate


def loaded(folder: Path, **aggregates: Any) -> EntityJobConfig:
    events = folder / "events.jsonl"
    events.touch()
    file = folder / "entities.yaml"
    content = {
        "source": {"kind": "file", "path": str(events)},
        "store": {"kind": "sqlite", "path": str(folder / "s.sqlite")},
        "aggregates": aggregates,
    }
    file.write_text(yaml.safe_dump(content))
    return load_config_of(EntityJobConfig, file)


def test_the_defaults_are_dollars_at_1_to_1_and_no_attributes(tmp_path: Path) -> None:
    settings = routing_settings(loaded(tmp_path), KafkaRecordReader())
    assert (settings.base_currency, settings.fx_rates, settings.attributes) == ("USD", (), ())


def test_rates_are_read_where_the_job_is_started_and_attributes_are_texts(tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("currency,valid_from,rate\nUSD,2026-01-01,0.9\n")
    config = loaded(
        tmp_path,
        base_currency="EUR",
        fx_rates=str(rates),
        attributes=[{"name": "card_type"}, {"name": "job", "holder": "profile"}],
    )
    settings = routing_settings(config, KafkaRecordReader())
    rates.unlink()
    assert settings.fx_rates == (FxRate("USD", 1_767_225_600_000, "0.9"),)
    assert settings.base_currency == "EUR"
    assert settings.attributes == (Attribute("card_type", "text", "event"), Attribute("job", "text", "profile"))
    assert settings.target == SqliteSettings(str(tmp_path / "s.sqlite"))


@pytest.mark.parametrize(
    ("aggregates", "words"),
    [
        ({"base_currency": "euro"}, "aggregates.base_currency"),
        ({"fx_rates": "none.csv"}, r"aggregates.fx_rates: file .* does not exist"),
        ({"attributes": [{"name": "Card Type"}]}, r"aggregates.attributes"),
        ({"attributes": [{"name": "a", "holder": "store"}]}, r"aggregates.attributes.*holder"),
        ({"attributes": [{"name": "a", "kind": "text"}]}, r"aggregates.attributes.*kind"),
    ],
)
def test_invalid_values_are_reported_by_key(tmp_path: Path, aggregates: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        loaded(tmp_path, **aggregates)


def test_unreadable_rates_are_reported_with_file_and_line(tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("currency,valid_from,rate\nUSD,2026-01-01,cheap\n")
    with pytest.raises(ConfigError, match=r"aggregates\.fx_rates: .*rates\.csv, line 2: rate 'cheap'"):
        routing_settings(loaded(tmp_path, fx_rates=str(rates)), KafkaRecordReader())
