"""Named lists on the pages: entries, imports with a dry run, and what may not be deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from tests.console.web.rule_office import Office, made_payments, office
from tests.console.web.test_rule_changes import BANK, LARGE, NOTHING, decide, proposed
from udfs.control.elements import ListControl
from udfs.rules.named_lists import ListEntry

HOSTILE = '"><img/src=x/onerror=alert(1)>'


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Lists need no approval here, rules do."""
    with office(tmp_path_factory.mktemp("lists"), approvals_except=("list",)) as made:
        yield made


def newest(shared: Office) -> ListControl:
    element = shared.channel.read()[-1].element
    assert isinstance(element, ListControl)
    return element


def make(client: httpx.Client, name: str, kind: str) -> None:
    assert client.post("/rules-lists", data={"name": name, "kind": kind}).status_code == 303


def test_an_entry_is_in_force_at_once_and_removed_again(shared: Office) -> None:
    anna = shared.client("anna")
    make(anna, "mules", "user")
    entry = {"value": "U3", "reason": "ring", "expires": "2030-01-31", "source_alert": HOSTILE, "note": "case 7"}
    assert anna.post("/rules-lists/mules/add", data=entry).headers["location"] == "/rules-lists/mules"
    assert newest(shared) == ListControl(
        version=2, name="mules", type="user", author="anna", note="case 7",
        entries=(ListEntry("U3", "anna", "ring", 1_896_048_000_000, HOSTILE),),
    )  # fmt: skip
    page = shared.client("vera").get("/rules-lists/mules").text
    assert "2030-01-31" in page
    assert HOSTILE not in page
    assert ">U3</b>" in page
    assert "Remove" not in page  # a viewer
    assert anna.post("/rules-lists/mules/remove", data={"value": ["U9"]}).status_code == 422
    assert anna.post("/rules-lists/mules/remove", data={"value": ["U3"]}).status_code == 303
    assert newest(shared).entries == ()
    assert ("anna", "control element published", "list/mules version 3") in shared.audited()


def test_a_dry_run_tells_what_would_have_hit_and_publishes_nothing(shared: Office) -> None:
    anna = shared.client("anna")
    make(anna, "shops", "merchant")
    before = len(shared.channel.read())
    table = "value,owner,reason\r\nM1,ann,seen\r\nM4,,\r\nM99,,\r\n"
    told = anna.post("/rules-lists/shops/dry-run", data={"csv": table}).text
    hits = sum(one["merchant_id"] in ("M1", "M4", "M99") for one in made_payments())
    assert "3 added, 0 changed, 0 removed, 3 entries then." in told
    assert f"would have hit {hits} of {len(made_payments())} payments in 30 days, by merchant_id" in told
    assert len(shared.channel.read()) == before
    assert anna.post("/rules-lists/shops/import", data={"csv": table}).status_code == 303
    assert [entry.value for entry in newest(shared).entries] == ["M1", "M4", "M99"]
    again = anna.post("/rules-lists/shops/dry-run", data={"csv": "value\nM4\nM7\n", "replace": "1"}).text
    assert "1 added, 1 changed, 2 removed, 2 entries then." in again or "1 added, 0 changed, 2 removed" in again
    for wrong in ("name\nM1\n", "value,value\nM1,M2\n", "", "value\n", 'value\n"M1\n', "value,owner\nM1\n"):
        assert anna.post("/rules-lists/shops/dry-run", data={"csv": wrong}).status_code == 422, wrong
    make(anna, "words", "text")
    refusal = anna.post("/rules-lists/words/dry-run", data={"csv": "value\nx\n"}).text
    assert "may be compared with any text" in refusal
    assert anna.get("/rules-lists/shops?text=ann").text.count("<tr><td><b>") == 1


def test_a_list_that_rules_refer_to_is_not_deleted(shared: Office) -> None:
    anna, ben = shared.client("anna"), shared.client("ben")
    make(anna, "places", "city")
    rule = msgspec.structs.replace(LARGE, id="listed", when="city in @places")
    rule_set = msgspec.structs.replace(BANK, version=50, rules=(*BANK.rules, rule))
    missing = msgspec.structs.replace(rule_set, rules=(msgspec.structs.replace(rule, when="city in @nowhere"),))
    from udfs.rules.rule_file_text import rule_file_text

    told = anna.post("/rules-check", data={"rules": rule_file_text(missing)}).json()
    assert "nowhere" in told["problems"][0]["message"]
    page = proposed(anna, rule_set)
    assert decide(ben, page, "approve").status_code == decide(ben, page, "publish").status_code == 303
    listed = anna.get("/rules-lists/places").text
    assert "It cannot be deleted while rules in force refer to it: listed." in listed
    refused = anna.post("/rules-lists/places/delete", data=NOTHING)
    assert refused.status_code == 422
    assert "refer to it (listed)" in refused.text
    make(anna, "unused", "city")
    assert anna.post("/rules-lists/unused/delete", data=NOTHING).status_code == 303
    assert newest(shared).deleted
    assert anna.get("/rules-lists/unused").status_code == 404
    make(anna, "unused", "city")  # a version above that of the deleted one
    assert newest(shared).version == 3
    wrong_names = [
        anna.post("/rules-lists", data={"name": name, "kind": "city"}) for name in ("1x", "", "a-b", "places")
    ]
    assert [answer.status_code for answer in wrong_names] == [422, 422, 422, 409]
    assert anna.post("/rules-lists", data={"name": "other", "kind": "planet"}).status_code == 422


def test_a_change_is_a_proposal_where_lists_need_approvals(tmp_path_factory: pytest.TempPathFactory) -> None:
    with office(tmp_path_factory.mktemp("approved")) as strict:
        anna, ben = strict.client("anna"), strict.client("ben")
        page = anna.post("/rules-lists", data={"name": "mules", "kind": "user"}).headers["location"]
        assert page.startswith("/rules-proposals/")
        assert strict.channel.read() == []
        assert decide(ben, page, "approve").status_code == decide(ben, page, "publish").status_code == 303
        assert re.search("@mules", anna.get("/rules-lists").text)
        assert ben.post("/rules-lists/mules/add", data={"value": ""}).status_code == 422
