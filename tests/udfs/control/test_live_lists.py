"""Named lists on a running scorer: what they decide, what is refused, any order of arrival, and saved state."""

from __future__ import annotations

import itertools
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.udfs.control.test_live_control import Live
from tests.udfs.scoring.test_scorer import START, reference
from udfs.control.elements import (
    ControlElement,
    ControlError,
    ListControl,
    RulesControl,
    decode_control,
    encode_control,
)
from udfs.control.kept_elements import KeptElements
from udfs.control.live_control import LiveControl
from udfs.rules.named_lists import MAX_ALL_ENTRIES, ListEntry
from udfs.rules.rule_set import Rule, RuleSet

__all__ = ["reference"]

IN_RISKY = "merchant_country in @risky"


def list_element(version: int, *values: str | dict[str, Any], name: str = "risky", **fields: Any) -> ControlElement:
    entries = [{"value": value} if isinstance(value, str) else value for value in values]
    element = {"kind": "list", "name": name, "type": "country", "version": version, "entries": entries, **fields}
    return decode_control(json.dumps(element).encode())


def rules_element(version: int, *conditions: str, **changes: Any) -> RulesControl:
    rules = tuple(Rule(f"r{number}", 50, when, "x", **changes) for number, when in enumerate(conditions))
    return RulesControl(RuleSet("live", version, ((0, 0), (100, 1000)), rules))


@pytest.fixture
def live(reference: Path) -> Live:
    return Live(reference)


def decided(live: Live, number: int, **fields: Any) -> tuple[list[str], dict[str, int] | None]:
    rules = live.decision(transaction_id=f"T{number}", **fields)["rules"]
    return rules["hits"], rules.get("lists")


def test_a_list_decides_changes_live_and_its_version_is_in_the_decision(live: Live) -> None:
    assert decided(live, 0)[1] is None
    assert live.control.apply(list_element(3, "IRAN", "KP"))
    assert decided(live, 1)[1] is None  # no rule refers to it
    assert live.control.apply(rules_element(90, IN_RISKY))
    assert decided(live, 2, merchant_country="IR") == (["r0"], {"risky": 3})
    assert decided(live, 3, merchant_country="DE") == ([], {"risky": 3})
    assert live.control.apply(list_element(4, "DE"))
    assert not live.control.apply(list_element(4, "IR"))
    assert not live.control.apply(list_element(3, "IR"))
    assert decided(live, 4, merchant_country="DE") == (["r0"], {"risky": 4})
    assert decided(live, 5, merchant_country="IR") == ([], {"risky": 4})
    assert live.scorer.rulebook.list_versions == {"risky": 4}


def test_entries_expire_by_event_time(live: Live) -> None:
    live.control.apply(list_element(1, {"value": "DE", "expires_at": START + 5, "owner": "o", "source_alert": "a1"}))
    live.control.apply(rules_element(90, IN_RISKY))
    assert decided(live, 1, merchant_country="DE", timestamp=START + 4)[0] == ["r0"]
    assert decided(live, 2, merchant_country="DE", timestamp=START + 5)[0] == []


def test_rules_that_refer_to_a_missing_list_are_refused_and_the_rules_stay(live: Live) -> None:
    before = live.scorer.rulebook
    with pytest.raises(ControlError, match=r"^rule r0: unknown list '@risky' \(give or publish the list first\)$"):
        live.control.apply(rules_element(90, IN_RISKY))
    assert live.scorer.rulebook is before


def test_a_list_is_not_deleted_while_rules_in_force_refer_to_it(live: Live) -> None:
    live.control.apply(list_element(1, "IR"))
    live.control.apply(rules_element(90, "amount > 1", f"{IN_RISKY} and amount > 5", enabled=False))
    with pytest.raises(
        ControlError, match=r"^list risky cannot be deleted: 1 rules of live version 90 in force refer to it \(r1\)"
    ):
        live.control.apply(list_element(2, deleted=True))
    assert "risky" in live.scorer.rulebook.lists
    live.control.apply(rules_element(91, "amount > 1"))
    assert "risky" not in live.scorer.rulebook.lists  # the deletion waited for these rules
    with pytest.raises(ControlError, match="unknown list '@risky'"):
        live.control.apply(rules_element(92, IN_RISKY))


