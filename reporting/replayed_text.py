"""The replay of one decision on a terminal: windows on a time line, rules part by part, differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from models.condition_parts import Value
from models.decision_replay import WINDOWS, Derived, Difference, Moment, RuleView
from udfs.records.console_line import printable
from udfs.records.outputs import Decision

WIDTH = 60
MOST_MOMENTS = 12
SIGNS = {True: "true", False: "false", None: "unknown"}


def replay_lines(
    recorded: Decision | None,
    derived: Derived,
    views: Sequence[RuleView],
    found: Sequence[Difference],
    today: Derived | None = None,
    features: Sequence[str] = (),
) -> Iterator[str]:
    """The page as lines. `found`: differences between what was recorded and derived. `today`: with other rules or another
    bundle. `features`: names of those to list."""
    decision = derived.decision
    yield f"transaction {decision.transaction_id} of user {decision.user_id}, {moment(decision.event_time_ms)}"
    yield ""
    yield from _table(recorded, decision, None if today is None else today.decision)
    yield ""
    yield from _windows(derived)
    yield ""
    yield from _rules(views)
    if features:
        yield ""
        yield "features"
        width = max(map(len, features))
        for name in features:
            yield f"  {name:<{width}}  {told(derived.features.get(name))}"
    yield ""
    yield from _differences(recorded, found)


def moment(time_ms: int) -> str:
    """A moment in UTC, to the millisecond."""
    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"


def told(value: Any) -> str:
    """A value as text; None and NaN are not known."""
    if value is None or value != value:
        return "not known"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return printable(str(value))


def comparison_rows(*decisions: Decision | None) -> list[tuple[str, list[str]]]:
    """What decisions say, side by side: action and score, the parts of the model, the rules, and versions in force."""
    rows: list[tuple[str, list[str]]] = []

    def add(name: str, *path: str) -> None:
        values = []
        for decision in decisions:
            value: Any = decision
            for field in path:
                value = None if value is None else getattr(value, field)
            values.append("-" if decision is None else told(value))
        rows.append((name, values))

    for name in ("action", "risk_score", "probability", "coverage", "flags", "tags", "enrichment"):
        add(name.replace("_", " "), name)
    add("model: probability", "model", "probability")
    add("model: margin of the trees", "model", "xgboost")
    add("model: anomaly", "model", "anomaly")
    add("rules: hits", "rules", "hits")
    add("rules: points", "rules", "points")
    add("rules: score", "rules", "score")
    add("version: bundle", "model", "bundle")
    add("version: rules", "rules", "version")
    add("version: control elements", "control_versions")
    return rows


def value_text(values: dict[str, Value]) -> str:
    """Names and values that a part of a condition reads."""
    return ", ".join(f"{name} = {told(value)}" for name, value in values.items())


def _table(recorded: Decision | None, derived: Decision, today: Decision | None) -> Iterator[str]:
    heads = ["recorded", "derived", *(["would be"] if today is not None else [])]
    decisions = [recorded, derived, *([today] if today is not None else [])]
    rows = comparison_rows(*decisions)
    first = max(len(name) for name, _ in rows)
    widths = [max(len(head), *(len(values[place]) for _, values in rows)) for place, head in enumerate(heads)]
    widths = [min(width, WIDTH) for width in widths]
    yield _row("", heads, first, widths)
    for name, values in rows:
        mark = "  <-" if recorded is not None and values[0] != values[1] else ""
        yield _row(name, values, first, widths) + mark


def _row(name: str, values: Sequence[str], first: int, widths: Sequence[int]) -> str:
    cells = (f"{value:<{width}}" for value, width in zip(values, widths, strict=True))
    return f"  {name:<{first}}  {'  '.join(cells)}".rstrip()


def _windows(derived: Derived) -> Iterator[str]:
    end_ms = derived.event.timestamp
    for name, width_ms in WINDOWS:
        within = [one for one in derived.moments if end_ms - width_ms < one.at_ms]
        paid = [one for one in within if one.kind == "transaction"]
        total = sum(one.amount or 0.0 for one in paid)
        yield (
            f"{name:>9} |{time_line(within, end_ms, width_ms)}| {len(paid)} payments, {told(total)}; "
            f"{len(within) - len(paid)} other events"
        )
    yield f"{'':>9}  {'before':<{WIDTH - 8}}this one"
    yield "          o payment, 2-9 and + several, l login, c account change, # this payment"
    newest = derived.moments[-MOST_MOMENTS:]
    for one in newest:
        amount = "" if one.amount is None else f"  {told(one.amount)} {one.currency or ''}".rstrip()
        yield f"          {moment(one.at_ms)}  {one.kind} {printable(one.event_id)}{amount}{'  <- this one' * one.is_this}"
    if len(derived.moments) > len(newest):
        yield f"          and {len(derived.moments) - len(newest)} earlier ones"


def time_line(moments: Sequence[Moment], end_ms: int, width_ms: int, columns: int = WIDTH) -> str:
    """The window (end - width, end] as text, the end at the right: one sign for the events of each column."""
    cells: list[list[Moment]] = [[] for _ in range(columns)]
    for one in moments:
        cells[columns - 1 - min(columns - 1, (end_ms - one.at_ms) * columns // width_ms)].append(one)
    return "".join(map(_sign, cells))


def _sign(moments: Sequence[Moment]) -> str:
    if any(one.is_this for one in moments):
        return "#"
    paid = sum(one.kind == "transaction" for one in moments)
    if paid > 1:
        return str(paid) if paid < 10 else "+"
    if paid:
        return "o"
    kinds = {one.kind for one in moments}
    return "l" if "login" in kinds else "c" if kinds else "."


def _rules(views: Sequence[RuleView]) -> Iterator[str]:
    if not views:
        yield "no rule hit"
    for view in views:
        then = {None: "", True: ", hit then", False: ", did not hit then"}[view.recorded]
        yield f"rule {view.rule.id}: {view.rule.points} points, {'hits' if view.hit else 'does not hit'}{then}"
        for part in view.parts:
            values = value_text(part.values)
            yield f"    {'  ' * part.depth}{SIGNS[part.truth]:<8}{part.text}{f'   ({values})' if values else ''}"


def _differences(recorded: Decision | None, found: Sequence[Difference]) -> Iterator[str]:
    if recorded is None:
        yield "no decision was recorded: nothing to compare with"
    elif not found:
        yield "the same as recorded"
    else:
        yield f"{len(found)} differences:"
        for one in found:
            yield f"  {one.name}: recorded {told(one.recorded)}, derived {told(one.derived)}"
