"""Named lists: their files, their types, and conditions on them compared with a set in Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES, transaction
from udfs.core import _native
from udfs.rules.errors import RuleError
from udfs.rules.expressions import InList, Name, names_in, parse_condition
from udfs.rules.list_files import ListFileError, lists_of, load_entries, parse_list
from udfs.rules.named_lists import FIELDS_OF_TYPE, LIST_TYPES, ListEntry, NamedList, lists_by_name
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook, rule_problems, rules_with_list

FILE = """
name: high_risk_countries
type: country
version: 3
description: Where we see most fraud.
owner: fraud-team
entries:
  - Iran
  - {value: KP, reason: sanctions, expires_at: 2027-01-01T00:00:00Z, owner: compliance, source_alert: alert-7}
  - 'NO'
"""


def test_a_file_gives_a_list_with_values_as_in_events() -> None:
    assert parse_list(FILE.encode(), "risky.yaml") == NamedList(
        "high_risk_countries", "country", 3,
        (
            ListEntry("IR", "fraud-team"),
            ListEntry("KP", "compliance", "sanctions", 1_798_761_600_000, "alert-7"),
            ListEntry("NO", "fraud-team"),
        ),
        "Where we see most fraud.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("version: 3", "version: three"), "risky.yaml: Expected 'int', got 'str' - at 'version'"),
        (("type: country", "type: planet"), "risky.yaml: Invalid enum value 'planet'"),
        (("'NO'", "NO"), "risky.yaml: yes, no, on, off, true and false are no texts in YAML"),
        (("'NO'", "6011"), "risky.yaml: 6011 is a number: write '6011' in quotes"),
        (("'NO'", "IR"), "risky.yaml: list high_risk_countries: 'IR' is given twice"),
        (("2027-01-01T00:00:00Z", "2027-01-01T00:00:00"), "has no offset"),
        (("2027-01-01T00:00:00Z", "soon"), "'soon' is neither epoch milliseconds nor ISO 8601"),
        (("owner: fraud-team", "owners: x"), "unknown field 'owners'"),
        (("name: high_risk_countries", "name: 5 5"), "a name is a letter"),
        (("entries:", "entries: ["), "risky.yaml: not YAML"),
    ],
)
def test_mistakes_in_a_file_are_told_on_one_line(change: tuple[str, str], message: str) -> None:
    with pytest.raises(ListFileError) as refused:
        parse_list(FILE.replace(*change).encode(), "risky.yaml")
    assert message in str(refused.value)
    assert str(refused.value).isprintable()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_list_or_an_error(content: bytes) -> None:
    with pytest.raises(ListFileError):
        parse_list(content, "risky.yaml")


def test_a_folder_has_lists_of_different_names(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FILE)
    (tmp_path / "notes.txt").write_text("not a list")
    assert [*lists_of(str(tmp_path))] == ["high_risk_countries"]
    (tmp_path / "b.yml").write_text(FILE)
    with pytest.raises(ListFileError, match="list high_risk_countries is defined twice"):
        lists_of(str(tmp_path))
    assert lists_of(None) == {}


def test_entries_of_a_csv_file(tmp_path: Path) -> None:
    file = tmp_path / "ring.csv"
    file.write_text(
        '\ufeffValue,reason,expires_at\nU1,"ring, of mules",2027-01-01T00:00:00Z\n\nU2,,\n U3 ,,1798761600000\n'
    )
    assert load_entries(file) == (
        ListEntry("U1", None, "ring, of mules", 1_798_761_600_000), ListEntry("U2"),
        ListEntry("U3", None, None, 1_798_761_600_000),
    )  # fmt: skip
    for content, message in (
        ("U1\nU2\n", "ring.csv: expected a header of value, owner"),
        ("value,colour\nU1,red\n", "ring.csv: expected a header"),
        ("value,owner\nU1\n", "ring.csv, line 2: 1 columns, the header has 2"),
        ("value,expires_at\nU1,tomorrow\n", "ring.csv, line 2: expires_at 'tomorrow'"),
        ('value\n"U1\n', "ring.csv, line 2: unexpected end of data"),
        ("", "ring.csv: expected a header"),
    ):
        file.write_text(content)
        with pytest.raises(ListFileError) as refused:
            load_entries(file)
        assert message in str(refused.value)


def test_every_type_names_fields_of_transactions() -> None:
    assert tuple(FIELDS_OF_TYPE) == LIST_TYPES
    event = transaction()
    assert all(hasattr(event, field) for fields in FIELDS_OF_TYPE.values() for field in fields)


def test_a_list_suits_the_fields_of_its_type_only() -> None:
    lists = lists_by_name([NamedList("l", "country", 1, (ListEntry("IR"),)), NamedList("t", "text", 1)])
    for condition in ("country in @l", "merchant_country not in @l", "coalesce(country, 'IR') in @l", "city in @t"):
        assert parse_condition(condition, FEATURES, lists)
    for condition, message in (
        ("city in @l", "@l is a list of type country, for country or merchant_country at column 1"),
        ("lower(country) in @l", "@l is a list of type country"),
        ("amount in @t", "@t is a list of texts, which a number is not in at column 1"),
        ("country in @ll", r"unknown list '@ll' at column 12 \(did you mean '@l'\?\)"),
        ("country in @", "unexpected character '@' at column 12"),
        ("country == @l", "expected a name, number or text, not '@l'"),
    ):
        with pytest.raises(RuleError, match=message):
            parse_condition(condition, FEATURES, lists)


def test_trees_and_rules_tell_which_lists_they_refer_to() -> None:
    lists = lists_by_name([NamedList("l", "country", 7), NamedList("t", "city", 8)])
    tree = parse_condition("country in @l", FEATURES, lists)
    assert isinstance(tree, InList)
    assert tree.list == "l"
    assert {name.name for name in names_in(tree)} == {"country"}
    assert isinstance(tree.operand, Name)
    rules = (Rule("a", 1, "country in @l", "x"), Rule("b", 1, "city in @t", "x", enabled=False))
    rule_set = RuleSet("own", 1, ((0, 0), (10, 100)), rules)
    assert Rulebook(rule_set, FEATURES, lists).list_versions == {"l": 7}
    assert (rules_with_list(rule_set, "l"), rules_with_list(rule_set, "t")) == (["a"], ["b"])
    (problem,) = rule_problems(rule_set, FEATURES, {"l": lists["l"]})
    assert str(problem.error) == "rule b: unknown list '@t' at column 9 (give or publish the list first)"


def test_rules_on_account_changes_refer_to_lists() -> None:
    lists = lists_by_name([NamedList("staff", "text", 1, (ListEntry("jane"),))])
    rule = Rule("a", 0, "audit_user in @staff", "x", event="account_change", flag="AUDIT")
    rule_set = RuleSet("own", 1, ((0, 0), (10, 100)), (rule, Rule("b", 1, "amount > 5", "x")))
    assert rule_problems(rule_set, FEATURES, lists) == []
    assert Rulebook.of(rule_set, FEATURES, lists).list_versions == {"staff": 1}
    (problem,) = rule_problems(rule_set, FEATURES)
    assert str(problem.error) == "rule a: unknown list '@staff' at column 15 (give or publish the list first)"


def test_a_condition_on_a_list_and_its_opposite_is_never_true() -> None:
    lists = lists_by_name([NamedList("l", "country", 1)])
    rule_set = RuleSet(
        "own", 1, ((0, 0), (10, 100)), (Rule("a", 1, "country in @l and amount > 1 and not country in @l", "x"),)
    )
    (problem,) = rule_problems(rule_set, FEATURES, lists)
    assert "the condition is never true" in str(problem.error)


values = st.sampled_from(["a", "b", "c", "d"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(values, st.none() | st.integers(1, 5)), max_size=5, unique_by=lambda entry: entry[0]),
    st.none() | values, st.integers(0, 6),
)  # fmt: skip
def test_membership_agrees_with_a_set(entries, city, time_ms):
    named_list = NamedList("l", "city", 1, tuple(ListEntry(value, None, None, expiry) for value, expiry in entries))
    on_list = {value for value, expiry in entries if expiry is None or time_ms < expiry}
    expected = None if city is None else city in on_list
    event = transaction(city=city, timestamp=time_ms)
    core = [named_list.compile().core]
    for condition, wanted in (
        ("city in @l", expected), ("city not in @l", None if expected is None else not expected),
        ("known(city in @l)", expected is not None), ("lower(city) in @t", expected),
        ("coalesce(city, 'a') in @l", "a" in on_list if city is None else expected),
    ):  # fmt: skip
        text = [NamedList("t", "text", 1, named_list.entries).compile().core]
        found = _native.condition_truth(condition, list(FEATURES), [0.0] * len(FEATURES), event, {}, core + text)
        assert found is wanted