def test_a_list_of_another_type_than_rules_need_is_refused(live: Live) -> None:
    live.control.apply(list_element(1, "IR"))
    live.control.apply(rules_element(90, IN_RISKY))
    with pytest.raises(
        ControlError, match=r"^list risky does not suit the rules in force: rule r0: @risky is a list of"
    ):
        live.control.apply(list_element(2, "Pune", type="city"))
    assert decided(live, 1, merchant_country="IR") == (["r0"], {"risky": 1})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "two words"}, "a name is a letter followed by letters, digits and _"),
        ({"name": "x" * 65}, "at most 64"),
        ({"type": "planet"}, "Invalid enum value 'planet'"),
        ({"version": 0}, "Expected `int` >= 1".replace("`", "'")),
        ({"entries": [{"value": ""}]}, "an entry has no value"),
        ({"entries": [{"value": "IR"}, {"value": "Iran"}]}, "'IR' is given twice"),
        ({"entries": [{"value": "IR", "reason": "a\nb"}]}, "reason 'a b' must be one printable line"),
        ({"entries": [{"value": "I" * 300}]}, "must be one printable line of at most 256 bytes"),
        ({"entries": [{"value": f"M{n}"} for n in range(10_001)], "type": "merchant"}, "at most 10000 are allowed"),
        ({"entries": [{"value": "IR"}], "deleted": True}, "a deleted list has no entries"),
        ({"entries": [{"value": "IR", "until": 5}]}, "unknown field 'until'"),
        ({"entries": [{"value": "IR", "expires_at": -1}]}, "is no time in epoch milliseconds"),
    ],
)
def test_invalid_lists_are_refused_with_one_line(fields: dict[str, Any], message: str) -> None:
    element = {"kind": "list", "name": "risky", "type": "country", "version": 1, "entries": [], **fields}
    with pytest.raises(ControlError) as refused:
        decode_control(json.dumps(element).encode())
    assert message in str(refused.value)
    assert str(refused.value).isprintable()


def test_the_same_elements_in_any_order_lead_to_the_same_rules_and_lists(reference: Path) -> None:
    """As a compacted topic, or files of a directory, may hold them."""
    elements = [
        list_element(2, "IR"), rules_element(90, IN_RISKY), rules_element(91, "city in @towns"),
        list_element(3, deleted=True), list_element(1, "Pune", name="towns", type="city"),
    ]  # fmt: skip
    found = set()
    for order in itertools.permutations(elements):
        live = Live(reference)
        for element in order:
            try:
                live.control.apply(element)
            except ControlError:
                continue
        rulebook = live.scorer.rulebook
        versions = {name: known.named_list.version for name, known in rulebook.lists.items()}
        found.add((rulebook.version, *sorted(versions.items())))
    assert found == {(91, ("towns", 1))}


def test_saved_lists_and_rules_are_restored_in_whatever_order_they_are_stored(reference: Path) -> None:
    kept, state = KeptElements(), {}
    live = Live(reference)
    for element in (
        list_element(2, *("IR", "KP")),
        rules_element(90, IN_RISKY),
        list_element(1, name="gone", deleted=True),
    ):
        live.control.apply(element)
        kept.keep(_State(state), element.key, encode_control(element))
    assert zlib.decompress(state["list/risky"]) == encode_control(list_element(2, "IR", "KP"))
    for names in itertools.permutations(state):
        again = Live(reference)
        restored = dict(KeptElements().restored(_State({name: state[name] for name in names})))
        assert restored.keys() == state.keys()
        for key in sorted(restored, key=lambda key: not key.startswith("list/")):
            again.control.apply(decode_control(restored[key]), is_new=False)
        again.control.settle()
        assert decided(again, 1, merchant_country="IR") == (["r0"], {"risky": 2})
        assert not again.control.apply(list_element(2, "DE"))


def test_a_long_list_takes_little_room_in_the_saved_state() -> None:
    entries = tuple(
        ListEntry(f"M{number:06d}", "fraud-team", "mule", None, f"alert-{number}") for number in range(10_000)
    )
    element = ListControl(version=1, name="mules", type="merchant", entries=entries)
    payload = encode_control(element)
    state: dict[str, bytes] = {}
    KeptElements().keep(_State(state), element.key, payload)
    assert len(payload) < 1_000_000
    assert len(state["list/mules"]) < 150_000


def test_too_many_entries_in_all_lists_together_are_refused(live: Live) -> None:
    entries = tuple(ListEntry(f"M{number}") for number in range(10_000))
    for number in range(MAX_ALL_ENTRIES // 10_000):
        live.control.apply(ListControl(version=1, name=f"l{number}", type="merchant", entries=entries))
    with pytest.raises(ControlError, match=f"entries in all lists together, at most {MAX_ALL_ENTRIES} are allowed"):
        live.control.apply(ListControl(version=1, name="one_more", type="merchant", entries=entries[:1]))


def test_also_applied_elements_are_told_so_that_they_are_kept(live: Live) -> None:
    rules = rules_element(90, IN_RISKY)
    with pytest.raises(ControlError):
        live.control.apply(rules)
    assert live.control.apply(list_element(1, "IR"))
    assert live.control.also_applied == [rules]
    assert isinstance(live.control, LiveControl)
    live.control.apply(list_element(2, "KP"))
    assert live.control.also_applied == []


class _State:
    """Broadcast state on a dict."""

    def __init__(self, values: dict[str, bytes]) -> None:
        self._values = values
        self.get, self.items = values.get, values.items

    def put(self, key: str, value: bytes) -> None:
        self._values[key] = value

    def remove(self, key: str) -> None:
        self._values.pop(key, None)
