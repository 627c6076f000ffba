"""What the process of a preview is told, and what it tells: one line of JSON each, on its standard input and output."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from udfs.rules.named_lists import NamedList
from udfs.rules.rule_set import RuleSet
from udfs.scoring.decision_settings import DecisionSettings

Step = Literal["reading", "trying"]


class PreviewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`against`: the rules before, None: what was decided then. `bundle`: a folder. `days` before the newest decision of the
    store, and of these at most the newest `most_decisions`."""

    store_url: str
    rules: RuleSet
    against: RuleSet | None
    bundle: str
    settings: DecisionSettings
    statistics: str | None
    lists: tuple[NamedList, ...]
    days: int
    most_decisions: int


class Progress(msgspec.Struct, frozen=True, tag_field="kind", tag="progress"):
    """`done` of `whole` decisions in a step."""

    step: Step
    done: int
    whole: int


class Finished(msgspec.Struct, frozen=True, tag_field="kind", tag="finished"):
    """`report`: a backtest (models.backtest.report.BacktestReport) as plain data, its examples without users and
    transactions. `is_cut`: the store has more decisions of these days."""

    report: dict[str, Any]
    is_cut: bool


class Failed(msgspec.Struct, frozen=True, tag_field="kind", tag="failed"):
    """What to change."""

    why: str


ORDERS = msgspec.json.Decoder(PreviewOrder)
TOLD: msgspec.json.Decoder[Progress | Finished | Failed] = msgspec.json.Decoder(Progress | Finished | Failed)
